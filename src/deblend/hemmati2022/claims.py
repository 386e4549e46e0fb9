"""What Hemmati et al. 2022 claim in words, as tests on detections, photometry and the map.

The fraction of detected blends means something only if the rate of false positives is low and below
that fraction, since with a low enough threshold every image shows two peaks. Claims on fractions
hold only if that is the case.

The tables are `detections` (see `deblend.hemmati2022.metrics.parse_detections`), `false_positives`
(see `deblend.hemmati2022.metrics.false_positive_rate`), `photometry` (see
`deblend.hemmati2022.metrics.flux_errors`), `som` (one row with `mean_occupancy`,
`median_occupancy`, `dispersion`), `quality` (see `deblend.hemmati2022.quality.image_quality`) and
`ladder` (see `deblend.hemmati2022.ladder.ladder_table`).

What holds by construction is no claim: the mean number of blends in a cell of the map, and the rate
of false positives on single galaxies alone, for which the thresholds are set.
"""
# ruff: noqa: D103 (what a claim says is in its decorator)

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import (
    MAX_FALSE_POSITIVE_RATE,
    MIN_MEASURED,
    bin_edges,
    detection_fractions,
    false_positive_rate,
    flux_improvement,
    measured_resolutions,
    parse_detections,
)
from deblend.report.claims import Claims, MissingResult, Result, Tables, listed, says, table

CLAIMS = Claims()
claim = CLAIMS.add
bar = CLAIMS.add_bar

#: The paper's "main" resolutions.
MAIN = ("high", "low", "gan")

#: Smallest number of blends of a bin, and of a sample, that is used.
MIN_IN_BIN, MIN_BLENDS = 20, 100

#: Smallest number of single galaxies for a rate of false positives, and of images.
MIN_SINGLES, MIN_IMAGES = 100, 30

#: Smallest correlation of a network's images with the true ones for their fluxes to be compared.
MIN_CORRELATION = 0.5

#: Separations that are too small for high resolution: up to its matching radius.
SMALL_ARCSEC = 0.3

#: Range of separations around the 0.8 arcsec of Sect. 4.
NEAR_ARCSEC = (0.6, 1.0)

SEPARATION = "separation_over_fwhm_sum"


def _detections(tables: Tables, *resolutions: str) -> pd.DataFrame:
    """Table of detections, if it has blends and all the resolutions."""
    detections = parse_detections(table(tables, "detections"))
    missing = set(resolutions) - set(measured_resolutions(detections))
    if missing or detections.empty:
        raise MissingResult(f"detections {sorted(missing)}")
    return detections


def _fraction_detected(tables: Tables, resolution: str) -> float:
    detections = _detections(tables, resolution)
    if len(detections) < MIN_BLENDS:
        raise MissingResult(f"{MIN_BLENDS} blends")
    return float(detections[f"detected_{resolution}"].mean())


def _false_positives_of(tables: Tables, resolution: str, *samples: str) -> pd.Series:
    false_positives = false_positive_rate(
        table(tables, "false_positives"), resolution, list(samples)
    )
    if false_positives["n"] < MIN_SINGLES:
        raise MissingResult(f"{MIN_SINGLES} stamps for false positives of {resolution}")
    return false_positives


def _is_reliable(tables: Tables, resolution: str) -> tuple[bool, str]:
    """Whether the rate of false positives is low and below the fraction detected; a note if not."""
    rate = float(_false_positives_of(tables, resolution, "unblended")["rate"])
    reliable = rate <= MAX_FALSE_POSITIVE_RATE and rate < _fraction_detected(tables, resolution)
    return reliable, "" if reliable else f"; but {100 * rate:.3g} % false positives"


def _bins(tables: Tables, quantity: str, *resolutions: str) -> pd.DataFrame:
    """Fractions in the bins of Fig. 5 that have enough blends, one column per resolution."""
    detections = _detections(tables, *resolutions)
    if not np.isfinite(detections[quantity]).any():
        raise MissingResult(quantity)
    edges = bin_edges(detections[quantity])
    bins = detection_fractions(detections, quantity, edges, resolutions, with_intervals=False)
    bins = bins[bins["n"] >= MIN_IN_BIN]
    fractions = bins.pivot(index="bin_low", columns="resolution", values="fraction")
    if len(fractions) < 3:
        raise MissingResult(f"bins of {quantity}")
    return fractions


