"""Accuracies of BlendHunter and SEP: shares of stamps with the correct label.

Farrens et al. 2022, Sects 4.2 and 4.3. What Figure 5 calls relative accuracy is, in the authors'
code (`overall_accuracy.ipynb`), 100 (accuracy of BlendHunter - accuracy of SEP), in percentage
points: of all stamps, and of close or distant blends together with as many isolated stamps. This is
the `gain` of every table here, as a share.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from deblend.farrens2022.config import CLOSE_PX, SEP_LABELS
from deblend.farrens2022.subsets import Subset, distance_bins, subsets

METHODS = ("BlendHunter", "SEP")

#: Panels of Figure 6: the subsets of their blends and of their isolated stamps.
PANELS = {
    "close": ("close", "isolated_with_close"),
    "distant": ("distant", "isolated_with_distant"),
    "all": ("blends", "isolated"),
}

#: Label of stamps on which SEP failed.
FAILED = -1

#: Rules of SEP's labels that a survey can have: see `deblend.farrens2022.sep`.
SURVEY_RULES = "no_oracle"

#: Those of the paper's numbers.
PUBLISHED_RULES = "authors"


def analysed(labels: np.ndarray, rules: str) -> np.ndarray:
    """Which stamps count, with SEP's labels by some rules (see `deblend.farrens2022.sep`).

    By those of Sect. 4.1, failures are excluded from the analysis, for all methods. By the others,
    they count as wrong.
    """
    return labels != FAILED if rules == "section_4_1" else np.ones(len(labels), bool)


def accuracy_table(
    table: pd.DataFrame,
    labels: Mapping[str, np.ndarray],
    parts: Mapping[str, Subset] | None = None,
    kept: np.ndarray | None = None,
) -> pd.DataFrame:
    """Accuracy of each method in each subset.

    Parameters
    ----------
    table : DataFrame
        Stamps: see `subset_weights`.
    labels : dict
        Method to labels: 1 blend, 0 isolated, -1 failed, which is wrong.
    parts : dict, optional
        From `subsets`, of the same stamps.
    kept : ndarray of bool, optional
        Stamps that are analysed: the same for all methods.

    Returns
    -------
    DataFrame
        `method`, `subset`; `n` analysed stamps; `n_failed` of all stamps, and `n_dropped`, those
        that are not analysed; `failed_share`, the weighted share of all stamps that failed, and
        `failed_error`; `accuracy` and its `error`; `gain`, the accuracy minus that of the method
        "SEP", and `gain_error`, that of a difference on the same stamps (NaN without that method).
        For errors see `Subset.means`.
    """
    parts = subsets(table) if parts is None else parts
    truth = table["is_blend"].to_numpy()
    kept = np.ones(len(table), bool) if kept is None else kept
    correct = np.column_stack([method_labels == truth for method_labels in labels.values()])
    values = correct
    if "SEP" in labels:
        gains = correct - correct[:, [list(labels).index("SEP")]].astype(float)
        values = np.column_stack([correct, gains])
    failures = np.column_stack([found == FAILED for found in labels.values()])
    columns: list[pd.DataFrame] = []
    for subset, whole in parts.items():
        part = whole.only(kept)
        means, errors = part.means(values)
        n = len(labels)
        failed_share, failed_error = whole.means(failures)
        columns.append(
            pd.DataFrame(
                {
                    "method": list(labels),
                    "subset": subset,
                    "n": len(part.rows),
                    "n_failed": failures[whole.rows].sum(axis=0),
                    "n_dropped": len(whole.rows) - len(part.rows),
                    "failed_share": failed_share,
                    "failed_error": failed_error,
                    "accuracy": means[:n],
                    "error": errors[:n],
                    "gain": means[n:] if len(means) > n else np.nan,
                    "gain_error": errors[n:] if len(means) > n else np.nan,
                }
            )
        )
    found = pd.concat(columns, ignore_index=True)
    order = {method: place for place, method in enumerate(labels)}
    return found.sort_values("method", key=lambda names: names.map(order), kind="stable")


def method_accuracies(
    table: pd.DataFrame,
    parts: Mapping[str, Subset],
    probability: np.ndarray,
    sep: pd.DataFrame,
    rules: str,
) -> pd.DataFrame:
    """Accuracies of BlendHunter and of SEP by all rules of labelling.

    Parameters
    ----------
    table, parts
        See `accuracy_table`.
    probability : ndarray, shape (n,)
        BlendHunter's probability of a blend.
    sep : DataFrame
        SEP's labels: a column for each rules, all or some of `SEP_LABELS`.
    rules : str
        Those of the method "SEP", with which BlendHunter is compared. SEP by other rules has the
        method "SEP (rules)" and is compared with nothing.

    Returns
    -------
    DataFrame
        As from `accuracy_table`; `sep_labels` is the rules of SEP's rows, "" for BlendHunter.
    """
    own = _compared(table, parts, probability, sep[rules].to_numpy(), rules)
    return pd.concat([own, *_other_rules(table, parts, sep, rules)], ignore_index=True)


def _compared(
    table: pd.DataFrame,
    parts: Mapping[str, Subset],
    probability: np.ndarray,
    sep_labels: np.ndarray,
    rules: str,
) -> pd.DataFrame:
    """The rows of `method_accuracies` of BlendHunter and "SEP"."""
    both = {"BlendHunter": (probability >= 0.5).astype(int), "SEP": sep_labels}
    found = accuracy_table(table, both, parts, analysed(sep_labels, rules))
    return found.assign(sep_labels=found["method"].map({"SEP": rules}).fillna(""))


def _other_rules(
    table: pd.DataFrame, parts: Mapping[str, Subset], sep: pd.DataFrame, rules: str
) -> list[pd.DataFrame]:
    """The rows of `method_accuracies` of SEP by other rules."""
    found = []
    for name in SEP_LABELS:
        if name in sep and name != rules:
            labels = sep[name].to_numpy()
            method = {f"SEP ({name})": labels}
            rows = accuracy_table(table, method, parts, analysed(labels, name))
            found.append(rows.assign(sep_labels=name))
    return found


def by_rules(accuracies: pd.DataFrame, rules: str) -> pd.DataFrame:
    """SEP's rows of accuracies, with labels by these rules."""
    return accuracies[accuracies["sep_labels"] == rules]


