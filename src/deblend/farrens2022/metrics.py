"""Accuracies of BlendHunter and SEP: shares of stamps with the correct label.

Farrens et al. 2022, Sects 4.2 and 4.3. What Figure 5 calls relative accuracy is, in the authors'
code (`overall_accuracy.ipynb`), 100 (accuracy of BlendHunter - accuracy of SEP), in percentage
points: of all stamps, and of close or distant blends together with as many isolated stamps. This is
the `gain` of every table here, as a share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from deblend.farrens2022.config import CLOSE_PX, SEP_LABELS
from deblend.intervals import Sharing, numbers_of
from deblend.seeds import generator

METHODS = ("BlendHunter", "SEP")

#: Sets of stamps of the tables of accuracy, see `subset_weights`.
SUBSETS = (
    "all",
    "close_with_isolated",
    "distant_with_isolated",
    "close",
    "distant",
    "blends",
    "isolated",
    "isolated_with_close",
    "isolated_with_distant",
)

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

#: Number of resamples of the bootstrap.
N_RESAMPLES = 200


def subset_weights(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Weight of each stamp in each of `SUBSETS`, 0 outside it.

    Close blends are below ten pixels (Sect. 2.1). With close and distant blends are as many
    isolated stamps: the first ones of the table with close blends, as many of the following ones
    with distant blends. Stamps are drawn independently, so their order is no choice. Close blends
    and distant ones have the same weight as isolated stamps there; in "all" and "blends" they have
    their `weight`.

    Parameters
    ----------
    table : DataFrame
        Stamps: `is_blend`, `distance_px`, `weight`.
    """
    blend = table["is_blend"].to_numpy() == 1
    close = blend & (table["distance_px"].to_numpy() < CLOSE_PX)
    distant = blend & ~close
    rank = np.cumsum(~blend)
    with_close = ~blend & (rank <= close.sum())
    with_distant = ~blend & ~with_close & (rank <= close.sum() + distant.sum())
    weight = table["weight"].to_numpy(float)
    return {
        "all": weight,
        "close_with_isolated": np.where(close | with_close, 1.0, 0.0),
        "distant_with_isolated": np.where(distant | with_distant, 1.0, 0.0),
        "close": weight * close,
        "distant": weight * distant,
        "blends": weight * blend,
        "isolated": weight * ~blend,
        "isolated_with_close": weight * with_close,
        "isolated_with_distant": weight * with_distant,
    }


