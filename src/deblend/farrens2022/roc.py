"""Quality of the probabilities of a blend, beyond the accuracy of labels: not in the paper.

- ROC (receiver operating characteristic): completeness, the share of blends that are found, against
  false positives, the share of isolated stamps that are taken for blends, as the threshold of the
  probability falls. Neither depends on how many blends there are.
- Purity: the share of blends among stamps that are taken for blends, at a survey's share of blends.
- Calibration: whether of the stamps with a probability of, say, 0.8 four in five are blends; with
  the sample's share of blends, as in training.

SEP without true positions (labels "no_oracle" of `deblend.farrens2022.sep`) is a point of the ROC.
Errors are standard deviations over resamples of the galaxies (`deblend.farrens2022.metrics`), the
same for all methods.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from deblend.farrens2022.metrics import (
    N_RESAMPLES,
    NoiseRealisation,
    Subset,
    head_name,
    subsets,
)

#: Rules of SEP's labels that a survey can have, and the name of SEP with them in tables.
SURVEY_RULES = "no_oracle"
SURVEY_SEP = f"SEP ({SURVEY_RULES})"

#: Kinds of blends, and their subset in `deblend.farrens2022.metrics`. Isolated stamps are all.
BLENDS = {"all": "blends", "close": "close", "distant": "distant"}

#: False positives at which the completeness is given.
RATES = (0.01, 0.05)

#: False positives of the points of the curves: evenly in the logarithm.
CURVE_RATES = np.round(np.geomspace(1e-3, 1, 61), 6)

#: Edges of the bins of probability.
BIN_EDGES = np.round(np.linspace(0, 1, 11), 1)


@dataclass(frozen=True)
class Roc:
    """ROC of a sample, and of its resamples.

    Attributes
    ----------
    thresholds : ndarray, shape (k,)
        In descending order: stamps with at least this probability are taken for blends.
    false_positives, completeness : ndarray, shape (n_resamples + 1, k + 1)
        Of the sample in the first row, of its resamples in the others. They begin with 0, for a
        threshold above all probabilities, and end with 1.
    """

    thresholds: np.ndarray
    false_positives: np.ndarray
    completeness: np.ndarray

    def completeness_at(self, rates: Sequence[float] | np.ndarray) -> np.ndarray:
        """Completeness at given false positives, interpolated.

        Parameters
        ----------
        rates : sequence of float, or ndarray, shape (n_resamples + 1, n)
            The same for all resamples, or others for each.

        Returns
        -------
        ndarray, shape (n_resamples + 1, n)
        """
        each = np.broadcast_to(rates, (len(self.completeness), np.shape(rates)[-1]))
        rows = zip(each, self.false_positives, self.completeness, strict=True)
        return np.array([np.interp(*row) for row in rows])

    def threshold_at(self, rate: float) -> float:
        """The lowest threshold with no more false positives than this; NaN if there is none."""
        passed = np.flatnonzero(self.false_positives[0, 1:] <= rate)
        return float(self.thresholds[passed[-1]]) if len(passed) else np.nan

    def area(self) -> np.ndarray:
        """Area under the curve, shape (n_resamples + 1,): 0.5 by chance, 1 if perfect."""
        return np.trapezoid(self.completeness, self.false_positives, axis=1)


def all_weights(part: Subset) -> np.ndarray:
    """Weights of a subset's stamps: in the sample (first row) and in its resamples."""
    return np.vstack([part.weight, part.draws])


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
        weights = all_weights(part)[:, order]
        sums = np.zeros((len(weights), len(order) + 1))
        np.cumsum(weights, axis=1, out=sums[:, 1:])
        share = sums[:, n_above] / np.maximum(sums[:, -1:], 1e-30)
        shares.append(np.hstack([np.zeros((len(share), 1)), share]))
    return Roc(thresholds, false_positives=shares[1], completeness=shares[0])


def label_shares(labels: np.ndarray, blends: Subset, isolated: Subset) -> np.ndarray:
    """False positives and completeness of labels.

    Parameters
    ----------
    labels : ndarray of int, shape (n_table,)
        1 blend, 0 isolated; any other label is wrong.
    blends, isolated : Subset

    Returns
    -------
    ndarray, shape (2, n_resamples + 1)
    """
    found = []
    for part, wrong in ((isolated, labels != 0), (blends, labels == 1)):
        weights = all_weights(part)
        total = np.maximum(weights.sum(axis=1), 1e-30)
        found.append(weights @ wrong[part.rows].astype(float) / total)
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


def _spread(values: np.ndarray) -> float:
    """Standard deviation over the resamples in which a value exists; NaN if there are none."""
    finite = values[np.isfinite(values)]
    # Minus the first, so that equal values have exactly no spread.
    return float((finite - finite[0]).std()) if len(finite) else np.nan


