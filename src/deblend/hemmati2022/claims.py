"""What Hemmati et al. 2022 claim in words, as tests on detections, photometry and the map.

The fraction of detected blends means something only if the rate of false positives is low and below
that fraction, since with a low enough threshold every image shows two peaks. Claims about peaks,
those that see no trend and those of few false peaks too, hold only if that is the case: peaks at
random places support none of them.

Errors are by galaxy, and those of a difference are of the same blends in both. What too few blends
cannot show is not tested, and the numbers say what is missing.

The tables are `detections` (see `deblend.hemmati2022.metrics.parse_detections`), `false_positives`
(see `deblend.hemmati2022.metrics.false_positive_rate`), `photometry` (see
`deblend.hemmati2022.metrics.flux_errors`), `som` (one row with `mean_occupancy`,
`median_occupancy`, `dispersion`), `quality` (see `deblend.hemmati2022.quality.image_quality`) and
`ladder` (see `deblend.hemmati2022.ladder.ladder_table`).

What holds by construction is no claim: the mean number of blends in a cell of the map, and the rate
of false positives on single galaxies, for which the thresholds are set. FWHM and depth of the
degraded images, which the configuration sets, stand beside HSC's in `reproduction.csv`.
"""
# ruff: noqa: D103 (what a claim says is in its decorator)

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import (
    MAX_FALSE_POSITIVE_RATE,
    MIN_MEASURED,
    bin_edges,
    blend_counts,
    detection_fractions,
    false_positive_rate,
    flux_improvement,
    improvement_intervals,
    measured_resolutions,
    parse_detections,
)
from deblend.hemmati2022.resampling import interval
from deblend.report.claims import (
    Claims,
    MissingResult,
    Result,
    StatedTest,
    Tables,
    Test,
    listed,
    table,
)

CLAIMS = Claims()
claim = CLAIMS.add
bar = CLAIMS.add_bar

#: The paper's "main" resolutions.
MAIN = ("high", "low", "gan")

#: Smallest number of blends of a bin, and of a sample, that is used.
MIN_IN_BIN, MIN_BLENDS = 20, 100

#: Smallest number of single galaxies for a rate of false positives, and of images.
MIN_SINGLES, MIN_IMAGES = 100, 30

#: Smallest number of stamps that would have a false peak at a rate that is to be excluded: with
#: three expected and none found, the rate is lower (95 %).
MIN_EXPECTED = 3.0

#: Standard errors by which a difference is not zero.
N_ERRORS = 2.0

#: Significance with which a trend that exists has to be seen before another can be said to be none.
CONTROL_SIGMA = 3.0

#: Smallest correlation of a network's images with the true ones for their fluxes to be compared.
MIN_CORRELATION = 0.5

#: Separations that are too small for high resolution: up to its matching radius.
SMALL_ARCSEC = 0.3

#: Range of separations around the 0.8 arcsec of Sect. 4.
NEAR_ARCSEC = (0.6, 1.0)

#: The mean number of blends in a cell of the paper's map, and the factor by which ours may differ:
#: for other means the spread is another, whatever the map.
CELL_MEAN, CELL_FACTOR = 6.0, 2.0

#: Networks of all bands; GANs of one band, without and with a content term; and ways to find peaks
#: with each network of all bands: in the detection band or in all bands.
MULTI = ("gan_multi", "gan_multi_content", "gan_multi_l1")
GANS = ("gan", "gan_content")
MULTI_WAYS = tuple(f"{name}{end}" for name in MULTI for end in ("", "_stack"))

SEPARATION = "separation_over_fwhm_sum"


class TooFew(MissingResult):
    """There are too few blends or images; the message says what is needed."""


def says(statement: str) -> Callable[[Test], StatedTest]:
    """As `deblend.report.claims.says`, for tests that may raise `TooFew`: its text is shown."""

    def decorate(test: Test) -> StatedTest:
        @functools.wraps(test)
        def with_reason(tables: Tables, bound: float) -> Result:
            try:
                return test(tables, bound)
            except TooFew as error:
                return f"not tested: {error}", None

        return statement, with_reason

    return decorate


