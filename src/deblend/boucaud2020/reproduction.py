"""The published numbers of Boucaud et al. 2020 beside ours."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.compared_tables import catalogue_name, is_authors
from deblend.boucaud2020.methods import PAPER_METHODS
from deblend.boucaud2020.metrics import bootstrap_by_galaxy
from deblend.boucaud2020.recovered import BIN_EDGES, MIN_IN_BIN
from deblend.report.numbers import LIMIT, Better, Row, Stated, reproduction_table

#: Which numbers of the panels and bins are better; biases are compared without their sign.
BETTER: dict[str, Better] = dict.fromkeys(
    ("mean", "median", "sigma", "sigma_mag", "outliers_percent", "mape_mag_percent"), "lower"
)

#: Suffix of the fluxes of each of the paper's networks in the catalogue.
SUFFIXES = {method.name: method.suffix for method in PAPER_METHODS if method.is_network}


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
            ours = Row(item, quantity, value, math.nan, better=_better(key[1], column))
            if key in index.index and index.loc[key, "n"] > 0:
                row = index.loc[key]
                ours = ours._replace(
                    reproduced=float(row[column]),
                    n=float(row["n"]),
                    low=float(row.get(f"{column}_low", math.nan)),
                    high=float(row.get(f"{column}_high", math.nan)),
                )
            yield ours


def _better(method: str, column: str) -> Better:
    """Which numbers are better: of the baseline neither, since a stronger one is no success."""
    return BETTER[column] if method in SUFFIXES else ""


def _interval(
    statistic: Callable[..., float],
    arrays: Sequence[np.ndarray],
    galaxies: np.ndarray,
    bootstrap: Mapping[str, int],
) -> tuple[float, float]:
    """68 % interval of a number by resampling galaxies; NaN without measurements or resamples."""
    interval = bootstrap_by_galaxy(
        lambda *resampled: {"value": statistic(*resampled)}, arrays, galaxies, **bootstrap
    )
    low, high = interval.reindex(["value"]).to_numpy(float)[0]
    return float(low), float(high)


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

    Its interval and its number of galaxies are those of its bin.

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
            row = Row(item, quantity, value, math.nan, better=_better(entry["network"], column))
            if len(bins):
                largest = bins.loc[bins[column].abs().idxmax()]
                sign = -1.0 if largest[column] < 0 else 1.0
                ends = (f"{column}_low", f"{column}_high")
                interval = sorted(sign * float(largest.get(end, math.nan)) for end in ends)
                n, ours = float(largest["n"]), sign * float(largest[column])
                row = row._replace(reproduced=ours, n=n, low=interval[0], high=interval[1])
            yield row


def box_rows(
    published: dict[str, float], points: pd.DataFrame, bootstrap: Mapping[str, int]
) -> Iterator[Row]:
    """Half the height of the boxes of Figure 7, in the median over bins and galaxies (Sect. 4.2).

    The paper gives "the scatter" of each bin without an estimator; this one is drawn. So neither
    smaller nor larger numbers are better.

    Parameters
    ----------
    published : dict
        Method to half the height, mag.
    points : DataFrame
        See `deblend.boucaud2020.figures.fig7_errors.fig7_data`.
    bootstrap : dict
        `n_resamples` and `seed`.
    """
    n_bins = len(BIN_EDGES) - 1
    for method, value in published.items():
        shown = points[points["method"].str.lower() == method]
        shown = shown[shown["delta_mag"].between(BIN_EDGES[0], BIN_EDGES[-1])]
        errors = (shown["mag_blended"] - shown["mag_isolated"]).to_numpy(float)
        delta = shown["delta_mag"].to_numpy(float)
        # As in the figure, the last bin includes its upper edge.
        box = np.clip(np.searchsorted(BIN_EDGES, delta, side="right") - 1, 0, n_bins - 1)
        box += n_bins * (shown["galaxy"] == "companion").to_numpy()
        measured = np.isfinite(errors)
        errors, box = errors[measured], box[measured]
        ids = shown.loc[measured, ["galaxy_id", "partner_id"]].to_numpy()
        n = len(errors) or math.nan
        item = f"Fig. 7, {method}, median of bins (Sect. 4.2)"
        interval = _interval(_half_box, (errors, box), ids, bootstrap)
        yield Row(item, "half_box_mag", value, _half_box(errors, box), n, "", *interval)


def _half_box(errors: np.ndarray, box: np.ndarray) -> float:
    """Median over boxes of half the interquartile range."""
    ordered = errors[np.argsort(box, kind="stable")]
    parts = np.split(ordered, np.cumsum(np.bincount(box))[:-1]) if len(box) else []
    quartiles = [np.percentile(p, [25, 75]) for p in parts if len(p) >= MIN_IN_BIN]
    return float(np.median([np.ptp(pair) / 2 for pair in quartiles])) if quartiles else math.nan


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


def flux_errors(catalog: pd.DataFrame, network: str) -> tuple[np.ndarray, np.ndarray]:
    """Relative errors of a network's fluxes, of all blends and both galaxies (abstract).

    That is the selection of Table 2: nothing in the abstract says that it leaves blends out.

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    network : str
        One of `SUFFIXES`.

    Returns
    -------
    percent : ndarray, shape (n,)
        Absolute error, %; galaxies without a flux are left out.
    galaxies : ndarray of str, shape (n, 2)
        The galaxy of each error, and its partner.
    """
    suffix = SUFFIXES[network]
    error = np.concatenate(
        [np.abs(catalog[f"g{g}_flux_{suffix}"] / catalog[f"g{g}_flux"] - 1) for g in (1, 2)]
    )
    ids = catalog[["g1_id", "g2_id"]].astype(str).to_numpy()
    measured = np.isfinite(error)
    return 100 * error[measured], np.concatenate([ids, ids[:, ::-1]])[measured]


def flux_rows(
    published: dict[str, Any], catalog: pd.DataFrame, bootstrap: Mapping[str, int]
) -> Iterator[Row]:
    """Relative error of the flux over all test blends and both galaxies (abstract).

    Parameters
    ----------
    published : dict
        `abstract`: error of the better network, %.
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    bootstrap : dict
        `n_resamples` and `seed`.
    """
    for network in SUFFIXES:
        percent, galaxies = flux_errors(catalog, network)
        ours = float(np.mean(percent)) if len(percent) else math.nan
        yield Row(
            *(f"Abstract, {network}, all blends", "mape_flux_percent", published["abstract"], ours),
            *(len(percent) or math.nan, "lower"),
            *_interval(np.mean, (percent,), galaxies, bootstrap),
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
        # Table 2 rounds 25.696 to 25.7, but cuts 102.772 to 102.7: these are known to one unit.
        yield Row(
            item, "parameters_million", value, ours, depends_on_data=False, rounding_units=1.0
        )


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
                row = row._replace(
                    reproduced=float(ours[f"{part}_percent"]),
                    n=float(ours["n"]),
                    low=float(ours.get(f"{part}_percent_low", math.nan)),
                    high=float(ours.get(f"{part}_percent_high", math.nan)),
                )
            yield row


def detection_rows(
    published: dict[str, float], catalog: pd.DataFrame, bootstrap: Mapping[str, int]
) -> Iterator[Row]:
    """In how many blends SExtractor detects one galaxy, two or more (Sect. 3.3).

    Parameters
    ----------
    published : dict
        `one`, `two`, `more`, %.
    catalog : DataFrame
        In the published format: `detection` and the ids of both galaxies.
    bootstrap : dict
        `n_resamples` and `seed`.
    """
    codes = {"two": (2,), "one": (0, 1), "more": (3,)}
    galaxies = catalog[["g1_id", "g2_id"]].astype(str).to_numpy()
    for name, value in published.items():
        percent = 100.0 * catalog["detection"].isin(codes[name]).to_numpy()
        interval = _interval(np.mean, (percent,), galaxies, bootstrap)
        item = f"Sect. 3.3, {name} detected"
        yield Row(
            *(item, "detection_percent", value, float(percent.mean()), len(percent), "", *interval)
        )


def iou_rows(
    published: dict[str, float],
    iou: pd.DataFrame | None,
    catalog: pd.DataFrame,
    bootstrap: Mapping[str, int],
) -> Iterator[Row]:
    """Mean IoU over all test blends (Sect. 4.4).

    The IoU of a blend is the mean of its two galaxies', as in Fig. 12. Masks that vanished have 0.

    Parameters
    ----------
    published : dict
        Network to its mean IoU.
    iou : DataFrame or None
        See `deblend.boucaud2020.compared_tables.masks_to_find`; None without a network that
        predicts masks.
    catalog : DataFrame
        Of the same blends, for the ids of their galaxies.
    bootstrap : dict
        `n_resamples` and `seed`.
    """
    ids = catalog.set_index("id")[["g1_id", "g2_id"]].astype(str)
    for network, value in published.items():
        of_blend = pd.Series(dtype=float)
        if iou is not None:
            of_blend = iou[iou["network"] == network].groupby("blend")["iou"].mean()
        n, values = len(of_blend), of_blend.to_numpy(float)
        ours = float(np.mean(values)) if n else math.nan
        yield Row(
            *(f"Sect. 4.4, {network}", "mean_iou", value, ours, n or math.nan, "higher"),
            *_interval(np.mean, (values,), ids.loc[of_blend.index].to_numpy(), bootstrap),
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
    records: dict[str, dict[str, Any]],
    bootstrap: Mapping[str, int],
) -> list[Row]:
    """Every number of the paper and that of this run.

    Parameters
    ----------
    published : dict
        `boucaud2020` of config/published.yaml.
    tables : dict
        `statistics`, `fig7`, `fig7_points`, `fig8`, `table1`, `table2`, `catalog`, `parameters`;
        `iou` may be None.
    records : dict
        Description of each network, by the paper's name for it.
    bootstrap : dict
        `n_resamples` and `seed` of the bootstrap over both galaxies of a blend.
    """
    made_tables = {name: table for name, table in tables.items() if table is not None}
    catalog = made_tables["catalog"]
    return [
        *table1_rows(made_tables["table1"]),
        *panel_rows(published["panels"], made_tables["statistics"]),
        *bin_rows(published["bins"], made_tables),
        *box_rows(published["boxes"], made_tables["fig7_points"], bootstrap),
        *flux_rows(published["flux_percent"], catalog, bootstrap),
        *table2_rows(published, made_tables["table2"]),
        *detection_rows(published["sextractor_detections_percent"], catalog, bootstrap),
        *range_rows(published["mag_range"], catalog),
        *iou_rows(published["mean_iou"], tables["iou"], catalog, bootstrap),
        *parameter_rows(published, made_tables.get("parameters")),
        *training_rows(published["training"], records),
    ]


def authors_rows(
    published: dict[str, Any], tables: Mapping[str, pd.DataFrame], bootstrap: Mapping[str, int]
) -> list[Row]:
    """The numbers of the paper and those of the authors' own catalogue.

    Parameters
    ----------
    published : dict
        `boucaud2020` of config/published.yaml.
    tables : dict
        See `deblend.boucaud2020.compared_tables.read_authors`.
    bootstrap : dict
        `n_resamples` and `seed` of the bootstrap over both galaxies of a blend.
    """
    catalog = tables["catalog"]
    return [
        *panel_rows(published["panels"], tables["statistics"]),
        *bin_rows(published["bins"], tables),
        *box_rows(published["boxes"], tables["fig7_points"], bootstrap),
        *flux_rows(published["flux_percent"], catalog, bootstrap),
        *detection_rows(published["sextractor_detections_percent"], catalog, bootstrap),
        *range_rows(published["mag_range"], catalog),
    ]


def reproduction(
    published: dict[str, Any],
    tables: Mapping[str, pd.DataFrame | None],
    about: dict[str, Any],
    records: dict[str, dict[str, Any]],
    authors: Mapping[str, pd.DataFrame],
    *,
    papers_data: bool,
    bootstrap: Mapping[str, int],
) -> pd.DataFrame:
    """The published numbers beside those of this run, and of the authors' catalogue if it is there.

    Parameters
    ----------
    published, tables, records, bootstrap
        See `our_rows`.
    about : dict
        Description of the catalogue: `scale` and `dataset`.
    authors : dict
        See `deblend.boucaud2020.compared_tables.read_authors`.
    papers_data : bool
        Whether this run's galaxies, of the test and of the training, are those of the paper.

    Returns
    -------
    DataFrame
        See `deblend.report.numbers.reproduction_table`.
    """
    label = f"{about['scale']} scale, data set {about['dataset']}"
    rows = {label: our_rows(published, tables, records, bootstrap)}
    papers = [label] if papers_data else []
    if authors:
        theirs = catalogue_name(authors)
        rows[theirs] = authors_rows(published, authors, bootstrap)
        papers += [theirs] if is_authors(authors) else []
    return reproduction_table(rows, "boucaud2020", papers)
