"""The claims of Boucaud et al. 2020 as tests: each as stated, and with a bound of ours beside it.

A claim can come out true, false, or untested where what ran cannot decide it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .metrics import OUTLIER_MAG
from .predictions import GALAXIES
from .units import mag_from_flux

#: Bins in magnitude difference of Figs 7 to 9.
BINS = np.linspace(-2, 2, 7)
NETWORKS = ("blend2flux", "blend2mask2flux")
SUFFIX = {"blend2flux": "b2f", "blend2mask2flux": "b2m2f", "sep": "sex"}
PREFIX = {"central": "g1", "companion": "g2"}


@dataclass(frozen=True)
class Evidence:
    """What the claims are tested on.

    Attributes
    ----------
    photometry : DataFrame
        From `deblend.metrics.photometry_table`; networks are called as in `NETWORKS`.
    catalog : DataFrame
        In the published format.
    network_zero_point, sextractor_zero_point : float
    iou : DataFrame or None
        `network` (unet, blend2mask2flux), `iou`, `area_true_px`, `area_predicted_px`.
    """

    photometry: pd.DataFrame
    catalog: pd.DataFrame
    network_zero_point: float
    sextractor_zero_point: float
    iou: pd.DataFrame | None = None

    def networks(self) -> list[str]:
        """The networks that ran."""
        return [n for n in NETWORKS if (self.photometry["method"] == n).any()]

    def statistic(self, name: str, method: str, selections: tuple[str, ...]) -> pd.Series:
        """A statistic of a method for both galaxies and some selections."""
        table = self.photometry
        mine = table[(table["method"] == method) & table["selection"].isin(selections)]
        return mine.set_index(["galaxy", "selection"])[name]

    def best_sep(self, name: str, selections: tuple[str, ...]) -> pd.Series:
        """The better of SEP's isophotal and AUTO fluxes, for each galaxy and selection."""
        both = [self.statistic(name, method, selections) for method in ("sep_iso", "sep_auto")]
        return pd.concat(both, axis=1).min(axis=1)

    def errors(self, method: str, galaxy: str) -> pd.DataFrame:
        """Magnitude error, magnitude difference and class of each blend that was measured."""
        table, g = self.catalog, PREFIX[galaxy]
        zero_point = self.sextractor_zero_point if method == "sep" else self.network_zero_point
        mag = mag_from_flux(table[f"{g}_flux_{SUFFIX[method]}"], zero_point)
        result = pd.DataFrame(
            {
                "error": mag - table[f"{g}_mag"].to_numpy(),
                "delta_mag": (table["g1_mag"] - table["g2_mag"]).to_numpy(),
                "type": table[f"{g}_type"].to_numpy(),
                "detection": table["detection"].to_numpy(),
            }
        )
        return result.dropna(subset=["error"])

    def by_bin(self, method: str, galaxy: str) -> pd.DataFrame:
        """Median and standard deviation of the magnitude error in bins of magnitude difference."""
        errors = self.errors(method, galaxy)
        groups = errors.groupby(pd.cut(errors["delta_mag"], BINS), observed=True)["error"]
        return pd.DataFrame({"median": groups.median(), "sigma": groups.std(ddof=0)})


#: Numbers as text, and whether the claim holds (None: untested).
Outcome = tuple[str, bool | None]
FOUND = ("found", "both")


def _ratio(network: str, best: bool, factor: float) -> Callable[[Evidence], Outcome]:
    def test(evidence: Evidence) -> Outcome:
        if network not in evidence.networks():
            return "", None
        sep = (
            evidence.best_sep("sigma_mag", FOUND)
            if best
            else evidence.statistic("sigma_mag", "sep_iso", FOUND)
        )
        ratio = sep / evidence.statistic("sigma_mag", network, FOUND)
        return f"sigma ratio {ratio.min():.2f} to {ratio.max():.2f}", bool(ratio.min() >= factor)

    return test


def _outliers_ratio(network: str, factor: float) -> Callable[[Evidence], Outcome]:
    def test(evidence: Evidence) -> Outcome:
        if network not in evidence.networks():
            return "", None
        ours = evidence.statistic("outliers_percent", network, FOUND)
        theirs = evidence.best_sep("outliers_percent", FOUND)
        text = f"{ours.max():.2f} % against {theirs.min():.1f} to {theirs.max():.1f} %"
        return text, bool((ours * factor <= theirs).all())

    return test


