"""What Boucaud et al. 2020 claim in words, as tests on tables of numbers.

A claim has the paper's own bound, or, where the paper has only a word for it ("unbiased"), one that
the statement names; a relaxed bound is a row of its own.

The tables are `statistics` (see `deblend.boucaud2020.recovered.statistics_table`), `photometry`
(see `deblend.boucaud2020.metrics.photometry_table`, its networks called blend2flux and
blend2mask2flux), `points` (of Fig. 5), `fig7`, `fig8`, `fig9` (see
`deblend.boucaud2020.recovered.binned_statistics`), `fig7_points` (see
`deblend.boucaud2020.figures.fig7_errors.fig7_data`), `table2` (see `deblend.boucaud2020.tables`),
`iou` (see `deblend.boucaud2020.masks.mask_table`), and `fig12` (see
`deblend.boucaud2020.figures.fig10_12_masks.fig12_statistics`).
"""
# ruff: noqa: D103 (what a claim says is in its decorator)

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from deblend.boucaud2020.recovered import BIN_EDGES, MIN_IN_BIN, NETWORKS
from deblend.report.claims import (
    Claims,
    MissingResult,
    Result,
    Tables,
    all_below,
    listed,
    says,
    table,
)

CLAIMS = Claims()
claim = CLAIMS.add

GALAXIES = ("central", "companion")

#: Figure and galaxy of the panels in which SExtractor finds one galaxy, the pair, or misses it.
FOUND = (("fig5", "central"), ("fig5", "companion"))
PAIR_FOUND = (("fig6", "pair_detected"),)
PAIR_MISSED = (("fig6", "pair_missed"),)
ALL_FOUND = FOUND + PAIR_FOUND

#: Edges of the bins of distance, in the central galaxy's effective radii: Sect. 5 has 0.5 to 4, and
#: Sect. 4.2 calls those within one radius close.
RADII = (0, 1, 2, 4)

#: Pairs of four morphologies in Fig. 12.
TYPE_PAIRS = 10


def _row(tables: Tables, name: str, **where: str) -> pd.Series:
    """The row of a table with these values, if galaxies were measured."""
    found = table(tables, name).set_index(list(where))
    key = tuple(where.values())
    if key not in found.index or not found.loc[key, "n"]:
        raise MissingResult(f"{name} {where}")
    return found.loc[key]


def _panel(tables: Tables, figure: str, network: str, galaxy: str) -> pd.Series:
    """The numbers of a panel of Figures 5 and 6."""
    return _row(tables, "statistics", figure=figure, network=network, galaxy=galaxy)


def _photometry(tables: Tables, method: str, galaxy: str) -> pd.Series:
    """A method's numbers for blends in which SEP found the galaxy."""
    return _row(tables, "photometry", method=method, galaxy=galaxy, selection="found")


def _bins(tables: Tables, name: str, **where: str) -> pd.DataFrame:
    """Rows of all bins of the table of Figure 7, 8 or 9.

    A bin, mostly one at the ends, with too few galaxies leaves nothing to say of the whole range.
    """
    found = table(tables, name)
    for column, value in where.items():
        found = found[found[column] == value]
    found = found[(found["bin"].astype(str) != "all") & (found["n"] >= MIN_IN_BIN)]
    if len(found) < len(BIN_EDGES) - 1:
        raise MissingResult(f"{name} {where}")
    return found.sort_values("delta_mag_low")


def _below(
    tables: Tables,
    network: str,
    column: str,
    bound: float,
    panels: tuple[tuple[str, str], ...] = ALL_FOUND,
) -> Result:
    values = {f"{f} {g}": float(_panel(tables, f, network, g)[column]) for f, g in panels}
    return all_below(values, bound)


def _factors(pairs: Mapping[str, tuple[pd.Series, pd.Series]], column: str, bound: float) -> Result:
    """Another method's numbers, given by name with the network's, are larger by a factor.

    Where the network has no outlier at all, fewer than one in n is all that is known, and the ratio
    is a lower limit; if that is below the bound, nothing can be said.
    """
    text, holds = [], []
    for name, (other, own) in pairs.items():
        limit = column == "outliers_percent" and own[column] == 0
        smaller = 100 / own["n"] if limit else own[column]
        ratio = float(other[column] / smaller)
        numbers = f"{other[column]:.4g} / {own[column]:.4g}"
        text.append(f"{name} {'>' if limit else ''}{ratio:.3g} ({numbers}, n = {own['n']:.0f})")
        holds.append(None if limit and ratio < bound else ratio >= bound)
    if False in holds:
        return "; ".join(text), False
    return "; ".join(text), None if None in holds else True


