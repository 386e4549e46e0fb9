"""Table 1 of Boucaud et al. 2020: galaxies by class, before and after the inspection."""

import numpy as np
import pandas as pd

#: Classes in the table's order, with its names for them.
CLASSES = {
    "sph": "bulge",
    "disk": "disk",
    "sphd": "bulge + disk",
    "irr": "irregular",
    "unknown": "unknown",
    "total": "total",
}
#: Reasons that are the catalogue's selection, before any stamp is looked at.
SELECTION = ("outside", "magnitude", "radius", "morphology")


def table1(
    galaxies: pd.DataFrame, excluded: pd.DataFrame, published: dict[str, dict[str, int]]
) -> pd.DataFrame:
    """Count the galaxies of each class, beside the published numbers (Sect. 2.1).

    Parameters
    ----------
    galaxies : DataFrame
        Galaxies that are kept: `morphology`.
    excluded : DataFrame
        Galaxies that are not: `reason`, `morphology`.
    published : dict
        `before_inspection` and `after_inspection`, each by class.

    Returns
    -------
    DataFrame
        `morphology`, `galaxy_type`, `before`: galaxies of clear-cut class within the limits of
        magnitude, `after`: of them, those in the final data set, `published_before`,
        `published_after`. A row "unknown" only where a data set has no classes.
    """
    removed = excluded[~excluded["reason"].isin(SELECTION) & (excluded["morphology"] != "")]
    after = _count(galaxies["morphology"])
    before = _count(pd.concat([galaxies["morphology"], removed["morphology"]]))
    rows = []
    for name, text in CLASSES.items():
        if name == "unknown" and name not in before:
            continue
        n = (before.get(name, 0), after.get(name, 0))
        theirs = [published[f"{t}_inspection"].get(name, np.nan) for t in ("before", "after")]
        rows.append((name, text, *n, *theirs))
    columns = [
        "morphology",
        "galaxy_type",
        "before",
        "after",
        "published_before",
        "published_after",
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"published_before": "Int64", "published_after": "Int64"})


def _count(morphology: pd.Series) -> dict[str, int]:
    """Galaxies of each class and in total; classes that the paper has not are unknown."""
    known = morphology.where(morphology.isin(list(CLASSES)[:4]), "unknown")
    return {**known.value_counts().to_dict(), "total": len(known)}