def _trend(detections: pd.DataFrame, quantity: str, resolution: str) -> float:
    """Significance (sigma) of the correlation between detections and the rank of a quantity."""
    known = detections[np.isfinite(detections[quantity])]
    detected = known[f"detected_{resolution}"].astype(float)
    if len(known) < MIN_BLENDS or detected.nunique() < 2 or known[quantity].nunique() < 2:
        raise MissingResult(f"{resolution} against {quantity}")
    return float(known[quantity].rank().corr(detected) * np.sqrt(len(known) - 1))


def _trends(tables: Tables, quantity: str) -> dict[str, float]:
    detections = _detections(tables, *MAIN)
    return {resolution: _trend(detections, quantity, resolution) for resolution in MAIN}


def _fraction_near(tables: Tables, resolution: str, stated: float, bound: float) -> Result:
    """The fraction of detected blends is near the published one."""
    share = _fraction_detected(tables, resolution)
    reliable, note = _is_reliable(tables, resolution)
    n = len(_detections(tables))
    return f"{100 * share:.3g} %, n = {n}{note}", reliable and abs(share - stated) <= bound


def _fraction_exceeds(tables: Tables, resolution: str, other: str, bound: float) -> Result:
    """The fraction of detected blends exceeds that of another resolution by more than a bound."""
    shares = {name: 100 * _fraction_detected(tables, name) for name in (resolution, other)}
    reliable, note = _is_reliable(tables, resolution)
    gain = (shares[resolution] - shares[other]) / 100
    return f"{listed(shares)} %{note}", reliable and gain > bound


def _exceeds_in_bins(tables: Tables, resolution: str, other: str, bound: float) -> Result:
    """A resolution detects more than another in at least a share of the bins of separation."""
    fractions = _bins(tables, SEPARATION, resolution, other)
    reliable, note = _is_reliable(tables, resolution)
    n_better = int((fractions[resolution] > fractions[other]).sum())
    return f"{n_better} of {len(fractions)} bins{note}", reliable and n_better >= bound * len(
        fractions
    )


def _false_positives_below(tables: Tables, samples: tuple[str, ...], bound: float) -> Result:
    """The GAN's rate of false positives on some samples is at most a bound."""
    false_positives = _false_positives_of(tables, "gan", *samples)
    text = f"{100 * false_positives['rate']:.3g} %, n = {false_positives['n']:.0f}"
    return text, bool(false_positives["rate"] <= bound)


def _occupancy_near(tables: Tables, column: str, stated: float, bound: float) -> Result:
    """A statistic of the number of blends in a cell is near the published one, for a mean of 6."""
    cells = table(tables, "som").iloc[0]
    value = float(cells[column]) * 6 / float(cells["mean_occupancy"])
    return f"{value:.3g}", abs(value - stated) <= bound


def _gain(tables: Tables, step: str, pairs: tuple[tuple[str, str], ...]) -> tuple[str, float]:
    """The largest gain of a step of the ladder among pairs of ways to find peaks, in points.

    Minus infinity if one of the two has many false positives.
    """
    rows = table(tables, "ladder")
    rows = rows[rows["step"] == step].set_index(["resolution", "compared"])
    rows = rows[rows.index.isin(pairs)]
    if rows.empty or rows["n"].min() < MIN_BLENDS:
        raise MissingResult(f"{step} in the ladder")
    best = rows.loc[rows["detected"].idxmax()]
    name, other = best.name
    error = (best["high"] - best["low"]) / 2
    text = f"{name} minus {other}: {best['detected']:+.1f} +- {error:.1f} points, n = {best['n']:g}"
    rates = [_false_positives_of(tables, x, "unblended")["rate"] for x in (name, other)]
    if max(rates) > MAX_FALSE_POSITIVE_RATE:
        return f"{text}; but {100 * max(rates):.3g} % false positives", -np.inf
    return text, float(best["detected"])


@claim("high_detects", "Abstract, Sect. 4", stated=0.1, relaxed=0.2)
@says("High resolution detects 80 % of the blends: within {bound:.0%}")
def high_detects(tables: Tables, bound: float) -> Result:
    return _fraction_near(tables, "high", 0.8, bound)


@claim("low_detects", "Abstract, Sect. 4", stated=0.1, relaxed=0.2)
@says("Low resolution detects 10 % of the blends: within {bound:.0%}")
def low_detects(tables: Tables, bound: float) -> Result:
    return _fraction_near(tables, "low", 0.1, bound)


@claim("gan_detects", "Abstract, Sect. 4", stated=0.1, relaxed=0.2)
@says("GAN resolution detects 50 % of the blends: within {bound:.0%}")
def gan_detects(tables: Tables, bound: float) -> Result:
    return _fraction_near(tables, "gan", 0.5, bound)