def _against_isophotal(
    tables: Tables, network: str, column: str, bound: float, panels: tuple[tuple[str, str], ...]
) -> Result:
    pairs = {
        f"{f} {g}": (_panel(tables, f, "sextractor", g), _panel(tables, f, network, g))
        for f, g in panels
    }
    return _factors(pairs, column, bound)


def _against_better(tables: Tables, network: str, column: str, bound: float) -> Result:
    pairs = {}
    for galaxy in GALAXIES:
        sep = [_photometry(tables, method, galaxy) for method in ("sep_iso", "sep_auto")]
        better = min(sep, key=lambda row: row[column])
        pairs[f"{galaxy} {better.name[0]}"] = (better, _photometry(tables, network, galaxy))
    return _factors(pairs, column, bound)


def _sextractor_outliers(tables: Tables, stated: float, bound: float) -> Result:
    value = float(_panel(tables, "fig6", "sextractor", "pair_detected")["outliers_percent"])
    return f"{value:.4g} %", stated / bound <= value <= stated * bound


def _halves(tables: Tables, method: str) -> dict[str, float]:
    """Scatter in the bright and in the faint half."""
    points = table(tables, "points")
    mine = points[(points["method"] == method) & points["mag_blended"].notna()]
    if len(mine) < 2 * MIN_IN_BIN:
        raise MissingResult(method)
    faint = mine["mag_isolated"] > mine["mag_isolated"].median()
    dmag = mine["mag_blended"] - mine["mag_isolated"]
    return {"bright half": float(np.std(dmag[~faint])), "faint half": float(np.std(dmag[faint]))}


def _over_differences(tables: Tables, method: str, column: str) -> dict[str, pd.Series]:
    """Galaxy to a number in bins of magnitude difference."""
    found = {g: _bins(tables, "fig7", method=method, galaxy=g) for g in GALAXIES}
    return {galaxy: rows.set_index("delta_mag_low")[column] for galaxy, rows in found.items()}


def _end_scatters(tables: Tables, method: str) -> dict[str, float]:
    """Scatter in the first and in the last bin of magnitude difference."""
    found = _over_differences(tables, method, "sigma_mag").items()
    return {f"{g} {low:+.2f}": value for g, s in found for low, value in s.iloc[[0, -1]].items()}


def _spreads(tables: Tables, method: str) -> dict[str, float]:
    """Largest over smallest scatter in bins of magnitude difference."""
    found = _over_differences(tables, method, "sigma_mag")
    return {galaxy: float(scatter.max() / scatter.min()) for galaxy, scatter in found.items()}


def _worse_in_bins(tables: Tables, network: str, column: str, bound: float) -> Result:
    own, sep = (
        _bins(tables, "fig8", method=method)[column].abs().to_numpy()
        for method in (network, "SExtractor")
    )
    worse = int((sep > own).sum())
    return f"{worse} of {len(own)} bins", worse >= bound * len(own)


def _over_distance(tables: Tables, method: str) -> dict[str, pd.DataFrame]:
    """Galaxy to `median`, `sigma` and 95 % point of the error in bins of distance."""
    points = table(tables, "fig7_points")
    found = {}
    for galaxy in GALAXIES:
        mine = points[(points["method"] == method) & (points["galaxy"] == galaxy)]
        dmag = (mine["mag_blended"] - mine["mag_isolated"]).dropna()
        groups = dmag.groupby(pd.cut(mine["distance_over_radius"], RADII), observed=False)
        if (groups.size() < MIN_IN_BIN).any():
            raise MissingResult(f"{method} {galaxy} in bins of distance")
        numbers = {"median": groups.median(), "sigma": groups.std(ddof=0)}
        found[galaxy] = pd.DataFrame(numbers | {"p95": groups.quantile(0.95)})
    return found


