import json

import numpy as np
import pytest
import torch
from deblend.benchmark.methods.posterior import measure
from deblend.benchmark.posterior_calibration import Calibration
from deblend.benchmark.posterior_network import PosteriorNetwork
from deblend.errors import UnsuitedError
from deblend.training.torch_checkpoint import write_weights

from tests.unit.scenes.conftest import two_galaxies

SIDE = 32


@pytest.fixture
def files(tmp_path):
    """A network that was not trained."""
    torch.manual_seed(0)
    network = PosteriorNetwork(4, 1)
    network.log_mean.fill_(3.0)
    write_weights(tmp_path / "network.h5", network)
    write_weights(tmp_path / "calibration.h5", Calibration())
    scenes = two_galaxies(n=1, side=SIDE)
    record = {
        **{"filters": 4, "blocks": 1, "stamp_size": SIDE, "noise_sigma": 0.01},
        "pixel_scale_arcsec": scenes.pixel_scale_arcsec,
        "zero_point": float(scenes.zero_points[0]),
    }
    (tmp_path / "network.json").write_text(json.dumps(record))
    names = {"weights": "network.h5", "description": "network.json"}
    names["calibration"] = "calibration.h5"
    return {key: str(tmp_path / name) for key, name in names.items()}


def test_what_was_not_learnt_is_uncertain(files):
    found = measure(two_galaxies(n=2, side=SIDE), **files)
    assert found.uncertain.all()
    assert found.draws.shape == (4, 512)
    width = -1.25 * np.log10(found.table["flux_p16"] / found.table["flux_p84"])
    assert (width > 0.3).all()


def test_other_pixels_are_refused(files, tmp_path):
    record = json.loads((tmp_path / "network.json").read_text())
    record["pixel_scale_arcsec"] *= 1.1
    (tmp_path / "network.json").write_text(json.dumps(record))
    with pytest.raises(UnsuitedError, match="arcsec per pixel"):
        measure(two_galaxies(n=1, side=SIDE), **files)
