import importlib.util

import numpy as np
import pytest
from deblend.benchmark.methods.scarlet2_fit import box_px, measure
from deblend.benchmark.steps import part_of
from deblend.errors import UnsuitedError
from deblend.scenes.scenes import position_lists
from deblend.units import mag_from_flux

from tests.unit.scenes.conftest import MAGS, two_galaxies

INSTALLED = importlib.util.find_spec("scarlet2") is not None


def test_boxes_hold_large_galaxies_and_end_with_the_stamp():
    assert box_px(np.nan, 128) == box_px(2.0, 128) == 41
    sides = [box_px(radius, 128) for radius in (4.0, 6.0, 9.0, 30.0)]
    assert sides == [61, 81, 121, 127]
    assert box_px(30.0, 129) == 129


@pytest.mark.skipif(INSTALLED, reason="scarlet2 is installed")
def test_without_the_package_the_error_says_what_to_do(scenes):
    with pytest.raises(UnsuitedError, match=r"pip install -r requirements-scarlet2\.txt"):
        measure(scenes)


@pytest.mark.skipif(not INSTALLED, reason="scarlet2 is not installed: an optional package")
def test_fluxes_are_those_of_the_galaxies():
    scenes = two_galaxies(n=1, side=48)
    some = part_of(scenes, 0, 1)
    found = measure(some, positions=position_lists(scenes.truth, 1), max_steps=200)
    mags = np.sort(mag_from_flux(found.table["flux"].to_numpy(), 25.96))
    assert np.abs(mags - MAGS).max() < 0.15
    np.testing.assert_allclose(found.images.sum(axis=(1, 2)), found.table["flux"], rtol=1e-3)
