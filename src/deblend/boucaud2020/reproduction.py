"""The published numbers of Boucaud et al. 2020 beside ours."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from deblend.boucaud2020.masks import gather_iou
from deblend.boucaud2020.recovered import MIN_IN_BIN
from deblend.files import read_json
from deblend.report.numbers import LIMIT, Row


def read_tables(
    paths: Mapping[str, str | Path],
    networks: Mapping[str, str],
    *,
    iou: Sequence[str | Path],
    mask_roles: Sequence[str],
    fig12: Sequence[str | Path],
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

    Returns
    -------
    dict
        The tables of `paths`, where `photometry` has the paper's names for the networks, and `iou`
        and `fig12`; None for those without a file.
    """
    tables = {name: pd.read_csv(path) for name, path in paths.items()}
    roles = {folder: role for role, folder in networks.items()}
    return tables | {
        "photometry": tables["photometry"].replace({"method": roles}),
        "iou": gather_iou(mask_roles, iou) if iou else None,
        "fig12": pd.read_csv(fig12[0]) if fig12 else None,
    }


def panel_rows(panels: list[dict[str, Any]], statistics: pd.DataFrame) -> Iterator[Row]:
    """The panels of Figures 5 and 6.

    Parameters
    ----------
    panels : list of dict
        From `config/published.yaml`: `figure`, `network`, `galaxy`, `where`, and numbers named as
        in `statistics`; the names of upper limits end in `LIMIT`.
    statistics : DataFrame
        See `deblend.boucaud2020.recovered.statistics_table`.
    """
    names = ["figure", "network", "galaxy"]
    index = statistics.set_index(names)
    for panel in panels:
        key = tuple(panel[name] for name in names)
        item = f"Fig. {key[0].removeprefix('fig')}, {key[1]}, {key[2]} ({panel['where']})"
        for quantity, value in panel.items():
            if quantity in (*names, "where"):
                continue
            if key in index.index and index.loc[key, "n"] > 0:
                ours = float(index.loc[key, quantity.removesuffix(LIMIT)])
                yield Row(item, quantity, value, ours, float(index.loc[key, "n"]))
            else:
                yield Row(item, quantity, value, math.nan)


def table1_rows(table: pd.DataFrame) -> Iterator[Row]:
    """Galaxies of each class before and after inspection (Table 1).

    Parameters
    ----------
    table : DataFrame
        See `deblend.boucaud2020.tables.table1`.
    """
    for row in table.itertuples(index=False):
        for when in ("before", "after"):
            published = getattr(row, f"published_{when}")
            if pd.notna(published):
                item = f"Table 1, {row.galaxy_type}, {when} inspection"
                yield Row(item, "n_galaxies", float(published), float(getattr(row, when)))


