"""Tables that the numbers and claims of Boucaud et al. 2020 are compared with.

They are those of this run, and those of the authors' own catalogue.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from deblend.boucaud2020.masks import gather_iou
from deblend.files import read_json

#: What tables call the file that the authors published, and nothing else.
AUTHORS = "the authors' catalogue"

#: Tables of the authors' catalogue, in the order of the files of `read_authors`.
AUTHORS_TABLES = ("statistics", "points", "fig7", "fig7_points", "fig8", "fig9", "catalog")


def read_tables(
    paths: Mapping[str, str | Path],
    networks: Mapping[str, str],
    *,
    iou: Sequence[str | Path],
    mask_roles: Sequence[str],
    fig12: Sequence[str | Path],
    timings: Sequence[str | Path],
) -> dict[str, pd.DataFrame | None]:
    """Read the tables that the paper's numbers and claims are compared with.

    Parameters
    ----------
    paths : dict
        CSV file of each table, among them `photometry`.
    networks : dict
        The folder of each network, by the paper's name for it.
    iou : sequence of path
        See `deblend.boucaud2020.masks.mask_table`; empty without a network that predicts masks.
    mask_roles : sequence of str
        The paper's name for the network of each file of `iou`.
    fig12 : sequence of path
        The table of Figure 12; empty if it is not drawn.
    timings : sequence of path
        The duration of each network's training (JSON with `seconds`).

    Returns
    -------
    dict
        The tables of `paths`, where `photometry` has the paper's names for the networks; `hours` of
        training of each of the paper's networks, where the joint one includes its U-Net; and `iou`
        (see `masks_to_find`) and `fig12`: None for those without a file.
    """
    tables = isophotal_only({name: pd.read_csv(path) for name, path in paths.items()})
    roles = {folder: role for role, folder in networks.items()}
    return tables | {
        "photometry": tables["photometry"].replace({"method": roles}),
        "hours": training_hours(networks, timings),
        "iou": masks_to_find(gather_iou(mask_roles, iou)) if iou else None,
        "fig12": pd.read_csv(fig12[0]) if fig12 else None,
    }


def isophotal_only(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Leave SExtractor out of the tables if it stands for AUTO fluxes (`sextractor_flux: auto`).

    The paper's are isophotal, so that its numbers and claims on them are not tested then.

    Parameters
    ----------
    tables : dict
        The table of Figure 8, `fig8`, says which fluxes they are (`sextractor_flux`).
    """
    if "auto" not in set(tables["fig8"].get("sextractor_flux", [])):
        return tables
    kept = {}
    for name, table in tables.items():
        column = next((c for c in ("network", "method") if c in table), None)
        is_sextractor = table[column].str.lower() == "sextractor" if column else False
        kept[name] = table[~is_sextractor] if column else table
    return kept


def training_hours(networks: Mapping[str, str], timings: Sequence[str | Path]) -> pd.DataFrame:
    """Hours of training: `network` (the paper's name), `hours`; those of the joint one with U-Net.

    Parameters
    ----------
    networks : dict
        The folder of each network, by the paper's name for it.
    timings : sequence of path
        In the same order.
    """
    hours = {
        name: read_json(path)["seconds"] / 3600
        for name, path in zip(networks, timings, strict=True)
    }
    if "blend2mask2flux" in hours:
        hours["blend2mask2flux"] += hours.get("unet", 0.0)
    return pd.DataFrame({"network": list(hours), "hours": list(hours.values())})


def masks_to_find(iou: pd.DataFrame) -> pd.DataFrame:
    """Rows of the masks of galaxies that have a true one.

    A mask that vanished has an IoU of 0 and counts as such; without a true mask there is nothing
    to find.

    Parameters
    ----------
    iou : DataFrame
        See `deblend.boucaud2020.masks.mask_table`.
    """
    return iou[iou["area_true_px"] > 0]


def authorship(path: str | Path, checksum: str | None) -> dict[str, Any]:
    """Whether a catalogue is the file that the authors published, for its description.

    Parameters
    ----------
    path : path
        The file as it was given or downloaded.
    checksum : str or None
        `sha256:...` of the authors' file, from config/datasets.yaml.

    Returns
    -------
    dict
        `sha256` of the file, `is_authors`, and for any other file a `label` with its name.
    """
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    is_authors = checksum == f"sha256:{digest}"
    about = {"sha256": digest, "is_authors": is_authors}
    return about if is_authors else about | {"label": f"catalogue {Path(path).name}"}


def catalogue_name(made: Mapping[str, pd.DataFrame]) -> str:
    """What tables call the catalogue: `AUTHORS` if it is the authors' file, else its label.

    Parameters
    ----------
    made : dict
        See `read_authors`; not empty.
    """
    about = made["about"].iloc[0]
    return AUTHORS if is_authors(made) else str(about.get("label", "another catalogue"))


def is_authors(made: Mapping[str, pd.DataFrame]) -> bool:
    """Whether the catalogue is the file that the authors published.

    Parameters
    ----------
    made : dict
        See `read_authors`.
    """
    return "about" in made and bool(made["about"].iloc[0].get("is_authors", False))


def read_authors(paths: Sequence[str | Path]) -> dict[str, pd.DataFrame]:
    """Tables of the authors' catalogue: `AUTHORS_TABLES`, and `about`, its description.

    Parameters
    ----------
    paths : sequence of path
        CSV files in the order of `AUTHORS_TABLES`, then the description (JSON); or none.

    Returns
    -------
    dict
        Empty without files.
    """
    if not paths:
        return {}
    *files, description = paths
    tables = {name: pd.read_csv(path) for name, path in zip(AUTHORS_TABLES, files, strict=True)}
    return tables | {"about": pd.DataFrame([read_json(description)])}


def authors_tables(
    made: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, pd.DataFrame], str]:
    """What is known of the authors' catalogue, and from where, to test claims on.

    Another catalogue than the authors' says nothing about theirs.

    Parameters
    ----------
    made : dict
        See `read_authors`.
    panels : sequence of dict
        From `config/published.yaml`.

    Returns
    -------
    tables : dict
        Those of the whole catalogue; without the file, the numbers of the published panels.
    source : str
    """
    if is_authors(made):
        return made, f"catalogue of {len(made['catalog'])} blends"
    return {"statistics": panel_table(panels)}, "panel numbers in published.yaml"


def panel_table(panels: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The published panels that are complete as a table of statistics, to test claims on.

    Shares of outliers are those of whole galaxies, which is what the published ones are rounded
    from.

    Parameters
    ----------
    panels : sequence of dict
        From `config/published.yaml`; complete are those with `n`.

    Returns
    -------
    DataFrame
        As from `deblend.boucaud2020.recovered.statistics_table`, without `mape_flux_percent`, which
        is not published.
    """
    table = pd.DataFrame([panel for panel in panels if "n" in panel]).drop(columns="where")
    numbers = table.columns.difference(["figure", "network", "galaxy"])
    table = table.astype(dict.fromkeys(numbers, float))
    outliers = (table["n"] * table["outliers_percent"] / 100).round()
    return table.assign(outliers_percent=100 * outliers / table["n"])