def _value_and_error(name: str, values: np.ndarray) -> dict[str, float]:
    """A value (first) and its standard deviation over resamples (others), as columns."""
    return {name: float(values[0]), f"{name}_error": _spread(values[1:])}


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
        From `deblend.farrens2022.metrics.subsets`.
    blend_shares : dict
        Names of surveys to their shares of blends.

    Returns
    -------
    points : DataFrame
        A row for each of `BLENDS` (`blends`) and `point`: "false positives" of `RATES`, "label"
        (probability 0.5, and SEP's own label) and "as SEP" (as many false positives as SEP):
        `method`, `n_blends`, `n_isolated`, `threshold`, `false_positives`, `completeness`,
        `purity_...` for each survey, `gain` of completeness over SEP (for "as SEP"), the `area`
        under the curve; errors in `..._error`.
    curves : DataFrame
        `blends`, `false_positives` (`CURVE_RATES`), `completeness`, `completeness_error`.
    """
    points: list[dict[str, object]] = []
    curves = []
    isolated = parts["isolated"]
    for kind, subset in BLENDS.items():
        blends = parts[subset]
        if not len(blends.rows) or not len(isolated.rows):
            continue
        curve = roc(probability, blends, isolated)
        area = _value_and_error("area", curve.area())
        numbers = {"n_blends": len(blends.rows), "n_isolated": len(isolated.rows)}
        sep = label_shares(sep_labels, blends, isolated)
        own = label_shares((probability >= 0.5).astype(int), blends, isolated)
        at_rates = curve.completeness_at(RATES)
        as_sep = np.array([sep[0], curve.completeness_at(sep[0][:, None])[:, 0]])
        hunter = [
            *(
                ("false positives", curve.threshold_at(rate), np.full(len(found), rate), found)
                for rate, found in zip(RATES, at_rates.T, strict=True)
            ),
            ("label", 0.5, *own),
            ("as SEP", curve.threshold_at(float(sep[0, 0])), *as_sep),
        ]
        rows = [("BlendHunter", *row) for row in hunter]
        for method, point, threshold, false, found in [*rows, (SURVEY_SEP, "label", np.nan, *sep)]:
            row: dict[str, object] = {
                "method": method,
                "blends": kind,
                "point": point,
                **numbers,
                "threshold": threshold,
                **_value_and_error("false_positives", false),
                **_value_and_error("completeness", found),
            }
            for name, share in blend_shares.items():
                row |= _value_and_error(f"purity_{name}", purity(found, false, share))
            if point == "as SEP":
                row |= _value_and_error("gain", found - sep[1])
            if method == "BlendHunter":
                row |= area
            points.append(row)
        found = curve.completeness_at(CURVE_RATES)
        columns = {"false_positives": CURVE_RATES, "completeness": found[0]}
        error = found[1:].std(axis=0)
        curves.append(pd.DataFrame({"blends": kind, **columns, "completeness_error": error}))
    return pd.DataFrame(points), pd.concat(curves, ignore_index=True)


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
    member = np.eye(len(BIN_EDGES) - 1)[bins]
    weights = all_weights(part)
    in_bin, p_sum, blend_sum = (
        weights @ (member * values[:, None]) for values in (np.ones(len(p)), p, truth)
    )
    total = np.maximum(weights.sum(axis=1), 1e-30)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, share = p_sum / in_bin, blend_sum / in_bin
    rows = [
        {
            "probability_low": BIN_EDGES[k],
            "probability_high": BIN_EDGES[k + 1],
            "n": int(member[:, k].sum()),
            "mean_probability": mean[0, k],
            "blend_share": share[0, k],
            "error": _spread(share[1:, k]),
        }
        for k in np.flatnonzero(member.any(axis=0))
    ]
    overall = blend_sum.sum(axis=1) / total
    rows.append(
        {
            "probability_low": 0.0,
            "probability_high": 1.0,
            "n": len(p),
            "mean_probability": p_sum[0].sum() / total[0],
            "blend_share": overall[0],
            "error": overall[1:].std(),
            **_value_and_error("brier", weights @ (p - truth) ** 2 / total),
            **_value_and_error("calibration_error", np.abs(p_sum - blend_sum).sum(axis=1) / total),
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
        `x`, `y`, the mean `error` of the stamps, and the `std` over realisations. Of the ROC, x is
        the false positives and y the completeness; of the reliability, x is the mean probability
        in a bin and y the share of blends.
    """
    bins = calibrations[calibrations["probability_high"] - calibrations["probability_low"] < 0.5]
    both = pd.concat(
        [
            curves.rename(
                columns={
                    "false_positives": "x",
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
        std=("y", lambda values: values.std(ddof=0)),
    )
    return table.reset_index().drop(columns="place")
