"""What Hemmati et al. 2022 claim in words, as tests on detections, photometry and the map.

A resolution's fractions mean something at a low rate of false positives only, which they exceed:
with a lower threshold any image shows two peaks. Claims on fractions do not hold without that.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import (
    detection_fractions,
    edges,
    false_positive_rate,
    improvement,
    measured,
    with_resolutions,
)
from deblend.report.claims import Claim, NotThere, Result, Tables, listed, table

#: The paper's "main" resolutions.
MAIN = ("high", "low", "gan")


#: Fewest blends of a bin, and of a sample, that say something.
MIN_IN_BIN, MIN_BLENDS = 20, 100


#: Largest rate of false positives at which the fraction of detected blends is one.
TOLERATED = 0.05


#: Around the separation of 0.8 arcsec that Sect. 4 names.
NEAR_ARCSEC = (0.6, 1.0)


SEPARATION = "separation_over_fwhm_sum"


NONE = ("",)


def _detections(tables: Tables, *resolutions: str) -> pd.DataFrame:
    """Blends, if all resolutions were measured."""
    found = with_resolutions(table(tables, "detections"))
    missing = set(resolutions) - set(measured(found))
    if missing or found.empty:
        raise NotThere(f"detections {sorted(missing)}")
    return found


def _share(tables: Tables, resolution: str) -> float:
    found = _detections(tables, resolution)
    if len(found) < MIN_BLENDS:
        raise NotThere(f"{MIN_BLENDS} blends")
    return float(found[f"detected_{resolution}"].mean())


def _rate(tables: Tables, resolution: str, *samples: str) -> pd.Series:
    found = false_positive_rate(table(tables, "false_positives"), resolution, list(samples))
    if not found["n"]:
        raise NotThere(f"false positives of {resolution}")
    return found


def _trusted(tables: Tables, resolution: str) -> tuple[bool, str]:
    """Whether single galaxies seldom show two peaks, blends more often; what to say if not."""
    rate = float(_rate(tables, resolution, "unblended")["rate"])
    good = rate <= TOLERATED and rate < _share(tables, resolution)
    return good, "" if good else f"; but {100 * rate:.3g} % false positives"


def _about(resolution: str, stated: float) -> Callable[..., Result]:
    """The fraction of detected blends is about what the paper has."""

    def test(tables: Tables, network: str, bound: float) -> Result:
        share = _share(tables, resolution)
        good, but = _trusted(tables, resolution)
        n = len(_detections(tables))
        return f"{100 * share:.3g} %, n = {n}{but}", good and abs(share - stated) <= bound

    return test


def _more(resolution: str, than: str) -> Callable[..., Result]:
    """The fraction of detected blends is larger by more than a bound."""

    def test(tables: Tables, network: str, bound: float) -> Result:
        shares = {name: 100 * _share(tables, name) for name in (resolution, than)}
        good, but = _trusted(tables, resolution)
        gain = (shares[resolution] - shares[than]) / 100
        return f"{listed(shares)} %{but}", good and gain > bound

    return test


def _at_least_more(resolution: str, than: str) -> Callable[..., Result]:
    """As `_more`, the bound itself included."""

    def test(tables: Tables, network: str, bound: float) -> Result:
        # Shares of a few thousand blends are no exact decimals.
        return _more(resolution, than)(tables, network, bound - 1e-9)

    return test


def _bins(tables: Tables, quantity: str, *resolutions: str) -> pd.DataFrame:
    """Fractions in the bins of Fig. 5 that have enough blends, a column a resolution."""
    found = _detections(tables, *resolutions)
    if not np.isfinite(found[quantity]).any():
        raise NotThere(quantity)
    bins = detection_fractions(found, quantity, edges(found[quantity]), resolutions)
    bins = bins[bins["n"] >= MIN_IN_BIN]
    wide = bins.pivot(index="bin_low", columns="resolution", values="fraction")
    if len(wide) < 3:
        raise NotThere(f"bins of {quantity}")
    return wide


def _more_in_bins(resolution: str, than: str) -> Callable[..., Result]:
    """More is detected in at least a share of the bins of separation."""

    def test(tables: Tables, network: str, bound: float) -> Result:
        wide = _bins(tables, SEPARATION, resolution, than)
        good, but = _trusted(tables, resolution)
        better = int((wide[resolution] > wide[than]).sum())
        return f"{better} of {len(wide)} bins{but}", good and better >= bound * len(wide)

    return test


def _trend(found: pd.DataFrame, quantity: str, resolution: str) -> float:
    """Sigmas of the correlation between detections and the rank of a quantity."""
    known = found[np.isfinite(found[quantity])]
    hit = known[f"detected_{resolution}"].astype(float)
    if len(known) < MIN_BLENDS or hit.nunique() < 2 or known[quantity].nunique() < 2:
        raise NotThere(f"{resolution} against {quantity}")
    return float(known[quantity].rank().corr(hit) * np.sqrt(len(known) - 1))


def _changes(quantity: str, sign: int) -> Callable[..., Result]:
    """The fraction rises (1) or falls (-1) with a quantity, in all resolutions."""

    def test(tables: Tables, network: str, bound: float) -> Result:
        found = _detections(tables, *MAIN)
        values = {r: _trend(found, quantity, r) for r in MAIN}
        return f"{listed(values)} sigma", min(sign * v for v in values.values()) > bound

    return test


def _no_trend(quantity: str) -> Callable[..., Result]:
    def test(tables: Tables, network: str, bound: float) -> Result:
        found = _detections(tables, *MAIN)
        values = {r: _trend(found, quantity, r) for r in MAIN}
        return f"{listed(values)} sigma", max(map(abs, values.values())) <= bound

    return test


def _low_flux_ratios(tables: Tables, network: str, bound: float) -> Result:
    first = _bins(tables, "delta_mag", *MAIN).iloc[0]
    good, but = _trusted(tables, "gan")
    stated = {"high": 0.8, "low": 0.2, "gan": 0.6}
    near = all(abs(first[r] - value) <= bound for r, value in stated.items())
    return f"{listed({r: 100 * first[r] for r in MAIN})} %{but}", good and near


def _high_flux_ratios(tables: Tables, network: str, bound: float) -> Result:
    last = _bins(tables, "delta_mag", "low", "gan").iloc[-1]
    return f"{listed((100 * last).to_dict())} %", last["gan"] - last["low"] <= bound


def _around_08_arcsec(tables: Tables, network: str, bound: float) -> Result:
    found = _detections(tables, *MAIN)
    found = found[found["separation_arcsec"].between(*NEAR_ARCSEC)]
    if len(found) < MIN_IN_BIN:
        raise NotThere("blends around 0.8 arcsec")
    shares = {r: float(found[f"detected_{r}"].mean()) for r in MAIN}
    good, but = _trusted(tables, "gan")
    text = f"{listed({r: 100 * v for r, v in shares.items()})} %, n = {len(found)}{but}"
    most = shares["high"] > 0.5 > shares["low"]
    return text, good and most and shares["gan"] - shares["low"] >= bound


def _false_positives(*samples: str) -> Callable[..., Result]:
    def test(tables: Tables, network: str, bound: float) -> Result:
        found = _rate(tables, "gan", *samples)
        text = f"{100 * found['rate']:.3g} %, n = {found['n']:.0f}"
        return text, bool(found["rate"] <= bound)

    return test


def _same_rate(tables: Tables, network: str, bound: float) -> Result:
    there = measured(_detections(tables, *MAIN))
    rates = {r: float(_rate(tables, r, "unblended")["rate"]) for r in there}
    text = listed({r: 100 * rate for r, rate in rates.items()})
    return f"{text} %", max(rates.values()) <= bound


def _photometry(tables: Tables, network: str, bound: float) -> Result:
    found = improvement(table(tables, "photometry"))
    if not found["n"]:
        raise NotThere("photometry")
    low, gan = 100 * found["low"], 100 * found["gan"]
    text = f"{found['ratio']:.3g} ({low:.3g} % / {gan:.3g} %, n = {found['n']:.0f})"
    return text, found["ratio"] >= bound


def _cells(column: str, stated: float) -> Callable[..., Result]:
    def test(tables: Tables, network: str, bound: float) -> Result:
        value = float(table(tables, "som")[column].iloc[0])
        return f"{value:.3g}", abs(value - stated) <= bound

    return test


CLAIMS = (
    Claim(
        "high_detects",
        "Abstract, Sect. 4",
        "High resolution detects 80 % of the blends: within {bound:.0%}",
        *(_about("high", 0.8), 0.1, 0.2, NONE),
    ),
    Claim(
        "low_detects",
        "Abstract, Sect. 4",
        "Low resolution detects 10 % of the blends: within {bound:.0%}",
        *(_about("low", 0.1), 0.1, 0.2, NONE),
    ),
    Claim(
        "gan_detects",
        "Abstract, Sect. 4",
        "GAN resolution detects 50 % of the blends: within {bound:.0%}",
        *(_about("gan", 0.5), 0.1, 0.2, NONE),
    ),
    Claim(
        "multi_detects",
        "Abstract, Sect. 4.2",
        "The multi-band GAN detects 60 % of the blends: within {bound:.0%}",
        *(_about("gan_multi", 0.6), 0.1, 0.2, NONE),
    ),
    Claim(
        "multi_gain",
        "Abstract, Sect. 4.2",
        "Multi-band over single-band GAN: at least {bound:.0%} of the blends more",
        *(_at_least_more("gan_multi", "gan"), 0.1, 0.05, NONE),
    ),
    Claim(
        "multi_more",
        "Sect. 4.2",
        "The multi-band GAN detects more than the single-band one",
        *(_more("gan_multi", "gan"), 0, None, NONE),
    ),
    Claim(
        "gan_more_in_bins",
        "Sect. 4, Fig. 5",
        "The GAN detects more than low resolution in {bound:.0%} of the bins of separation",
        *(_more_in_bins("gan", "low"), 1, 0.75, NONE),
    ),
    Claim(
        "gan_more_than_best_filter",
        "ours",
        "It detects more than low resolution with the filter best for it, by more than {bound:.0%}",
        *(_more("gan", "low_best"), 0.1, 0, NONE),
    ),
    Claim(
        "gan_more_than_best_filter_in_bins",
        "ours",
        "The same in {bound:.0%} of the bins of separation",
        *(_more_in_bins("gan", "low_best"), 1, 0.75, NONE),
    ),
    Claim(
        "around_08_arcsec",
        "Sect. 4",
        "At 0.6 to 1.0 arcsec, most detected in high, few in low, {bound:.0%} more with the GAN",
        *(_around_08_arcsec, 0.2, 0.1, NONE),
    ),
    Claim(
        "rises_with_separation",
        "Sect. 4, Fig. 5",
        "Fractions rise with separation over sizes: by {bound:g} sigma in high, low and GAN",
        *(_changes(SEPARATION, 1), 3, 2, NONE),
    ),
    Claim(
        "falls_with_flux_ratio",
        "Sect. 4, Fig. 5",
        "Fractions fall with the flux ratio: by {bound:g} sigma in high, low and GAN",
        *(_changes("delta_mag", -1), 3, 2, NONE),
    ),
    Claim(
        "no_trend_with_redshift",
        "Sect. 4, Fig. 5",
        "No change with the redshift difference: below {bound:g} sigma in high, low and GAN",
        *(_no_trend("delta_z"), 2, 3, NONE),
    ),
    Claim(
        "low_flux_ratios",
        "Sect. 4",
        "At the lowest flux ratios 80, 20, 60 % in high, low, GAN: within {bound:.0%}",
        *(_low_flux_ratios, 0.1, 0.2, NONE),
    ),
    Claim(
        "high_flux_ratios",
        "Sect. 4",
        "At the highest flux ratios the GAN gains nothing over low: at most {bound:.0%}",
        *(_high_flux_ratios, 0.05, 0.1, NONE),
    ),
    Claim(
        "false_positives",
        "Sect. 4",
        "False positives of the GAN about 1 %, on single galaxies: at most {bound:.0%}",
        *(_false_positives("unblended"), 0.02, 0.05, NONE),
    ),
    Claim(
        "false_positives_pooled",
        "Sect. 4",
        "The same with blends of one peak in high and low: at most {bound:.0%}",
        *(_false_positives("unblended", "one_peak"), 0.02, 0.05, NONE),
    ),
    Claim(
        "same_false_positive_rate",
        "ours",
        "False positives on single galaxies at most {bound:.0%} in every resolution compared",
        *(_same_rate, 0.02, 0.05, NONE),
    ),
    Claim(
        "photometry_improves",
        "Abstract, Sect. 4.1",
        "Median |flux error| of the dominant source {bound:g} times smaller with GAN positions",
        *(_photometry, 10, 2, NONE),
    ),
    Claim(
        "cells_mean",
        "Sect. 4",
        "6 blends in a cell of the map, in the mean: within {bound:g}",
        *(_cells("mean_occupancy", 6), 1.5, 3, NONE),
    ),
    Claim(
        "cells_median",
        "Sect. 4",
        "6 blends in a cell of the map, in the median: within {bound:g}",
        *(_cells("median_occupancy", 6), 1.5, 3, NONE),
    ),
    Claim(
        "cells_dispersion",
        "Sect. 4",
        "A dispersion of 3 blends a cell: within {bound:g}",
        *(_cells("dispersion", 3), 1.5, 3, NONE),
    ),
)
