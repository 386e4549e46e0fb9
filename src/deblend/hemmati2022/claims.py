"""What Hemmati et al. 2022 claim in words, as tests on detections, photometry and the map.

A resolution's fractions mean something at a low rate of false positives only, which they exceed:
with a lower threshold any image shows two peaks. Claims on fractions do not hold without that.

The tables are `detections` (see `deblend.hemmati2022.metrics.with_resolutions`), `false_positives`
(see `deblend.hemmati2022.metrics.false_positive_rate`), `photometry` (see
`deblend.hemmati2022.metrics.flux_errors`) and `som` (a row: `mean_occupancy`, `median_occupancy`,
`dispersion`).
"""
# ruff: noqa: D103 (what a claim says is in its decorator)

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
from deblend.report.claims import Claims, MissingResult, Result, Tables, listed, says, table

CLAIMS = Claims()
claim = CLAIMS.add

#: The paper's "main" resolutions.
MAIN = ("high", "low", "gan")

#: Fewest blends of a bin, and of a sample, that say something.
MIN_IN_BIN, MIN_BLENDS = 20, 100

#: Largest rate of false positives at which the fraction of detected blends is one.
TOLERATED = 0.05

#: Around the separation of 0.8 arcsec that Sect. 4 names.
NEAR_ARCSEC = (0.6, 1.0)

SEPARATION = "separation_over_fwhm_sum"


def _detections(tables: Tables, *resolutions: str) -> pd.DataFrame:
    """Blends, if all resolutions were measured."""
    found = with_resolutions(table(tables, "detections"))
    missing = set(resolutions) - set(measured(found))
    if missing or found.empty:
        raise MissingResult(f"detections {sorted(missing)}")
    return found


def _share(tables: Tables, resolution: str) -> float:
    found = _detections(tables, resolution)
    if len(found) < MIN_BLENDS:
        raise MissingResult(f"{MIN_BLENDS} blends")
    return float(found[f"detected_{resolution}"].mean())


def _rate(tables: Tables, resolution: str, *samples: str) -> pd.Series:
    found = false_positive_rate(table(tables, "false_positives"), resolution, list(samples))
    if not found["n"]:
        raise MissingResult(f"false positives of {resolution}")
    return found


def _trusted(tables: Tables, resolution: str) -> tuple[bool, str]:
    """Whether single galaxies seldom show two peaks, blends more often; what to say if not."""
    rate = float(_rate(tables, resolution, "unblended")["rate"])
    good = rate <= TOLERATED and rate < _share(tables, resolution)
    return good, "" if good else f"; but {100 * rate:.3g} % false positives"


def _bins(tables: Tables, quantity: str, *resolutions: str) -> pd.DataFrame:
    """Fractions in the bins of Fig. 5 that have enough blends, a column a resolution."""
    found = _detections(tables, *resolutions)
    if not np.isfinite(found[quantity]).any():
        raise MissingResult(quantity)
    bins = detection_fractions(found, quantity, edges(found[quantity]), resolutions)
    bins = bins[bins["n"] >= MIN_IN_BIN]
    wide = bins.pivot(index="bin_low", columns="resolution", values="fraction")
    if len(wide) < 3:
        raise MissingResult(f"bins of {quantity}")
    return wide


def _trend(found: pd.DataFrame, quantity: str, resolution: str) -> float:
    """Sigmas of the correlation between detections and the rank of a quantity."""
    known = found[np.isfinite(found[quantity])]
    hit = known[f"detected_{resolution}"].astype(float)
    if len(known) < MIN_BLENDS or hit.nunique() < 2 or known[quantity].nunique() < 2:
        raise MissingResult(f"{resolution} against {quantity}")
    return float(known[quantity].rank().corr(hit) * np.sqrt(len(known) - 1))


def _trends(tables: Tables, quantity: str) -> dict[str, float]:
    found = _detections(tables, *MAIN)
    return {resolution: _trend(found, quantity, resolution) for resolution in MAIN}


def _about(tables: Tables, resolution: str, stated: float, bound: float) -> Result:
    """The fraction of detected blends is about what the paper has."""
    share = _share(tables, resolution)
    good, but = _trusted(tables, resolution)
    n = len(_detections(tables))
    return f"{100 * share:.3g} %, n = {n}{but}", good and abs(share - stated) <= bound


def _more(tables: Tables, resolution: str, than: str, bound: float) -> Result:
    """The fraction of detected blends is larger by more than a bound."""
    shares = {name: 100 * _share(tables, name) for name in (resolution, than)}
    good, but = _trusted(tables, resolution)
    gain = (shares[resolution] - shares[than]) / 100
    return f"{listed(shares)} %{but}", good and gain > bound