def _detections(tables: Tables, *resolutions: str) -> pd.DataFrame:
    """Table of detections, if it has enough blends and all the resolutions."""
    detections = parse_detections(table(tables, "detections"))
    missing = set(resolutions) - set(measured_resolutions(detections))
    if missing:
        raise MissingResult(f"detections {sorted(missing)}")
    if len(detections) < MIN_BLENDS:
        raise TooFew(f"{len(detections)} blends, at least {MIN_BLENDS} are needed")
    return detections


def _fraction_detected(tables: Tables, resolution: str) -> float:
    return float(_detections(tables, resolution)[f"detected_{resolution}"].mean())


def _false_positives_of(tables: Tables, resolution: str, *samples: str) -> pd.Series:
    false_positives = false_positive_rate(
        table(tables, "false_positives"), resolution, list(samples)
    )
    if not false_positives["n"]:
        raise MissingResult(f"false positives of {resolution}")
    if false_positives["n"] < MIN_SINGLES:
        raise TooFew(
            f"false positives of {resolution} on {false_positives['n']:.0f} stamps, at least "
            f"{MIN_SINGLES} are needed"
        )
    return false_positives


def _note(tables: Tables, *resolutions: str) -> str:
    """Which of these have false positives that are many, or more than the detections; "" if none.

    What a claim says of peaks holds only without such a note.
    """
    many = {}
    for resolution in resolutions:
        rate = float(_false_positives_of(tables, resolution, "unblended")["rate"])
        if rate > MAX_FALSE_POSITIVE_RATE or rate >= _fraction_detected(tables, resolution):
            many[resolution] = rate
    parts = [f"{100 * rate:.3g} % in {resolution}" for resolution, rate in many.items()]
    return f"; but false positives: {', '.join(parts)}" if parts else ""


def _bins(tables: Tables, quantity: str, *resolutions: str) -> pd.DataFrame:
    """Fractions in the bins of Fig. 5 that have enough blends, one column per resolution."""
    detections = _detections(tables, *resolutions)
    if not np.isfinite(detections[quantity]).any():
        raise MissingResult(quantity)
    edges = bin_edges(detections[quantity])
    bins = detection_fractions(detections, quantity, edges, resolutions, with_intervals=False)
    bins = bins[bins["n"] >= MIN_IN_BIN]
    fractions = bins.pivot(index=["bin_low", "bin_high"], columns="resolution", values="fraction")
    if len(fractions) < 3:
        raise TooFew(f"{len(fractions)} bins of {quantity} with {MIN_IN_BIN} blends, 3 are needed")
    return fractions


def _paired(blends: pd.DataFrame, resolution: str, other: str) -> tuple[float, float]:
    """Difference of the fractions detected and its error, by galaxy, of the same blends."""
    gains = blends[f"detected_{resolution}"].to_numpy(float)
    gains = gains - blends[f"detected_{other}"].to_numpy(float)
    counts = blend_counts(blends)
    total = counts.sum(axis=1)
    low, high = interval((counts @ gains)[total > 0] / total[total > 0])
    return float(gains.mean()), (high - low) / 2


def _trend(detections: pd.DataFrame, counts: np.ndarray, quantity: str, resolution: str) -> float:
    """Significance (sigma) of the correlation between detections and the rank of a quantity.

    Its error is that of bootstrap samples of the galaxies (counts: see `blend_counts`).
    """
    finite = np.isfinite(detections[quantity]).to_numpy()
    known = detections[finite]
    detected = known[f"detected_{resolution}"].to_numpy(float)
    if known.empty:
        raise MissingResult(quantity)
    if len(known) < MIN_BLENDS:
        raise TooFew(f"{quantity} of {len(known)} blends, at least {MIN_BLENDS} are needed")
    if np.ptp(detected) == 0 or known[quantity].nunique() < 2:
        raise TooFew(f"blends that are detected, and not, in {resolution} are needed")
    ranks = known[quantity].rank().to_numpy()
    ranks, detected = ((x - x.mean()) / x.std() for x in (ranks, detected))
    counts = counts[:, finite].astype(float)
    weights = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    means = [weights @ x for x in (ranks, detected)]
    variances = [weights @ x**2 - m**2 for x, m in zip((ranks, detected), means, strict=True)]
    scale = np.sqrt(variances[0] * variances[1])
    covariance = weights @ (ranks * detected) - means[0] * means[1]
    resampled = covariance[scale > 0] / scale[scale > 0]
    return float((ranks * detected).mean() / resampled.std())