def bin_rows(published: list[dict[str, Any]], tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """The largest value in the bins of magnitude difference of Figures 7 and 8 (Sects 4.2, 5).

    Parameters
    ----------
    published : list of dict
        `figure`, `network`, `where`, and `median` or `sigma_mag`; the names of upper limits
        end in `LIMIT`.
    tables : dict
        "fig7" and "fig8" to `deblend.boucaud2020.recovered.binned_statistics`.
    """
    for entry in published:
        table = tables[entry["figure"]]
        of_network = table["method"].str.lower() == entry["network"]  # the figures write SExtractor
        bins = table[of_network & (table["n"] >= MIN_IN_BIN)]
        bins = bins[bins["bin"].astype(str) != "all"]
        figure = entry["figure"].removeprefix("fig")
        item = f"Fig. {figure}, {entry['network']}, largest of bins ({entry['where']})"
        for quantity, value in entry.items():
            if quantity in ("figure", "network", "where"):
                continue
            largest = float(bins[quantity.removesuffix(LIMIT)].abs().max())
            n = float(bins["n"].sum()) if len(bins) else math.nan
            yield Row(item, quantity, value, largest, n)


def flux_rows(published: dict[str, Any], catalog: pd.DataFrame) -> Iterator[Row]:
    """Relative error of the flux over all test blends and both galaxies (abstract).

    Parameters
    ----------
    published : dict
        `abstract`: error of the better network, %.
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    """
    for suffix, network in (("b2f", "blend2flux"), ("b2m2f", "blend2mask2flux")):
        error = pd.concat(
            [(catalog[f"g{g}_flux_{suffix}"] / catalog[f"g{g}_flux"] - 1).abs() for g in (1, 2)]
        ).dropna()
        item = f"Abstract, {network}, all blends"
        ours, n = float(100 * error.mean()), len(error) or math.nan
        yield Row(item, "mape_flux_percent", published["abstract"], ours, n)


def parameter_rows(
    published: dict[str, float], records: dict[str, dict[str, Any]]
) -> Iterator[Row]:
    """Free parameters of networks that are not in Table 2 (Sect. 3.2).

    Parameters
    ----------
    published : dict
        Network to millions of parameters.
    records : dict
        Network to its `network.json`, with `n_parameters`.
    """
    for network, value in published.items():
        ours = records[network]["n_parameters"] / 1e6 if network in records else math.nan
        yield Row(f"Sect. 3.2, {network}", "parameters_million", value, ours)


def table2_rows(published: dict[str, Any], table: pd.DataFrame) -> Iterator[Row]:
    """Parameters and flux errors by the number of filters (Table 2).

    Parameters
    ----------
    published : dict
        `n_parameters_million` by filters, and `table2`: the flux error, %, by part and filters.
    table : DataFrame
        See `deblend.boucaud2020.tables`.
    """
    index = table.set_index("filters")
    parts = {"parameters_million": (published["n_parameters_million"], "n_parameters_million")}
    for part, values in published["table2"].items():
        parts[f"mape_flux_percent, {part}"] = (values, f"{part}_percent")
    for quantity, (values, column) in parts.items():
        for filters, value in values.items():
            was_trained = filters in index.index
            ours = float(index.loc[filters, column]) if was_trained else math.nan
            n = float(index.loc[filters, "n"]) if was_trained and "mape" in quantity else math.nan
            yield Row(f"Table 2, {filters} filters", quantity, value, ours, n)


def detection_rows(published: dict[str, float], about: dict[str, Any]) -> Iterator[Row]:
    """In how many blends SExtractor detects one galaxy, two or more (Sect. 3.3).

    Parameters
    ----------
    published : dict
        `one`, `two`, `more`, %.
    about : dict
        Description of the catalogue: `n_blends`, and `detection_<code>_percent` of each code.
    """
    codes = {"two": (2,), "one": (0, 1), "more": (3,)}
    for name, value in published.items():
        ours = sum(about[f"detection_{code}_percent"] for code in codes[name])
        item = f"Sect. 3.3, {name} detected"
        yield Row(item, "detection_percent", value, ours, about["n_blends"])


def iou_rows(published: dict[str, float], iou: pd.DataFrame | None) -> Iterator[Row]:
    """Mean IoU over all test blends (Sect. 4.4).

    The IoU of a blend is the mean of its two galaxies', as in Fig. 12.

    Parameters
    ----------
    published : dict
        Network to its mean IoU.
    iou : DataFrame or None
        See `deblend.boucaud2020.masks.mask_table`; None without a network that predicts masks.
    """
    for network, value in published.items():
        mean_of_blend = pd.Series(dtype=float)
        if iou is not None:
            of_network = iou[iou["network"] == network]
            mean_of_blend = of_network.groupby("blend")["iou"].mean().dropna()
        n = len(mean_of_blend) or math.nan
        yield Row(f"Sect. 4.4, {network}", "mean_iou", value, float(mean_of_blend.mean()), n)


def training_rows(
    published: dict[str, dict[str, float]], records: dict[str, dict[str, Any]]
) -> Iterator[Row]:
    """Epochs of training (Sect. 3.1). `deblend.report.training_time` has their duration.

    Parameters
    ----------
    published : dict
        Network to `epochs`, if the paper gives them.
    records : dict
        Network to its `network.json`. Epochs are compared only if training ended on a plateau, as
        in the paper, and not at the largest number of epochs.
    """
    for network, values in published.items():
        record = records.get(network, {})
        epochs = float(record["n_epochs"]) if record.get("converged") else math.nan
        if "epochs" in values:
            yield Row(f"Training of {network}", "epochs", values["epochs"], epochs)


def our_rows(
    published: dict[str, Any],
    tables: Mapping[str, pd.DataFrame | None],
    about: dict[str, Any],
    records: dict[str, dict[str, Any]],
) -> list[Row]:
    """Every number of the paper and that of this run.

    Parameters
    ----------
    published : dict
        `boucaud2020` of config/published.yaml.
    tables : dict
        `statistics`, `fig7`, `fig8`, `table1`, `table2`, `catalog`; `iou` may be None.
    about : dict
        Description of the catalogue.
    records : dict
        Description of each network, by the paper's name for it.
    """
    made_tables = {name: table for name, table in tables.items() if table is not None}
    return [
        *table1_rows(made_tables["table1"]),
        *panel_rows(published["panels"], made_tables["statistics"]),
        *bin_rows(published["bins"], made_tables),
        *flux_rows(published["flux_percent"], made_tables["catalog"]),
        *table2_rows(published, made_tables["table2"]),
        *detection_rows(published["sextractor_detections_percent"], about),
        *iou_rows(published["mean_iou"], tables["iou"]),
        *parameter_rows(published["parameters_million"], records),
        *training_rows(published["training"], records),
    ]


def authors_rows(
    published: dict[str, Any],
    statistics: str | Path,
    catalog: str | Path,
    description: str | Path,
) -> list[Row]:
    """The numbers of the paper and those of the authors' own catalogue, from its files."""
    return [
        *panel_rows(published["panels"], pd.read_csv(statistics)),
        *flux_rows(published["flux_percent"], pd.read_csv(catalog)),
        *detection_rows(published["sextractor_detections_percent"], read_json(description)),
    ]
