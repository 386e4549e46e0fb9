"""What Boucaud et al. 2020 claim in words, as tests on tables of numbers.

A claim has the paper's own bound, or, where the paper has only a word for it ("unbiased"), one that
the statement names; a relaxed bound is a row of its own.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from deblend.boucaud2020.recovered import BIN_EDGES, MIN_IN_BIN, NETWORKS
from deblend.report.claims import Claim, NotThere, Result, Tables, largest_below, listed, table

PANELS = (("fig5", "central"), ("fig5", "companion"), ("fig6", "pair_detected"))


GALAXIES = ("central", "companion")


#: Edges of the bins of distance, in the central galaxy's effective radii: Sect. 5 has 0.5 to 4, and
#: Sect. 4.2 calls those within one radius close.
RADII = (0, 1, 2, 4)


#: Pairs of four morphologies in Fig. 12.
TYPE_PAIRS = 10


def panel(tables: Tables, figure: str, network: str, galaxy: str) -> pd.Series:
    """The numbers of a panel of Figures 5 and 6, if it has points."""
    found = table(tables, "statistics").set_index(["figure", "network", "galaxy"])
    key = (figure, network, galaxy)
    if key not in found.index or not found.loc[key, "n"]:
        raise NotThere(str(key))
    return found.loc[key]


def photometry(tables: Tables, method: str, galaxy: str) -> pd.Series:
    """A method's numbers for blends in which SEP found the galaxy."""
    found = table(tables, "photometry").set_index(["method", "galaxy", "selection"])
    key = (method, galaxy, "found")
    if key not in found.index or not found.loc[key, "n"]:
        raise NotThere(str(key))
    return found.loc[key]


def bins(tables: Tables, name: str, **where: str) -> pd.DataFrame:
    """Rows of all bins of the table of Figure 7, 8 or 9.

    A bin, mostly one at the ends, with too few galaxies leaves nothing to say of the whole range.
    """
    found = table(tables, name)
    for column, value in where.items():
        found = found[found[column] == value]
    found = found[(found["bin"].astype(str) != "all") & (found["n"] >= MIN_IN_BIN)]
    if len(found) < len(BIN_EDGES) - 1:
        raise NotThere(f"{name} {where}")
    return found.sort_values("delta_mag_low")


def _panels(tables: Tables, network: str, column: str) -> dict[str, float]:
    return {f"{f} {g}": float(panel(tables, f, network, g)[column]) for f, g in PANELS}


