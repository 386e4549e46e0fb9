"""What the reproduction found about Boucaud et al. 2020 itself.

The tables are those of the authors' catalogue (`catalog`, `statistics`, `fig9`: see
`deblend.boucaud2020.compared_tables.read_authors`), with its description `about`, and of this run
`weights` (see `weights_table`). A part of the catalogue, or another one, confirms nothing.
"""
# ruff: noqa: D103 (what was found is in the decorator)

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from deblend.boucaud2020.claim_numbers import of_types, panel
from deblend.boucaud2020.compared_tables import AUTHORS, catalogue_name, is_authors, masks_to_find
from deblend.boucaud2020.recovered import NETWORKS
from deblend.boucaud2020.reproduction import SUFFIXES, flux_errors
from deblend.files import read_json
from deblend.report.claims import MissingResult, Result, Tables, listed, says, table
from deblend.report.findings import Computation, Findings

FINDINGS = Findings()
finding = FINDINGS.add

THIS_RUN = "test blends of this run"


def weights_table(records: Sequence[str | Path], iou: Sequence[str | Path]) -> pd.DataFrame:
    """Weights in the loss of joint networks, and what becomes of their masks.

    Parameters
    ----------
    records, iou : sequence of path
        `network.json` and `iou.csv` of each network.

    Returns
    -------
    DataFrame
        `network` (name of its folder), `mask_weight`, `flux_weight`, `mean_iou` of all masks, with
        0 for those that vanished.
    """
    rows = []
    for path, masks in zip(records, iou, strict=True):
        weights = read_json(path)["loss_weights"]
        mean = float(masks_to_find(pd.read_csv(masks))["iou"].mean())
        rows.append((Path(path).parent.name, weights["masks"], weights["fluxes"], mean))
    return pd.DataFrame(rows, columns=["network", "mask_weight", "flux_weight", "mean_iou"])


def sources(tables: Tables) -> dict[str, str]:
    """What the findings' data are called if they are not the authors' file.

    Parameters
    ----------
    tables : dict
        See `deblend.boucaud2020.compared_tables.read_authors`.

    Returns
    -------
    dict
        For `deblend.report.findings.findings_table`.
    """
    made = {name: part for name, part in tables.items() if part is not None}
    return {AUTHORS: catalogue_name(made)} if "about" in made else {}


def of_catalogue(
    name: str, where: str, *, says: str
) -> Callable[[tuple[str, Computation]], Computation]:
    """Decorator as `finding`, of something that only the authors' whole catalogue can confirm.

    What a part of it or another catalogue shows may be by chance or by its own selection: of 300
    pairs that are drawn without any leak, most companions are no central galaxies of the others.
    """

    def decorate(stated: tuple[str, Computation]) -> Computation:
        found, compute = stated

        def checked(tables: Tables) -> Result:
            n = len(table(tables, "catalog"))
            made = {name: part for name, part in tables.items() if part is not None}
            text, confirmed = compute(tables)
            if is_authors(made):
                return text, confirmed
            return f"{text}; not confirmed: {n} blends that are not {AUTHORS}", None

        return finding(name, where, says=says, of=AUTHORS)((found, checked))

    return decorate


def _times_larger(tables: Tables, column: str, figure: str, galaxy: str, network: str) -> float:
    """SExtractor's number over the network's."""
    other, own = (panel(tables, figure, name, galaxy) for name in ("sextractor", network))
    if not own[column] > 0:
        raise MissingResult(f"{column} of {network} above 0")
    return float(other[column] / own[column])


@of_catalogue("test_blends", "Sects 2.3, 5", says="The test set has 5,000 blends.")
@says("The catalogue that the figures are drawn from has fewer.")
def test_blends(tables: Tables) -> Result:
    n = len(table(tables, "catalog"))
    return f"{n} rows", n < 5000


