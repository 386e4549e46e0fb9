"""Quality of the probabilities of a blend, beyond the accuracy of labels: not in the paper.

- ROC (receiver operating characteristic): completeness, the share of blends that are found, against
  false positives, the share of isolated stamps that are taken for blends, as the threshold of the
  probability falls. Neither depends on how many blends there are.
- Purity: the share of blends among stamps that are taken for blends, at a survey's share of blends.
- Calibration: whether of the stamps with a probability of, say, 0.8 four in five are blends; with
  the sample's share of blends, as in training.

Thresholds for given false positives are chosen on the test stamps themselves: on others of the same
kind they have about these false positives, not exactly.

SEP without true positions (labels `SURVEY_RULES` of `deblend.farrens2022.sep`) is a point of the
ROC. Errors are those of resamples of the galaxies (`deblend.farrens2022.subsets.Resamples`), which
are the same for all methods.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from deblend.farrens2022.metrics import SURVEY_RULES, NoiseRealisation, head_name
from deblend.farrens2022.subsets import N_RESAMPLES, Resamples, Subset, subsets
from deblend.scratch import new_array
from numpy.typing import ArrayLike

#: Name of SEP in tables, with the labels that a survey can have.
SURVEY_SEP = f"SEP ({SURVEY_RULES})"

#: Kinds of blends, and their subset in `deblend.farrens2022.subsets`. Isolated stamps are all.
BLENDS = {"all": "blends", "close": "close", "distant": "distant"}

#: False positives at which the completeness is given.
RATES = (0.01, 0.05)

#: False positives of the points of the curves: evenly in the logarithm.
CURVE_RATES = np.round(np.geomspace(1e-3, 1, 61), 6)

#: Name of the operating point of heads with as many false positives as SEP.
AS_SEP = "SEP's false positives on these stamps"

#: Edges of the bins of probability.
BIN_EDGES = np.round(np.linspace(0, 1, 11), 1)


@dataclass(frozen=True)
class Roc:
    """ROC of a sample, and of its resamples.

    Attributes
    ----------
    thresholds : ndarray, shape (k,)
        In descending order: stamps with at least this probability are taken for blends.
    false_positives, completeness : ndarray, shape (n_rows, k + 1)
        Of the sample in the first row, of its resamples in the others
        (`deblend.farrens2022.subsets.Subset.each_weights`). They begin with 0, for a threshold
        above all probabilities, and end with 1.
    n_isolated : int
        Number of isolated stamps. Smaller shares of false positives than one of them are not known:
        what they go with is NaN.
    """

    thresholds: np.ndarray
    false_positives: np.ndarray
    completeness: np.ndarray
    n_isolated: int

    def completeness_at(self, rates: Sequence[float] | np.ndarray) -> np.ndarray:
        """Completeness at given false positives, interpolated.

        Parameters
        ----------
        rates : sequence of float, or ndarray, shape (n_rows, n)
            The same for all resamples, or others for each.

        Returns
        -------
        ndarray, shape (n_rows, n)
        """
        each = np.broadcast_to(rates, (len(self.completeness), np.shape(rates)[-1]))
        rows = zip(each, self.false_positives, self.completeness, strict=True)
        found = np.array([np.interp(*row) for row in rows])
        found[:, ~self.is_known(each[0])] = np.nan
        return found

    def false_positives_at(self, completeness: np.ndarray) -> np.ndarray:
        """False positives at given completeness, interpolated, shape (n_rows, n)."""
        rows = zip(self.completeness, self.false_positives, strict=True)
        return np.array([np.interp(completeness, *row) for row in rows])

    def is_known(self, rates: ArrayLike) -> np.ndarray:
        """Whether shares of false positives are of one isolated stamp at least."""
        return np.asarray(rates) * self.n_isolated > 1 - 1e-9

    def within(self, rate: float) -> tuple[float, np.ndarray, np.ndarray]:
        """The lowest threshold with no more false positives than a share of these stamps.

        Returns
        -------
        threshold : float
        false_positives, completeness : ndarray, shape (n_rows,)
            Those with this threshold in the first row. In resamples the false positives are the
            same, so the threshold is another one. All are NaN if the share is not known, or if no
            threshold has so few.
        """
        passed = np.flatnonzero(self.false_positives[0, 1:] <= rate)
        none = np.full(len(self.completeness), np.nan)
        if not len(passed) or not self.is_known(rate):
            return np.nan, none, none
        last = passed[-1]
        false = np.full(len(none), self.false_positives[0, last + 1])
        each = zip(false, self.false_positives, self.completeness, strict=True)
        completeness = np.array([np.interp(*row) for row in each])
        completeness[0] = self.completeness[0, last + 1]
        return float(self.thresholds[last]), false, completeness

    def area(self) -> np.ndarray:
        """Area under the curve, shape (n_rows,): 0.5 by chance, 1 if perfect."""
        rows = zip(self.completeness, self.false_positives, strict=True)
        return np.array([np.trapezoid(*row) for row in rows])


def roc(probability: np.ndarray, blends: Subset, isolated: Subset) -> Roc:
    """ROC of probabilities for blends against isolated stamps.

    Parameters
    ----------
    probability : ndarray, shape (n_table,)
        Of each stamp of the table, or any number that is higher for blends.
    blends, isolated : Subset
        With stamps.
    """
    scores = [probability[part.rows] for part in (blends, isolated)]
    thresholds = np.unique(np.concatenate(scores))[::-1]
    shares = []
    for score, part in zip(scores, (blends, isolated), strict=True):
        order = np.argsort(-score, kind="stable")
        # Number of the stamps at or above each threshold.
        n_above = np.searchsorted(-score[order], -thresholds, side="right")
        share = new_array((part.n_weights, len(thresholds) + 1), float)
        for row, weights in zip(share, part.each_weights(), strict=True):
            sums = np.concatenate([[0.0], np.cumsum(weights[order])])
            row[1:] = sums[n_above] / max(sums[-1], 1e-30)
        shares.append(share)
    return Roc(thresholds, shares[1], shares[0], len(isolated.rows))


def label_shares(labels: np.ndarray, blends: Subset, isolated: Subset) -> np.ndarray:
    """False positives and completeness of labels.

    Parameters
    ----------
    labels : ndarray of int, shape (n_table,)
        1 blend, 0 isolated; any other label is wrong.
    blends, isolated : Subset

    Returns
    -------
    ndarray, shape (2, n_rows)
    """
    found = []
    # A failure, which is wrong on any stamp, is like an isolated stamp that is taken for a blend.
    for part, taken in ((isolated, labels != 0), (blends, labels == 1)):
        values = taken[part.rows].astype(float)
        found.append([own @ values / max(own.sum(), 1e-30) for own in part.each_weights()])
    return np.array(found)


def purity(completeness: np.ndarray, false_positives: np.ndarray, blend_share: float) -> np.ndarray:
    """Share of blends among stamps that are taken for blends, by Bayes' theorem.

    Parameters
    ----------
    completeness, false_positives : ndarray
    blend_share : float
        Share of blends among all stamps.

    Returns
    -------
    ndarray
        NaN where nothing is taken for a blend.
    """
    true = blend_share * np.asarray(completeness, float)
    false = (1 - blend_share) * np.asarray(false_positives, float)
    with np.errstate(invalid="ignore"):
        return true / (true + false)


def purity_error(
    completeness: np.ndarray, false_positives: np.ndarray, error: np.ndarray, blend_share: float
) -> np.ndarray:
    """Error of the purity at a given completeness, from that of the false positives there."""
    true = blend_share * np.asarray(completeness, float)
    false = (1 - blend_share) * np.asarray(false_positives, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return true * (1 - blend_share) * np.asarray(error, float) / (true + false) ** 2


def value_and_error(name: str, values: np.ndarray, resamples: Resamples | None) -> dict[str, float]:
    """A value (first) and its error from the resamples (others), as columns."""
    error = np.nan if resamples is None else resamples.spread(values)
    return {name: float(values[0]), f"{name}_error": error}


def operating_points(
    probability: np.ndarray,
    sep_labels: np.ndarray,
    parts: Mapping[str, Subset],
    blend_shares: Mapping[str, float],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a head finds at some false positives, beside SEP, and its ROC.

    Parameters
    ----------
    probability : ndarray, shape (n,)
        Probability of a blend.
    sep_labels : ndarray of int, shape (n,)
        By `SURVEY_RULES`.
    parts : dict
        From `deblend.farrens2022.subsets.subsets`.
    blend_shares : dict
        Names of surveys to their shares of blends.

    Returns
    -------
    points : DataFrame
        A row for each of `BLENDS` (`blends`) and `point`: such as "1 % false positives on these
        stamps", for `RATES`; "label" (probability 0.5, and SEP's own label); and "SEP's false
        positives on these stamps": `method`, `n_blends`, `n_isolated`, `threshold`, the
        `false_positives` and the `completeness` with it, `purity_...` for each survey, `gain` of
        completeness over SEP (for SEP's false positives), the `area` under the curve; errors in
        `..._error`. Where a threshold is chosen on these stamps, errors are for the same false
        positives; see `Roc.within` for when there is none.
    curves : DataFrame
        `blends`, `false_positives` (`CURVE_RATES`), `completeness`, `completeness_error`, and
        `false_positives_error`, at the same completeness.
    """
    points: list[dict[str, object]] = []
    curves = []
    isolated = parts["isolated"]
    resamples = isolated.resamples
    for kind, subset in BLENDS.items():
        blends = parts[subset]
        if not len(blends.rows) or not len(isolated.rows):
            continue
        curve = roc(probability, blends, isolated)
        area = value_and_error("area", curve.area(), resamples)
        numbers = {"n_blends": len(blends.rows), "n_isolated": len(isolated.rows)}
        sep = label_shares(sep_labels, blends, isolated)
        own = label_shares((probability >= 0.5).astype(int), blends, isolated)
        at_rates = [
            (f"{100 * rate:g} % false positives on these stamps", *curve.within(rate))
            for rate in RATES
        ]
        rows = [("BlendHunter", *row) for row in (*at_rates, ("label", 0.5, *own))]
        rows += [
            ("BlendHunter", AS_SEP, *_as_sep(curve, sep[0])),
            (SURVEY_SEP, "label", np.nan, *sep),
        ]
        for method, point, threshold, false, found in rows:
            row: dict[str, object] = {
                "method": method,
                "blends": kind,
                "point": point,
                **numbers,
                "threshold": threshold,
                **value_and_error("false_positives", false, resamples),
                **value_and_error("completeness", found, resamples),
            }
            for name, share in blend_shares.items():
                row |= value_and_error(f"purity_{name}", purity(found, false, share), resamples)
            if point == AS_SEP:
                row |= value_and_error("gain", found - sep[1], resamples)
            if method == "BlendHunter":
                row |= area
            points.append(row)
        curves.append(_curve_table(curve, resamples).assign(blends=kind))
    return pd.DataFrame(points), pd.concat(curves, ignore_index=True)