def _sextractor_above(
    own: Mapping[str, float], sep: Mapping[str, float], bound: float, unit: str = ""
) -> Result:
    """SExtractor's numbers are larger by a factor, for both galaxies."""
    text = "; ".join(f"{g} {own[g]:.3g}, SExtractor {sep[g]:.3g}{unit}" for g in GALAXIES)
    return text, all(sep[g] > bound * own[g] for g in GALAXIES)


def _by_type(tables: Tables, method: str, column: str, *needed: str) -> dict[str, float]:
    """A number of each morphology and of all, if those needed are there."""
    rows = table(tables, "fig9")
    chosen = (rows["method"] == method) & (rows["bin"].astype(str) == "all")
    rows = rows[chosen & (rows["n"] >= MIN_IN_BIN)]
    if len(rows) < 3:  # two types and all
        raise MissingResult("types")
    values = rows.set_index("type")[column].astype(float).to_dict()
    if set(needed) - set(values):
        raise MissingResult(f"types {needed}")
    return values


def _recovered_masks(tables: Tables, network: str) -> pd.DataFrame:
    """Rows of a network's masks that overlap the true ones, if at least half of them do.

    An empty mask is smaller than any, and as small for all galaxies: it says nothing.
    """
    iou = table(tables, "iou")
    mine = iou[(iou["network"] == network) & (iou["area_true_px"] > 0)]
    good = mine[(mine["area_predicted_px"] > 0) & (mine["iou"] > 0)]
    if mine.empty or 2 * len(good) < len(mine):
        raise MissingResult(network)
    return good


def _of_both_masks(tables: Tables, statistic: Callable[[pd.DataFrame], float]) -> dict[str, float]:
    return {
        network: float(statistic(_recovered_masks(tables, network)))
        for network in ("unet", "blend2mask2flux")
    }


def _iou_by_pair(tables: Tables, network: str) -> pd.DataFrame:
    """Mean IoU of each pair of morphologies, if all are there."""
    _recovered_masks(tables, network)
    rows = table(tables, "fig12")
    chosen = (rows["network"] == network) & ~rows["pair"].isin(["all", "other"])
    rows = rows[chosen & (rows["n"] >= MIN_IN_BIN)]
    if len(rows) < TYPE_PAIRS:
        raise MissingResult(f"pairs of types of {network}")
    return rows


@claim("unbiased", "Sects 4.1, 5", stated=0.02, relaxed=0.05, networks=NETWORKS)
@says("Unbiased: mean error below {bound:g} mag where SExtractor finds the galaxy")
def unbiased(tables: Tables, bound: float, network: str) -> Result:
    return _below(tables, network, "mean", bound)


@claim("scatter", "Sects 4.1, 5", stated=0.15, relaxed=0.2, networks=NETWORKS)
@says("Scatter of about 0.1 mag: below {bound:g} mag")
def scatter(tables: Tables, bound: float, network: str) -> Result:
    return _below(tables, network, "sigma", bound)


@claim("scatter_isophotal", "Sects 4.1, 5", stated=4, relaxed=2, networks=NETWORKS)
@says("Scatter at least a factor of {bound:g} below SExtractor's (isophotal, as in the paper)")
def scatter_isophotal(tables: Tables, bound: float, network: str) -> Result:
    return _against_isophotal(tables, network, "sigma", bound, FOUND)


@claim("scatter_isophotal_pairs", "Sect. 5", stated=4, relaxed=2, networks=NETWORKS)
@says("The same where SExtractor finds exactly two galaxies: at least a factor of {bound:g}")
def scatter_isophotal_pairs(tables: Tables, bound: float, network: str) -> Result:
    return _against_isophotal(tables, network, "sigma", bound, PAIR_FOUND)


@claim("scatter_better_sep", "Sects 4.1, 5", stated=4, relaxed=2, networks=NETWORKS)
@says("Scatter at least a factor of {bound:g} below the better of SEP's isophotal and AUTO")
def scatter_better_sep(tables: Tables, bound: float, network: str) -> Result:
    return _against_better(tables, network, "sigma_mag", bound)


@claim("mape_isophotal", "Sect. 4.1", stated=4, relaxed=2, networks=NETWORKS)
@says("MAPE of the magnitude at least a factor of {bound:g} below SExtractor's")
def mape_isophotal(tables: Tables, bound: float, network: str) -> Result:
    return _against_isophotal(tables, network, "mape_mag_percent", bound, FOUND)