def _more_in_bins(tables: Tables, resolution: str, than: str, bound: float) -> Result:
    """More is detected in at least a share of the bins of separation."""
    wide = _bins(tables, SEPARATION, resolution, than)
    good, but = _trusted(tables, resolution)
    better = int((wide[resolution] > wide[than]).sum())
    return f"{better} of {len(wide)} bins{but}", good and better >= bound * len(wide)


def _few_false_positives(tables: Tables, samples: tuple[str, ...], bound: float) -> Result:
    """The GAN's rate of false positives on samples is at most a bound."""
    found = _rate(tables, "gan", *samples)
    text = f"{100 * found['rate']:.3g} %, n = {found['n']:.0f}"
    return text, bool(found["rate"] <= bound)


def _cells(tables: Tables, column: str, stated: float, bound: float) -> Result:
    """A number of blends in a cell of the map is about what the paper has."""
    value = float(table(tables, "som")[column].iloc[0])
    return f"{value:.3g}", abs(value - stated) <= bound


@claim("high_detects", "Abstract, Sect. 4", stated=0.1, relaxed=0.2)
@says("High resolution detects 80 % of the blends: within {bound:.0%}")
def high_detects(tables: Tables, bound: float) -> Result:
    return _about(tables, "high", 0.8, bound)


@claim("low_detects", "Abstract, Sect. 4", stated=0.1, relaxed=0.2)
@says("Low resolution detects 10 % of the blends: within {bound:.0%}")
def low_detects(tables: Tables, bound: float) -> Result:
    return _about(tables, "low", 0.1, bound)


@claim("gan_detects", "Abstract, Sect. 4", stated=0.1, relaxed=0.2)
@says("GAN resolution detects 50 % of the blends: within {bound:.0%}")
def gan_detects(tables: Tables, bound: float) -> Result:
    return _about(tables, "gan", 0.5, bound)


@claim("multi_detects", "Abstract, Sect. 4.2", stated=0.1, relaxed=0.2)
@says("The multi-band GAN detects 60 % of the blends: within {bound:.0%}")
def multi_detects(tables: Tables, bound: float) -> Result:
    return _about(tables, "gan_multi", 0.6, bound)


@claim("multi_gain", "Abstract, Sect. 4.2", stated=0.1, relaxed=0.05)
@says("Multi-band over single-band GAN: at least {bound:.0%} of the blends more")
def multi_gain(tables: Tables, bound: float) -> Result:
    # The bound itself is enough; shares of a few thousand blends are no exact decimals.
    return _more(tables, "gan_multi", "gan", bound - 1e-9)


@claim("multi_more", "Sect. 4.2", stated=0)
@says("The multi-band GAN detects more than the single-band one")
def multi_more(tables: Tables, bound: float) -> Result:
    return _more(tables, "gan_multi", "gan", bound)


@claim("gan_more_in_bins", "Sect. 4, Fig. 5", stated=1, relaxed=0.75)
@says("The GAN detects more than low resolution in {bound:.0%} of the bins of separation")
def gan_more_in_bins(tables: Tables, bound: float) -> Result:
    return _more_in_bins(tables, "gan", "low", bound)


@claim("gan_more_than_best_filter", "ours", stated=0.1, relaxed=0)
@says("It detects more than low resolution with the filter best for it, by more than {bound:.0%}")
def gan_more_than_best_filter(tables: Tables, bound: float) -> Result:
    return _more(tables, "gan", "low_best", bound)


@claim("gan_more_than_best_filter_in_bins", "ours", stated=1, relaxed=0.75)
@says("The same in {bound:.0%} of the bins of separation")
def gan_more_than_best_filter_in_bins(tables: Tables, bound: float) -> Result:
    return _more_in_bins(tables, "gan", "low_best", bound)


@claim("around_08_arcsec", "Sect. 4", stated=0.2, relaxed=0.1)
@says("At 0.6 to 1.0 arcsec, most detected in high, few in low, {bound:.0%} more with the GAN")
def around_08_arcsec(tables: Tables, bound: float) -> Result:
    found = _detections(tables, *MAIN)
    found = found[found["separation_arcsec"].between(*NEAR_ARCSEC)]
    if len(found) < MIN_IN_BIN:
        raise MissingResult("blends around 0.8 arcsec")
    shares = {r: float(found[f"detected_{r}"].mean()) for r in MAIN}
    good, but = _trusted(tables, "gan")
    text = f"{listed({r: 100 * v for r, v in shares.items()})} %, n = {len(found)}{but}"
    most = shares["high"] > 0.5 > shares["low"]
    return text, good and most and shares["gan"] - shares["low"] >= bound