def _trends(tables: Tables, *quantities: str) -> tuple[list[dict[str, float]], str]:
    """Trends with quantities in the main resolutions, and the note on their false positives."""
    detections = _detections(tables, *MAIN)
    counts = blend_counts(detections)
    trends = [{r: _trend(detections, counts, q, r) for r in MAIN} for q in quantities]
    return trends, _note(tables, *MAIN)


def _no_trend(tables: Tables, quantity: str, bound: float) -> Result:
    """No trend where the same blends show the one with the separation: else they are too few."""
    (values, controls), note = _trends(tables, quantity, SEPARATION)
    if not note and min(controls.values()) < CONTROL_SIGMA:
        raise TooFew(
            f"the trend with the separation is {listed(controls)} sigma, at least "
            f"{CONTROL_SIGMA:g} are needed to exclude another"
        )
    return f"{listed(values)} sigma{note}", not note and max(map(abs, values.values())) <= bound


def _fraction_near(tables: Tables, resolution: str, stated: float, bound: float) -> Result:
    """The fraction of detected blends is near the published one."""
    share = _fraction_detected(tables, resolution)
    note = _note(tables, resolution)
    n = len(_detections(tables))
    return f"{100 * share:.3g} %, n = {n}{note}", not note and abs(share - stated) <= bound


@dataclass(frozen=True)
class Gain:
    """How many more blends a way to find peaks detects than another, in points of percent.

    Attributes
    ----------
    points, error : float
        The smaller one of the gain with the thresholds of other galaxies and that at exactly equal
        rates of false peaks, and its error by galaxy.
    text : str
    """

    points: float
    error: float
    text: str


def _gain(tables: Tables, name: str, other: str) -> Gain:
    """A difference of the ladder, of the same blends."""
    rows = table(tables, "ladder")
    rows = rows[(rows["resolution"] == name) & (rows["compared"] == other)]
    if rows.empty:
        raise MissingResult(f"{name} and {other} in the ladder")
    row = rows.iloc[0]
    if row["n"] < MIN_BLENDS:
        raise TooFew(f"{row['n']:.0f} blends, at least {MIN_BLENDS} are needed")
    gains = [
        (float(row[value]), float(row[high] - row[low]) / 2)
        for value, low, high in (
            ("detected", "low", "high"),
            ("detected_equal", "equal_low", "equal_high"),
        )
    ]
    text = "; at exactly equal rates of false peaks ".join(
        f"{points:+.1f} ± {error:.1f}" for points, error in gains
    )
    return Gain(*min(gains), f"{name} minus {other}: {text} points, n = {row['n']:.0f}")


def _gains(tables: Tables, name: str, other: str, bound: float) -> Result:
    """The gain is at least a bound (points), and more than its error allows for none."""
    gain, note = _gain(tables, name, other), _note(tables, name, other)
    holds = gain.points >= bound and gain.points > N_ERRORS * gain.error
    return f"{gain.text}{note}", not note and holds


def _exceeds_in_bins(tables: Tables, resolution: str, other: str, bound: float) -> Result:
    """A resolution detects surely more than another, and more in a share of the bins."""
    fractions = _bins(tables, SEPARATION, resolution, other)
    gain, error = _paired(_detections(tables, resolution, other), resolution, other)
    note = _note(tables, resolution, other)
    n_better = int((fractions[resolution] > fractions[other]).sum())
    text = f"{n_better} of {len(fractions)} bins; in all {100 * gain:+.1f} ± {100 * error:.1f}"
    holds = gain > N_ERRORS * error and n_better >= bound * len(fractions)
    return f"{text} points{note}", not note and holds


