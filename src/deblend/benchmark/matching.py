"""Which source of a method is which galaxy, and which sources are none.

The rule is that of `deblend.scenes.sources`: each source belongs to one galaxy at most, the sum of
all distances is the smallest, and none is larger than the matching radius.
"""

import numpy as np
import pandas as pd
from deblend.benchmark.catalogue import Catalogue
from deblend.benchmark.truth import Truth
from scipy.optimize import linear_sum_assignment

#: Galaxies by their role.
ROLES = {"central": 0, "companion": 1}

#: Half-light radii within which a source belongs to a galaxy, where this is more than the radius of
#: the scenes: the centre of light of an irregular galaxy is not the middle.
SIZE_RADII = 0.5

#: Probability of a blend from which a detector calls a scene a blend.
CALLED = 0.5


def match(truth: Truth, found: Catalogue, radius_px: float) -> np.ndarray:
    """Row of the method's table for each galaxy.

    Parameters
    ----------
    truth : Truth
    found : Catalogue
    radius_px : float
        From `deblend.scenes.sources.match_radius_px`.

    Returns
    -------
    ndarray of int, shape (n,)
        -1 for galaxies that are not found.
    """
    galaxies, table = truth.galaxies, found.table
    rows = np.full(len(galaxies), -1)
    sources = table.groupby("scene", sort=False).indices
    yx, role = table[["y_px", "x_px"]].to_numpy(float), table["role"].to_numpy(str)
    true_yx = galaxies[["y_px", "x_px"]].to_numpy(float)
    limit = np.maximum(radius_px, SIZE_RADII * galaxies["half_light_radius_px"].to_numpy(float))
    for scene, members in galaxies.groupby("scene", sort=False).indices.items():
        own = sources.get(scene, np.zeros(0, int))
        placed = own[np.isfinite(yx[own]).all(axis=1)]
        if len(placed):
            rows[members] = _nearest(true_yx[members], yx[placed], limit[members], placed)
        for k in own[~np.isin(own, placed)]:
            number = ROLES.get(role[k], len(members))
            if number < len(members) and rows[members[number]] < 0:
                rows[members[number]] = k
    return rows


def _nearest(
    galaxies: np.ndarray, sources: np.ndarray, limit: np.ndarray, names: np.ndarray
) -> np.ndarray:
    """Source of each galaxy of a scene, -1 for none."""
    distance = np.hypot(*(galaxies[:, None] - sources[None]).transpose(2, 0, 1))
    # Sources that are too far away cost the same as none.
    first, second = linear_sum_assignment(np.minimum(distance, 2 * limit[:, None]))
    found = np.full(len(galaxies), -1)
    near = distance[first, second] <= limit[first]
    found[first[near]] = names[second[near]]
    return found


def count_sources(truth: Truth, found: Catalogue, rows: np.ndarray, n_scenes: int) -> pd.DataFrame:
    """What a method says about each scene.

    Parameters
    ----------
    truth, found
    rows : ndarray of int
        From `match`.
    n_scenes : int

    Returns
    -------
    DataFrame
        `scene`, `n_found` (galaxies that are found), `n_false` (other sources within the mask of a
        galaxy of the blend; neighbours beyond it are none), both NaN for a method without
        positions; `p_blend`; `is_blend`: 1 if the method calls the scene a blend of two or more, by
        its probability or the number of its sources on the galaxies, 0 if not, else NaN.
    """
    table = found.table
    placed = np.isfinite(table[["x_px", "y_px"]].to_numpy(float)).all(axis=1)
    on_galaxies = np.zeros(len(table), bool)
    masks = truth.galaxies.groupby("scene", sort=False).indices
    for k in np.flatnonzero(placed):
        members = masks.get(table["scene"].iloc[k])
        if members is None:
            continue
        y, x = round(table["y_px"].iloc[k]), round(table["x_px"].iloc[k])
        inside = 0 <= y < truth.masks.shape[1] and 0 <= x < truth.masks.shape[2]
        on_galaxies[k] = inside and bool(truth.masks[members, y, x].any())
    matched = np.isin(np.arange(len(table)), rows[rows >= 0])
    numbers = np.arange(n_scenes)
    scene = table["scene"].to_numpy(int)

    def counted(chosen: np.ndarray) -> np.ndarray:
        return np.bincount(scene[chosen], minlength=n_scenes).astype(float)

    n_found, n_false = counted(placed & matched), counted(placed & ~matched & on_galaxies)
    p_blend = table.groupby("scene")["p_blend"].max().reindex(numbers).to_numpy(float)
    called = np.where(np.isnan(p_blend), np.nan, p_blend > CALLED)
    # Without a source in all of the scenes, a method has looked for positions in vain.
    if placed.any() or not len(table):
        called = np.where(np.isnan(called), n_found + n_false >= 2, called)
    else:
        n_found, n_false = np.full((2, n_scenes), np.nan)
    return pd.DataFrame(
        {
            "scene": numbers,
            "n_found": n_found,
            "n_false": n_false,
            "p_blend": p_blend,
            "is_blend": called,
        }
    )
