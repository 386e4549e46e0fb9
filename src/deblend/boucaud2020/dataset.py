"""A data set from its cleaned parts: what is kept, what is left out, and who is in which split."""

import logging
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from deblend.boucaud2020.blends import check_splits, split_galaxies, without_partner
from deblend.boucaud2020.clean import count_exclusions
from deblend.data.stamps import Stamps, concatenate

log = logging.getLogger(__name__)


def assemble(
    parts: Sequence[Stamps],
    excluded: pd.DataFrame,
    *,
    fractions: dict[str, float],
    delta_mag_max: float,
    seed: int,
    rejected: Collection[str] = (),
) -> tuple[Stamps, pd.DataFrame, pd.DataFrame]:
    """Join cleaned chunks, split the galaxies and leave out those that no blend can have.

    Parameters
    ----------
    parts : sequence of Stamps
        Cleaned chunks, in order.
    excluded : DataFrame
        `id`, `reason` and `morphology` of each galaxy that cleaning left out.
    fractions : dict
        Share of each split, of all parent galaxies.
    delta_mag_max : float
        Largest magnitude difference of a pair.
    seed : int
    rejected : collection of str, optional
        Ids that were rejected by eye; those that are of no galaxy here are counted in the log.

    Returns
    -------
    stamps : Stamps
        Their galaxy table has a column `split`.
    excluded : DataFrame
        With the galaxies that have no partner.
    counts : DataFrame
        See `deblend.boucaud2020.clean.count_exclusions`.

    Raises
    ------
    DeblendError
        No galaxy is left, or a split has too few.
    """
    stamps = concatenate(parts)
    ids = np.concatenate([stamps.galaxies["id"].to_numpy(str), excluded["id"].to_numpy(str)])
    count_exclusions(excluded, len(ids))  # an error where nothing is left
    if unknown := sorted(set(rejected) - set(ids)):
        log.warning(
            "%d of the %d ids rejected by eye are of no galaxy of this data set (the first: %s)",
            len(unknown),
            len(set(rejected)),
            unknown[0],
        )
    split = split_galaxies(ids, fractions, seed)[: len(stamps)]
    check_splits(split, fractions)
    lonely = without_partner(stamps.galaxies["mag"].to_numpy(), split, delta_mag_max)
    unpaired = stamps.galaxies.loc[lonely, ["id", "morphology"]].assign(reason="no_partner")
    excluded = pd.concat([excluded, unpaired], ignore_index=True)
    counts = count_exclusions(excluded, len(ids))
    kept = stamps.take(np.flatnonzero(~lonely))
    kept.galaxies["split"] = split[~lonely]
    return kept, excluded, counts