def _false_positives_below(tables: Tables, samples: tuple[str, ...], bound: float) -> Result:
    """The GAN's rate of false positives on some samples is at most a bound."""
    found = _false_positives_of(tables, "gan", *samples)
    if found["n"] * bound < MIN_EXPECTED:
        raise TooFew(
            f"{found['n']:.0f} stamps, at least {MIN_EXPECTED / bound:.0f} are needed to see "
            f"{100 * bound:g} %"
        )
    # Where nothing is detected, false peaks are few too.
    note = _note(tables, "gan")
    percent = 100 * found[["rate", "low", "high"]]
    text = f"{percent['rate']:.3g} % ({percent['low']:.3g} to {percent['high']:.3g})"
    return f"{text}, n = {found['n']:.0f}{note}", not note and bool(found["rate"] <= bound)


def _occupancy_near(tables: Tables, column: str, stated: float, bound: float) -> Result:
    """A statistic of the number of blends in a cell is near the published one."""
    cells = table(tables, "som").iloc[0]
    mean = float(cells["mean_occupancy"])
    if not CELL_MEAN / CELL_FACTOR <= mean <= CELL_MEAN * CELL_FACTOR:
        return f"not tested: {mean:.3g} blends in a cell, the paper has {CELL_MEAN:g}", None
    value = float(cells[column]) * CELL_MEAN / mean
    return f"{value:.3g}", abs(value - stated) <= bound


def _photometry(
    tables: Tables, network: str = "gan"
) -> tuple[dict[str, float], dict[str, tuple[float, float]], str]:
    """Improvement with a network's positions, its intervals, and a note on its false positives."""
    photometry = table(tables, "photometry")
    found = flux_improvement(photometry, network)
    if found["n"] < MIN_MEASURED:
        raise TooFew(f"photometry of {found['n']:.0f} blends, at least {MIN_MEASURED} are needed")
    return found, improvement_intervals(photometry, network), _note(tables, network)


def _improves(
    tables: Tables, prefix: str, unit: str, factor: float, bound: float, network: str = "gan"
) -> Result:
    """A median is a number of times smaller with a network's positions, and surely smaller."""
    found, ends, note = _photometry(tables, network)
    name = f"{prefix}ratio"
    low, gan = (factor * found[f"{prefix}{key}"] for key in ("low", "gan"))
    text = f"{found[name]:.3g} ({ends[name][0]:.3g} to {ends[name][1]:.3g}; "
    text += f"{low:.3g} / {gan:.3g} {unit}, n = {found['n']:.0f}){_unless_gan(network)}{note}"
    return text, not note and found[name] >= bound and ends[name][0] > 1


def _unless_gan(network: str) -> str:
    """Which network, if it is not that with the paper's loss in one band."""
    return "" if network == "gan" else f", {network}"


def _offset_small(tables: Tables, bound: float, network: str = "gan") -> Result:
    """The median offset with a network's positions is at most a bound (mag), as is its error."""
    found, ends, note = _photometry(tables, network)
    offset, error = found["offset_gan"], (ends["offset_gan"][1] - ends["offset_gan"][0]) / 2
    if not error <= bound:
        raise TooFew(
            f"the offset is {offset:+.3f} ± {error:.3f} mag, an error of {bound:g} mag is needed"
        )
    text = f"{offset:+.3f} ± {error:.3f} mag, n = {found['n']:.0f}{_unless_gan(network)}{note}"
    return text, not note and abs(offset) <= bound


def _best(tables: Tables, ways: tuple[str, ...]) -> str:
    """The one of several ways to find peaks that detects most validation blends.

    The test blends choose nothing: the best of several on the test would be too good.
    """
    rows = table(tables, "ladder")
    rows = rows[rows["step"].fillna("").eq("") & rows["resolution"].isin(ways)]
    rows = rows[np.isfinite(rows["validated"])]
    if rows.empty:
        raise MissingResult(f"validation of {', '.join(ways)} in the ladder")
    return str(rows.loc[rows["validated"].idxmax(), "resolution"])


def _bands_gain(tables: Tables, bound: float) -> Result:
    """All bands gain at least a bound (points) over one with the content term."""
    return _gains(tables, "gan_multi_content", "gan_content", bound)


def _against_stack(tables: Tables, bound: float) -> Result:
    """The network of all bands is worse than the best filter by at most a bound (points)."""
    best = _best(tables, MULTI_WAYS)
    gain, note = _gain(tables, best, "low_stack"), _note(tables, best, "low_stack")
    return f"{gain.text}{note}", not note and gain.points >= -bound