@of_catalogue(
    "companions_outside_test",
    "Sect. 2.3",
    says="No galaxy of the training blends is in the test blends, and vice versa.",
)
@says(
    "Central galaxies are those of the test split, but companions are not all among them: this "
    "fits a second draw of the companion that took training galaxies, which a later version of "
    "candels-blender (commit bfa4344) no longer does. It hardly changes the errors."
)
def companions_outside_test(tables: Tables) -> Result:
    catalog = table(tables, "catalog")
    test_galaxies = set(catalog["g1_id"])
    is_outside = ~catalog["g2_id"].isin(test_galaxies)
    text = (
        f"{is_outside.sum()} of {len(catalog)} blends ({100 * is_outside.mean():.1f} %), "
        f"{len(test_galaxies)} test galaxies"
    )
    for network, suffix in SUFFIXES.items():
        error = 100 * (catalog[f"g2_flux_{suffix}"] / catalog["g2_flux"] - 1).abs()
        text += (
            f"; MAPE of the companions' flux, {network}: {error[is_outside].mean():.2f} % outside, "
            f"{error[~is_outside].mean():.2f} % inside"
        )
    return text, bool(is_outside.any())


@of_catalogue(
    "abstract_accuracy",
    "Abstract, Table 2",
    says="The photometry is recovered with an accuracy of about 7 %.",
)
@says(
    "Table 2 has an error of the flux of 8.2 % for blend2flux, over all blends. The two agree only "
    "if the abstract means blend2mask2flux, or pairs that SExtractor finds: it says neither."
)
def abstract_accuracy(tables: Tables) -> Result:
    catalog = table(tables, "catalog")
    of_all = {network: float(np.mean(flux_errors(catalog, network)[0])) for network in NETWORKS}
    found = {
        network: float(panel(tables, "fig6", network, "pair_detected")["mape_flux_percent"])
        for network in NETWORKS
    }
    text = f"all blends: {listed(of_all)} %; pairs that SExtractor finds: {listed(found)} %"
    return text, of_all["blend2flux"] >= 7.5


@of_catalogue(
    "flux_error_of_pairs",
    "Abstract, Sect. 5",
    says="An improvement of at least a factor of 4 in flux error, also where SExtractor finds "
    "exactly two objects.",
)
@says("For these pairs the mean error of the flux improves by less than a factor of 4.")
def flux_error_of_pairs(tables: Tables) -> Result:
    factors = {
        network: _times_larger(tables, "mape_flux_percent", "fig6", "pair_detected", network)
        for network in NETWORKS
    }
    return f"{listed(factors)} times", min(factors.values()) < 4


@of_catalogue(
    "outliers_two_orders",
    "Sect. 4.1",
    says="The fraction of outliers is two orders of magnitude smaller than SExtractor's.",
)
@says("In some panels it is by less than a factor of 100.")
def outliers_two_orders(tables: Tables) -> Result:
    panels = (("fig5", "central"), ("fig5", "companion"), ("fig6", "pair_detected"))
    factors = {
        f"{network} {figure} {galaxy}": _times_larger(
            tables, "outliers_percent", figure, galaxy, network
        )
        for network in NETWORKS
        for figure, galaxy in panels
    }
    return f"{listed(factors)} times", min(factors.values()) < 100


@of_catalogue(
    "spheroids_overestimated",
    "Sect. 4.3",
    says="SExtractor systematically underestimates the luminosity of spheroids.",
)
@says("It overestimates it: their median magnitude error is negative.")
def spheroids_overestimated(tables: Tables) -> Result:
    bias = of_types(tables, "SExtractor", "median", "sph")["sph"]
    return f"median error {bias:.3f} mag", bias < 0


@finding(
    "loss_weights",
    "Sect. 3.2",
    says="In the joint training the loss on the masks has a weight of 0.1 compared to that on the "
    "fluxes.",
    of=THIS_RUN,
)
@says(
    "The authors' code has it the other way round: mask 1, flux 0.1. The loss on the fluxes is in "
    "per cent, so that the text's weights leave the masks nearly without a loss: they get lost."
)
def loss_weights(tables: Tables) -> Result:
    rows = table(tables, "weights").sort_values("mean_iou")
    share = (rows["mask_weight"] / rows["flux_weight"]).to_numpy(float)
    if len(np.unique(share)) < 2:
        raise MissingResult("two joint networks with other weights")
    text = "; ".join(
        f"{row.network} (mask {row.mask_weight:g}, flux {row.flux_weight:g}): "
        f"IoU {row.mean_iou:.2f}"
        for row in rows.itertuples()
    )
    return text, bool(share[-1] == share.max())
