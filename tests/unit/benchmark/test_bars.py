import numpy as np
import pandas as pd
import pytest
from deblend.benchmark.bars import density_bars

N = 3000


def scores(**changes):
    row = {"set": "s", "method": "ours", "nmad_all_mag": 0.07, "coverage_68": 0.69}
    row |= {"coverage_95": 0.945, "pit_ks": 0.02, "uncertain_uncrowded_percent": 4.0}
    row |= {"outliers_known_percent": 85.0}
    others = {"set": "s", "method": ["net", "bad", "sep"], "nmad_all_mag": [0.12, 0.2, 0.05]}
    return pd.concat([pd.DataFrame([row | changes]), pd.DataFrame(others)], ignore_index=True)


def pairs(first="net", second="ours", low=1.4, high=1.8):
    row = {"set": "s", "first": first, "second": second}
    return pd.DataFrame([row | {"ratio_all_low": low, "ratio_all_high": high}])


def measured(seed=0):
    """Intervals that hold 68 %, of galaxies of any distance."""
    rng = np.random.default_rng(seed)
    true = 10 + rng.normal(size=N)
    columns = {"true_flux": true, "low_68": 9.0055, "high_68": 10.9945}
    columns |= {"delta_mag": rng.uniform(-2, 2, N), "separation_over_size": rng.uniform(0, 4, N)}
    return pd.DataFrame(columns)


def bars(table=None, paired=None, galaxies=None):
    made = density_bars(
        "ours",
        scores() if table is None else table,
        pairs() if paired is None else paired,
        measured() if galaxies is None else galaxies,
        ["net", "bad"],
    )
    return made.set_index("bar")


def test_all_bars_are_met():
    found = bars()
    assert found["met"].all()
    # The best network of the papers, not the best of all; the other way round.
    assert found["value"].iloc[0] == pytest.approx(1 / 1.4)
    assert bars(paired=pairs("ours", "net", 0.5, 0.7))["value"].iloc[0] == 0.7


@pytest.mark.parametrize(
    ("changes", "bar"),
    [
        ({"coverage_68": 0.71}, "coverage of 68 % intervals"),
        ({"coverage_95": 0.93}, "coverage of 95 % intervals"),
        ({"pit_ks": 0.04}, "distance of the PIT"),
        (
            {"uncertain_uncrowded_percent": 6.0},
            "fluxes with a warning, without a further galaxy (%)",
        ),
        ({"outliers_known_percent": 70.0}, "outliers with a warning (%)"),
    ],
)
def test_a_bar_that_is_missed_is_called_so(changes, bar):
    found = bars(table=scores(**changes))["met"]
    assert found[~found.astype(bool)].index.tolist() == [bar]


def test_a_third_of_the_galaxies_can_miss_its_bar():
    galaxies = measured()
    # Wrong at both ends, right on the whole.
    distance = galaxies["separation_over_size"]
    factor = np.select([distance < 4 / 3, distance > 8 / 3], [1.2, 0.85], 1.0)
    galaxies["true_flux"] = 10 + factor * (galaxies["true_flux"] - 10)
    found = bars(galaxies=galaxies)
    missed = found[~found["met"].astype(bool)]
    assert missed.index.tolist() == [
        "coverage of 68 % intervals in the worst third by separation_over_size"
    ]
    assert missed["value"].iloc[0] == pytest.approx(0.594, abs=0.03)


def test_without_rivals_there_is_no_verdict():
    found = bars(table=scores().iloc[:1])
    assert np.isnan(found["value"].iloc[0])
    assert found["met"].iloc[0] is None