def _quality(tables: Tables, quantity: str) -> tuple[float, int]:
    """A row of the table of image quality: its value and the number of images."""
    rows = table(tables, "quality").set_index("quantity")
    if quantity not in rows.index:
        raise MissingResult(quantity)
    value, n = float(rows.loc[quantity, "value"]), int(rows.loc[quantity, "n"])
    if n < MIN_IMAGES:
        raise TooFew(f"{quantity} of {n} images, at least {MIN_IMAGES} are needed")
    return value, n


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
    return _gains(tables, "gan_multi", "gan", 100 * bound)


@claim("multi_more", "Sect. 4.2", stated=0)
@says("The multi-band GAN detects more than the single-band one")
def multi_more(tables: Tables, bound: float) -> Result:
    return _gains(tables, "gan_multi", "gan", 100 * bound)


@claim("gan_more_in_bins", "Sect. 4, Fig. 5", stated=1, relaxed=0.75)
@says("The GAN detects more than low resolution in {bound:.0%} of the bins of separation")
def gan_more_in_bins(tables: Tables, bound: float) -> Result:
    return _exceeds_in_bins(tables, "gan", "low", bound)


@claim("gan_more_than_best_filter", "ours", stated=0.1, relaxed=0)
@says("It detects more than low resolution with the filter best for it, by at least {bound:.0%}")
def gan_more_than_best_filter(tables: Tables, bound: float) -> Result:
    return _gains(tables, "gan", "low_best", 100 * bound)


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
        raise TooFew(
            f"{len(detections)} blends around 0.8 arcsec, at least {MIN_IN_BIN} are needed"
        )
    shares = {r: float(detections[f"detected_{r}"].mean()) for r in MAIN}
    gain, error = _paired(detections, "gan", "low")
    note = _note(tables, *MAIN)
    text = f"{listed({r: 100 * v for r, v in shares.items()})} %"
    text += f"; gain {100 * gain:+.1f} ± {100 * error:.1f} points, n = {len(detections)}{note}"
    high_but_not_low = shares["high"] > 0.5 > shares["low"]
    gains = gain >= bound and gain > N_ERRORS * error
    return text, not note and high_but_not_low and gains


@claim("rises_with_separation", "Sect. 4, Fig. 5", stated=3, relaxed=2)
@says("Fractions rise with separation over sizes: by {bound:g} sigma in high, low and GAN")
def rises_with_separation(tables: Tables, bound: float) -> Result:
    (values,), note = _trends(tables, SEPARATION)
    return f"{listed(values)} sigma{note}", not note and min(values.values()) > bound


@claim("falls_with_flux_ratio", "Sect. 4, Fig. 5", stated=3, relaxed=2)
@says("Fractions fall with the flux ratio: by {bound:g} sigma in high, low and GAN")
def falls_with_flux_ratio(tables: Tables, bound: float) -> Result:
    (values,), note = _trends(tables, "delta_mag")
    return f"{listed(values)} sigma{note}", not note and max(values.values()) < -bound


@claim("no_trend_with_redshift", "Sect. 4, Fig. 5", stated=2, relaxed=3)
@says("No change with the redshift difference: below {bound:g} sigma in high, low and GAN")
def no_trend_with_redshift(tables: Tables, bound: float) -> Result:
    return _no_trend(tables, "delta_z", bound)


@claim("no_trend_with_sizes", "Sect. 4", stated=2, relaxed=3)
@says("No change with the sum of the sizes: below {bound:g} sigma in high, low and GAN")
def no_trend_with_sizes(tables: Tables, bound: float) -> Result:
    return _no_trend(tables, "fwhm_sum_px", bound)