def subset_masks(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Which stamps belong to each of `SUBSETS`."""
    return {name: weight > 0 for name, weight in subset_weights(table).items()}


def weighted_close_share(table: pd.DataFrame) -> float:
    """Weighted share of close blends among blends (Sect. 2.5: 4,838 of 40,000)."""
    weights = subset_weights(table)
    return float(weights["close"].sum() / weights["blends"].sum())


@dataclass(frozen=True)
class Subset:
    """The stamps of a subset, their galaxies, and how often they are in resamples of these.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        Their places in the table.
    weight : ndarray, shape (n,)
    galaxies : ndarray of int, shape (2, n)
        Numbers of the galaxies of each stamp; the second is -1 for an isolated one.
    resamples : Resamples or None
        Of the whole table.
    """

    rows: np.ndarray
    weight: np.ndarray
    galaxies: np.ndarray
    resamples: "Resamples | None" = None

    @cached_property
    def sharing(self) -> Sharing:
        """Which of the stamps share a galaxy."""
        return Sharing(*self.galaxies)

    def only(self, kept: np.ndarray) -> "Subset":
        """The subset without the stamps for which `kept` (one for each of the table) is false."""
        chosen = kept[self.rows]
        if chosen.all():
            return self
        galaxies = self.galaxies[:, chosen]
        return Subset(self.rows[chosen], self.weight[chosen], galaxies, self.resamples)

    def means(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weighted means of columns of values, and their errors.

        Parameters
        ----------
        values : ndarray, shape (n_table, k)
            For each stamp of the table.

        Returns
        -------
        means, errors : ndarray, shape (k,)
            NaN without stamps. For the errors, stamps that share a galaxy, in either place, are not
            independent (`deblend.intervals.sharing_errors`).
        """
        chosen = values[self.rows].astype(float)
        total = self.weight.sum()
        if not total > 0:
            return np.full(chosen.shape[1], np.nan), np.full(chosen.shape[1], np.nan)
        means = self.weight @ chosen / total
        return means, self.sharing.errors(self.weight[:, None] * (chosen - means) / total)

    @cached_property
    def all_weights(self) -> np.ndarray:
        """Weights of the stamps: in the sample (first row), and in the resamples of the galaxies.

        Returns
        -------
        ndarray, shape (n_rows, n)
            For `Resamples.spread` of what is computed with each row.
        """
        if self.resamples is None:
            return self.weight[None]
        drawn = self.resamples.counts[:, self.rows] * self.weight
        return np.vstack([self.weight, drawn])


@dataclass(frozen=True)
class Resamples:
    """How often each stamp is in resamples of the galaxies, for statistics that are no means.

    A resample draws as many galaxies as there are, with replacement. An isolated stamp is in it as
    often as its galaxy was drawn, a blend as often as the product of the numbers of its two
    galaxies. The product allows for errors that come from a galaxy in either place, but what is the
    blend's own counts three times in the variance (Owen 2007, Ann. Appl. Stat. 1, 386). So other
    resamples draw pairs of galaxies, each with all its blends, and twice their variance is
    subtracted. If no stamps share a galaxy, stamps are drawn instead.

    Attributes
    ----------
    counts : ndarray, shape (n_resamples or 2 n_resamples, n_table), float32
        Those of the galaxies, then, if stamps share galaxies, those of pairs.
    n_resamples : int
        Of each kind.
    """

    counts: np.ndarray
    n_resamples: int

    def spread(self, values: np.ndarray) -> float:
        """Error of a statistic.

        Parameters
        ----------
        values : ndarray, shape (1 + n_counts,)
            Of the sample (not used) and of the resamples, in the order of `counts`. Where it is NaN
            the resample does not count.

        Returns
        -------
        float
            NaN if it exists in no resample.
        """
        drawn, by_pair = np.split(np.asarray(values, float)[1:], [self.n_resamples])
        variance = _variance(drawn)
        if len(by_pair):
            own = _variance(by_pair)
            # Sharing galaxies does not make a statistic more certain.
            variance = min(variance, max(variance - 2 * own, own)) if own > 0 else variance
        return float(np.sqrt(variance))


def _variance(values: np.ndarray) -> float:
    """Variance of the values that are finite; NaN without any."""
    finite = values[np.isfinite(values)]
    # Minus the first, so that equal values have exactly no variance.
    return float((finite - finite[0]).var()) if len(finite) else np.nan


def subsets(table: pd.DataFrame, *, seed: int = 0, n_resamples: int = 0) -> dict[str, Subset]:
    """The subsets of a sample of stamps, with resamples if they are asked for.

    Parameters
    ----------
    table : DataFrame
        Stamps: see `subset_weights`; `galaxy_1` and `galaxy_2` if the galaxies are known. Where
        they are not, each stamp has its own.
    seed, n_resamples : int
        Of `Resamples`; none by default, which means do not need.
    """
    galaxies = galaxy_numbers(table)
    drawn = _resamples(galaxies, seed, n_resamples) if n_resamples else None
    found = {}
    for name, weight in subset_weights(table).items():
        rows = np.flatnonzero(weight)
        found[name] = Subset(rows, weight[rows], galaxies[:, rows], drawn)
    return found


def galaxy_numbers(table: pd.DataFrame) -> np.ndarray:
    """Numbers of both galaxies of each stamp, shape (2, n); see `Subset`."""
    if "galaxy_1" not in table:
        return np.array([np.arange(len(table)), np.full(len(table), -1)])
    blend = table["is_blend"].to_numpy() == 1
    second = table["galaxy_2"].to_numpy(str) if "galaxy_2" in table else ""
    return np.array(numbers_of(table["galaxy_1"], np.where(blend, second, "")))


def _resamples(galaxies: np.ndarray, seed: int, n_resamples: int) -> Resamples:
    """Draw `Resamples` of stamps with these galaxies."""
    rng = generator(seed, "bootstrap", "farrens2022")
    first, second = galaxies
    two = (second >= 0) & (second != first)
    is_shared = len(np.unique(np.r_[first, second[two]])) < len(first) + two.sum()
    if not is_shared:
        return Resamples(_counts(rng, np.arange(len(first)), n_resamples), n_resamples)
    n = len(first)
    both = _counts(rng, np.r_[first, np.where(two, second, first)], n_resamples)
    counts = np.where(two, both[:, :n] * both[:, n:], both[:, :n])
    ends = np.sort(galaxies[:, two], axis=0)
    pairs = np.unique(ends, axis=1, return_inverse=True)[1].reshape(-1)
    by_pair = np.ones((n_resamples, n), np.float32)
    by_pair[:, two] = _counts(rng, pairs, n_resamples)
    return Resamples(np.vstack([counts, by_pair]), n_resamples)


def _counts(rng: np.random.Generator, units: np.ndarray, n_resamples: int) -> np.ndarray:
    """How often the unit of each measurement is in each resample of the units."""
    units = pd.factorize(units)[0]
    n = int(units.max(initial=-1)) + 1
    drawn = (np.bincount(rng.integers(0, n, n), minlength=n)[units] for _ in range(n_resamples))
    return np.array([*drawn], np.float32).reshape(n_resamples, len(units))


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


def distance_bins(table: pd.DataFrame, edges: np.ndarray) -> dict[tuple[float, float], Subset]:
    """Blends in bins of distance, with equal weights, by the edges of the bins in pixels."""
    distance, galaxies = table["distance_px"].to_numpy(), galaxy_numbers(table)
    found = {}
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        rows = np.flatnonzero((distance >= low) & (distance < high))
        found[low, high] = Subset(rows, np.ones(len(rows)), galaxies[:, rows])
    return found


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

    Gains are means over realisations. Bins with fewer than 20 blends in all realisations are
    excluded, since the largest of many noisy numbers is mostly noise.

    Returns
    -------
    gain, error, noise_sigma, distance_low_px : float
        The error is that of the blends in the bin, which realisations share; it does not have the
        choice of the largest of several.
    n : int
        Number of blends in that bin. If no bin has enough blends, n is 0 and the others are NaN.
    """
    rows = by_distance[
        (by_distance["distance_high_px"] <= CLOSE_PX) & (by_distance["method"] == "BlendHunter")
    ].dropna(subset="gain")
    rows = rows.assign(sum=rows["gain"] * rows["n"])
    bins = rows.groupby(["noise_sigma", "distance_low_px"]).agg(
        sum=("sum", "sum"), n=("n", "sum"), error=("gain_error", "mean")
    )
    bins = bins[bins["n"] >= 20]
    if bins.empty:
        return np.nan, np.nan, np.nan, np.nan, 0
    gain = bins["sum"] / bins["n"]
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
