"""Predictions of every method in long form, and the truth to compare them with."""

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.units import flux_from_mag

GALAXIES = ("central", "companion")


#: Columns of predictions: flux in counts/s at zero_point (mag); NaN where the galaxy was not found.
COLUMNS = ("blend", "galaxy", "method", "flux", "zero_point", "flags")


def prediction_table(
    blend: np.ndarray,
    flux: np.ndarray,
    method: str,
    zero_point: np.ndarray,
    flags: np.ndarray | None = None,
) -> pd.DataFrame:
    """Long-form predictions, two rows for each blend.

    Parameters
    ----------
    blend : ndarray of int, shape (n,)
    flux : ndarray, shape (n, 2)
        Central and companion, counts/s; NaN where not found.
    method : str
    zero_point : ndarray, broadcast to (n, 2)
    flags : ndarray of int, shape (n, 2), optional
        Default: 1 where the flux is not positive.
    """
    n = len(blend)
    flags = ~(flux > 0) if flags is None else flags
    return pd.DataFrame(
        {
            "blend": np.repeat(blend, 2),
            "galaxy": np.tile(GALAXIES, n),
            "method": method,
            "flux": flux.reshape(-1),
            "zero_point": np.broadcast_to(zero_point, (n, 2)).reshape(-1),
            "flags": flags.astype(int).reshape(-1),
        }
    )


def pivot(predictions: pd.DataFrame, method: str, column: str = "flux") -> pd.DataFrame:
    """One column of one method's predictions as a table: blend by galaxy.

    Raises
    ------
    DeblendError
        There are no predictions of that method.
    """
    rows = predictions[predictions["method"] == method]
    if rows.empty:
        methods = ", ".join(sorted(predictions["method"].unique()))
        raise DeblendError(f"there are no predictions of {method!r}; the methods are {methods}")
    return rows.pivot(index="blend", columns="galaxy", values=column)[list(GALAXIES)]


def truth(stamps_galaxies: pd.DataFrame, blends: pd.DataFrame, zero_point: float) -> pd.DataFrame:
    """Ids, true magnitudes and true fluxes of the two galaxies of each blend.

    The true flux is computed from the catalogue's magnitude, as the authors did.

    Returns
    -------
    DataFrame
        Index blend; `id_*`, `mag_*`, `flux_*` of central and companion.
    """
    mag = stamps_galaxies["mag"].to_numpy(float)
    table = pd.DataFrame(index=pd.Index(blends["blend"], name="blend"))
    for galaxy in GALAXIES:
        table[f"id_{galaxy}"] = stamps_galaxies["id"].to_numpy()[blends[galaxy].to_numpy()]
        table[f"mag_{galaxy}"] = mag[blends[galaxy].to_numpy()]
        table[f"flux_{galaxy}"] = flux_from_mag(table[f"mag_{galaxy}"], zero_point)
    return table
