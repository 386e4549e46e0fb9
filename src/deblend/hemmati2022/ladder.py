"""What each step gains: from low resolution to networks, at the same rate of false peaks.

The table has the fraction of the same blends that each way of finding peaks detects, and
differences between two ways: what a filter, all bands, the network and its adversary add. The
curves have the completeness and the purity at all thresholds.

All errors are by galaxy: the galaxies of the test and those on which thresholds are set are
resampled, each threshold is set anew, and both ways of a difference have the same galaxies. The
filters that validation blends choose, and the lowest thresholds that they allow, are not.

A threshold that is set on other galaxies gives about the same rate of false peaks on those of the
test, not exactly. Fractions and differences are thus also given at exactly equal rates there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import RESOLUTIONS
from deblend.hemmati2022.peaks import MIN_THRESHOLD
from deblend.hemmati2022.resampling import interval, interval_of_share, resampled_counts

#: Differences of the table: what is added, with it, and without it.
DIFFERENCES = (
    ("as in the paper", "gan", "low"),
    ("best filter", "low_best", "low"),
    ("all bands", "low_stack", "low_best"),
    ("Richardson-Lucy", "low_rl", "low_best"),
    ("Richardson-Lucy", "low_stack_rl", "low_stack"),
    ("SEP", "low_sep", "low_best"),
    ("network", "gan_l1", "low_best"),
    ("network", "gan", "low_best"),
    ("network", "gan_content", "low_best"),
    ("network", "gan_multi_l1", "low_stack"),
    ("network", "gan_multi", "low_stack"),
    ("network", "gan_multi_content", "low_stack"),
    ("network", "gan_multi_l1_stack", "low_stack"),
    ("network", "gan_multi_stack", "low_stack"),
    ("network", "gan_multi_content_stack", "low_stack"),
    ("all bands", "gan_multi_l1", "gan_l1"),
    ("all bands", "gan_multi", "gan"),
    ("all bands", "gan_multi_content", "gan_content"),
    ("peaks in all bands", "gan_multi_l1_stack", "gan_multi_l1"),
    ("peaks in all bands", "gan_multi_stack", "gan_multi"),
    ("peaks in all bands", "gan_multi_content_stack", "gan_multi_content"),
    ("adversary", "gan_content", "gan_l1"),
    ("adversary", "gan_multi_content", "gan_multi_l1"),
    ("content term", "gan_content", "gan"),
    ("content term", "gan_multi_content", "gan_multi"),
)


#: Columns of the table; shares are in percent.
COLUMNS = (
    "step",
    "resolution",
    "compared",
    "threshold",
    "detected",
    "low",
    "high",
    "detected_equal",
    "equal_low",
    "equal_high",
    "validated",
    "false_single",
    "false_single_low",
    "false_single_high",
    "false_blends",
    "purity",
    "n",
)


#: Thresholds of a curve.
N_THRESHOLDS = 60


@dataclass(frozen=True)
class Scores:
    """How significant the peaks of one way of finding them are.

    Attributes
    ----------
    limits : ndarray, shape (n,)
        Highest threshold at which each test blend is detected, 0 for none.
    false_blends, false_single, false_calibration : ndarray
        Significance of the highest false peak of each test blend, single test galaxy and single
        galaxy for the threshold; 0 for none.
    peaks : DataFrame
        All peaks of the test blends: `stamp`, `significance`, `false`.
    lowest_threshold : float
        Of the validation galaxies and blends.
    validated : float
        Share of the validation blends that are detected.
    """

    limits: np.ndarray
    false_blends: np.ndarray
    false_single: np.ndarray
    false_calibration: np.ndarray
    peaks: pd.DataFrame
    lowest_threshold: float = MIN_THRESHOLD
    validated: float = np.nan


@dataclass(frozen=True)
class Sample:
    """Galaxies of the stamps, and how often each stamp is in the bootstrap samples.

    Attributes
    ----------
    blends : ndarray of int, shape (n, 2)
        Galaxies of each test blend.
    single, calibration : ndarray of int
        Galaxy of each single test stamp, and of each single stamp for the thresholds.
    n_resamples, seed : int
    """

    blends: np.ndarray
    single: np.ndarray
    calibration: np.ndarray
    n_resamples: int
    seed: int

    @cached_property
    def _test_counts(self) -> np.ndarray:
        alone = np.column_stack([self.single, np.full(len(self.single), -1)])
        galaxies = np.concatenate([self.blends, alone])
        return resampled_counts(galaxies, self.n_resamples, "test", seed=self.seed)

    @property
    def blend_counts(self) -> np.ndarray:
        """Shape (n_resamples, n)."""
        return self._test_counts[:, : len(self.blends)]

    @property
    def single_counts(self) -> np.ndarray:
        """Shape (n_resamples, m)."""
        return self._test_counts[:, len(self.blends) :]

    @cached_property
    def calibration_counts(self) -> np.ndarray:
        """Shape (n_resamples, c)."""
        alone = self.calibration[:, None]
        return resampled_counts(alone, self.n_resamples, "calibration", seed=self.seed)


def resampled_thresholds(heights: np.ndarray, counts: np.ndarray, rate: float) -> np.ndarray:
    """Thresholds that `deblend.hemmati2022.peaks.set_threshold` sets in each bootstrap sample.

    Parameters
    ----------
    heights : ndarray, shape (m,)
        Significance of the highest false peak of each stamp.
    counts : ndarray, shape (n, m)
        How often each stamp is in each sample.
    rate : float
        Rate of false positives.
    """
    order, first = np.argsort(-heights, kind="stable"), np.zeros(len(counts), int)
    # One by one, since all of them can be large.
    for k, of_sample in enumerate(counts):
        above = np.cumsum(of_sample[order])
        first[k] = np.argmax(above > rate * above[-1])
    return np.maximum(heights[order][first], MIN_THRESHOLD)


def resampled_fractions(scores: Scores, sample: Sample, rate: float) -> np.ndarray:
    """Fraction of blends detected in each bootstrap sample, with a threshold of its own."""
    thresholds = resampled_thresholds(scores.false_calibration, sample.calibration_counts, rate)
    return _fractions(scores, sample, np.maximum(thresholds, scores.lowest_threshold))


def resampled_equal_fractions(scores: Scores, sample: Sample, rate: float) -> np.ndarray:
    """The same with the threshold at which that share of the single test galaxies is false."""
    thresholds = resampled_thresholds(scores.false_single, sample.single_counts, rate)
    return _fractions(scores, sample, thresholds)


def _fractions(scores: Scores, sample: Sample, thresholds: np.ndarray) -> np.ndarray:
    each = zip(sample.blend_counts, thresholds, strict=True)
    shares = [(own * (scores.limits > at)).sum() / own.sum() for own, at in each]
    return np.array(shares)


def _around(value: float, resampled: np.ndarray) -> tuple[float, float]:
    """68 % interval of resampled values, which the value itself is always in."""
    low, high = interval(resampled)
    return float(np.fmin(low, value)), float(np.fmax(high, value))


def purity(peaks: pd.DataFrame, thresholds: np.ndarray) -> np.ndarray:
    """Share of the peaks above each threshold that belong to a catalogued galaxy; NaN for none."""
    order = np.argsort(-peaks["significance"].to_numpy(), kind="stable")
    n_false = np.concatenate([[0], np.cumsum(peaks["false"].to_numpy(float)[order])])
    n = np.searchsorted(-peaks["significance"].to_numpy()[order], -np.asarray(thresholds))
    return np.where(n > 0, 1 - n_false[n] / np.maximum(n, 1), np.nan)


def ladder_table(
    scores: Mapping[str, Scores], sample: Sample, false_positives: pd.DataFrame, rate: float
) -> pd.DataFrame:
    """Table of all steps, and of differences between them.

    Parameters
    ----------
    scores : dict of Scores
        By resolution.
    sample : Sample
    false_positives : DataFrame
        Thresholds: see `deblend.hemmati2022.detection.Found`.
    rate : float
        Rate of false positives for which the thresholds are set.

    Returns
    -------
    DataFrame
        `COLUMNS`. `step` is empty for a way of finding peaks, and says what is added for a
        difference, of `resolution` from `compared`. `detected` is the percentage of the blends,
        with its 68 % interval; `detected_equal` the same with the threshold at which exactly the
        given share of the single test galaxies has a false peak, with its interval; `validated`
        that of the validation blends, by which to choose a way; `false_single` and `false_blends`
        are percentages with a false peak; `purity` is that of the peaks of blends.
    """
    thresholds = false_positives.drop_duplicates("resolution").set_index("resolution")["threshold"]
    ordered = [name for name in RESOLUTIONS if name in scores]
    resampled = {name: 100 * resampled_fractions(scores[name], sample, rate) for name in ordered}
    at_equal = {
        name: 100 * resampled_equal_fractions(scores[name], sample, rate) for name in ordered
    }
    n = len(sample.blends)
    rows: list[tuple] = []
    detected: dict[str, float] = {}
    equal: dict[str, float] = {}
    for name in ordered:
        own, threshold = scores[name], float(thresholds[name])
        detected[name] = 100 * float((own.limits > threshold).mean())
        ones = np.ones((1, len(own.false_single)))
        equal_threshold = resampled_thresholds(own.false_single, ones, rate)[0]
        equal[name] = 100 * float((own.limits > equal_threshold).mean())
        is_false = own.false_single > threshold
        low, high = interval_of_share(is_false, sample.single_counts)
        rows.append(
            (
                "",
                name,
                "",
                threshold,
                detected[name],
                *_around(detected[name], resampled[name]),
                equal[name],
                *_around(equal[name], at_equal[name]),
                100 * own.validated,
                100 * float(is_false.mean()),
                100 * low,
                100 * high,
                100 * float((own.false_blends > threshold).mean()),
                100 * float(purity(own.peaks, np.array([threshold]))[0]),
                n,
            )
        )
    for step, name, other in DIFFERENCES:
        if name in detected and other in detected:
            gains = []
            for values, drawn in ((detected, resampled), (equal, at_equal)):
                gain = values[name] - values[other]
                gains += [gain, *_around(gain, drawn[name] - drawn[other])]
            rest = (np.nan,) * 6
            rows.append((step, name, other, np.nan, *gains, *rest, n))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def ladder_curves(scores: Mapping[str, Scores]) -> pd.DataFrame:
    """Completeness and purity at all thresholds.

    Parameters
    ----------
    scores : dict of Scores

    Returns
    -------
    DataFrame
        `resolution`, `threshold`, `detected` (share of blends), `purity` (of the peaks of blends),
        `false_single` (share of single galaxies with a false peak).
    """
    parts = []
    for name, own in scores.items():
        end = max(float(own.limits.max(initial=0)), 2 * MIN_THRESHOLD)
        grid = np.geomspace(MIN_THRESHOLD, end, N_THRESHOLDS)
        parts.append(
            pd.DataFrame(
                {
                    "resolution": name,
                    "threshold": grid,
                    "detected": [(own.limits > t).mean() for t in grid],
                    "purity": purity(own.peaks, grid),
                    "false_single": [(own.false_single > t).mean() for t in grid],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def table_for_readers(ladder: pd.DataFrame) -> pd.DataFrame:
    """The table with names for the reader instead of those of resolutions.

    Parameters
    ----------
    ladder : DataFrame
        From `ladder_table`, or read from a file.

    Returns
    -------
    DataFrame
        Peaks in (what images and search), Detected (%) with Low and High, Exactly equal rate (%)
        with its interval, Validation (%), Single, false peak (%) with its interval, Blends, false
        peak (%), Purity (%), n. The rows of differences begin with what is added.
    """
    names = [
        RESOLUTIONS[row["resolution"]]
        if not isinstance(row["step"], str) or not row["step"]
        else f"{row['step']}: {RESOLUTIONS[row['resolution']]} minus {RESOLUTIONS[row['compared']]}"
        for _, row in ladder.iterrows()
    ]
    columns = {
        "detected": "Detected (%)",
        "low": "Low",
        "high": "High",
        "detected_equal": "Exactly equal rate (%)",
        "equal_low": "Low, equal",
        "equal_high": "High, equal",
        "validated": "Validation (%)",
        "false_single": "Single, false peak (%)",
        "false_single_low": "Low, single",
        "false_single_high": "High, single",
        "false_blends": "Blends, false peak (%)",
        "purity": "Purity (%)",
        "n": "n",
    }
    table = ladder[list(columns)].rename(columns=columns)
    table.insert(0, "Peaks in", names)
    return table
