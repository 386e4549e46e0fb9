"""Descriptions of networks: what they may say, and what building from them costs."""

import json
from pathlib import Path

import pytest
import torch
from deblend.errors import DeblendError
from deblend.training.description import read_description
from deblend.training.torch_checkpoint import build_network, write_weights

ROOT = Path(__file__).parents[3]
#: Descriptions of trainings that have been run.
WRITTEN = sorted(ROOT.glob("evidence/**/network.json"))


def put(folder, record):
    path = folder / "network.json"
    path.write_text(json.dumps(record))
    return path


def test_what_trainings_wrote_is_read_as_it_is():
    assert len(WRITTEN) > 5
    for path in WRITTEN:
        assert read_description(path) == json.loads(path.read_text())


def test_each_band_needs_its_own_values(tmp_path):
    record = json.loads((ROOT / "evidence/weights/sr_multi/network.json").read_text())
    record["images"]["zero_point"] = record["images"]["zero_point"][:1]
    with pytest.raises(DeblendError, match=r"images has 1 zero_point, and there are \d bands"):
        read_description(put(tmp_path, record))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"stamp_size": "64"}, r"network.json .*stamp_size: Input should be.*it is '64'"),
        ({"psf_fwhm_arcsec": float("nan")}, "psf_fwhm_arcsec: Input should be a finite number"),
        ({"options": {"unet_options": {"depth": 99}}}, "options > unet_options > depth"),
        ({"bands": []}, "bands: List should have at least 1 item"),
    ],
)
def test_a_value_that_cannot_be_is_named(tmp_path, changed, message):
    with pytest.raises(DeblendError, match=message):
        read_description(put(tmp_path, changed))


def test_a_network_far_larger_than_its_weights_is_refused(tmp_path):
    weights, description = tmp_path / "network.h5", put(tmp_path, {})
    write_weights(weights, torch.nn.Linear(3, 2))
    # 40 GB, which are not taken.
    with pytest.raises(DeblendError, match="10000100000 parameters is not in .*network.h5"):
        build_network(lambda: torch.nn.Linear(10**5, 10**5), weights, description)


def test_planning_a_network_draws_no_random_numbers(tmp_path):
    weights, description = tmp_path / "network.h5", put(tmp_path, {})
    write_weights(weights, torch.nn.Linear(3, 2))
    torch.manual_seed(1)
    torch.nn.Linear(3, 2)
    once = torch.rand(1)
    torch.manual_seed(1)
    build_network(lambda: torch.nn.Linear(3, 2), weights, description)
    assert torch.equal(torch.rand(1), once)