def _outliers(method: str, low: float, high: float) -> Callable[[Evidence], Outcome]:
    def test(evidence: Evidence) -> Outcome:
        if method in NETWORKS and method not in evidence.networks():
            return "", None
        share = evidence.statistic("outliers_percent", method, ("found",))
        inside = (share >= low) & (share <= high)
        return f"{share.min():.2f} to {share.max():.2f} %", bool(inside.all())

    return test


def _bins(network: str, column: str, bound: float) -> Callable[[Evidence], Outcome]:
    def test(evidence: Evidence) -> Outcome:
        if network not in evidence.networks():
            return "", None
        worst = max(evidence.by_bin(network, g)[column].abs().max() for g in GALAXIES)
        return f"largest of all bins {worst:.3f} mag", bool(worst <= bound)

    return test


def _less_than_sep_in_every_bin(network: str) -> Callable[[Evidence], Outcome]:
    def test(evidence: Evidence) -> Outcome:
        if network not in evidence.networks():
            return "", None
        ratios = pd.concat(
            [
                evidence.by_bin("sep", g)["sigma"] / evidence.by_bin(network, g)["sigma"]
                for g in GALAXIES
            ]
        )
        return f"sigma ratio at least {ratios.min():.2f}", bool(ratios.min() > 1)

    return test


def _by_type(network: str, bound: float) -> Callable[[Evidence], Outcome]:
    def test(evidence: Evidence) -> Outcome:
        if network not in evidence.networks():
            return "", None
        errors = pd.concat([evidence.errors(network, g) for g in GALAXIES])
        sigma = errors.groupby("type")["error"].std(ddof=0)
        text = ", ".join(f"{kind} {value:.3f}" for kind, value in sigma.items())
        return f"sigma: {text}", bool(sigma.max() <= bound * sigma.min())

    return test


def _missed_pairs(network: str) -> Callable[[Evidence], Outcome]:
    def test(evidence: Evidence) -> Outcome:
        if network not in evidence.networks():
            return "", None
        errors = pd.concat([evidence.errors(network, g) for g in GALAXIES])
        missed = errors.loc[errors["detection"] != 2, "error"]
        share = float(100 * (missed.abs() > OUTLIER_MAG).mean())
        return f"{share:.2f} % of {len(missed)}", bool(share < 0.4)

    return test


def _joint_better(factor: float) -> Callable[[Evidence], Outcome]:
    def test(evidence: Evidence) -> Outcome:
        if len(evidence.networks()) < 2:
            return "", None
        first, second = (evidence.statistic("mape_flux_percent", n, ("all",)) for n in NETWORKS)
        text = f"flux MAPE {first.mean():.2f} % (blend2flux), {second.mean():.2f} %"
        return text, bool(second.mean() <= factor * first.mean())

    return test


def _masks(column: str, compare: str) -> Callable[[Evidence], Outcome]:
    def test(evidence: Evidence) -> Outcome:
        table = evidence.iou
        if table is None or set(table["network"]) != {"unet", "blend2mask2flux"}:
            return "", None
        if column == "iou":
            values = table.groupby("network")["iou"].mean()
        else:
            areas = table.groupby("network")[["area_predicted_px", "area_true_px"]].sum()
            values = areas["area_predicted_px"] / areas["area_true_px"]
        unet, joint = values["unet"], values["blend2mask2flux"]
        holds = unet > joint if compare == "unet above" else joint < min(1, unet)
        return f"U-Net {unet:.3f}, blend2mask2flux {joint:.3f}", bool(holds)

    return test


@dataclass(frozen=True)
class Claim:
    """One claim: where the paper makes it, in our words, its bound, and the test."""

    name: str
    where: str
    statement: str
    bound: str
    test: Callable[[Evidence], Outcome]