@claim("flux_accuracy", "Abstract", stated=7.5, relaxed=10, networks=NETWORKS)
@says("Accuracy of about 7 %: mean absolute error of the flux below {bound:g} %")
def flux_accuracy(tables: Tables, bound: float, network: str) -> Result:
    return _below(tables, network, "mape_flux_percent", bound)


@claim("flux_error_isophotal", "Abstract, Sect. 5", stated=4, relaxed=2, networks=NETWORKS)
@says("Flux error at least a factor of {bound:g} below SExtractor's, found pairs included")
def flux_error_isophotal(tables: Tables, bound: float, network: str) -> Result:
    return _against_isophotal(tables, network, "mape_flux_percent", bound, ALL_FOUND)


@claim("outliers_isophotal", "Sect. 4.1", stated=100, relaxed=10, networks=NETWORKS)
@says("Outliers at least {bound:g} times rarer than SExtractor's (two orders of magnitude)")
def outliers_isophotal(tables: Tables, bound: float, network: str) -> Result:
    return _against_isophotal(tables, network, "outliers_percent", bound, ALL_FOUND)


@claim("outliers_better_sep", "Sect. 4.1", stated=100, relaxed=10, networks=NETWORKS)
@says("Outliers at least {bound:g} times rarer than those of the better of isophotal and AUTO")
def outliers_better_sep(tables: Tables, bound: float, network: str) -> Result:
    return _against_better(tables, network, "outliers_percent", bound)


@claim("outliers_section_4_1", "Sect. 4.1", stated=0.15, relaxed=0.2, networks=NETWORKS)
@says("About 0.1 % outliers: below {bound:g} %")
def outliers_section_4_1(tables: Tables, bound: float, network: str) -> Result:
    return _below(tables, network, "outliers_percent", bound)


@claim("outliers_section_5", "Sect. 5", stated=1.5, relaxed=2, networks=NETWORKS)
@says("Outliers as low as about 1 %: below {bound:g} %")
def outliers_section_5(tables: Tables, bound: float, network: str) -> Result:
    return _below(tables, network, "outliers_percent", bound)


@claim("sextractor_outliers_section_4_1", "Sect. 4.1", stated=1.5, relaxed=2)
@says("SExtractor: of order 10 % outliers where it finds the pair: within a factor {bound:g}")
def sextractor_outliers_section_4_1(tables: Tables, bound: float) -> Result:
    return _sextractor_outliers(tables, 10, bound)


# Sect. 5 has "these cases" where SExtractor finds more or less than two galaxies apart.
@claim("sextractor_outliers_section_5", "Sect. 5", stated=1.5, relaxed=2)
@says("SExtractor: about 12 % outliers where it finds the pair: within a factor {bound:g}")
def sextractor_outliers_section_5(tables: Tables, bound: float) -> Result:
    return _sextractor_outliers(tables, 12, bound)


@claim("sextractor_bias", "Sect. 4.1", stated=0.05, relaxed=0.1)
@says("SExtractor has a positive bias of 0.1 mag for the central galaxy: within {bound:g} mag")
def sextractor_bias(tables: Tables, bound: float) -> Result:
    value = float(_panel(tables, "fig5", "sextractor", "central")["mean"])
    return f"{value:.4g} mag", abs(value - 0.1) <= bound


@claim("pair_missed_unbiased", "Sect. 4.1", stated=0.02, relaxed=0.05, networks=NETWORKS)
@says("Unbiased where SExtractor misses the pair: mean error below {bound:g} mag")
def pair_missed_unbiased(tables: Tables, bound: float, network: str) -> Result:
    return _below(tables, network, "mean", bound, PAIR_MISSED)


@claim("pair_missed_outliers", "Sect. 4.1", stated=0.4, relaxed=1, networks=NETWORKS)
@says("Outliers below {bound:g} % where SExtractor misses the pair")
def pair_missed_outliers(tables: Tables, bound: float, network: str) -> Result:
    return _below(tables, network, "outliers_percent", bound, PAIR_MISSED)


@claim("constant_over_magnitude", "Sect. 4.1", stated=1.5, relaxed=2, networks=NETWORKS)
@says("Scatter roughly constant: the faint half's at most {bound:g} times the bright half's")
def constant_over_magnitude(tables: Tables, bound: float, network: str) -> Result:
    halves = _halves(tables, network)
    return listed(halves), halves["faint half"] <= bound * halves["bright half"]


