"""The simultaneous fit of all galaxies as a method of the benchmark."""

import numpy as np
import pandas as pd
from deblend.scenes import forced_fit
from deblend.scenes.scenes import Scenes


def measure(
    scenes: Scenes, positions: tuple[np.ndarray, ...] | None = None, seed: int = 0
) -> pd.DataFrame:
    """Fluxes of a fit at the given positions, or at those that SEP detects.

    Parameters
    ----------
    scenes : Scenes
    positions : tuple of ndarray, shape (k, 2), optional
    seed : int
        Not used.

    Returns
    -------
    DataFrame
        See `deblend.scenes.forced_fit.measure`.
    """
    return forced_fit.measure(scenes, positions, seed)
