"""Scenes of two Sersic galaxies each."""

import pytest

from tests.unit.scenes.conftest import two_galaxies


@pytest.fixture(scope="package")
def scenes():
    return two_galaxies()