@claim("sextractor_faint", "Sect. 4.1", stated=1.5, relaxed=1)
@says("SExtractor scatters more at the faint end: over {bound:g} times the bright half's scatter")
def sextractor_faint(tables: Tables, bound: float) -> Result:
    halves = _halves(tables, "SExtractor")
    return listed(halves), halves["faint half"] > bound * halves["bright half"]


@claim("bias_in_bins", "Sect. 4.2", stated=0.05, relaxed=0.1, networks=NETWORKS)
@says("Bias below {bound:g} mag at all magnitude differences")
def bias_in_bins(tables: Tables, bound: float, network: str) -> Result:
    found = _over_differences(tables, network, "median").items()
    return all_below({f"{g} {low:+.2f}": bias for g, s in found for low, bias in s.items()}, bound)


@claim("scatter_at_large_differences", "Sect. 5", stated=0.25, relaxed=0.3, networks=NETWORKS)
@says("Scatter close to 0.2 mag at most at large differences: below {bound:g} mag")
def scatter_at_large_differences(tables: Tables, bound: float, network: str) -> Result:
    return all_below(_end_scatters(tables, network), bound)


@claim("stable_scatter", "Sects 4.2, 5", stated=2, relaxed=3, networks=NETWORKS)
@says("Scatter stable over magnitude differences: largest below {bound:g} times the smallest")
def stable_scatter(tables: Tables, bound: float, network: str) -> Result:
    return all_below(_spreads(tables, network), bound)


@claim("stabler_than_sextractor", "Sects 4.2, 5", stated=1, networks=NETWORKS)
@says("Largest over smallest scatter of bins of magnitude difference lower than SExtractor's")
def stabler_than_sextractor(tables: Tables, bound: float, network: str) -> Result:
    own, sep = _spreads(tables, network), _spreads(tables, "SExtractor")
    return _sextractor_above(own, sep, bound)


@claim("sextractor_over_differences", "Sect. 4.2", stated=1.5, relaxed=1)
@says("SExtractor's scatter at least {bound:g} times larger for the fainter galaxy of a pair")
def sextractor_over_differences(tables: Tables, bound: float) -> Result:
    values = {}
    for galaxy, scatter in _over_differences(tables, "SExtractor", "sigma_mag").items():
        half = len(scatter) // 2
        # The central galaxy is the fainter one of the pair on the right, the companion on the left.
        ratio = float(scatter.iloc[half:].mean() / scatter.iloc[:half].mean())
        values[galaxy] = ratio if galaxy == "central" else 1 / ratio
    return listed(values), min(values.values()) >= bound


@claim("sextractor_at_large_differences", "Sect. 5", stated=1, relaxed=0.75)
@says("SExtractor's scatter reaches 1 mag at large differences: at least {bound:g} mag")
def sextractor_at_large_differences(tables: Tables, bound: float) -> Result:
    values = _end_scatters(tables, "SExtractor")
    return listed(values), max(values.values()) >= bound


@claim("scatter_over_distance", "Sects 4.2, 5", stated=2, relaxed=3, networks=NETWORKS)
@says("Scatter stable over distance: largest below {bound:g} times the smallest")
def scatter_over_distance(tables: Tables, bound: float, network: str) -> Result:
    found = _over_distance(tables, network)
    ratios = {g: float(f["sigma"].max() / f["sigma"].min()) for g, f in found.items()}
    return all_below(ratios, bound)


@claim("bias_over_distance", "Sects 4.2, 5", stated=0.05, relaxed=0.1, networks=NETWORKS)
@says("Little dependence on distance: bias below {bound:g} mag in all bins")
def bias_over_distance(tables: Tables, bound: float, network: str) -> Result:
    values = {
        f"{galaxy} {where.left:g}-{where.right:g}": value
        for galaxy, found in _over_distance(tables, network).items()
        for where, value in found["median"].items()
    }
    return all_below(values, bound)


