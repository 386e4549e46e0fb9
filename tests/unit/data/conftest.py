"""A mosaic of known stamps with its catalogue, for tests of several modules."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from deblend.boucaud2020.simulate import simulate_chunk

from tests.conftest import simulator_config

SIZE, SCALE = 64, 0.06


def header(side):
    """A tangential projection in which north is slightly to the left."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [53.1, -27.8]
    wcs.wcs.crpix = [side / 2 + 0.5] * 2
    angle = np.deg2rad(10)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wcs.wcs.cd = turn @ np.diag([-SCALE / 3600, SCALE / 3600])
    return wcs


@pytest.fixture(scope="session")
def stamps(priors):
    return simulate_chunk(4, "sim", 0, 9, priors, simulator_config(stamp_size=SIZE))


@pytest.fixture
def survey(tmp_path, stamps):
    """A mosaic of nine stamps, with a galaxy at its edge, one outside of it and one in a hole."""
    n = 3 * SIZE
    mosaic = np.block([[stamps.images[3 * j + i, 0] for i in range(3)] for j in range(3)])
    mosaic = np.pad(mosaic, ((0, SIZE), (0, 0)), constant_values=0.02)
    mosaic[n + 40, 100] = np.nan  # no data
    wcs = header(n)
    fits.PrimaryHDU(mosaic.astype(np.float32), wcs.to_header()).writeto(tmp_path / "mosaic.fits")
    centres = [(i * SIZE + SIZE // 2, j * SIZE + SIZE // 2) for j in range(3) for i in range(3)]
    # Any position in the pixel.
    shifts = np.random.default_rng(0).uniform(-0.45, 0.45, (9, 2))
    x, y = np.array([*(centres + shifts), (n - 20, 50), (5000, 50), (96, n + 32)]).T
    ra, dec = wcs.pixel_to_world_values(x, y)
    galaxies = stamps.galaxies
    table = Table(
        {
            "Seq": np.arange(100, 112),
            "_RAJ2000": ra,
            "_DEJ2000": dec,
            "Hmag": [*galaxies["mag"], 21, 21, 21],
            "Re": [*galaxies["half_light_radius_px"] * SCALE, 0.3, 0.3, 0.3],
            "z": np.full(12, 1.0),
        },
        units={"_RAJ2000": "deg", "_DEJ2000": "deg", "Hmag": "mag", "Re": "arcsec"},
    )
    table.write(tmp_path / "catalog.ecsv")
    return tmp_path, table