@claim("multi_detects", "Abstract, Sect. 4.2", stated=0.1, relaxed=0.2)
@says("The multi-band GAN detects 60 % of the blends: within {bound:.0%}")
def multi_detects(tables: Tables, bound: float) -> Result:
    return _fraction_near(tables, "gan_multi", 0.6, bound)


@claim("multi_gain", "Abstract, Sect. 4.2", stated=0.1, relaxed=0.05)
@says("Multi-band over single-band GAN: at least {bound:.0%} of the blends more")
def multi_gain(tables: Tables, bound: float) -> Result:
    # A gain equal to the bound is enough; the small number allows for rounding errors.
    return _fraction_exceeds(tables, "gan_multi", "gan", bound - 1e-9)


@claim("multi_more", "Sect. 4.2", stated=0)
@says("The multi-band GAN detects more than the single-band one")
def multi_more(tables: Tables, bound: float) -> Result:
    return _fraction_exceeds(tables, "gan_multi", "gan", bound)


@claim("gan_more_in_bins", "Sect. 4, Fig. 5", stated=1, relaxed=0.75)
@says("The GAN detects more than low resolution in {bound:.0%} of the bins of separation")
def gan_more_in_bins(tables: Tables, bound: float) -> Result:
    return _exceeds_in_bins(tables, "gan", "low", bound)


@claim("gan_more_than_best_filter", "ours", stated=0.1, relaxed=0)
@says("It detects more than low resolution with the filter best for it, by more than {bound:.0%}")
def gan_more_than_best_filter(tables: Tables, bound: float) -> Result:
    return _fraction_exceeds(tables, "gan", "low_best", bound)


@claim("gan_more_than_best_filter_in_bins", "ours", stated=1, relaxed=0.75)
@says("The same in {bound:.0%} of the bins of separation")
def gan_more_than_best_filter_in_bins(tables: Tables, bound: float) -> Result:
    return _exceeds_in_bins(tables, "gan", "low_best", bound)


@claim("around_08_arcsec", "Sect. 4", stated=0.2, relaxed=0.1)
@says("At 0.6 to 1.0 arcsec, most detected in high, few in low, {bound:.0%} more with the GAN")
def around_08_arcsec(tables: Tables, bound: float) -> Result:
    detections = _detections(tables, *MAIN)
    detections = detections[detections["separation_arcsec"].between(*NEAR_ARCSEC)]
    if len(detections) < MIN_IN_BIN:
        raise MissingResult("blends around 0.8 arcsec")
    shares = {r: float(detections[f"detected_{r}"].mean()) for r in MAIN}
    reliable, note = _is_reliable(tables, "gan")
    text = f"{listed({r: 100 * v for r, v in shares.items()})} %, n = {len(detections)}{note}"
    high_but_not_low = shares["high"] > 0.5 > shares["low"]
    return text, reliable and high_but_not_low and shares["gan"] - shares["low"] >= bound


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


@claim("no_trend_with_sizes", "Sect. 4", stated=2, relaxed=3)
@says("No change with the sum of the sizes: below {bound:g} sigma in high, low and GAN")
def no_trend_with_sizes(tables: Tables, bound: float) -> Result:
    values = _trends(tables, "fwhm_sum_px")
    return f"{listed(values)} sigma", max(map(abs, values.values())) <= bound


@claim("high_misses_small_separations", "Sect. 4", stated=0.5, relaxed=0.7)
@says("High resolution too misses many blends within 0.3 arcsec: it detects at most {bound:.0%}")
def high_misses_small_separations(tables: Tables, bound: float) -> Result:
    detections = _detections(tables, "high")
    detections = detections[detections["separation_arcsec"] <= SMALL_ARCSEC]
    if len(detections) < MIN_IN_BIN:
        raise MissingResult("blends within 0.3 arcsec")
    share = float(detections["detected_high"].mean())
    return f"{100 * share:.3g} %, n = {len(detections)}", share <= bound


@claim("low_flux_ratios", "Sect. 4", stated=0.1, relaxed=0.2)
@says("At the lowest flux ratios 80, 20, 60 % in high, low, GAN: within {bound:.0%}")
def low_flux_ratios(tables: Tables, bound: float) -> Result:
    lowest_bin = _bins(tables, "delta_mag", *MAIN).iloc[0]
    reliable, note = _is_reliable(tables, "gan")
    stated = {"high": 0.8, "low": 0.2, "gan": 0.6}
    near = all(abs(lowest_bin[r] - value) <= bound for r, value in stated.items())
    return f"{listed({r: 100 * lowest_bin[r] for r in MAIN})} %{note}", reliable and near


