"""Ranges of the galaxies of a training."""

import numpy as np
import pandas as pd
from deblend.data.ranges import galaxy_ranges


def test_unknown_values_are_left_out_and_a_range_of_none_is_none():
    galaxies = pd.DataFrame(
        {"mag": [21.5, 19.0, np.nan, 23.0], "half_light_radius_px": [5.0, np.nan, 20.0, 10.0]}
    )
    found = galaxy_ranges(galaxies, 0.06)
    assert found["mag_range"] == [19.0, 23.0]
    np.testing.assert_allclose(found["radius_range_arcsec"], [0.3, 1.2])
    unknown = galaxy_ranges(galaxies.assign(half_light_radius_px=np.nan), 0.06)
    assert unknown == {"mag_range": [19.0, 23.0], "radius_range_arcsec": None}
