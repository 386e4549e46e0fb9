"""Limits of the configuration of networks."""

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import render_blends
from deblend.hemmati2022.config import Hemmati2022, SrConfig, check_cutouts_cover_frames
from pydantic import ValidationError

from tests.unit.hemmati2022.conftest import TINY


def with_parents(parent_px, **blending):
    band = {"name": "f775w", "zero_point": 25.0, "depth_mag": 28.0, "psf_fwhm_arcsec": 0.1}
    cutouts = {"goods_south": {"source": "simulated", "bands": [band], "parent_px": parent_px}}
    return Hemmati2022(cutouts=cutouts, blending=blending)


@pytest.mark.parametrize(
    ("needed", "blending"),
    [
        (151, {}),
        (108, {"any_angle": False}),
        (88, {"any_angle": False, "max_shift_px": 10}),
        (151, {"shift_rule": "authors", "max_shift_px": 5}),
    ],
)
def test_cutouts_cover_the_frames_of_all_blends(needed, blending):
    check_cutouts_cover_frames(with_parents(needed, **blending).model_dump())
    small = with_parents(needed - 1, **blending).model_dump()
    with pytest.raises(DeblendError, match=f"{needed - 1} px are too few.*give {needed} or"):
        check_cutouts_cover_frames(small)


@pytest.mark.parametrize("any_angle", [True, False])
def test_blends_can_be_made_of_the_smallest_cutouts(any_angle):
    """The check of the configuration is that of the library."""
    needed = 151 if any_angle else 108
    rows = {"blend": [0], "galaxy_0": [0], "galaxy_1": [0], "orientation_0": 4, "orientation_1": 0}
    rows |= {"dx_0": 20, "dy_0": -20, "dx_1": -20, "dy_1": 20}
    rows |= {"angle_deg_0": 45.0 if any_angle else 90.0, "angle_deg_1": 0.0}
    images = np.ones((1, 1, needed, needed), np.float32)
    made = render_blends(images, pd.DataFrame(rows))
    assert made == pytest.approx(2 * np.ones((1, 1, 66, 66)))


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