@claim("rises_with_separation", "Sect. 4, Fig. 5", stated=3, relaxed=2)
@says("Fractions rise with separation over sizes: by {bound:g} sigma in high, low and GAN")
def rises_with_separation(tables: Tables, bound: float) -> Result:
    values = _trends(tables, SEPARATION)
    return f"{listed(values)} sigma", min(values.values()) > bound


@claim("falls_with_flux_ratio", "Sect. 4, Fig. 5", stated=3, relaxed=2)
@says("Fractions fall with the flux ratio: by {bound:g} sigma in high, low and GAN")
def falls_with_flux_ratio(tables: Tables, bound: float) -> Result:
    values = _trends(tables, "delta_mag")
    return f"{listed(values)} sigma", max(values.values()) < -bound


@claim("no_trend_with_redshift", "Sect. 4, Fig. 5", stated=2, relaxed=3)
@says("No change with the redshift difference: below {bound:g} sigma in high, low and GAN")
def no_trend_with_redshift(tables: Tables, bound: float) -> Result:
    values = _trends(tables, "delta_z")
    return f"{listed(values)} sigma", max(map(abs, values.values())) <= bound


@claim("low_flux_ratios", "Sect. 4", stated=0.1, relaxed=0.2)
@says("At the lowest flux ratios 80, 20, 60 % in high, low, GAN: within {bound:.0%}")
def low_flux_ratios(tables: Tables, bound: float) -> Result:
    first = _bins(tables, "delta_mag", *MAIN).iloc[0]
    good, but = _trusted(tables, "gan")
    stated = {"high": 0.8, "low": 0.2, "gan": 0.6}
    near = all(abs(first[r] - value) <= bound for r, value in stated.items())
    return f"{listed({r: 100 * first[r] for r in MAIN})} %{but}", good and near


@claim("high_flux_ratios", "Sect. 4", stated=0.05, relaxed=0.1)
@says("At the highest flux ratios the GAN gains nothing over low: at most {bound:.0%}")
def high_flux_ratios(tables: Tables, bound: float) -> Result:
    last = _bins(tables, "delta_mag", "low", "gan").iloc[-1]
    return f"{listed((100 * last).to_dict())} %", last["gan"] - last["low"] <= bound


@claim("false_positives", "Sect. 4", stated=0.02, relaxed=0.05)
@says("False positives of the GAN about 1 %, on single galaxies: at most {bound:.0%}")
def false_positives(tables: Tables, bound: float) -> Result:
    return _few_false_positives(tables, ("unblended",), bound)


@claim("false_positives_pooled", "Sect. 4", stated=0.02, relaxed=0.05)
@says("The same with blends of one peak in high and low: at most {bound:.0%}")
def false_positives_pooled(tables: Tables, bound: float) -> Result:
    return _few_false_positives(tables, ("unblended", "one_peak"), bound)


@claim("same_false_positive_rate", "ours", stated=0.02, relaxed=0.05)
@says("False positives on single galaxies at most {bound:.0%} in every resolution compared")
def same_false_positive_rate(tables: Tables, bound: float) -> Result:
    there = measured(_detections(tables, *MAIN))
    rates = {r: float(_rate(tables, r, "unblended")["rate"]) for r in there}
    text = listed({r: 100 * rate for r, rate in rates.items()})
    return f"{text} %", max(rates.values()) <= bound


@claim("photometry_improves", "Abstract, Sect. 4.1", stated=10, relaxed=2)
@says("Median |flux error| of the dominant source {bound:g} times smaller with GAN positions")
def photometry_improves(tables: Tables, bound: float) -> Result:
    found = improvement(table(tables, "photometry"))
    if not found["n"]:
        raise MissingResult("photometry")
    low, gan = 100 * found["low"], 100 * found["gan"]
    text = f"{found['ratio']:.3g} ({low:.3g} % / {gan:.3g} %, n = {found['n']:.0f})"
    return text, found["ratio"] >= bound


@claim("cells_mean", "Sect. 4", stated=1.5, relaxed=3)
@says("6 blends in a cell of the map, in the mean: within {bound:g}")
def cells_mean(tables: Tables, bound: float) -> Result:
    return _cells(tables, "mean_occupancy", 6, bound)


@claim("cells_median", "Sect. 4", stated=1.5, relaxed=3)
@says("6 blends in a cell of the map, in the median: within {bound:g}")
def cells_median(tables: Tables, bound: float) -> Result:
    return _cells(tables, "median_occupancy", 6, bound)


@claim("cells_dispersion", "Sect. 4", stated=1.5, relaxed=3)
@says("A dispersion of 3 blends a cell: within {bound:g}")
def cells_dispersion(tables: Tables, bound: float) -> Result:
    return _cells(tables, "dispersion", 3, bound)