@claim("high_misses_small_separations", "Sect. 4", stated=0.5, relaxed=0.7)
@says("High resolution too misses many blends within 0.3 arcsec: it detects at most {bound:.0%}")
def high_misses_small_separations(tables: Tables, bound: float) -> Result:
    detections = _detections(tables, "high")
    separation = detections["separation_arcsec"]
    chosen = {"near": separation <= SMALL_ARCSEC, "far": separation.between(*NEAR_ARCSEC)}
    n = {name: int(inside.sum()) for name, inside in chosen.items()}
    if min(n.values()) < MIN_IN_BIN:
        raise TooFew(
            f"{n['near']} blends within 0.3 arcsec and {n['far']} around 0.8, at least "
            f"{MIN_IN_BIN} of each are needed"
        )
    near, far = (float(detections.loc[x, "detected_high"].mean()) for x in chosen.values())
    note = _note(tables, "high")
    text = f"{100 * near:.3g} %, n = {n['near']}; around 0.8 arcsec {100 * far:.3g} %{note}"
    # What finds nothing anywhere misses them too.
    return text, not note and near <= bound and far > 0.5


@claim("low_flux_ratios", "Sect. 4", stated=0.1, relaxed=0.2)
@says("At the lowest flux ratios 80, 20, 60 % in high, low, GAN: within {bound:.0%}")
def low_flux_ratios(tables: Tables, bound: float) -> Result:
    lowest_bin = _bins(tables, "delta_mag", *MAIN).iloc[0]
    note = _note(tables, *MAIN)
    stated = {"high": 0.8, "low": 0.2, "gan": 0.6}
    near = all(abs(lowest_bin[r] - value) <= bound for r, value in stated.items())
    return f"{listed({r: 100 * lowest_bin[r] for r in MAIN})} %{note}", not note and near


@claim("high_flux_ratios", "Sect. 4", stated=0.05, relaxed=0.1)
@says("At the highest flux ratios the GAN gains nothing over low: at most {bound:.0%}")
def high_flux_ratios(tables: Tables, bound: float) -> Result:
    detections = _detections(tables, "low", "gan")
    bins = _bins(tables, "delta_mag", "low", "gan").index
    gains = []
    for low, high in (bins[0], bins[-1]):
        inside = detections["delta_mag"].between(low, high)
        gains.append((*_paired(detections[inside], "gan", "low"), int(inside.sum())))
    (at_lowest, error_lowest, _), (at_highest, error, n) = gains
    if error > bound:
        raise TooFew(
            f"{n} blends of the highest flux ratios: the gain is {100 * at_highest:+.1f} ± "
            f"{100 * error:.1f} points, an error of {100 * bound:g} is needed"
        )
    note = _note(tables, "low", "gan")
    text = f"{100 * at_highest:+.1f} ± {100 * error:.1f} points, n = {n}; at the lowest "
    text += f"{100 * at_lowest:+.1f} ± {100 * error_lowest:.1f}{note}"
    # Where the GAN gains nothing at all, nothing is special about the highest ratios.
    gains_elsewhere = at_lowest > max(bound, N_ERRORS * error_lowest)
    return text, not note and gains_elsewhere and at_highest <= bound


@claim("false_positives", "Sect. 4", stated=0.02, relaxed=0.05)
@says("A false peak of the GAN, one in high and low, in 1 % of all blends: at most {bound:.0%}")
def false_positives(tables: Tables, bound: float) -> Result:
    return _false_positives_below(tables, ("one_peak_of_all",), bound)


@claim("false_positives_of_one_peak", "Sect. 4", stated=0.02, relaxed=0.05)
@says("The same as a share of the blends with one peak in high and low: at most {bound:.0%}")
def false_positives_of_one_peak(tables: Tables, bound: float) -> Result:
    return _false_positives_below(tables, ("one_peak",), bound)


@claim("false_peaks_of_blends", "ours", stated=0.005, relaxed=0.02)
@says("Blends with a peak of the GAN that belongs to no galaxy: at most {bound:.1%}")
def false_peaks_of_blends(tables: Tables, bound: float) -> Result:
    return _false_positives_below(tables, ("blends",), bound)


@claim("photometry_improves", "Abstract, Sect. 4.1", stated=10, relaxed=2)
@says("Median |flux error| of the dominant source {bound:g} times smaller with GAN positions")
def photometry_improves(tables: Tables, bound: float) -> Result:
    return _improves(tables, "", "%", 100, bound)


@claim("offset_improves", "Sect. 4.1, Fig. 7", stated=10, relaxed=6)
@says("Median offset of the dominant source's magnitude {bound:g} times smaller with GAN positions")
def offset_improves(tables: Tables, bound: float) -> Result:
    return _improves(tables, "offset_", "mag", 1, bound)


