"""The published numbers of Boucaud et al. 2020 beside ours."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.masks import gather_iou
from deblend.boucaud2020.recovered import MIN_IN_BIN
from deblend.files import read_json
from deblend.intervals import mean_interval
from deblend.report.numbers import LIMIT, Better, Row, Stated, reproduction_table

#: Which numbers of the panels and bins are better; biases are compared without their sign.
BETTER: dict[str, Better] = dict.fromkeys(
    ("mean", "median", "sigma", "sigma_mag", "outliers_percent", "mape_mag_percent"), "lower"
)

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
        training of each of the paper's networks, where the joint one includes its U-Net; and `iou`,
        where vanished masks have 0, and `fig12`: None for those without a file.
    """
    tables = {name: pd.read_csv(path) for name, path in paths.items()}
    roles = {folder: role for role, folder in networks.items()}
    return tables | {
        "photometry": tables["photometry"].replace({"method": roles}),
        "hours": training_hours(networks, timings),
        "iou": with_vanished(gather_iou(mask_roles, iou)) if iou else None,
        "fig12": pd.read_csv(fig12[0]) if fig12 else None,
    }


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


def with_vanished(iou: pd.DataFrame) -> pd.DataFrame:
    """Masks with an IoU of 0 for each that was not predicted; galaxies without a true one go.

    Parameters
    ----------
    iou : DataFrame
        See `deblend.boucaud2020.masks.mask_table`.
    """
    return iou[iou["area_true_px"] > 0].fillna({"iou": 0.0})


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

    Parameters
    ----------
    made : dict
        See `read_authors`.
    panels : sequence of dict
        From `config/published.yaml`.

    Returns
    -------
    tables : dict
        Those of the whole catalogue; without it, the numbers of the published panels.
    source : str
    """
    if made:
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


def panel_rows(panels: list[dict[str, Any]], statistics: pd.DataFrame) -> Iterator[Row]:
    """The panels of Figures 5 and 6.

    Parameters
    ----------
    panels : list of dict
        From `config/published.yaml`: `figure`, `network`, `galaxy`, `where`, and numbers named as
        in `statistics`; the names of upper limits end in `LIMIT`.
    statistics : DataFrame
        See `deblend.boucaud2020.recovered.statistics_table`; with `_low` and `_high` of a number,
        its interval.
    """
    names = ["figure", "network", "galaxy"]
    index = statistics.set_index(names)
    for panel in panels:
        key = tuple(panel[name] for name in names)
        item = f"Fig. {key[0].removeprefix('fig')}, {key[1]}, {key[2]} ({panel['where']})"
        for quantity, value in panel.items():
            if quantity in (*names, "where", "n"):
                continue
            column = quantity.removesuffix(LIMIT)
            ours = Row(item, quantity, value, math.nan, better=BETTER[column])
            if key in index.index and index.loc[key, "n"] > 0:
                row = index.loc[key]
                ours = ours._replace(
                    reproduced=float(row[column]),
                    n=float(row["n"]),
                    low=float(row.get(f"{column}_low", math.nan)),
                    high=float(row.get(f"{column}_high", math.nan)),
                )
            yield ours


def table1_rows(table: pd.DataFrame) -> Iterator[Row]:
    """Shares of the classes, and the share of each that the inspection keeps (Table 1).

    Numbers of galaxies would compare the sizes of the samples.

    Parameters
    ----------
    table : DataFrame
        See `deblend.boucaud2020.tables.table1`.
    """
    rows = table[table["published_after"].notna()].set_index("morphology")
    total = rows.loc["total"]
    for name, row in rows.iterrows():
        item = f"Table 1, {row['galaxy_type']}"
        if name != "total":
            for when in ("before", "after"):
                value = _percent(row[f"published_{when}"], total[f"published_{when}"])
                ours, n = _percent(row[when], total[when]), float(total[when])
                yield Row(f"{item}, {when} inspection", "type_percent", _stated(value), ours, n)
        value = _percent(row["published_after"], row["published_before"])
        ours, n = _percent(row["after"], row["before"]), float(row["before"])
        yield Row(item, "kept_percent", _stated(value), ours, n)


def _percent(part: float, total: float) -> float:
    return 100 * float(part) / float(total) if total else math.nan


def _stated(percent: float) -> Stated:
    """A share that follows from published numbers of galaxies, to a tenth of a per cent."""
    return Stated(f"{percent:.1f}")


def bin_rows(published: list[dict[str, Any]], tables: Mapping[str, pd.DataFrame]) -> Iterator[Row]:
    """The largest value in the bins of magnitude difference of Figures 7 and 8 (Sects 4.2, 5).

    Parameters
    ----------
    published : list of dict
        `figure`, `network`, `where`, and `median` or `sigma_mag`; the names of upper limits
        end in `LIMIT`.
    tables : dict
        "fig7" and "fig8" to `deblend.boucaud2020.recovered.binned_statistics`, with the intervals
        that it has.
    """
    for entry in published:
        table = tables[entry["figure"]]
        of_network = table["method"].str.lower() == entry["network"]  # the figures write SExtractor
        bins = table[of_network & (table["n"] >= MIN_IN_BIN)]
        bins = bins[bins["bin"].astype(str) != "all"].reset_index(drop=True)
        figure = entry["figure"].removeprefix("fig")
        item = f"Fig. {figure}, {entry['network']}, largest of bins ({entry['where']})"
        for quantity, value in entry.items():
            if quantity in ("figure", "network", "where"):
                continue
            column = quantity.removesuffix(LIMIT)
            row = Row(item, quantity, value, math.nan, better=BETTER[column])
            if len(bins):
                largest = bins.loc[bins[column].abs().idxmax()]
                sign = -1.0 if largest[column] < 0 else 1.0
                ends = (f"{column}_low", f"{column}_high")
                interval = sorted(sign * float(largest.get(end, math.nan)) for end in ends)
                n, ours = float(bins["n"].sum()), sign * float(largest[column])
                row = row._replace(reproduced=ours, n=n, low=interval[0], high=interval[1])
            yield row


def box_rows(published: dict[str, float], fig7: pd.DataFrame) -> Iterator[Row]:
    """Half the height of the boxes of Figure 7, in the median over bins and galaxies (Sect. 4.2).

    The paper gives "the scatter" of each bin without an estimator; this one is drawn.

    Parameters
    ----------
    published : dict
        Method to half the height, mag.
    fig7 : DataFrame
        See `deblend.boucaud2020.recovered.binned_statistics`.
    """
    for method, value in published.items():
        bins = fig7[(fig7["method"].str.lower() == method) & (fig7["n"] >= MIN_IN_BIN)]
        bins = bins[bins["bin"].astype(str) != "all"]
        half = float(((bins["p75"] - bins["p25"]) / 2).median())
        n = float(bins["n"].sum()) if len(bins) else math.nan
        item = f"Fig. 7, {method}, median of bins (Sect. 4.2)"
        yield Row(item, "half_box_mag", value, half, n, "lower")


def range_rows(published: list[float], catalog: pd.DataFrame) -> Iterator[Row]:
    """Magnitudes of the brightest and of the faintest galaxy (slides).

    Parameters
    ----------
    published : [low, high]
    catalog : DataFrame
        In the published format.
    """
    mag = catalog[["g1_mag", "g2_mag"]].to_numpy(float)
    for name, ours in (("brightest", mag.min()), ("faintest", mag.max())):
        yield Row(f"Slides, {name} galaxy", "mag", published, float(ours), mag.size)


def flux_rows(published: dict[str, Any], catalog: pd.DataFrame) -> Iterator[Row]:
    """Relative error of the flux over all test blends and both galaxies (abstract).

    Parameters
    ----------
    published : dict
        `abstract`: error of the better network, %.
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    """
    ids = pd.concat([catalog["g1_id"], catalog["g2_id"]]).astype(str)
    for suffix, network in (("b2f", "blend2flux"), ("b2m2f", "blend2mask2flux")):
        error = 100 * pd.concat(
            [(catalog[f"g{g}_flux_{suffix}"] / catalog[f"g{g}_flux"] - 1).abs() for g in (1, 2)]
        )
        measured = error.notna().to_numpy()
        values = error.to_numpy(float)[measured]
        ours = float(np.mean(values)) if len(values) else math.nan
        yield Row(
            *(f"Abstract, {network}, all blends", "mape_flux_percent", published["abstract"], ours),
            *(len(values) or math.nan, "lower"),
            *mean_interval(values, ids.to_numpy()[measured]),
        )


def parameter_rows(published: dict[str, Any], parameters: pd.DataFrame | None) -> Iterator[Row]:
    """Free parameters of the networks with the sizes of the paper (Table 2, Sect. 3.2).

    Parameters
    ----------
    published : dict
        `n_parameters_million` by filters, `parameters_million` by network.
    parameters : DataFrame or None
        `architecture`, `filters`, `n_parameters` of networks that were built at paper scale.
    """
    counts = {}
    if parameters is not None:
        index = parameters.set_index(["architecture", "filters"])["n_parameters"] / 1e6
        counts = {
            f"Table 2, {f} filters": n for (kind, f), n in index.items() if kind == "blend2flux"
        }
        counts |= {f"Sect. 3.2, {kind}": n for (kind, _), n in index.items()}
    wanted = {f"Table 2, {f} filters": n for f, n in published["n_parameters_million"].items()}
    wanted |= {f"Sect. 3.2, {name}": n for name, n in published["parameters_million"].items()}
    for item, value in wanted.items():
        ours = float(counts.get(item, math.nan))
        yield Row(item, "parameters_million", value, ours, depends_on_data=False)


def table2_rows(published: dict[str, Any], table: pd.DataFrame) -> Iterator[Row]:
    """Flux errors by the number of filters (Table 2).

    Parameters
    ----------
    published : dict
        `table2`: the flux error, %, by part and filters.
    table : DataFrame
        See `deblend.boucaud2020.tables`.
    """
    index = table.set_index("filters")
    for part, values in published["table2"].items():
        for filters, value in values.items():
            row = Row(
                *(f"Table 2, {filters} filters", f"mape_flux_percent, {part}", value, math.nan),
                better="lower",
            )
            if filters in index.index:
                ours = index.loc[filters]
                percent, error = float(ours[f"{part}_percent"]), float(ours[f"{part}_error"])
                row = row._replace(
                    reproduced=percent,
                    n=float(ours["n"]),
                    low=percent - error,
                    high=percent + error,
                )
            yield row


def detection_rows(published: dict[str, float], about: Mapping[str, Any]) -> Iterator[Row]:
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

    The IoU of a blend is the mean of its two galaxies', as in Fig. 12. Masks that vanished have 0.

    Parameters
    ----------
    published : dict
        Network to its mean IoU.
    iou : DataFrame or None
        See `with_vanished`; None without a network that predicts masks.
    """
    for network, value in published.items():
        mean_of_blend = np.array([])
        if iou is not None:
            of_network = iou[iou["network"] == network]
            mean_of_blend = of_network.groupby("blend")["iou"].mean().to_numpy()
        n = len(mean_of_blend)
        ours = float(np.mean(mean_of_blend)) if n else math.nan
        yield Row(
            *(f"Sect. 4.4, {network}", "mean_iou", value, ours, n or math.nan, "higher"),
            *mean_interval(mean_of_blend, np.arange(n)),
        )


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
        in the paper, and not at the largest number of epochs, which the configuration sets.
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
        `statistics`, `fig7`, `fig8`, `table1`, `table2`, `catalog`, `parameters`; `iou` may be
        None.
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
        *box_rows(published["boxes"], made_tables["fig7"]),
        *flux_rows(published["flux_percent"], made_tables["catalog"]),
        *table2_rows(published, made_tables["table2"]),
        *detection_rows(published["sextractor_detections_percent"], about),
        *range_rows(published["mag_range"], made_tables["catalog"]),
        *iou_rows(published["mean_iou"], tables["iou"]),
        *parameter_rows(published, made_tables.get("parameters")),
        *training_rows(published["training"], records),
    ]