@claim("sextractor_over_distance", "Sect. 4.2", stated=2, relaxed=1, networks=NETWORKS)
@says("SExtractor's bias varies over {bound:g} times as much with distance")
def sextractor_over_distance(tables: Tables, bound: float, network: str) -> Result:
    own, sep = (
        {g: float(np.ptp(f["median"])) for g, f in _over_distance(tables, method).items()}
        for method in (network, "SExtractor")
    )
    return _sextractor_above(own, sep, bound, " mag")


@claim("sextractor_close", "Sect. 4.2", stated=0.25, relaxed=0.5)
@says("SExtractor up to 1 mag too faint within R_e: 95 % point of the error within {bound:g} mag")
def sextractor_close(tables: Tables, bound: float) -> Result:
    found = _over_distance(tables, "SExtractor")
    values = {galaxy: float(numbers["p95"].iloc[0]) for galaxy, numbers in found.items()}
    return listed(values), abs(max(values.values()) - 1) <= bound


@claim("sextractor_more_scattered", "Sect. 4.2", stated=1, relaxed=0.8, networks=NETWORKS)
@says("SExtractor more scattered in at least {bound:.0%} of the bins of magnitude difference")
def sextractor_more_scattered(tables: Tables, bound: float, network: str) -> Result:
    return _worse_in_bins(tables, network, "sigma_mag", bound)


@claim("sextractor_more_biased", "Sect. 4.2", stated=1, relaxed=0.6, networks=NETWORKS)
@says("SExtractor more biased in at least {bound:.0%} of the bins of magnitude difference")
def sextractor_more_biased(tables: Tables, bound: float, network: str) -> Result:
    return _worse_in_bins(tables, network, "median", bound)


@claim("morphology_scatter", "Sects 4.3, 5", stated=1.5, relaxed=2, networks=NETWORKS)
@says("Little dependence on morphology: scatters of types differ by at most a factor {bound:g}")
def morphology_scatter(tables: Tables, bound: float, network: str) -> Result:
    values = _by_type(tables, network, "sigma_mag")
    everything = values.pop("all")
    text = f"{listed(values)}; all {everything:.4g}"
    return text, max(values.values()) <= bound * min(values.values())


@claim("morphology_bias", "Sects 4.3, 5", stated=0.05, relaxed=0.1, networks=NETWORKS)
@says("Little dependence on morphology: biases of types within {bound:g} mag of all galaxies'")
def morphology_bias(tables: Tables, bound: float, network: str) -> Result:
    values = _by_type(tables, network, "median")
    everything = values.pop("all")
    return all_below({k: v - everything for k, v in values.items()}, bound)


@claim("irregulars", "Sect. 4.3", stated=1, networks=NETWORKS)
@says("Irregular galaxies scatter more than all galaxies")
def irregulars(tables: Tables, bound: float, network: str) -> Result:
    values = _by_type(tables, network, "sigma_mag", "irr")
    chosen = {kind: values[kind] for kind in ("irr", "all")}
    return listed(chosen), chosen["irr"] > bound * chosen["all"]


@claim("sextractor_irregulars", "Sect. 4.3", stated=0.1, relaxed=0.15)
@says("SExtractor's bias of irregulars 0.2 mag above that of all: within {bound:g} mag")
def sextractor_irregulars(tables: Tables, bound: float) -> Result:
    values = _by_type(tables, "SExtractor", "median", "irr")
    excess = values["irr"] - values["all"]
    return f"{excess:.4g} mag", abs(excess - 0.2) <= bound


@claim("sextractor_spheroids", "Sect. 4.3", stated=0)
@says("SExtractor underestimates spheroids: bias above 0")
def sextractor_spheroids(tables: Tables, bound: float) -> Result:
    bias = _by_type(tables, "SExtractor", "median", "sph")["sph"]
    return f"{bias:.4g} mag", bias > bound


@claim("joint_mape", "Sect. 4.1", stated=4, relaxed=3)
@says("blend2mask2flux has the lower MAPE of the magnitude in {bound:g} of four panels")
def joint_mape(tables: Tables, bound: float) -> Result:
    values, better = {}, 0
    for figure, galaxy in ALL_FOUND + PAIR_MISSED:
        both = [_panel(tables, figure, n, galaxy)["mape_mag_percent"] for n in NETWORKS]
        values[f"{figure} {galaxy}"] = both[1] / both[0]
        better += int(both[1] < both[0])
    return listed(values), better >= bound


