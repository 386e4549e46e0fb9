"""Tables 1 to 3 of Boucaud et al. 2020."""

from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.metrics import photometry_statistics
from deblend.boucaud2020.predictions import GALAXIES
from deblend.errors import DeblendError

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


def table1_tex(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of Table 1 that are printed, with the paper's headings."""
    header = {
        "galaxy_type": "Galaxy type",
        "before": "# before cleaning",
        "after": "# after cleaning",
        "published_before": "# before inspection (published)",
        "published_after": "# after inspection (published)",
    }
    return table[list(header)].rename(columns=header)


def _count(morphology: pd.Series) -> dict[str, int]:
    """Galaxies of each class and in total; classes that the paper has not are unknown."""
    known = morphology.where(morphology.isin(list(CLASSES)[:4]), "unknown")
    return {**known.value_counts().to_dict(), "total": len(known)}


#: Columns of the LaTeX table.
TEX_COLUMNS = {
    "filters": "Initial filters",
    "n_parameters_million": "Parameters [Mio.]",
    "n_parameters_million_published": "Parameters (published)",
    "central_percent": "Flux error central [%]",
    "central_published": "Central (published)",
    "companion_percent": "Flux error companion [%]",
    "companion_published": "Companion (published)",
    "total_percent": "Total flux error [%]",
    "total_published": "Total (published)",
}


def table2(
    networks: dict[str, tuple[dict[str, Any], pd.DataFrame]],
    truth: pd.DataFrame,
    published: dict[str, Any],
) -> pd.DataFrame:
    """Size and flux error of networks on the whole test set.

    Parameters
    ----------
    networks : dict
        Name to the description of the network (`network.json`) and its long-form predictions.
    truth : DataFrame
        See `deblend.boucaud2020.predictions.truth`.
    published : dict
        `table2` and `n_parameters_million` of `config/published.yaml`.

    Returns
    -------
    DataFrame
        A row a network, by filters: `filters`, `network`, `n` test blends, `n_parameters`,
        `n_parameters_million`, and the mean absolute percentage error of the flux (equation 1) of
        the `central`, the `companion` and of both galaxies together (`total`), each beside what
        the paper has for as many filters (NaN where it has nothing).

    Raises
    ------
    DeblendError
        A network has no prediction for some blend.
    """
    rows = []
    for name, (record, predictions) in networks.items():
        filters = record["options"]["filters"]
        ratios, mags = [], []
        for galaxy in GALAXIES:
            mine = predictions[predictions["galaxy"] == galaxy].set_index("blend")
            missing = truth.index.difference(mine.index)
            if len(missing):
                raise DeblendError(
                    f"{name} has no prediction for {len(missing)} of {len(truth)} blends (the "
                    f"first is {missing[0]}): predictions and blends are from different runs"
                )
            mine, mag = mine.loc[truth.index], truth[f"mag_{galaxy}"]
            ratios.append((mine["flux"] * 10 ** (0.4 * (mag - mine["zero_point"]))).to_numpy())
            mags.append(mag.to_numpy())
        measured = {
            "central": (ratios[0], mags[0]),
            "companion": (ratios[1], mags[1]),
            "total": (np.concatenate(ratios), np.concatenate(mags)),
        }
        row = {
            "filters": filters,
            "network": name,
            "n": len(truth),
            "n_parameters": record["n_parameters"],
            "n_parameters_million": record["n_parameters"] / 1e6,
            "n_parameters_million_published": published["n_parameters_million"].get(
                filters, np.nan
            ),
        }
        for part, arrays in measured.items():
            row[f"{part}_percent"] = photometry_statistics(*arrays)["mape_flux_percent"]
            row[f"{part}_published"] = published["table2"][part].get(filters, np.nan)
        rows.append(row)
    return pd.DataFrame(rows).sort_values("filters", kind="stable").reset_index(drop=True)


def tex_table(table: pd.DataFrame) -> pd.DataFrame:
    """What LaTeX shows of Table 2."""
    return table[list(TEX_COLUMNS)].set_axis(list(TEX_COLUMNS.values()), axis=1)


#: Parameter in the configuration to its name in the paper.
PARAMETERS = {
    "threshold": "Detection threshold",
    "min_area": "Minimum pixel area per object",
    "contrast": "Minimum contrast ratio",
    "n_thresholds": "Number of thresholds for deblending",
}


def table3(
    hot: dict[str, float], cold: dict[str, float], published: dict[str, dict[str, float]]
) -> pd.DataFrame:
    """SEP's settings beside the published ones.

    Parameters
    ----------
    hot, cold : dict
        Settings of the two modes, keys of `PARAMETERS`.
    published : dict
        The same, under `hot` and `cold`.

    Returns
    -------
    DataFrame
        `Parameter`, `Hot`, `Cold`, `Hot (published)`, `Cold (published)`: numbers as texts, since
        whole ones stand beside fractions.
    """
    modes = {
        "Hot": hot,
        "Cold": cold,
        "Hot (published)": published["hot"],
        "Cold (published)": published["cold"],
    }
    return pd.DataFrame(
        {"Parameter": list(PARAMETERS.values())}
        | {name: [f"{values[key]:g}" for key in PARAMETERS] for name, values in modes.items()}
    )