@claim("high_flux_ratios", "Sect. 4", stated=0.05, relaxed=0.1)
@says("At the highest flux ratios the GAN gains nothing over low: at most {bound:.0%}")
def high_flux_ratios(tables: Tables, bound: float) -> Result:
    highest_bin = _bins(tables, "delta_mag", "low", "gan").iloc[-1]
    return f"{listed((100 * highest_bin).to_dict())} %", highest_bin["gan"] - highest_bin[
        "low"
    ] <= bound


@claim("false_positives", "Sect. 4", stated=0.02, relaxed=0.05)
@says("A false peak of the GAN, one in high and low, in 1 % of all stamps: at most {bound:.0%}")
def false_positives(tables: Tables, bound: float) -> Result:
    return _false_positives_below(tables, ("unblended", "one_peak_of_all"), bound)


@claim("false_positives_pooled", "Sect. 4", stated=0.02, relaxed=0.05)
@says("The same as a share of the stamps with one peak in high and low: at most {bound:.0%}")
def false_positives_pooled(tables: Tables, bound: float) -> Result:
    return _false_positives_below(tables, ("unblended", "one_peak"), bound)


@claim("false_peaks_of_blends", "ours", stated=0.005, relaxed=0.02)
@says("Blends with a peak of the GAN that belongs to no galaxy: at most {bound:.1%}")
def false_peaks_of_blends(tables: Tables, bound: float) -> Result:
    return _false_positives_below(tables, ("blends",), bound)


@claim("same_false_positive_rate", "ours", stated=0.02, relaxed=0.05)
@says("False positives on single galaxies at most {bound:.0%} in every resolution compared")
def same_false_positive_rate(tables: Tables, bound: float) -> Result:
    resolutions = measured_resolutions(_detections(tables, *MAIN))
    rates = {r: float(_false_positives_of(tables, r, "unblended")["rate"]) for r in resolutions}
    text = listed({r: 100 * rate for r, rate in rates.items()})
    return f"{text} %", max(rates.values()) <= bound


@claim("photometry_improves", "Abstract, Sect. 4.1", stated=10, relaxed=2)
@says("Median |flux error| of the dominant source {bound:g} times smaller with GAN positions")
def photometry_improves(tables: Tables, bound: float) -> Result:
    improvement = flux_improvement(table(tables, "photometry"))
    if improvement["n"] < MIN_MEASURED:
        raise MissingResult(f"{MIN_MEASURED} blends with photometry")
    low, gan = 100 * improvement["low"], 100 * improvement["gan"]
    text = f"{improvement['ratio']:.3g} ({low:.3g} % / {gan:.3g} %, n = {improvement['n']:.0f})"
    return text, improvement["ratio"] >= bound


@claim("offset_improves", "Sect. 4.1, Fig. 7", stated=10, relaxed=6)
@says("Median offset of the dominant source's magnitude {bound:g} times smaller with GAN positions")
def offset_improves(tables: Tables, bound: float) -> Result:
    improvement = flux_improvement(table(tables, "photometry"))
    if improvement["n"] < MIN_MEASURED:
        raise MissingResult(f"{MIN_MEASURED} blends with photometry")
    low, gan = improvement["offset_low"], improvement["offset_gan"]
    text = f"{improvement['offset_ratio']:.3g} ({low:+.3f} / {gan:+.3f} mag"
    return f"{text}, n = {improvement['n']:.0f})", improvement["offset_ratio"] >= bound


@claim("offset_small", "ours", stated=0.06, relaxed=0.1)
@says("Median offset of its magnitude with GAN positions: at most {bound:g} mag")
def offset_small(tables: Tables, bound: float) -> Result:
    improvement = flux_improvement(table(tables, "photometry"))
    if improvement["n"] < MIN_MEASURED:
        raise MissingResult(f"{MIN_MEASURED} blends with photometry")
    offset = improvement["offset_gan"]
    return f"{offset:+.3f} mag, n = {improvement['n']:.0f}", abs(offset) <= bound


@claim("fluxes_not_preserved", "Sects 4.1, 4.2, Fig. 8", stated=0.1, relaxed=0.05)
@says("Fluxes are not preserved in the GAN's images: median |error| at least {bound:.0%}")
def fluxes_not_preserved(tables: Tables, bound: float) -> Result:
    if _quality(tables, "correlation_gan")[0] < MIN_CORRELATION:
        raise MissingResult("images that resemble the true ones")
    value, n = _quality(tables, "flux_error_gan")
    return f"{100 * value:.3g} %, n = {n}", value >= bound


