"""Causes of errors told apart, on errors that are made one by one."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.baselines import causes_of_errors, isolated_statistics
from deblend.boucaud2020.metrics import photometry_table
from deblend.boucaud2020.predictions import prediction_table, truth
from deblend.boucaud2020.sep_self import self_predictions

N_GALAXIES, N_BLENDS, ZERO_POINT = 400, 1500, 26.0
ISOPHOTES, APERTURES, BLENDING = 0.3, 0.05, 0.1


def noise(rng, scale, shape):
    return rng.normal(0, scale, shape)


@pytest.fixture(scope="module")
def table():
    """Isophotes of each galaxy are wrong by 0.3 mag, whether it is blended or not; blending adds
    errors of 0.1 mag, of a few galaxies by 2 mag."""
    rng = np.random.default_rng(0)
    galaxies = pd.DataFrame({"id": np.arange(N_GALAXIES).astype(str)})
    galaxies["mag"] = rng.uniform(20, 23, N_GALAXIES)
    galaxies["split"] = np.where(np.arange(N_GALAXIES) % 2, "test", "validation")
    mag = galaxies["mag"].to_numpy()
    measured = {
        "iso": mag + noise(rng, ISOPHOTES, N_GALAXIES),
        "auto": mag + noise(rng, APERTURES, N_GALAXIES),
    }
    isolated = galaxies.reset_index(names="galaxy")[["galaxy", "mag", "split"]]
    for kind, values in measured.items():
        flux = 10 ** (-0.4 * (values - ZERO_POINT))
        modes = (f"flux_{kind}", f"flux_{kind}_cold", f"flux_{kind}_hot")
        isolated = isolated.assign(**dict.fromkeys(modes, flux))
    test = np.flatnonzero(galaxies["split"] == "test")
    blends = pd.DataFrame({"blend": np.arange(N_BLENDS)})
    blends["central"], blends["companion"] = rng.choice(test, (2, N_BLENDS))
    rows = blends[["central", "companion"]].to_numpy()
    blending = noise(rng, BLENDING, rows.shape) + 2 * (rng.random(rows.shape) < 0.05)
    zero_point = np.full((1, 2), ZERO_POINT)

    def predictions(method, mags):
        flux = 10 ** (-0.4 * (mags - ZERO_POINT))
        return prediction_table(blends["blend"].to_numpy(), flux, method, zero_point)

    sep = pd.concat(predictions(f"sep_{k}", v[rows] + blending) for k, v in measured.items())
    detections = blends[["blend"]].assign(mode=np.where(blends["blend"] % 2, "cold", "hot"))
    own = self_predictions(sep, detections, isolated, galaxies, blends, ZERO_POINT)
    network = predictions("mine", mag[rows] + noise(rng, 0.08, rows.shape))
    photometry = photometry_table(
        pd.concat([network, own, sep]),
        truth(galaxies, blends, ZERO_POINT),
        pd.Series(2, index=blends["blend"]),
        n_resamples=20,
        seed=0,
    )
    zero_points = pd.DataFrame({"method": ["sep_iso", "sep_auto"], "zero_point": ZERO_POINT})
    alone = isolated_statistics(isolated, zero_points, n_resamples=20, seed=0)
    return causes_of_errors(alone, photometry.assign(scale="toy"))


def value(table, statistic, method, selection="both"):
    rows = table[(table["method"] == method) & (table["selection"] == selection)]
    return rows[statistic].to_numpy()


def test_each_cause_can_be_read_off(table):
    # Isophotes: galaxies alone.
    assert value(table, "nmad_mag", "sep_iso", "isolated") == pytest.approx([ISOPHOTES], rel=0.15)
    assert value(table, "nmad_mag", "sep_auto", "isolated") == pytest.approx([APERTURES], rel=0.2)
    # Blending: SEP against itself, whatever the aperture.
    for method in ("sep_iso_self", "sep_auto_self"):
        assert value(table, "nmad_mag", method) == pytest.approx([BLENDING] * 2, rel=0.2)
        # Tails: the standard deviation has them.
        assert (value(table, "sigma_mag", method) > 3 * BLENDING).all()
        assert value(table, "tails_percent", method) == pytest.approx([5, 5], abs=1.5)
    both = np.hypot(ISOPHOTES, BLENDING)
    assert value(table, "nmad_mag", "sep_iso") == pytest.approx([both] * 2, rel=0.2)
    assert value(table, "nmad_mag", "mine") == pytest.approx([0.08] * 2, rel=0.1)


def test_every_row_says_what_its_errors_come_from(table):
    causes = table.drop_duplicates(["errors_from", "method"]).set_index("errors_from")["method"]
    assert causes.to_dict() == {
        "isophotes": "sep_iso",
        "Kron apertures": "sep_auto",
        "isophotes, blending": "sep_iso",
        "Kron apertures, blending": "sep_auto",
        "blending": "sep_auto_self",
        "network": "mine",
    }
    # Isolated galaxies are first, networks last; each method has three selections of two galaxies.
    assert table["selection"].iloc[:2].tolist() == ["isolated"] * 2
    assert table["method"].iloc[-6:].tolist() == ["mine"] * 6
    assert len(table) == 2 + 5 * 6


def test_rows_have_intervals_and_only_test_galaxies_count(table):
    alone = table[table["selection"] == "isolated"]
    assert (alone["n"] == N_GALAXIES // 2).all()
    for name in ("nmad_mag", "sigma_mag"):
        assert (table[f"{name}_low"] < table[f"{name}_high"]).all()