@claim("joint_outliers", "Sect. 5", stated=1)
@says("blend2mask2flux has fewer outliers than blend2flux")
def joint_outliers(tables: Tables, bound: float) -> Result:
    values = {}
    for network in NETWORKS:
        parts = [_panel(tables, figure, network, galaxy) for figure, galaxy in FOUND]
        outliers = sum(p["n"] * p["outliers_percent"] for p in parts)
        values[network] = float(outliers / sum(p["n"] for p in parts))
    if not any(values.values()):
        return listed(values), None
    return listed(values), values["blend2mask2flux"] < bound * values["blend2flux"]


@claim("unet_iou", "Sect. 4.4", stated=0)
@says("The U-Net's mean IoU drops when it is trained jointly")
def unet_iou(tables: Tables, bound: float) -> Result:
    means = _of_both_masks(tables, lambda masks: np.mean(masks["iou"]))
    return listed(means), means["unet"] - means["blend2mask2flux"] > bound


@claim("joint_iou_broader", "Sect. 4.4", stated=1)
@says("The IoU's dispersion is larger after joint training")
def joint_iou_broader(tables: Tables, bound: float) -> Result:
    widths = _of_both_masks(tables, lambda masks: np.std(masks["iou"]))
    return listed(widths), widths["blend2mask2flux"] > bound * widths["unet"]


@claim("unet_even", "Sect. 4.4", stated=0.05, relaxed=0.1)
@says("U-Net as good for all morphologies: mean IoU of pairs of types within {bound:g}")
def unet_even(tables: Tables, bound: float) -> Result:
    rows = _iou_by_pair(tables, "unet").set_index("pair")["mean_iou"]
    ends = {str(pair): float(rows[pair]) for pair in (rows.idxmin(), rows.idxmax())}
    return listed(ends), bool(np.ptp(rows) <= bound)


@claim("joint_uneven", "Sect. 4.4", stated=0.02)
@says("After joint training, IoU over {bound:g} lower for pairs with irregulars, with spheroids")
def joint_uneven(tables: Tables, bound: float) -> Result:
    rows = _iou_by_pair(tables, "blend2mask2flux")
    types = rows["pair"].str.split(" / ")
    irr, sph = (types.map(lambda pair, kind=kind: kind in pair) for kind in ("irr", "sph"))
    values = {
        name: float(np.average(rows["mean_iou"][chosen], weights=rows["n"][chosen]))
        for name, chosen in {"irr": irr, "sph": sph, "neither": ~(irr | sph)}.items()
    }
    return listed(values), values["neither"] - max(values["irr"], values["sph"]) > bound


@claim("masks_tighter", "Sect. 5", stated=50)
@says("Masks usually tighter after joint training: more than {bound:g} % smaller than true")
def masks_tighter(tables: Tables, bound: float) -> Result:
    mine = _recovered_masks(tables, "blend2mask2flux")
    share = float(100 * (mine["area_predicted_px"] < mine["area_true_px"]).mean())
    return f"{share:.4g} % of {len(mine)} masks", share > bound


@claim("masks_tighter_than_unet", "Sect. 5", stated=1)
@says("Predicted over true area: its median is lower after joint training than the U-Net's")
def masks_tighter_than_unet(tables: Tables, bound: float) -> Result:
    areas = _of_both_masks(tables, lambda m: (m["area_predicted_px"] / m["area_true_px"]).median())
    return listed(areas), areas["blend2mask2flux"] < bound * areas["unet"]


@claim("small_network", "Sect. 3.1", stated=10)
@says("With 64 filters the flux error is still below {bound:g} %")
def small_network(tables: Tables, bound: float) -> Result:
    rows = table(tables, "table2").set_index("filters")
    if 64 not in rows.index:
        raise MissingResult("64 filters")
    value = float(rows.loc[64, "total_percent"])
    return f"{value:.4g} %", value < bound


@claim("larger_is_better", "Sect. 3.1", stated=0)
@says("The flux error goes down with the number of filters")
def larger_is_better(tables: Tables, bound: float) -> Result:
    rows = table(tables, "table2").sort_values("filters")
    if len(rows) < 2:
        raise MissingResult("two networks")
    values = rows.set_index("filters")["total_percent"]
    falls = bool((values.diff()[1:] < bound).all())
    return listed({f"{filters} filters": value for filters, value in values.items()}), falls
