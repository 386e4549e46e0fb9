"""Sets of stamps of which accuracies are taken, with their weights and the errors of means.

Farrens et al. 2022, Sect. 4.3: all stamps, and close or distant blends together with as many
isolated stamps. Errors allow for galaxies that stamps have in common.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from deblend.farrens2022.config import CLOSE_PX
from deblend.intervals import Sharing, numbers_of
from deblend.scratch import new_array
from deblend.seeds import generator

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

    @property
    def n_weights(self) -> int:
        """How many `each_weights` there are: that of the sample, and those of resamples."""
        return 1 + (0 if self.resamples is None else len(self.resamples.counts))

    def each_weights(self) -> Iterator[np.ndarray]:
        """Weights of the stamps in the sample, then in each of the resamples of the galaxies.

        Yields
        ------
        ndarray, shape (n,)
            For `Resamples.spread` of what is computed with each.
        """
        yield self.weight
        if self.resamples is not None:
            for counts in self.resamples.counts:
                yield counts[self.rows] * self.weight


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
    n = len(first)
    counts = new_array(((1 + is_shared) * n_resamples, n), np.float32)
    if not is_shared:
        for k, drawn in enumerate(_drawn(rng, np.arange(n), n_resamples)):
            counts[k] = drawn
        return Resamples(counts, n_resamples)
    ends = np.r_[first, np.where(two, second, first)]
    for k, both in enumerate(_drawn(rng, ends, n_resamples)):
        counts[k] = np.where(two, both[:n] * both[n:], both[:n])
    pairs = np.unique(np.sort(galaxies[:, two], axis=0), axis=1, return_inverse=True)[1]
    for k, drawn in enumerate(_drawn(rng, pairs.reshape(-1), n_resamples), start=n_resamples):
        counts[k] = 1
        counts[k, two] = drawn
    return Resamples(counts, n_resamples)


def _drawn(rng: np.random.Generator, units: np.ndarray, n_resamples: int) -> Iterator[np.ndarray]:
    """How often the unit of each measurement is in each resample of the units."""
    units = pd.factorize(units)[0]
    n = int(units.max(initial=-1)) + 1
    for _ in range(n_resamples):
        yield np.bincount(rng.integers(0, n, n), minlength=n)[units].astype(np.float32)


def distance_bins(table: pd.DataFrame, edges: np.ndarray) -> dict[tuple[float, float], Subset]:
    """Blends in bins of distance, with equal weights, by the edges of the bins in pixels."""
    distance, galaxies = table["distance_px"].to_numpy(), galaxy_numbers(table)
    found = {}
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        rows = np.flatnonzero((distance >= low) & (distance < high))
        found[low, high] = Subset(rows, np.ones(len(rows)), galaxies[:, rows])
    return found