@claim("offset_small", "ours", stated=0.06, relaxed=0.1)
@says("Median offset of its magnitude with GAN positions: at most {bound:g} mag")
def offset_small(tables: Tables, bound: float) -> Result:
    return _offset_small(tables, bound)


@claim("fluxes_not_preserved", "Sects 4.1, 4.2, Fig. 8", stated=0.1, relaxed=0.05)
@says("Fluxes are not preserved in the GAN's images: median |error| at least {bound:.0%}")
def fluxes_not_preserved(tables: Tables, bound: float) -> Result:
    if _quality(tables, "correlation_gan")[0] < MIN_CORRELATION:
        raise MissingResult("images that resemble the true ones")
    value, n = _quality(tables, "flux_error_gan")
    return f"{100 * value:.3g} %, n = {n}", value >= bound


@claim("morphology_with_wavelength", "Sect. 4.2, Fig. 8", stated=0.5, relaxed=0.3)
@says("The multi-band GAN's changes of shape with wavelength: correlation at least {bound:g}")
def morphology_with_wavelength(tables: Tables, bound: float) -> Result:
    value, n = _quality(tables, "morphology_gan_multi")
    return f"{value:.3g} with the true changes, n = {n}", value >= bound


@claim("bands_gain", "ours", stated=5, relaxed=2)
@says("With a content term, all bands detect at least {bound:g} points more than one")
def bands_gain(tables: Tables, bound: float) -> Result:
    return _bands_gain(tables, bound)


@claim("network_against_stack", "ours", stated=0, relaxed=2)
@says("The network of all bands, by validation, is worse than the best filter by at most {bound:g}")
def network_against_stack(tables: Tables, bound: float) -> Result:
    return _against_stack(tables, bound)


@claim("cells_median", "Sect. 4", stated=1.5, relaxed=3)
@says("6 blends in a cell of the map, in the median: within {bound:g}")
def cells_median(tables: Tables, bound: float) -> Result:
    return _occupancy_near(tables, "median_occupancy", 6, bound)


@claim("cells_dispersion", "Sect. 4", stated=1.5, relaxed=3)
@says("A dispersion of 3 blends a cell: within {bound:g}")
def cells_dispersion(tables: Tables, bound: float) -> Result:
    return _occupancy_near(tables, "dispersion", 3, bound)


@bar("bar_correlation")
@says("The GAN's images correlate with high resolution: mean coefficient at least {bound:g}")
def bar_correlation(tables: Tables, bound: float) -> Result:
    value, n = _quality(tables, "correlation_gan")
    return f"{value:.3g}, n = {n}", value >= bound


@bar("bar_more_than_low")
@says("It detects over {bound:.0%} more than low resolution with its PSF, at equal false peaks")
def bar_more_than_low(tables: Tables, bound: float) -> Result:
    return _gains(tables, "gan", "low", 100 * bound)


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


@bar("bar_bands_gain")
@says("With a content term, all bands detect at least {bound:g} points more, at equal false peaks")
def bar_bands_gain(tables: Tables, bound: float) -> Result:
    return _bands_gain(tables, bound)


@bar("bar_against_stack")
@says(
    "All bands' network, by validation, is worse than the best filter by at most {bound:g} points"
)
def bar_against_stack(tables: Tables, bound: float) -> Result:
    return _against_stack(tables, bound)


@bar("bar_offset")
@says("Median offset with the positions of one band's GAN, by validation: at most {bound:g} mag")
def bar_offset(tables: Tables, bound: float) -> Result:
    return _offset_small(tables, bound, _best(tables, GANS))


@bar("bar_offset_ratio")
@says("It is at least {bound:g} times smaller than with positions from low resolution")
def bar_offset_ratio(tables: Tables, bound: float) -> Result:
    return _improves(tables, "offset_", "mag", 1, bound, _best(tables, GANS))


@bar("bar_false_peaks")
@says("A false peak of the GAN, one in high and low, of all blends: at most {bound:.1%}")
def bar_false_peaks(tables: Tables, bound: float) -> Result:
    return _false_positives_below(tables, ("one_peak_of_all",), bound)