def _claims() -> list[Claim]:
    stated, relaxed = "as stated", "relaxed"
    claims = []
    for network in NETWORKS:

        def add(
            name: str,
            where: str,
            statement: str,
            bound: str,
            test: Callable[[Evidence], Outcome],
            network: str = network,
        ) -> None:
            claims.append(Claim(f"{name}_{network}", where, f"{network}: {statement}", bound, test))

        add(
            "scatter_factor_4", "Sects 4.1, 5",
            "scatter at least 4 times below SExtractor's, also where that finds exactly two",
            stated, _ratio(network, False, 4),
        )  # fmt: skip
        add(
            "scatter_factor_4_best", "Sects 4.1, 5",
            "the same against the better of isophotal and AUTO fluxes",
            stated, _ratio(network, True, 4),
        )  # fmt: skip
        add(
            "scatter_factor_2_best", "Sects 4.1, 5",
            "scatter at least 2 times below the better of isophotal and AUTO fluxes'",
            relaxed, _ratio(network, True, 2),
        )  # fmt: skip
        add(
            "outliers_100", "Sect. 4.1",
            "outliers two orders of magnitude rarer than SExtractor's", stated,
            _outliers_ratio(network, 100),
        )  # fmt: skip
        add(
            "outliers_10", "Sect. 4.1", "outliers ten times rarer than SExtractor's", relaxed,
            _outliers_ratio(network, 10),
        )  # fmt: skip
        add(
            "outliers_0.1", "Sect. 4.1", "about 0.1 % of outliers (below 0.15 %)", stated,
            _outliers(network, 0, 0.15),
        )  # fmt: skip
        add(
            "outliers_1", "Sect. 5", "outliers as low as about 1 % (below 1.5 %)", stated,
            _outliers(network, 0, 1.5),
        )  # fmt: skip
        add(
            "bias_bins", "Sect. 4.2",
            "bias below about 0.05 mag at every magnitude difference", stated,
            _bins(network, "median", 0.05),
        )  # fmt: skip
        add(
            "bias_bins_relaxed", "Sect. 4.2", "bias below 0.1 mag at every magnitude difference",
            relaxed, _bins(network, "median", 0.1),
        )  # fmt: skip
        add(
            "scatter_bins", "Sect. 5",
            "scatter close to 0.2 mag (below 0.25) even at large magnitude differences", stated,
            _bins(network, "sigma", 0.25),
        )  # fmt: skip
        add(
            "scatter_below_sep", "Sect. 4.2",
            "scatter below SExtractor's at every magnitude difference", stated,
            _less_than_sep_in_every_bin(network),
        )  # fmt: skip
        add(
            "morphology", "Sects 4.3, 5",
            "comparable for all classes (largest scatter within 1.5 of the smallest)", stated,
            _by_type(network, 1.5),
        )  # fmt: skip
        add(
            "morphology_relaxed", "Sects 4.3, 5",
            "largest scatter of a class within 2.5 of the smallest", relaxed,
            _by_type(network, 2.5),
        )  # fmt: skip
        add(
            "missed_pairs", "Sect. 4.1",
            "less than 0.4 % of outliers where SExtractor does not find exactly two", stated,
            _missed_pairs(network),
        )  # fmt: skip
    claims += [
        Claim("sextractor_outliers_10", "Sect. 4.1", "SExtractor: about 10 % of outliers (5 to 15)",
              stated, _outliers("sep_iso", 5, 15)),
        Claim("sextractor_outliers_12", "Sect. 5", "SExtractor: about 12 % of outliers (11 to 13)",
              stated, _outliers("sep_iso", 11, 13)),
        Claim("joint_better", "Sects 4.1, 5", "blend2mask2flux slightly better than blend2flux",
              stated, _joint_better(1.0)),
        Claim("joint_close", "Sects 4.1, 5", "blend2mask2flux within 10 % of blend2flux", relaxed,
              _joint_better(1.1)),
        Claim("unet_iou", "Sect. 4.4", "the U-Net's IoU is above the joint network's", stated,
              _masks("iou", "unet above")),
        Claim("masks_tighter", "Sects 4.4, 5", "the joint network's masks are tighter than SEP's",
              stated, _masks("area", "tighter")),
    ]  # fmt: skip
    return claims


CLAIMS = _claims()


def evaluate_claims(evidence: Evidence) -> pd.DataFrame:
    """Test every claim.

    Returns
    -------
    DataFrame
        `claim`, `paper`, `where`, `statement`, `bound` ("as stated" or "relaxed"), `numbers`,
        `holds` (True, False, or empty where what ran cannot tell).
    """
    rows = []
    for claim in CLAIMS:
        numbers, holds = claim.test(evidence)
        rows.append(
            {
                "claim": claim.name,
                "paper": "boucaud2020",
                "where": claim.where,
                "statement": claim.statement,
                "bound": claim.bound,
                "numbers": numbers,
                "holds": "" if holds is None else str(holds),
            }
        )
    return pd.DataFrame(rows)