def binned_accuracies(
    table: pd.DataFrame,
    labels: Mapping[str, np.ndarray],
    bins: Mapping[tuple[float, float], Subset],
    kept: np.ndarray | None = None,
) -> pd.DataFrame:
    """Accuracy on blends in bins of distance (Fig. 3).

    Parameters
    ----------
    table, labels, kept
        See `accuracy_table`.
    bins : dict
        From `distance_bins`.

    Returns
    -------
    DataFrame
        `method`, `distance_low_px`, `distance_high_px`, `n`, `accuracy` and its `error`, and
        `gain` and `gain_error` (see `accuracy_table`): NaN without blends.
    """
    found = []
    for (low, high), part in bins.items():
        accuracies = accuracy_table(table, labels, {"all": part}, kept)
        accuracies.insert(1, "distance_low_px", low)
        accuracies.insert(2, "distance_high_px", high)
        found.append(accuracies)
    columns = ["method", "distance_low_px", "distance_high_px", "n", "accuracy", "error"]
    both = pd.concat(found, ignore_index=True)[[*columns, "gain", "gain_error"]]
    order = {method: place for place, method in enumerate(labels)}
    return both.sort_values(
        "method", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def summarise(accuracies: pd.DataFrame, value: str = "accuracy") -> pd.DataFrame:
    """Mean and standard deviation over realisations (Figs 4 to 6).

    Parameters
    ----------
    accuracies : DataFrame
        `noise_sigma`, `realisation`, `method`, `subset`, `n`, and the value with its error (`error`
        or `gain_error`).
    value : {"accuracy", "gain"}

    Returns
    -------
    DataFrame
        `noise_sigma`, `method`, `subset`, `n_realisations`, `n` stamps, `mean`, `std` (population),
        and `error`, that of the stamps: since realisations share them, the mean of their errors.
    """
    error = "error" if value == "accuracy" else f"{value}_error"
    groups = accuracies.groupby(["noise_sigma", "method", "subset"], sort=False)
    table = groups.agg(
        n_realisations=(value, "count"),
        n=("n", "max"),
        mean=(value, "mean"),
        std=(value, lambda values: values.std(ddof=0)),
        error=(error, "mean"),
    )
    return table.reset_index()


#: What a head is trained on: the noise's standard deviation, counts, and the realisation's number.
NoiseRealisation = tuple[float, int]


def parametric_accuracies(
    table: pd.DataFrame,
    predictions: Mapping[NoiseRealisation, pd.DataFrame],
    sep_labels: Mapping[NoiseRealisation, pd.DataFrame],
    bins_px: list[float],
    *,
    rules: str = "authors",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracies on the parametric test stamps, for each noise level and realisation.

    Parameters
    ----------
    table : DataFrame
        Table of the test stamps.
    predictions, sep_labels : dict
        Noise and realisation to a table of `probability`, or of SEP's labels by each rules.
    bins_px : list of float
        Edges of the bins of distance.
    rules : str
        See `method_accuracies`.

    Returns
    -------
    accuracies, by_distance : DataFrame
        `method_accuracies` and `binned_accuracies`, with `noise_sigma` and `realisation`.
    """
    parts = subsets(table)
    bins = distance_bins(table, np.array(bins_px, float))
    by_subset: list[pd.DataFrame] = []
    by_distance: list[pd.DataFrame] = []
    for (sigma, realisation), predicted in predictions.items():
        probability = predicted["probability"].to_numpy()
        sep = sep_labels[sigma, realisation]
        labels = {"BlendHunter": (probability >= 0.5).astype(int), "SEP": sep[rules].to_numpy()}
        kept = analysed(labels["SEP"], rules)
        for found, accuracies in (
            (by_subset, method_accuracies(table, parts, probability, sep, rules)),
            (by_distance, binned_accuracies(table, labels, bins, kept)),
        ):
            accuracies.insert(0, "realisation", realisation)
            accuracies.insert(0, "noise_sigma", sigma)
            found.append(accuracies)
    return pd.concat(by_subset, ignore_index=True), pd.concat(by_distance, ignore_index=True)


def realistic_accuracies(
    table: pd.DataFrame,
    predictions: pd.DataFrame,
    sep_labels: pd.DataFrame,
    sets: list[NoiseRealisation],
    *,
    rules: str = "authors",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracies on a sample's stamps, of heads trained on parametric stamps (Figs 5, 6).

    Parameters
    ----------
    table : DataFrame
        Table of the realistic stamps, or of another sample.
    predictions : DataFrame
        A column of probabilities for each head, named by `head_name`.
    sep_labels : DataFrame
        SEP's labels by each rules.
    sets : list of (float, int)
        Noise and realisation of each head.
    rules
        See `parametric_accuracies`.

    Returns
    -------
    accuracies : DataFrame
        As from `parametric_accuracies`. SEP's accuracies are the same for each head.
    confusion : DataFrame
        From `confusion_table`.
    """
    parts = subsets(table)
    # SEP by other rules is the same for each head.
    others = _other_rules(table, parts, sep_labels, rules)
    labels = sep_labels[rules].to_numpy()
    found = []
    for sigma, realisation in sets:
        probability = predictions[head_name(sigma, realisation)].to_numpy()
        own = _compared(table, parts, probability, labels, rules)
        accuracies = pd.concat([own, *others], ignore_index=True)
        accuracies.insert(0, "realisation", realisation)
        accuracies.insert(0, "noise_sigma", sigma)
        found.append(accuracies)
    both = pd.concat(found, ignore_index=True)
    return both, confusion_table(both)


def confusion_table(accuracies: pd.DataFrame) -> pd.DataFrame:
    """What Figure 6 shows of BlendHunter and SEP.

    Parameters
    ----------
    accuracies : DataFrame
        See `parametric_accuracies`.

    Returns
    -------
    DataFrame
        `noise_sigma`, `realisation`, `method`, `panel` (of `PANELS`); `true_positive`, the share of
        `n_blends` blends labelled as blends, and `positive_error`; `true_negative`, the share of
        `n_isolated` isolated stamps labelled as isolated, and `negative_error`;
        `positive_fraction` and `negative_fraction`, both as fractions of all stamps of the panel,
        as in the paper: 0.5 for all of as many blends as isolated stamps.
    """
    keys = ["noise_sigma", "realisation", "method"]
    both = accuracies[accuracies["method"].isin(METHODS)]
    cells = []
    for panel, (blends, isolated) in PANELS.items():
        positive, negative = (
            both.loc[both["subset"] == subset, [*keys, "n", "accuracy", "error"]]
            for subset in (blends, isolated)
        )
        cell = positive.merge(negative, on=keys, suffixes=("_positive", "_negative"))
        n = cell["n_positive"] + cell["n_negative"]
        cells.append(
            cell[keys].assign(
                panel=panel,
                true_positive=cell["accuracy_positive"],
                true_negative=cell["accuracy_negative"],
                n_blends=cell["n_positive"],
                n_isolated=cell["n_negative"],
                positive_error=cell["error_positive"],
                negative_error=cell["error_negative"],
                positive_fraction=cell["accuracy_positive"] * cell["n_positive"] / n,
                negative_fraction=cell["accuracy_negative"] * cell["n_negative"] / n,
            )
        )
    return pd.concat(cells, ignore_index=True)


def largest_gain(by_distance: pd.DataFrame) -> tuple[float, float, float, float, int]:
    """Largest gain over SEP on close blends, of all bins of distance and noise levels.

    Gains are means over realisations. Bins with fewer than 20 labels in all realisations together
    are excluded, since the largest of many noisy numbers is mostly noise.

    Returns
    -------
    gain, error, noise_sigma, distance_low_px : float
        The error is that of the blends in the bin, which realisations share; it does not have the
        choice of the largest of several.
    n : int
        Number of blends in that bin, which realisations share. If no bin has enough labels, n is 0
        and the others are NaN.
    """
    rows = by_distance[
        (by_distance["distance_high_px"] <= CLOSE_PX) & (by_distance["method"] == "BlendHunter")
    ].dropna(subset="gain")
    rows = rows.assign(sum=rows["gain"] * rows["n"])
    bins = rows.groupby(["noise_sigma", "distance_low_px"]).agg(
        sum=("sum", "sum"), n_labels=("n", "sum"), n=("n", "max"), error=("gain_error", "mean")
    )
    bins = bins[bins["n_labels"] >= 20]
    if bins.empty:
        return np.nan, np.nan, np.nan, np.nan, 0
    gain = bins["sum"] / bins["n_labels"]
    best = gain.idxmax()
    sigma, low = best
    return (
        float(gain[best]),
        float(bins["error"][best]),
        float(sigma),
        float(low),
        int(bins["n"][best]),
    )


def head_name(sigma: float, realisation: int) -> str:
    """Name of the head of one noise level and realisation, used for files and columns."""
    return f"sigma{sigma:g}_{realisation}"
