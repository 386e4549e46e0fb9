"""Assemble a data set from its cleaned chunks, and assign its galaxies to splits."""

import logging
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from deblend.boucaud2020.blends import check_splits, split_galaxies, without_partner
from deblend.boucaud2020.clean import CRITERIA, count_exclusions, criteria_table
from deblend.data.stamps import Stamps, concatenate

log = logging.getLogger(__name__)

#: With fewer test galaxies, intervals are wide and not reliable themselves.
FEW_TEST_GALAXIES = 30


def assemble(
    parts: Sequence[Stamps],
    excluded: pd.DataFrame,
    *,
    fractions: dict[str, float],
    delta_mag_max: float,
    seed: int,
    rejected: Collection[str] = (),
    applied: Collection[str] = CRITERIA,
) -> tuple[Stamps, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Join cleaned chunks, split the galaxies and exclude those that cannot be blended.

    Parameters
    ----------
    parts : sequence of Stamps
        Cleaned chunks, in order.
    excluded : DataFrame
        `id`, `reason`, `morphology` and `failed` of galaxies, see
        `deblend.boucaud2020.clean.clean`.
    fractions : dict
        Fraction of all parent galaxies in each split.
    delta_mag_max : float
        Largest magnitude difference of a pair.
    seed : int
    rejected : collection of str, optional
        Ids of galaxies rejected by eye. A warning counts the ids that match no galaxy.
    applied : collection of str, optional
        Those of `deblend.boucaud2020.clean.CRITERIA` that are switched on.

    Returns
    -------
    stamps : Stamps
        Their galaxy table has a column `split`.
    excluded : DataFrame
        `id`, `reason` and `morphology` of each galaxy that was excluded, those without a partner
        for a blend included.
    counts : DataFrame
        See `deblend.boucaud2020.clean.count_exclusions`.
    criteria : DataFrame
        See `deblend.boucaud2020.clean.criteria_table`.

    Raises
    ------
    DeblendError
        No galaxy is left, or a split has too few.
    """
    stamps = concatenate(parts)
    kept_classes = stamps.galaxies["morphology"]
    criteria = criteria_table(excluded, kept_classes, applied)
    excluded = excluded.loc[excluded["reason"] != "", ["id", "reason", "morphology"]]
    ids = np.concatenate([stamps.galaxies["id"].to_numpy(str), excluded["id"].to_numpy(str)])
    count_exclusions(excluded, kept_classes)  # raises an error if no galaxy is left
    if unknown_ids := sorted(set(rejected) - set(ids)):
        log.warning(
            "%d of the %d ids rejected by eye match no galaxy of this data set (the first: %s)",
            len(unknown_ids),
            len(set(rejected)),
            unknown_ids[0],
        )
    split = split_galaxies(ids, fractions, seed)[: len(stamps)]
    check_splits(split, fractions)
    unpaired = without_partner(stamps.galaxies["mag"].to_numpy(), split, delta_mag_max)
    unpaired_galaxies = stamps.galaxies.loc[unpaired, ["id", "morphology"]].assign(
        reason="no_partner"
    )
    excluded = pd.concat([excluded, unpaired_galaxies], ignore_index=True)
    counts = count_exclusions(excluded, kept_classes[~unpaired])
    kept = stamps.take(np.flatnonzero(~unpaired))
    kept.galaxies["split"] = split[~unpaired]
    _warn_of_few(kept.galaxies, delta_mag_max)
    return kept, excluded, counts, criteria


def _warn_of_few(galaxies: pd.DataFrame, delta_mag_max: float) -> None:
    """Warn if there are so few galaxies for the test that results have wide intervals."""
    mag = galaxies.loc[galaxies["split"] == "test", "mag"].to_numpy()
    if len(mag) >= FEW_TEST_GALAXIES:
        return
    # Either galaxy of a pair can be the central one.
    is_pair = np.abs(mag[:, None] - mag) < delta_mag_max
    log.warning(
        "only %d galaxies are for the test, in %d pairs, however many blends are drawn of them: "
        "below %d, intervals are wide, and differences between methods may be those of single "
        "galaxies",
        len(mag),
        is_pair.sum() - len(mag),
        FEW_TEST_GALAXIES,
    )
