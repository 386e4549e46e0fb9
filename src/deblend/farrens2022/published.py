"""What Farrens et al. 2022 published: curves of their figures, and labels of their stamps."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.data.table_files import NUMBER, SENTINELS, Quantity, read_columns
from deblend.errors import DeblendError
from deblend.farrens2022.metrics import METHODS, NoiseRealisation

#: Columns of a table of the authors' labels: noise (counts) and number of the realisation, number
#: of the stamp in it, whether it is a blend, the companion's offset (pixels; empty for isolated
#: stamps), and the labels of both: 1 blend, 0 isolated, -1 without a detection.
COLUMNS = (
    "noise_sigma",
    "realisation",
    "stamp",
    "blended",
    "dx_px",
    "dy_px",
    "blendhunter",
    "sep",
)


def curves(published: dict[str, Any]) -> dict[int, pd.DataFrame]:
    """The paper's curves by the number of the figure.

    Parameters
    ----------
    published : dict
        `farrens2022` of config/published.yaml.

    Returns
    -------
    dict
        Each with `noise_sigma` (counts), `mean` and `error` as shares, `where` they are from, and:
        in Figures 4 and 6 the `method`, in Figure 5 the `subset`, in Figure 6 also the `panel` and
        the `kind` (positive, negative).
    """
    found = {}
    for n, column in ((4, "method"), (5, "subset")):
        figure = published[f"fig{n}"]
        names = [name for name in figure if name not in ("where", "error", "noise_sigma")]
        found[n] = pd.concat(
            [
                pd.DataFrame(
                    {
                        "noise_sigma": figure["noise_sigma"],
                        column: name,
                        "mean": np.array(figure[name], float) / 100,
                        "error": figure["error"] / 100,
                        "where": figure["where"],
                    }
                )
                for name in names
            ],
            ignore_index=True,
        )
    figure = published["fig6"]
    found[6] = pd.concat(
        [
            pd.DataFrame(
                {
                    "noise_sigma": figure["noise_sigma"],
                    "method": method,
                    "panel": "all",
                    "kind": kind,
                    "mean": figure[method][kind],
                    "error": figure[method].get(f"{kind}_error", 0.0),
                    "where": figure["where"],
                }
            )
            for method in METHODS
            for kind in ("positive", "negative")
        ],
        ignore_index=True,
    )
    return found


def read_predictions(
    path: str | Path,
) -> tuple[
    pd.DataFrame,
    dict[NoiseRealisation, pd.DataFrame],
    dict[NoiseRealisation, pd.DataFrame],
]:
    """Read the authors' labels of their parametric test stamps.

    Parameters
    ----------
    path : path
        A table with `COLUMNS`, see `deblend.data.table_files.open_table`.

    Returns
    -------
    table : DataFrame
        The stamps, which are the same at each noise: `is_blend`, `distance_px`, `weight`.
    predictions, sep_labels : dict
        By noise and realisation, for `deblend.farrens2022.metrics.parametric_accuracies`: SEP's
        labels are the authors'.

    Raises
    ------
    DeblendError
        The file cannot be read, a column is missing, labels are not among those above, a blend has
        no offset, or the stamps are not the same in each realisation.
    """
    quantities = dict.fromkeys(COLUMNS, NUMBER)
    quantities |= dict.fromkeys(("dx_px", "dy_px"), Quantity(sentinels=SENTINELS))
    try:
        found = read_columns(path, {name: name for name in COLUMNS}, quantities)
    except DeblendError as error:
        raise DeblendError(
            f"farrens2022.published_predictions: {error}: give a table with {', '.join(COLUMNS)}"
        ) from error
    for name in ("noise_sigma", "realisation", "stamp"):
        if found[name].isna().any():
            row = int(found[name].isna().to_numpy().argmax()) + 1
            raise DeblendError(f"{path}: {name} is missing in row {row}: complete the table")
    for name, allowed in (("blended", (0, 1)), ("blendhunter", (0, 1)), ("sep", (-1, 0, 1))):
        wrong = ~found[name].isin(allowed)
        if wrong.any():
            row = int(wrong.idxmax())
            raise DeblendError(
                f"{path}: {name} is {found[name][row]:g} in row {row + 1}; it can be "
                f"{', '.join(map(str, allowed))}"
            )
    # Without an offset, a blend would count as distant.
    for name in ("dx_px", "dy_px"):
        wrong = (found["blended"] == 1) & found[name].isna()
        if wrong.any():
            raise DeblendError(
                f"{path}: {name} is {found.loc[wrong, name].iloc[0]} in row {wrong.idxmax() + 1}, "
                "a blend: give its companion's offset in pixels; only isolated stamps have none"
            )
    stamps = None
    predictions, sep_labels = {}, {}
    for (sigma, realisation), rows in found.groupby(["noise_sigma", "realisation"]):
        rows = rows.sort_values("stamp", ignore_index=True)
        these = rows[["stamp", "blended", "dx_px", "dy_px"]]
        if stamps is None:
            stamps = these
        elif not these.equals(stamps):
            raise DeblendError(
                f"{path}: the stamps of noise {sigma:g}, realisation {realisation}, are not those "
                "of the first realisation: each one has to have the same stamps"
            )
        key = (float(sigma), int(realisation))
        predictions[key] = rows[["blendhunter"]].set_axis(["probability"], axis=1)
        sep_labels[key] = rows[["sep"]].set_axis(["authors"], axis=1).astype(int)
    assert stamps is not None  # a table without rows is refused
    distance = np.hypot(stamps["dx_px"], stamps["dy_px"])
    table = pd.DataFrame(
        {
            "is_blend": stamps["blended"].astype(int),
            "distance_px": distance.where(stamps["blended"] == 1),
            "weight": 1.0,
        }
    )
    return table, predictions, sep_labels
