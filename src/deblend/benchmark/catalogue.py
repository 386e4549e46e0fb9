"""What a method of the benchmark returns: a table of sources, with masks and images if it has any.

A method is a function `measure(scenes, positions=None, seed=0)`. It returns a `Catalogue`, or only
its table, of which `scene` and `flux` suffice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.scenes.scenes import Scenes, measured_table

Method = Callable[..., "Catalogue | pd.DataFrame"]


@dataclass(frozen=True)
class Catalogue:
    """Sources that a method finds in scenes.

    Attributes
    ----------
    table : DataFrame
        `deblend.scenes.scenes.MEASURED`. A method that does not look for positions leaves them NaN
        and says in `role` whether a source is the central galaxy, which is in the middle of the
        image, or its companion.
    masks, images : ndarray, shape (n, y, x), or None
        Of each row of the table: the probability that a pixel belongs to the source, and the
        source alone, counts/s.
    note : str
        What is to be known about these fluxes, for the table.
    draws : ndarray, shape (n, m), or None
        Draws of the density of each flux, counts/s. Without them the interval of a flux is that of
        its error.
    uncertain : ndarray of bool, shape (n,), or None
        Whether the method warns of a flux.
    """

    table: pd.DataFrame
    masks: np.ndarray | None = None
    images: np.ndarray | None = None
    note: str = ""
    draws: np.ndarray | None = None
    uncertain: np.ndarray | None = None


def as_catalogue(found: Catalogue | pd.DataFrame, scenes: Scenes, method: str) -> Catalogue:
    """Check what a method has returned, and add the columns that it lacks.

    Parameters
    ----------
    found : Catalogue or DataFrame
    scenes : Scenes
        What was measured.
    method : str
        Name of the method.

    Returns
    -------
    Catalogue

    Raises
    ------
    DeblendError
        It is neither, lacks a column, names a scene that does not exist, or has masks, images,
        draws or warnings of another number or shape.
    """
    if isinstance(found, pd.DataFrame):
        found = Catalogue(found)
    if not isinstance(found, Catalogue):
        raise DeblendError(
            f"{method} returns {type(found).__name__}: it has to be a table (pandas.DataFrame) or "
            "a deblend.benchmark.catalogue.Catalogue"
        )
    table = found.table.reset_index(drop=True)
    lacks = [name for name in ("scene", "flux") if name not in table]
    if lacks:
        raise DeblendError(
            f"the table of {method} lacks {', '.join(lacks)}; it has {', '.join(map(str, table))}"
        )
    scene = table["scene"].to_numpy()
    if len(table) and not (scene.min() >= 0 and scene.max() < len(scenes)):
        raise DeblendError(
            f"{method} names scenes {scene.min()} to {scene.max()} of {len(scenes)}: number them "
            "from 0 in the order of the images"
        )
    shape = (len(table), *scenes.images.shape[2:])
    for name, pixels in (("masks", found.masks), ("images", found.images)):
        if pixels is not None and pixels.shape != shape:
            raise DeblendError(
                f"{name} of {method} have the shape {pixels.shape}, not {shape}: one for each row "
                "of the table, with the pixels of the scene"
            )
    for name, values in (("draws", found.draws), ("uncertain", found.uncertain)):
        if values is not None and len(values) != len(table):
            raise DeblendError(
                f"{name} of {method} are {len(values)}, and its table has {len(table)} rows: give "
                "one for each row"
            )
    defaults = {
        "source": table.groupby("scene").cumcount(),
        "x_px": np.nan,
        "y_px": np.nan,
        "band": scenes.bands[scenes.detection_band],
    }
    for name, values in defaults.items():
        if name not in table:
            table[name] = values
    return replace(found, table=measured_table(table, method))


def joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of several chunks as one."""
    return pd.concat(parts, ignore_index=True)
