"""Limits of the configuration of networks."""

import pytest
from deblend.hemmati2022.config import Hemmati2022, SrConfig
from pydantic import ValidationError

from tests.unit.hemmati2022.conftest import TINY


def test_an_unknown_loss_is_refused():
    with pytest.raises(ValidationError, match="loss"):
        SrConfig(**{**vars(TINY), "loss": "hinge"})


@pytest.mark.parametrize("networks", [["vanilla"], ["vanilla", "sr", "sr"], []])
def test_figures_need_two_networks(networks):
    cutouts = {"goods_south": {"source": "simulated", "bands": []}}
    with pytest.raises(ValidationError, match="bands"):
        Hemmati2022(cutouts=cutouts)
    band = {"name": "f775w", "zero_point": 25.0, "depth_mag": 28.0, "psf_fwhm_arcsec": 0.1}
    cutouts["goods_south"]["bands"] = [band]
    assert "sr" in Hemmati2022(cutouts=cutouts).networks
    with pytest.raises(ValidationError, match="contain vanilla and sr, and each network once"):
        Hemmati2022(cutouts=cutouts, networks=networks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "vanilla", "adversarial_weight": 0}, "vanilla GAN without a loss"),
        ({"adversarial_weight": 0, "content_weight": 0}, "since content_weight is 0 too"),
    ],
)
def test_a_network_without_a_loss_is_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        SrConfig(**{**vars(TINY), **options})


def test_networks_with_either_loss_are_allowed():
    for options in ({"adversarial_weight": 0}, {"content_weight": 0}):
        SrConfig(**{**vars(TINY), **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": {"adversarial_weight": 0}}, "network vanilla without a loss"),
        ({"content_weight": 0}, "0 leaves sr_l1 and sr_multi_l1 without a loss"),
        ({"content_weight": 0, "networks": ["vanilla", "sr", "sr_content"]}, None),
    ],
)
def test_every_network_of_a_run_has_a_loss(options, message):
    band = {"name": "f775w", "zero_point": 25.0, "depth_mag": 28.0, "psf_fwhm_arcsec": 0.1}
    cutouts = {"goods_south": {"source": "simulated", "bands": [band]}}
    if message is None:
        Hemmati2022(cutouts=cutouts, **options)
        return
    with pytest.raises(ValidationError, match=message):
        Hemmati2022(cutouts=cutouts, **options)
