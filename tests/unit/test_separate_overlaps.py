"""The program that separates true overlaps: tools/separate_overlaps.py."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from deblend.errors import DeblendError
from deblend.reiman2019.config import PerturbConfig
from deblend.reiman2019.networks import CopyGateGenerator
from deblend.training.torch_checkpoint import write_weights
from PIL import Image

from tests.conftest import ROOT
from tests.unit.test_fits_to_sep import tool

TOOL = tool("separate_overlaps")


@pytest.fixture
def run(tmp_path):
    """A run with a generator of random weights, and two images."""
    folder = tmp_path / "networks/deblender_gan"
    folder.mkdir(parents=True)
    torch.manual_seed(1)
    write_weights(folder / "network.h5", CopyGateGenerator(2, 1))
    record = {"generator": "copy_gate", "filters": 2, "levels": 1, "precision": "float32"}
    record |= {"perturbation": PerturbConfig(crop_px=96, reduce_by=3).model_dump()}
    record |= {"problem": None, "scale": "small", "dataset": "zoo"}
    (folder / "network.json").write_text(json.dumps(record))
    index = pd.DataFrame({"row": [0, 1], "id": ["007", "8"], "split": ["test", "train"]})
    (tmp_path / "datasets/zoo").mkdir(parents=True)
    index.to_csv(tmp_path / "datasets/zoo/index.csv", index=False)
    rng = np.random.default_rng(1)
    for name in ("007", "8"):
        Image.fromarray(rng.integers(0, 99, (106, 106, 3), np.uint8)).save(tmp_path / f"{name}.jpg")
    return tmp_path


def test_images_are_separated_and_drawn_with_their_split(run, drawn):
    TOOL.separate_overlaps(run, run, run / "figure.png", ["007", "8"])
    assert plt.imread(run / "figure.png").std() > 0.02
    texts = {text.get_text() for text in drawn[0].findobj(plt.Text)}
    assert {"007 (test)", "8 (train)", "small scale, zoo, deblender_gan, n = 2"} <= texts


def test_a_missing_image_is_named(run):
    with pytest.raises(DeblendError, match=r"there is no .*9\.jpg: correct the folder"):
        TOOL.separate_overlaps(run, run, run / "figure.png", ["007", "9"])
    with pytest.raises(DeblendError, match=r"other.network\.h5.*train the network"):
        TOOL.separate_overlaps(run, run, run / "figure.png", ["007"], "other")


def test_the_list_has_a_dozen_ids():
    ids = pd.read_csv(ROOT / "config/examples/overlaps.csv", dtype=str)["id"]
    assert len(set(ids)) == len(ids) == 12