def _as_sep(curve: Roc, false: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """`Roc.within` of SEP's false positives, which are others in each resample."""
    threshold, chosen, found = curve.within(float(false[0]))
    if np.isfinite(threshold):
        chosen = np.append(chosen[:1], false[1:])
        found = np.append(found[:1], curve.completeness_at(false[:, None])[1:, 0])
    return threshold, chosen, found


def _curve_table(curve: Roc, resamples: Resamples | None) -> pd.DataFrame:
    """Completeness at `CURVE_RATES`, with the errors of both."""
    found = curve.completeness_at(CURVE_RATES)
    false = np.vstack([CURVE_RATES, curve.false_positives_at(found[0])[1:]])
    return pd.DataFrame(
        {
            "false_positives": CURVE_RATES,
            "false_positives_error": _errors(false, resamples),
            "completeness": found[0],
            "completeness_error": _errors(found, resamples),
        }
    )


def _errors(values: np.ndarray, resamples: Resamples | None) -> np.ndarray:
    """Errors of columns of values, see `value_and_error`."""
    return np.array([value_and_error("", column, resamples)["_error"] for column in values.T])


def calibration(probability: np.ndarray, is_blend: np.ndarray, part: Subset) -> pd.DataFrame:
    """Reliability of probabilities in bins, and of all together.

    Parameters
    ----------
    probability, is_blend : ndarray, shape (n_table,)
    part : Subset
        The stamps that count.

    Returns
    -------
    DataFrame
        `probability_low`, `probability_high`, `n` stamps, `mean_probability`, `blend_share` and its
        `error`: a row for each bin of `BIN_EDGES` with stamps, then one from 0 to 1, for all. That
        also has the `brier` score, the mean of (probability - truth)^2, and the
        `calibration_error`, the mean of |mean probability - share of blends| over stamps by bins
        (expected calibration error), with errors in `..._error`. The latter is not zero for
        perfect probabilities either, since the bins have a finite number of stamps.
    """
    p, truth = probability[part.rows].astype(float), is_blend[part.rows].astype(float)
    bins = np.minimum(np.searchsorted(BIN_EDGES, p, side="right") - 1, len(BIN_EDGES) - 2)
    n_bins = len(BIN_EDGES) - 1
    sums, total, squares = np.zeros((3, part.n_weights, n_bins)), [], []
    for k, weights in enumerate(part.each_weights()):
        for values, own in zip((1.0, p, truth), sums, strict=True):
            own[k] = np.bincount(bins, weights * values, n_bins)
        total.append(max(weights.sum(), 1e-30))
        squares.append(weights @ (p - truth) ** 2)
    in_bin, p_sum, blend_sum = sums
    n_in_bin = np.bincount(bins, minlength=n_bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, share = p_sum / in_bin, blend_sum / in_bin
    rows = [
        {
            "probability_low": BIN_EDGES[k],
            "probability_high": BIN_EDGES[k + 1],
            "n": int(n_in_bin[k]),
            "mean_probability": mean[0, k],
            "blend_share": share[0, k],
            "error": value_and_error("", share[:, k], part.resamples)["_error"],
        }
        for k in np.flatnonzero(n_in_bin)
    ]
    overall = blend_sum.sum(axis=1) / total
    rows.append(
        {
            "probability_low": 0.0,
            "probability_high": 1.0,
            "n": len(p),
            "mean_probability": p_sum[0].sum() / total[0],
            "blend_share": overall[0],
            "error": value_and_error("", overall, part.resamples)["_error"],
            **value_and_error("brier", np.divide(squares, total), part.resamples),
            **value_and_error(
                "calibration_error", np.abs(p_sum - blend_sum).sum(axis=1) / total, part.resamples
            ),
        }
    )
    return pd.DataFrame(rows)


def by_head(
    tables: Sequence[pd.DataFrame], sets: Sequence[NoiseRealisation], column: str
) -> dict[NoiseRealisation, np.ndarray]:
    """A column of the tables of each head: probabilities, or SEP's labels of the same stamps.

    Parameters
    ----------
    tables : sequence of DataFrame
        One for each head, with the column; or a single one for all heads, with the column, or
        with a column for each head, named by `deblend.farrens2022.metrics.head_name`.
    sets : sequence of (float, int)
        Noise and realisation of each head.
    column : str
    """
    if len(tables) < len(sets) or column not in tables[0]:
        (table,) = tables
        names = [column if column in table else head_name(*each) for each in sets]
        return {each: table[name].to_numpy() for each, name in zip(sets, names, strict=True)}
    return {each: table[column].to_numpy() for each, table in zip(sets, tables, strict=True)}


def detection_quality(
    table: pd.DataFrame,
    probabilities: Mapping[NoiseRealisation, np.ndarray],
    sep_labels: Mapping[NoiseRealisation, np.ndarray],
    blend_shares: Mapping[str, float],
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Operating points, ROC and calibration of each head on a sample's stamps.

    Parameters
    ----------
    table : DataFrame
        Table of the stamps.
    probabilities, sep_labels : dict
        Noise and realisation of each head to the probabilities and SEP's labels, from `by_head`.
    blend_shares
        See `operating_points`.
    seed, n_resamples : int
        Of the bootstrap.

    Returns
    -------
    points, curves, calibrations : DataFrame
        Those of `operating_points` and `calibration`, with `noise_sigma` and `realisation`.
    """
    parts = subsets(table, seed=seed, n_resamples=n_resamples)
    is_blend = table["is_blend"].to_numpy()
    found: list[tuple[pd.DataFrame, ...]] = []
    for each, probability in probabilities.items():
        tables = (
            *operating_points(probability, sep_labels[each], parts, blend_shares),
            calibration(probability, is_blend, parts["all"]),
        )
        for part in tables:
            part.insert(0, "realisation", each[1])
            part.insert(0, "noise_sigma", each[0])
        found.append(tables)
    points, curves, calibrations = (
        pd.concat(each, ignore_index=True) for each in zip(*found, strict=True)
    )
    return points, curves, calibrations


def mean_curves(curves: pd.DataFrame, calibrations: pd.DataFrame) -> pd.DataFrame:
    """Means over realisations, as the figure draws them.

    Returns
    -------
    DataFrame
        `noise_sigma`, `curve` ("roc" or "reliability"), `blends` ("all", "close", "distant"),
        `x`, `y`, the mean `error` of the stamps and, at the same y, `x_error` (ROC only), and the
        `std` over realisations. Of the ROC, x is the false positives and y the completeness, NaN
        where no realisation has it; of the reliability, x is the mean probability
        in a bin and y the share of blends.
    """
    bins = calibrations[calibrations["probability_high"] - calibrations["probability_low"] < 0.5]
    both = pd.concat(
        [
            curves.rename(
                columns={
                    "false_positives": "x",
                    "false_positives_error": "x_error",
                    "completeness": "y",
                    "completeness_error": "error",
                }
            ).assign(curve="roc", place=curves["false_positives"]),
            bins.rename(columns={"mean_probability": "x", "blend_share": "y"}).assign(
                curve="reliability", blends="all", place=bins["probability_low"]
            ),
        ],
        ignore_index=True,
    )
    groups = both.groupby(["noise_sigma", "curve", "blends", "place"], sort=False)
    table = groups.agg(
        x=("x", "mean"),
        y=("y", "mean"),
        error=("error", "mean"),
        x_error=("x_error", "mean"),
        std=("y", lambda values: values.std(ddof=0)),
    )
    return table.reset_index().drop(columns="place")
