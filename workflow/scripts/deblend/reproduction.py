"""Each number that a paper states, beside ours."""

from typing import Any

import numpy as np
import pandas as pd

#: Ours within this share of the published number is called reproduced.
TOLERANCE = 0.1
COLUMNS = (
    "paper",
    "item",
    "quantity",
    "published",
    "reproduced",
    "ratio",
    "n",
    "status",
    "configuration",
    "source",
)


def status(published: float, reproduced: float) -> str:
    """Reproduced within `TOLERANCE` of the published number, differs, or not run.

    The direction of a difference is in the ratio: a smaller error than the paper's differs, too.
    """
    if not np.isfinite(reproduced):
        return "not run"
    if not np.isfinite(published):
        return "nothing published"
    close = abs(reproduced - published) <= TOLERANCE * abs(published)
    return "reproduced" if close else "differs"


def row(
    paper: str, item: str, quantity: str, published: float | None, reproduced: float | None, n: int
) -> dict[str, Any]:
    """One line of the table."""
    theirs = np.nan if published is None else float(published)
    ours = np.nan if reproduced is None else float(reproduced)
    return {
        "paper": paper,
        "item": item,
        "quantity": quantity,
        "published": theirs,
        "reproduced": ours,
        "ratio": ours / theirs if theirs else np.nan,
        "n": n,
        "status": status(theirs, ours),
    }


def boucaud_rows(
    photometry: pd.DataFrame,
    catalog: pd.DataFrame,
    table2: pd.DataFrame,
    iou: pd.DataFrame | None,
    networks: dict[str, dict[str, Any]],
    published: dict[str, Any],
) -> list[dict[str, Any]]:
    """Numbers of Boucaud et al. 2020.

    Parameters
    ----------
    photometry : DataFrame
        From `deblend.metrics.photometry_table`; methods blend2flux, blend2mask2flux, sep_iso ...
    catalog : DataFrame
        In the published format.
    table2 : DataFrame
        From `deblend.paper_tables.table2`.
    iou : DataFrame or None
    networks : dict
        Role (blend2flux, unet, blend2mask2flux) to the network's description.
    published : dict
        The paper's part of `config/published.yaml`.

    Returns
    -------
    list of dict
    """
    paper = "boucaud2020"
    rows = []
    for entry in table2.to_dict("records"):
        n = 0 if pd.isna(entry["n_blends"]) else int(entry["n_blends"])
        for quantity in ("n_parameters_million", "central", "companion", "total"):
            name = quantity if quantity.startswith("n_") else f"mape_flux_percent, {quantity}"
            item = f"Table 2, {int(entry['filters'])} filters"
            theirs, ours = entry[f"published_{quantity}"], entry[quantity]
            rows.append(row(paper, item, name, theirs, ours, n))
    shares = published["sextractor_detections_percent"]
    detection = catalog["detection"]
    for name, mask in (
        ("two", detection == 2),
        ("one", detection.isin([0, 1])),
        ("more", detection == 3),
    ):
        share = 100 * float(mask.mean())
        rows.append(
            row(paper, "Sect. 3.3", f"SExtractor finds {name}, %", shares[name], share, len(mask))
        )
    found = photometry[photometry["selection"] == "found"].set_index(["method", "galaxy"])
    for method, item, sigma, outliers in (
        ("blend2flux", "Fig. 5, Sect. 4.1", "networks", "networks"),
        ("blend2mask2flux", "Fig. 5, Sect. 4.1", "networks", "networks"),
        ("sep_iso", "Fig. 5, Sect. 4.1", "sextractor_low", "sextractor"),
        ("sep_auto", "Fig. 5, our AUTO fluxes", None, None),
    ):
        for galaxy in ("central", "companion"):
            key = (method, galaxy)
            ours = found.loc[key] if key in found.index else None
            # The text gives a range for SExtractor: 0.5 to 0.7 mag.
            at = "sextractor_high" if sigma == "sextractor_low" and galaxy == "companion" else sigma
            for quantity, theirs in (
                ("sigma_mag", published["sigma_mag"].get(at)),
                ("outliers_percent", published["outliers_percent"].get(outliers)),
            ):
                name = f"{quantity}, {method}, {galaxy}"
                value = None if ours is None else ours[quantity]
                n = 0 if ours is None else int(ours["n"])
                rows.append(row(paper, item, name, theirs, value, n))
    for network, theirs in published["iou"].items():
        mine = None if iou is None else iou[iou["network"] == network]
        value = None if mine is None or mine.empty else float(mine["iou"].mean())
        n = 0 if mine is None else len(mine)
        rows.append(row(paper, "Sect. 4.4", f"IoU, {network}", theirs, value, n))
    for role, theirs in published["n_epochs"].items():
        record = networks.get(role)
        value = None if record is None else record["n_epochs"]
        rows.append(row(paper, "Sects 3.1, 3.2", f"epochs, {role}", theirs, value, 1))
    joint = networks.get("blend2mask2flux")
    rows.append(
        row(
            paper,
            "Sect. 3.2",
            "n_parameters_million, blend2mask2flux",
            published["n_parameters_million_blend2mask2flux"],
            None if joint is None else joint["n_parameters"] / 1e6,
            1,
        )
    )
    return rows


def reproduction_table(
    rows: list[dict[str, Any]], configuration: str, source: str = "this run"
) -> pd.DataFrame:
    """The table of all rows.

    Parameters
    ----------
    rows : list of dict
        From `boucaud_rows` and its like.
    configuration : str
        Scale and data set.
    source : str
        Where the reproduced numbers are from: this run, or a committed file.
    """
    table = pd.DataFrame(rows).assign(configuration=configuration, source=source)
    return table[list(COLUMNS)]