@claim("morphology_with_wavelength", "Sect. 4.2, Fig. 8", stated=0.5, relaxed=0.3)
@says(
    "The multi-band GAN's changes with wavelength correlate with the true ones: at least {bound:g}"
)
def morphology_with_wavelength(tables: Tables, bound: float) -> Result:
    value, n = _quality(tables, "morphology_gan_multi")
    return f"{value:.3g}, n = {n}", value >= bound


@claim("bands_gain", "ours", stated=5, relaxed=2)
@says("With a content term, all bands detect at least {bound:g} points more than one")
def bands_gain(tables: Tables, bound: float) -> Result:
    names = (("gan_multi_content", "gan_content"), ("gan_multi_l1", "gan_l1"))
    text, gain = _gain(tables, "all bands", names)
    return text, gain >= bound


@claim("network_against_stack", "ours", stated=0, relaxed=2)
@says(
    "The best network of all bands is worse than the best filter on their sum by at most {bound:g}"
)
def network_against_stack(tables: Tables, bound: float) -> Result:
    names = ("gan_multi", "gan_multi_content", "gan_multi_l1")
    pairs = tuple((f"{name}{end}", "low_stack") for name in names for end in ("", "_stack"))
    text, gain = _gain(tables, "network", pairs)
    return text, gain >= -bound


@claim("cells_median", "Sect. 4", stated=1.5, relaxed=3)
@says("6 blends in a cell of the map, in the median: within {bound:g}")
def cells_median(tables: Tables, bound: float) -> Result:
    return _occupancy_near(tables, "median_occupancy", 6, bound)


@claim("cells_dispersion", "Sect. 4", stated=1.5, relaxed=3)
@says("A dispersion of 3 blends a cell: within {bound:g}")
def cells_dispersion(tables: Tables, bound: float) -> Result:
    return _occupancy_near(tables, "dispersion", 3, bound)


def _quality(tables: Tables, quantity: str) -> tuple[float, int]:
    """A row of the table of image quality: its value and the number of images."""
    rows = table(tables, "quality").set_index("quantity")
    if quantity not in rows.index:
        raise MissingResult(quantity)
    value, n = float(rows.loc[quantity, "value"]), int(rows.loc[quantity, "n"])
    if n < MIN_IMAGES:
        raise MissingResult(f"{MIN_IMAGES} images for {quantity}")
    return value, n


@bar("bar_correlation")
@says("The GAN's images correlate with high resolution: mean coefficient at least {bound:g}")
def bar_correlation(tables: Tables, bound: float) -> Result:
    value, n = _quality(tables, "correlation_gan")
    return f"{value:.3g}, n = {n}", value >= bound


@bar("bar_more_than_low")
@says("It detects over {bound:.0%} more than low resolution with its PSF, at no more false peaks")
def bar_more_than_low(tables: Tables, bound: float) -> Result:
    text, holds = _fraction_exceeds(tables, "gan", "low", bound)
    rates = {name: _false_positives_of(tables, name, "unblended") for name in ("gan", "low")}
    shares = {name: float(row["rate"]) for name, row in rates.items()}
    error = np.hypot(*(np.sqrt(max(r["n_false"], 1)) / r["n"] for r in rates.values()))
    percent = listed({name: 100 * share for name, share in shares.items()})
    text += f", n = {len(_detections(tables))}; false positives {percent} %"
    return text, holds and shares["gan"] <= shares["low"] + 2 * error


@bar("bar_vanilla_varied")
@says("The vanilla GAN has not collapsed: variety at least {bound:g} of the real images'")
def bar_vanilla_varied(tables: Tables, bound: float) -> Result:
    value, n = _quality(tables, "vanilla_diversity_ratio")
    return f"{value:.3g}, n = {n}", value >= bound


@bar("bar_vanilla_stack")
@says("Its stack has one peak; FWHM and median flux within a factor {bound:g} of the real ones'")
def bar_vanilla_stack(tables: Tables, bound: float) -> Result:
    peaks, n = _quality(tables, "vanilla_stack_peaks")
    ratios = {
        name: _quality(tables, f"vanilla_{name}_ratio")[0] for name in ("stack_fwhm", "median_flux")
    }
    near = all(1 / bound <= ratio <= bound for ratio in ratios.values())
    return f"{peaks:g} peaks; {listed(ratios)}, n = {n}", peaks == 1 and near


@bar("bar_measured")
@says("Figure 7 has at least {bound:g} measured blends")
def bar_measured(tables: Tables, bound: float) -> Result:
    n = flux_improvement(table(tables, "photometry"))["n"]
    return f"n = {n:.0f}", n >= bound
