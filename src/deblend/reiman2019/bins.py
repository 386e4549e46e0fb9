"""Images in bins of what makes a blend hard, such as the separation of its galaxies."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

#: Bins of each quantity, with as many images each.
N_BINS = 4

#: The quantity of a bin ("all": of none) and its ends, which are NaN for "all".
Bin = tuple[str, float, float]


def images_in_bins(
    table: pd.DataFrame, keys: Sequence[str], columns: Iterable[str]
) -> Iterator[tuple[tuple[str, ...], Bin, pd.DataFrame]]:
    """Divide each group of images, such as those of a method, into the same bins.

    Parameters
    ----------
    table : DataFrame
        A row for each image.
    keys : sequence of str
        Columns that a group has in common.
    columns : iterable of str
        Quantities of the bins. Over all groups together, each bin of a quantity has as many images.

    Yields
    ------
    group : tuple
        Values of the keys.
    bin : (str, float, float)
        First "all", then the bins of each quantity. The upper end belongs to the next bin, if there
        is one.
    images : DataFrame
        The rows of the group in the bin.
    """
    bins: list[tuple[Bin, np.ndarray]] = [(("all", np.nan, np.nan), np.ones(len(table), bool))]
    for column in columns:
        values = table[column].to_numpy(float)
        edges = np.nanquantile(values, np.linspace(0, 1, N_BINS + 1))
        edges_above = [*edges[1:-1], np.inf]
        for low, high, above in zip(edges[:-1], edges[1:], edges_above, strict=True):
            bins.append(((column, low, high), (values >= low) & (values < above)))
    places = pd.Series(np.arange(len(table)), index=table.index)
    for group, part in table.groupby(list(keys), sort=False):
        mine = places[part.index]
        for which, inside in bins:
            yield group, which, part[inside[mine]]
