"""Gaussian processes through the magnitude differences of Figure 7 (Hemmati et al. 2022, 4.1)."""

import logging

import numpy as np
import pandas as pd

from .gpr import BIN_POINTS, MIN_BINS, fit_gpr
from .sr_tables import flux_errors

log = logging.getLogger(__name__)
POSITIONS = ("low", "gan")
COLUMNS = {
    "curves": ("position", "mag", "mean", "sigma", "total_median", "total_68"),
    "scatter": ("position", "kind", "a", "b", "c", "x0"),
    "bins": ("position", "mag", "median", "p68"),
}
N_GRID = 60


def regressions(table: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Mean and bands of measured less input magnitude, with the low's and the GAN's positions.

    Parameters
    ----------
    table : DataFrame
        From `deblend.sr_photometry.measure`.
    seed : int

    Returns
    -------
    dict
        "curves": `COLUMNS`, magnitudes and standard deviations; "scatter": variance as
        a exp(b (mag - x0)) + c, of the `kind` median and 68; "bins": what that was fitted to.
        No rows for positions with too few points, which is said.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    # The same blends as the figure shows: failed fits are left out of both.
    table = flux_errors(table)
    for position in POSITIONS:
        if len(table) < BIN_POINTS * MIN_BINS:
            log.warning(
                "%d magnitudes with the %s positions are too few for a regression (%d)",
                len(table),
                position,
                BIN_POINTS * MIN_BINS,
            )
            continue
        x = table["mag_input"].to_numpy(float)
        y = table[f"mag_{position}"].to_numpy(float) - x
        first, last = np.quantile(x, [0.01, 0.99])
        found = fit_gpr(x, y, np.linspace(first, last, N_GRID), seed=seed)
        parts["curves"].append(found.grid.rename(columns={"x": "mag"}).assign(position=position))
        levels = [
            {"kind": kind, "a": level.a, "b": level.b, "c": level.c, "x0": level.x0}
            for kind, level in found.scatter.items()
        ]
        parts["scatter"].append(pd.DataFrame(levels).assign(position=position))
        bins = found.bins.drop(columns="median", errors="ignore")
        names = {"x": "mag", "median_squared": "median", "level_68": "p68"}
        parts["bins"].append(bins.rename(columns=names).assign(position=position))
    return {
        name: pd.concat([pd.DataFrame({c: [] for c in COLUMNS[name]}), *found], ignore_index=True)[
            list(COLUMNS[name])
        ]
        for name, found in parts.items()
    }