def factors(pairs: Mapping[str, tuple[pd.Series, pd.Series]], column: str, bound: float) -> Result:
    """Another method's numbers are at least `bound` times the network's.

    Parameters
    ----------
    pairs : dict
        Name to the rows, with `column` and `n`, of the other method and of the network.
    column : str
    bound : float

    Returns
    -------
    text and whether it holds
        Where the network has no outlier at all, fewer than one in n is all that is known, and the
        ratio is a lower limit; if that is below the bound, nothing can be said.
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


def _against_isophotal(column: str, panels: tuple[tuple[str, str], ...]) -> Callable[..., Result]:
    def test(tables: Tables, network: str, bound: float) -> Result:
        pairs = {
            f"{f} {g}": (panel(tables, f, "sextractor", g), panel(tables, f, network, g))
            for f, g in panels
        }
        return factors(pairs, column, bound)

    return test


def _against_better(column: str) -> Callable[..., Result]:
    def test(tables: Tables, network: str, bound: float) -> Result:
        pairs = {}
        for galaxy in GALAXIES:
            sep = [photometry(tables, method, galaxy) for method in ("sep_iso", "sep_auto")]
            better = min(sep, key=lambda row: row[column])
            pairs[f"{galaxy} {better.name[0]}"] = (better, photometry(tables, network, galaxy))
        return factors(pairs, column, bound)

    return test


def _below(column: str, pair_missed: bool = False) -> Callable[..., Result]:
    def test(tables: Tables, network: str, bound: float) -> Result:
        if not pair_missed:
            return largest_below(_panels(tables, network, column), bound)
        value = float(panel(tables, "fig6", network, "pair_missed")[column])
        return largest_below({"fig6 pair_missed": value}, bound)

    return test


def _pooled_outliers(tables: Tables, network: str) -> float:
    """Outliers of both galaxies where SExtractor found them, %."""
    parts = [panel(tables, "fig5", network, galaxy) for galaxy in GALAXIES]
    outliers = sum(p["n"] * p["outliers_percent"] for p in parts)
    return float(outliers / sum(p["n"] for p in parts))


def _sextractor_outliers(stated: float) -> Callable[..., Result]:
    def test(tables: Tables, network: str, bound: float) -> Result:
        value = float(panel(tables, "fig6", "sextractor", "pair_detected")["outliers_percent"])
        return f"{value:.4g} %", stated / bound <= value <= stated * bound

    return test


def _sextractor_bias(tables: Tables, network: str, bound: float) -> Result:
    value = float(panel(tables, "fig5", "sextractor", "central")["mean"])
    return f"{value:.4g} mag", abs(value - 0.1) <= bound


def _bias_in_bins(tables: Tables, network: str, bound: float) -> Result:
    values: dict[str, float] = {}
    for galaxy in GALAXIES:
        rows = bins(tables, "fig7", method=network, galaxy=galaxy)
        values |= {f"{galaxy} {r.delta_mag_low:+.2f}": r.median for r in rows.itertuples()}
    return largest_below(values, bound)


def _end_scatters(tables: Tables, method: str) -> dict[str, float]:
    values: dict[str, float] = {}
    for galaxy in GALAXIES:
        ends = bins(tables, "fig7", method=method, galaxy=galaxy).iloc[[0, -1]]
        values |= {f"{galaxy} {r.delta_mag_low:+.2f}": r.sigma_mag for r in ends.itertuples()}
    return values


def _scatter_at_ends(tables: Tables, network: str, bound: float) -> Result:
    return largest_below(_end_scatters(tables, network), bound)


def _sextractor_at_ends(tables: Tables, network: str, bound: float) -> Result:
    values = _end_scatters(tables, "SExtractor")
    return listed(values), max(values.values()) >= bound


def _spreads(tables: Tables, method: str) -> dict[str, float]:
    """Largest over smallest scatter in bins of magnitude difference."""
    values = {}
    for galaxy in GALAXIES:
        scatter = bins(tables, "fig7", method=method, galaxy=galaxy)["sigma_mag"]
        values[galaxy] = float(scatter.max() / scatter.min())
    return values


def _stable_scatter(tables: Tables, network: str, bound: float) -> Result:
    return largest_below(_spreads(tables, network), bound)


def _stabler_than_sextractor(tables: Tables, network: str, bound: float) -> Result:
    own, sep = _spreads(tables, network), _spreads(tables, "SExtractor")
    text = "; ".join(f"{g} {own[g]:.3g}, SExtractor {sep[g]:.3g}" for g in GALAXIES)
    return text, all(sep[g] > bound * own[g] for g in GALAXIES)


def _sextractor_over_differences(tables: Tables, network: str, bound: float) -> Result:
    values = {}
    for galaxy in GALAXIES:
        scatter = bins(tables, "fig7", method="SExtractor", galaxy=galaxy)["sigma_mag"]
        half = len(scatter) // 2
        # The central galaxy is the fainter one of the pair on the right, the companion on the left.
        ratio = float(scatter.iloc[half:].mean() / scatter.iloc[:half].mean())
        values[galaxy] = ratio if galaxy == "central" else 1 / ratio
    return listed(values), min(values.values()) >= bound


def _worse_in_bins(column: str) -> Callable[..., Result]:
    def test(tables: Tables, network: str, bound: float) -> Result:
        own, sep = (
            bins(tables, "fig8", method=method)[column].abs().to_numpy()
            for method in (network, "SExtractor")
        )
        worse = int((sep > own).sum())
        return f"{worse} of {len(own)} bins", worse >= bound * len(own)

    return test


def _over_distance(tables: Tables, method: str, galaxy: str) -> pd.DataFrame:
    """`median`, `sigma` and 95 % point of the error in bins of distance."""
    points = table(tables, "fig7_points")
    mine = points[(points["method"] == method) & (points["galaxy"] == galaxy)]
    dmag = (mine["mag_blended"] - mine["mag_isolated"]).dropna()
    groups = dmag.groupby(pd.cut(mine["distance_over_radius"], RADII), observed=False)
    if (groups.size() < MIN_IN_BIN).any():
        raise NotThere(f"{method} {galaxy} in bins of distance")
    return pd.DataFrame(
        {"median": groups.median(), "sigma": groups.std(ddof=0), "p95": groups.quantile(0.95)}
    )


def _scatter_over_distance(tables: Tables, network: str, bound: float) -> Result:
    scatters = {g: _over_distance(tables, network, g)["sigma"] for g in GALAXIES}
    return largest_below({g: float(s.max() / s.min()) for g, s in scatters.items()}, bound)


def _bias_over_distance(tables: Tables, network: str, bound: float) -> Result:
    values = {
        f"{galaxy} {where.left:g}-{where.right:g}": value
        for galaxy in GALAXIES
        for where, value in _over_distance(tables, network, galaxy)["median"].items()
    }
    return largest_below(values, bound)


def _sextractor_over_distance(tables: Tables, network: str, bound: float) -> Result:
    text, holds = [], []
    for galaxy in GALAXIES:
        own, sep = (
            float(np.ptp(_over_distance(tables, method, galaxy)["median"]))
            for method in (network, "SExtractor")
        )
        text.append(f"{galaxy} {own:.3g}, SExtractor {sep:.3g} mag")
        holds.append(sep > bound * own)
    return "; ".join(text), all(holds)


def _sextractor_close(tables: Tables, network: str, bound: float) -> Result:
    values = {g: float(_over_distance(tables, "SExtractor", g)["p95"].iloc[0]) for g in GALAXIES}
    return listed(values), abs(max(values.values()) - 1) <= bound


def _by_type(tables: Tables, network: str, column: str) -> dict[str, float]:
    rows = table(tables, "fig9")
    chosen = (rows["method"] == network) & (rows["bin"].astype(str) == "all")
    rows = rows[chosen & (rows["n"] >= MIN_IN_BIN)]
    if len(rows) < 3:  # two types and all
        raise NotThere("types")
    return rows.set_index("type")[column].astype(float).to_dict()


def _scatter_by_type(tables: Tables, network: str, bound: float) -> Result:
    values = _by_type(tables, network, "sigma_mag")
    everything = values.pop("all")
    text = f"{listed(values)}; all {everything:.4g}"
    return text, max(values.values()) <= bound * min(values.values())


def _bias_by_type(tables: Tables, network: str, bound: float) -> Result:
    values = _by_type(tables, network, "median")
    everything = values.pop("all")
    return largest_below({k: v - everything for k, v in values.items()}, bound)


def _irregulars(tables: Tables, network: str, bound: float) -> Result:
    values = _by_type(tables, network, "sigma_mag")
    if "irr" not in values:
        raise NotThere("irregulars")
    chosen = {kind: values[kind] for kind in ("irr", "all")}
    return listed(chosen), chosen["irr"] > bound * chosen["all"]


def _sextractor_irregulars(tables: Tables, network: str, bound: float) -> Result:
    values = _by_type(tables, "SExtractor", "median")
    if "irr" not in values:
        raise NotThere("irregulars")
    excess = values["irr"] - values["all"]
    return f"{excess:.4g} mag", abs(excess - 0.2) <= bound


def _sextractor_spheroids(tables: Tables, network: str, bound: float) -> Result:
    values = _by_type(tables, "SExtractor", "median")
    if "sph" not in values:
        raise NotThere("spheroids")
    return f"{values['sph']:.4g} mag", values["sph"] > bound


def _halves(tables: Tables, method: str) -> dict[str, float]:
    """Scatter in the bright and in the faint half."""
    points = table(tables, "points")
    mine = points[(points["method"] == method) & points["mag_blended"].notna()]
    if len(mine) < 2 * MIN_IN_BIN:
        raise NotThere(method)
    faint = mine["mag_isolated"] > mine["mag_isolated"].median()
    dmag = mine["mag_blended"] - mine["mag_isolated"]
    return {"bright half": float(np.std(dmag[~faint])), "faint half": float(np.std(dmag[faint]))}


def _constant_over_magnitude(tables: Tables, network: str, bound: float) -> Result:
    halves = _halves(tables, network)
    return listed(halves), halves["faint half"] <= bound * halves["bright half"]


def _sextractor_faint(tables: Tables, network: str, bound: float) -> Result:
    halves = _halves(tables, "SExtractor")
    return listed(halves), halves["faint half"] > bound * halves["bright half"]


def _joint_mape(tables: Tables, network: str, bound: float) -> Result:
    panels = (*PANELS, ("fig6", "pair_missed"))
    values, better = {}, 0
    for figure, galaxy in panels:
        both = [panel(tables, figure, n, galaxy)["mape_mag_percent"] for n in NETWORKS]
        values[f"{figure} {galaxy}"] = both[1] / both[0]
        better += int(both[1] < both[0])
    return listed(values), better >= bound


def _joint_outliers(tables: Tables, network: str, bound: float) -> Result:
    values = {name: _pooled_outliers(tables, name) for name in NETWORKS}
    if not any(values.values()):
        return listed(values), None
    return listed(values), values["blend2mask2flux"] < bound * values["blend2flux"]


def recovered_masks(tables: Tables, network: str) -> pd.DataFrame:
    """Rows of a network's masks that overlap the true ones, if at least half of them do.

    An empty mask is smaller than any, and as small for all galaxies: it says nothing.
    """
    iou = table(tables, "iou")
    mine = iou[(iou["network"] == network) & (iou["area_true_px"] > 0)]
    good = mine[(mine["area_predicted_px"] > 0) & (mine["iou"] > 0)]
    if mine.empty or 2 * len(good) < len(mine):
        raise NotThere(network)
    return good


def _iou_of_both(tables: Tables, statistic: Callable[..., float]) -> dict[str, float]:
    return {
        network: float(statistic(recovered_masks(tables, network)["iou"]))
        for network in ("unet", "blend2mask2flux")
    }


def _unet_iou(tables: Tables, network: str, bound: float) -> Result:
    means = _iou_of_both(tables, np.mean)
    return listed(means), means["unet"] - means["blend2mask2flux"] > bound


def _joint_iou_broader(tables: Tables, network: str, bound: float) -> Result:
    widths = _iou_of_both(tables, np.std)
    return listed(widths), widths["blend2mask2flux"] > bound * widths["unet"]


def _iou_by_pair(tables: Tables, network: str) -> pd.DataFrame:
    """Mean IoU of each pair of morphologies, if all are there."""
    recovered_masks(tables, network)
    rows = table(tables, "fig12")
    chosen = (rows["network"] == network) & ~rows["pair"].isin(["all", "other"])
    rows = rows[chosen & (rows["n"] >= MIN_IN_BIN)]
    if len(rows) < TYPE_PAIRS:
        raise NotThere(f"pairs of types of {network}")
    return rows


def _unet_even(tables: Tables, network: str, bound: float) -> Result:
    rows = _iou_by_pair(tables, "unet").set_index("pair")["mean_iou"]
    ends = {str(pair): float(rows[pair]) for pair in (rows.idxmin(), rows.idxmax())}
    return listed(ends), bool(np.ptp(rows) <= bound)


def _joint_uneven(tables: Tables, network: str, bound: float) -> Result:
    rows = _iou_by_pair(tables, "blend2mask2flux")
    types = rows["pair"].str.split(" / ")
    irr, sph = (types.map(lambda pair, kind=kind: kind in pair) for kind in ("irr", "sph"))
    values = {
        name: float(np.average(rows["mean_iou"][chosen], weights=rows["n"][chosen]))
        for name, chosen in {"irr": irr, "sph": sph, "neither": ~(irr | sph)}.items()
    }
    return listed(values), values["neither"] - max(values["irr"], values["sph"]) > bound


def _tighter_than_true(tables: Tables, network: str, bound: float) -> Result:
    mine = recovered_masks(tables, "blend2mask2flux")
    share = float(100 * (mine["area_predicted_px"] < mine["area_true_px"]).mean())
    return f"{share:.4g} % of {len(mine)} masks", share > bound


def _tighter_than_unet(tables: Tables, network: str, bound: float) -> Result:
    areas = {}
    for name in ("unet", "blend2mask2flux"):
        mine = recovered_masks(tables, name)
        areas[name] = float((mine["area_predicted_px"] / mine["area_true_px"]).median())
    return listed(areas), areas["blend2mask2flux"] < bound * areas["unet"]


def _smallest_below_ten(tables: Tables, network: str, bound: float) -> Result:
    rows = table(tables, "table2").set_index("filters")
    if 64 not in rows.index:
        raise NotThere("64 filters")
    value = float(rows.loc[64, "total_percent"])
    return f"{value:.4g} %", value < bound


def _larger_is_better(tables: Tables, network: str, bound: float) -> Result:
    rows = table(tables, "table2").sort_values("filters")
    if len(rows) < 2:
        raise NotThere("two networks")
    values = rows.set_index("filters")["total_percent"]
    return listed({f"{f} filters": v for f, v in values.items()}), bool(
        (values.diff()[1:] < 0).all()
    )


BOTH = PANELS[:2]


NONE = ("",)


CLAIMS = (
    Claim(
        "unbiased",
        "Sects 4.1, 5",
        "Unbiased: mean error below {bound:g} mag where SExtractor finds the galaxy",
        *(_below("mean"), 0.02, 0.05),
    ),
    Claim(
        "scatter",
        "Sects 4.1, 5",
        "Scatter of about 0.1 mag: below {bound:g} mag",
        *(_below("sigma"), 0.15, 0.2),
    ),
    Claim(
        "scatter_isophotal",
        "Sects 4.1, 5",
        "Scatter at least a factor of {bound:g} below SExtractor's (isophotal, as in the paper)",
        *(_against_isophotal("sigma", BOTH), 4, 2),
    ),
    Claim(
        "scatter_isophotal_pairs",
        "Sect. 5",
        "The same where SExtractor finds exactly two galaxies: at least a factor of {bound:g}",
        *(_against_isophotal("sigma", PANELS[2:]), 4, 2),
    ),
    Claim(
        "scatter_better_sep",
        "Sects 4.1, 5",
        "Scatter at least a factor of {bound:g} below the better of SEP's isophotal and AUTO",
        *(_against_better("sigma_mag"), 4, 2),
    ),
    Claim(
        "mape_isophotal",
        "Sect. 4.1",
        "MAPE of the magnitude at least a factor of {bound:g} below SExtractor's",
        *(_against_isophotal("mape_mag_percent", BOTH), 4, 2),
    ),
    Claim(
        "flux_accuracy",
        "Abstract",
        "Accuracy of about 7 %: mean absolute error of the flux below {bound:g} %",
        *(_below("mape_flux_percent"), 7.5, 10),
    ),
    Claim(
        "flux_error_isophotal",
        "Abstract, Sect. 5",
        "Flux error at least a factor of {bound:g} below SExtractor's, found pairs included",
        *(_against_isophotal("mape_flux_percent", PANELS), 4, 2),
    ),
    Claim(
        "outliers_isophotal",
        "Sect. 4.1",
        "Outliers at least {bound:g} times rarer than SExtractor's (two orders of magnitude)",
        *(_against_isophotal("outliers_percent", PANELS), 100, 10),
    ),
    Claim(
        "outliers_better_sep",
        "Sect. 4.1",
        "Outliers at least {bound:g} times rarer than those of the better of isophotal and AUTO",
        *(_against_better("outliers_percent"), 100, 10),
    ),
    Claim(
        "outliers_section_4_1",
        "Sect. 4.1",
        "About 0.1 % outliers: below {bound:g} %",
        *(_below("outliers_percent"), 0.15, 0.2),
    ),
    Claim(
        "outliers_section_5",
        "Sect. 5",
        "Outliers as low as about 1 %: below {bound:g} %",
        *(_below("outliers_percent"), 1.5, 2),
    ),
    Claim(
        "sextractor_outliers_section_4_1",
        "Sect. 4.1",
        "SExtractor: of order 10 % outliers where it finds the pair: within a factor {bound:g}",
        *(_sextractor_outliers(10), 1.5, 2, NONE),
    ),
    # Sect. 5 has "these cases" where SExtractor finds more or less than two galaxies apart.
    Claim(
        "sextractor_outliers_section_5",
        "Sect. 5",
        "SExtractor: about 12 % outliers where it finds the pair: within a factor {bound:g}",
        *(_sextractor_outliers(12), 1.5, 2, NONE),
    ),
    Claim(
        "sextractor_bias",
        "Sect. 4.1",
        "SExtractor has a positive bias of 0.1 mag for the central galaxy: within {bound:g} mag",
        *(_sextractor_bias, 0.05, 0.1, NONE),
    ),
    Claim(
        "pair_missed_unbiased",
        "Sect. 4.1",
        "Unbiased where SExtractor misses the pair: mean error below {bound:g} mag",
        *(_below("mean", pair_missed=True), 0.02, 0.05),
    ),
    Claim(
        "pair_missed_outliers",
        "Sect. 4.1",
        "Outliers below {bound:g} % where SExtractor misses the pair",
        *(_below("outliers_percent", pair_missed=True), 0.4, 1),
    ),
    Claim(
        "constant_over_magnitude",
        "Sect. 4.1",
        "Scatter roughly constant: the faint half's at most {bound:g} times the bright half's",
        *(_constant_over_magnitude, 1.5, 2),
    ),
    Claim(
        "sextractor_faint",
        "Sect. 4.1",
        "SExtractor scatters more at the faint end: over {bound:g} times the bright half's scatter",
        *(_sextractor_faint, 1.5, 1, NONE),
    ),
    Claim(
        "bias_in_bins",
        "Sect. 4.2",
        "Bias below {bound:g} mag at all magnitude differences",
        *(_bias_in_bins, 0.05, 0.1),
    ),
    Claim(
        "scatter_at_large_differences",
        "Sect. 5",
        "Scatter close to 0.2 mag at most at large differences: below {bound:g} mag",
        *(_scatter_at_ends, 0.25, 0.3),
    ),
    Claim(
        "stable_scatter",
        "Sects 4.2, 5",
        "Scatter stable over magnitude differences: largest below {bound:g} times the smallest",
        *(_stable_scatter, 2, 3),
    ),
    Claim(
        "stabler_than_sextractor",
        "Sects 4.2, 5",
        "Largest over smallest scatter of bins of magnitude difference lower than SExtractor's",
        *(_stabler_than_sextractor, 1),
    ),
    Claim(
        "sextractor_over_differences",
        "Sect. 4.2",
        "SExtractor's scatter at least {bound:g} times larger for the fainter galaxy of a pair",
        *(_sextractor_over_differences, 1.5, 1, NONE),
    ),
    Claim(
        "sextractor_at_large_differences",
        "Sect. 5",
        "SExtractor's scatter reaches 1 mag at large differences: at least {bound:g} mag",
        *(_sextractor_at_ends, 1, 0.75, NONE),
    ),
    Claim(
        "scatter_over_distance",
        "Sects 4.2, 5",
        "Scatter stable over distance: largest below {bound:g} times the smallest",
        *(_scatter_over_distance, 2, 3),
    ),
    Claim(
        "bias_over_distance",
        "Sects 4.2, 5",
        "Little dependence on distance: bias below {bound:g} mag in all bins",
        *(_bias_over_distance, 0.05, 0.1),
    ),
    Claim(
        "sextractor_over_distance",
        "Sect. 4.2",
        "SExtractor's bias varies over {bound:g} times as much with distance",
        *(_sextractor_over_distance, 2, 1),
    ),
    Claim(
        "sextractor_close",
        "Sect. 4.2",
        "SExtractor up to 1 mag too faint within R_e: 95 % point of the error within {bound:g} mag",
        *(_sextractor_close, 0.25, 0.5, NONE),
    ),
    Claim(
        "sextractor_more_scattered",
        "Sect. 4.2",
        "SExtractor more scattered in at least {bound:.0%} of the bins of magnitude difference",
        *(_worse_in_bins("sigma_mag"), 1, 0.8),
    ),
    Claim(
        "sextractor_more_biased",
        "Sect. 4.2",
        "SExtractor more biased in at least {bound:.0%} of the bins of magnitude difference",
        *(_worse_in_bins("median"), 1, 0.6),
    ),
    Claim(
        "morphology_scatter",
        "Sects 4.3, 5",
        "Little dependence on morphology: scatters of types differ by at most a factor {bound:g}",
        *(_scatter_by_type, 1.5, 2),
    ),
    Claim(
        "morphology_bias",
        "Sects 4.3, 5",
        "Little dependence on morphology: biases of types within {bound:g} mag of all galaxies'",
        *(_bias_by_type, 0.05, 0.1),
    ),
    Claim(
        "irregulars",
        "Sect. 4.3",
        "Irregular galaxies scatter more than all galaxies",
        *(_irregulars, 1),
    ),
    Claim(
        "sextractor_irregulars",
        "Sect. 4.3",
        "SExtractor's bias of irregulars 0.2 mag above that of all: within {bound:g} mag",
        *(_sextractor_irregulars, 0.1, 0.15, NONE),
    ),
    Claim(
        "sextractor_spheroids",
        "Sect. 4.3",
        "SExtractor underestimates spheroids: bias above 0",
        *(_sextractor_spheroids, 0, None, NONE),
    ),
    Claim(
        "joint_mape",
        "Sect. 4.1",
        "blend2mask2flux has the lower MAPE of the magnitude in {bound:g} of four panels",
        *(_joint_mape, 4, 3, NONE),
    ),
    Claim(
        "joint_outliers",
        "Sect. 5",
        "blend2mask2flux has fewer outliers than blend2flux",
        *(_joint_outliers, 1, None, NONE),
    ),
    Claim(
        "unet_iou",
        "Sect. 4.4",
        "The U-Net's mean IoU drops when it is trained jointly",
        *(_unet_iou, 0, None, NONE),
    ),
    Claim(
        "joint_iou_broader",
        "Sect. 4.4",
        "The IoU's dispersion is larger after joint training",
        *(_joint_iou_broader, 1, None, NONE),
    ),
    Claim(
        "unet_even",
        "Sect. 4.4",
        "U-Net as good for all morphologies: mean IoU of pairs of types within {bound:g}",
        *(_unet_even, 0.05, 0.1, NONE),
    ),
    Claim(
        "joint_uneven",
        "Sect. 4.4",
        "After joint training, IoU over {bound:g} lower for pairs with irregulars, with spheroids",
        *(_joint_uneven, 0.02, None, NONE),
    ),
    Claim(
        "masks_tighter",
        "Sect. 5",
        "Masks usually tighter after joint training: more than {bound:g} % smaller than true",
        *(_tighter_than_true, 50, None, NONE),
    ),
    Claim(
        "masks_tighter_than_unet",
        "Sect. 5",
        "Predicted over true area: its median is lower after joint training than the U-Net's",
        *(_tighter_than_unet, 1, None, NONE),
    ),
    Claim(
        "small_network",
        "Sect. 3.1",
        "With 64 filters the flux error is still below {bound:g} %",
        *(_smallest_below_ten, 10, None, NONE),
    ),
    Claim(
        "larger_is_better",
        "Sect. 3.1",
        "The flux error goes down with the number of filters",
        *(_larger_is_better, 0, None, NONE),
    ),
)
