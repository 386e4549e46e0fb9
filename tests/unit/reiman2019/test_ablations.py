"""Scores of the generator copy_gate without some of its parts."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.reiman2019.ablations import ablation_scores
from deblend.reiman2019.networks import CopyGateGenerator
from deblend.training.torch_checkpoint import write_weights

from tests.unit.reiman2019.conftest import PAIRS

pytestmark = pytest.mark.usefixtures("one_thread")


def write_network(folder, bias, **options):
    """A generator whose gates and residuals are the same everywhere."""
    network = CopyGateGenerator(2, 1, **options)
    for branch in network.branches.values():
        torch.nn.init.zeros_(branch.conv.weight)
        branch.conv.bias.data = torch.tensor(bias)
    folder.mkdir()
    write_weights(folder / "network.h5", network)
    record = {"generator": "copy_gate", "filters": 2, "levels": 1, "precision": "float32"}
    made = {"perturbation": PAIRS.model_dump(), "n_parameters_generator": 7, "seconds": 3.0}
    made["val_psnr_db"] = 20.0
    description = record | options | made | {"problem": None}
    (folder / "network.json").write_text(json.dumps(description))
    return folder / "network.h5", folder / "network.json"


def test_each_ablation_is_scored_beside_the_blend(frames, tmp_path):
    np.save(tmp_path / "frames.npy", frames)
    index = pd.DataFrame({"row": np.arange(12), "split": ["test"] * 12})
    index.to_csv(tmp_path / "index.csv", index=False)
    networks = {
        "complete": write_network(tmp_path / "copies", [1.0] * 12 + [0.0] * 12),
        "black": write_network(tmp_path / "black", [0.0] * 12, parts="residual"),
    }
    table = ablation_scores(
        tmp_path / "frames.npy",
        tmp_path / "index.csv",
        networks,
        PAIRS.model_dump(),
        images="galaxyzoo",
        n_blends=10,
        seed=1,
        device=torch.device("cpu"),
        orientations=8,
    )
    names = ["complete", "black", "one_orientation", "blend"]
    assert list(table["ablation"].drop_duplicates()) == names
    by_name = table.set_index(["ablation", "galaxy"])
    copied, blend = by_name.loc["complete"], by_name.loc["blend"]
    # Copies of the blend with 8 bits differ from it by a rounding.
    assert copied["psnr_db"].to_numpy() == pytest.approx(blend["psnr_db"].to_numpy(), abs=0.05)
    # It makes the same of every pixel, whatever the orientation.
    one = by_name.loc["one_orientation"]
    assert one["psnr_db"].to_numpy() == pytest.approx(copied["psnr_db"].to_numpy(), abs=1e-3)
    black = by_name.loc["black"]
    assert (black["psnr_db"] != copied["psnr_db"]).all()
    assert (black["psnr_db_error"] > 0).all()
    mean = black.loc[["central", "companion"], "psnr_db"].mean()
    assert black.loc["both", "psnr_db"] == pytest.approx(mean)
    assert (copied["n_parameters"] == 7).all() and (copied["seconds"] == 3).all()
    assert (copied["val_psnr_db"] == 20).all()
    assert blend[["n_parameters", "val_psnr_db", "seconds"]].isna().all(axis=None)