def authors_rows(published: dict[str, Any], tables: Mapping[str, pd.DataFrame]) -> list[Row]:
    """The numbers of the paper and those of the authors' own catalogue.

    Parameters
    ----------
    published : dict
        `boucaud2020` of config/published.yaml.
    tables : dict
        See `read_authors`.
    """
    return [
        *panel_rows(published["panels"], tables["statistics"]),
        *bin_rows(published["bins"], tables),
        *box_rows(published["boxes"], tables["fig7"]),
        *flux_rows(published["flux_percent"], tables["catalog"]),
        *detection_rows(published["sextractor_detections_percent"], tables["about"].iloc[0]),
        *range_rows(published["mag_range"], tables["catalog"]),
    ]


def reproduction(
    published: dict[str, Any],
    tables: Mapping[str, pd.DataFrame | None],
    about: dict[str, Any],
    records: dict[str, dict[str, Any]],
    authors: Mapping[str, pd.DataFrame],
    papers_data: bool,
) -> pd.DataFrame:
    """The published numbers beside those of this run, and of the authors' catalogue if it is there.

    Parameters
    ----------
    published, tables, about, records
        See `our_rows`.
    authors : dict
        See `read_authors`.
    papers_data : bool
        Whether this run's galaxies are those of the paper.

    Returns
    -------
    DataFrame
        See `deblend.report.numbers.reproduction_table`.
    """
    label = f"{about['scale']} scale, data set {about['dataset']}"
    rows = {label: our_rows(published, tables, about, records)}
    theirs = "the authors' catalogue"
    if authors:
        rows[theirs] = authors_rows(published, authors)
    return reproduction_table(rows, "boucaud2020", [theirs, *([label] if papers_data else [])])
