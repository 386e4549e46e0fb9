"""Tables 1 to 3 of Boucaud et al. 2020."""

from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.metrics import bootstrap_by_galaxy, photometry_statistics
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


#: Reasons of the selection of galaxies, which comes before the inspection of stamps.
SELECTION = ("no_position", "outside", "magnitude", "radius", "morphology")


def table1(
    galaxies: pd.DataFrame, excluded: pd.DataFrame, published: dict[str, dict[str, int]]
) -> pd.DataFrame:
    """Count the galaxies of each class, and compare with the published numbers (Sect. 2.1).

    Parameters
    ----------
    galaxies : DataFrame
        Galaxies of the data set: `morphology`.
    excluded : DataFrame
        Excluded galaxies: `reason`, `morphology`.
    published : dict
        `before_inspection` and `after_inspection`, each by class.

    Returns
    -------
    DataFrame
        `morphology`, `galaxy_type`, `before` (number of galaxies of clear-cut class within the
        limits of magnitude), `after` (number of those in the final data set), `published_before`,
        `published_after`. There is a row "unknown" only if the data set has no classes.
    """
    removed = excluded[~excluded["reason"].isin(SELECTION) & (excluded["morphology"] != "")]
    after = _count(galaxies["morphology"])
    before = _count(pd.concat([galaxies["morphology"], removed["morphology"]]))
    rows = []
    for name, galaxy_type in CLASSES.items():
        if name == "unknown" and name not in before:
            continue
        counts = (before.get(name, 0), after.get(name, 0))
        published_counts = [
            published[f"{when}_inspection"].get(name, np.nan) for when in ("before", "after")
        ]
        rows.append((name, galaxy_type, *counts, *published_counts))
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
    """Number of galaxies of each class and in total; other classes than the paper's are unknown."""
    known = morphology.where(morphology.isin(list(CLASSES)[:4]), "unknown")
    return {**known.value_counts().to_dict(), "total": len(known)}


#: Columns of Table 2 in LaTeX, and their headings.
TABLE2_TEX_COLUMNS = {
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
    *,
    n_resamples: int,
    seed: int,
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
    n_resamples, seed : int
        Of the bootstrap over both galaxies of a blend.

    Returns
    -------
    DataFrame
        A row for each network, sorted by filters: `filters`, `network`, `n` test blends,
        `n_parameters`, `n_parameters_million`, and the mean absolute percentage error of the flux
        (equation 1) of the `central`, the `companion` and of both galaxies together (`total`), each
        with its 68 % interval (`_low`, `_high`) and the published value for the same number of
        filters (NaN if there is none).

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
            of_galaxy = predictions[predictions["galaxy"] == galaxy].set_index("blend")
            missing = truth.index.difference(of_galaxy.index)
            if len(missing):
                raise DeblendError(
                    f"{name} has no prediction for {len(missing)} of {len(truth)} blends (the "
                    f"first is {missing[0]}): predictions and blends are from different runs"
                )
            of_galaxy, mag = of_galaxy.loc[truth.index], truth[f"mag_{galaxy}"]
            ratios.append(
                (of_galaxy["flux"] * 10 ** (0.4 * (mag - of_galaxy["zero_point"]))).to_numpy()
            )
            mags.append(mag.to_numpy())
        ids = truth[[f"id_{galaxy}" for galaxy in GALAXIES]].to_numpy(str)
        measured_parts = {
            "central": (ratios[0], mags[0], ids),
            "companion": (ratios[1], mags[1], ids),
            "total": (np.concatenate(ratios), np.concatenate(mags), np.concatenate([ids, ids])),
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
        for part, (ratio, mag, galaxies) in measured_parts.items():
            row[f"{part}_percent"] = photometry_statistics(ratio, mag)["mape_flux_percent"]
            interval = bootstrap_by_galaxy(
                lambda percent: {"mean": float(np.mean(percent))},
                [100 * np.abs(ratio - 1)],
                galaxies,
                n_resamples=n_resamples,
                seed=seed,
            ).reindex(["mean"])
            for end in ("low", "high"):
                row[f"{part}_percent_{end}"] = float(interval.loc["mean", end])
            row[f"{part}_published"] = published["table2"][part].get(filters, np.nan)
        rows.append(row)
    return pd.DataFrame(rows).sort_values("filters", kind="stable").reset_index(drop=True)


def table2_tex(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of Table 2 that are printed, with their headings."""
    return table[list(TABLE2_TEX_COLUMNS)].set_axis(list(TABLE2_TEX_COLUMNS.values()), axis=1)


#: Settings of SEP: name in the configuration to name in Table 3.
TABLE3_PARAMETERS = {
    "threshold": "Detection threshold",
    "min_area": "Minimum pixel area per object",
    "contrast": "Minimum contrast ratio",
    "n_thresholds": "Number of thresholds for deblending",
    "background_box_px": "Background box (pixels)",
}


def table3(
    hot: dict[str, float], cold: dict[str, float], published: dict[str, dict[str, float]]
) -> pd.DataFrame:
    """SEP's settings and the published ones.

    Parameters
    ----------
    hot, cold : dict
        Settings of the two modes, keys of `TABLE3_PARAMETERS`.
    published : dict
        The same, under `hot` and `cold`.

    Returns
    -------
    DataFrame
        `Parameter`, `Hot`, `Cold`, `Hot (published)`, `Cold (published)`: numbers as texts, since
        a column has integers and fractions.
    """
    modes = {
        "Hot": hot,
        "Cold": cold,
        "Hot (published)": published["hot"],
        "Cold (published)": published["cold"],
    }
    return pd.DataFrame(
        {"Parameter": list(TABLE3_PARAMETERS.values())}
        | {
            name: [f"{values[key]:g}" if key in values else "" for key in TABLE3_PARAMETERS]
            for name, values in modes.items()
        }
    )
