import numpy as np
from deblend.benchmark.methods.forced_fit import measure
from deblend.benchmark.steps import part_of
from deblend.scenes.scenes import position_lists
from deblend.units import mag_from_flux

from tests.unit.scenes.conftest import MAGS


def test_fluxes_at_true_positions_are_those_of_the_galaxies(scenes):
    some = part_of(scenes, 0, 2)
    truth = scenes.truth[scenes.truth["scene"] < 2]
    table = measure(some, positions=position_lists(truth, 2))
    mags = mag_from_flux(table["flux"].to_numpy(), 25.96).reshape(-1, 2)
    assert np.abs(mags - MAGS).max() < 0.05
    assert (table["flux_error"] > 0).all()
