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

#: Galaxies of a scene from which the companion of a method with roles could be any of several.
SEVERAL = 3

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
        -1 for galaxies that are not found. A method that knows galaxies by their role has one
        companion: in scenes of `SEVERAL` it is none of them, see `scored`.
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
            if number and len(members) >= SEVERAL:
                continue
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


def scored(galaxies: pd.DataFrame, *, by_role: bool) -> np.ndarray:
    """Whether a galaxy counts in the scores: all but those that no role names.

    Parameters
    ----------
    galaxies : DataFrame
        `deblend.benchmark.truth.COLUMNS`.
    by_role : bool
        Whether the method knows galaxies by their role: of a scene of `SEVERAL` only the central
        one counts then, since its companion could be any of the others.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    number = galaxies.groupby("scene")["galaxy"].transform("size").to_numpy()
    return ~(by_role & (number >= SEVERAL) & (galaxies["galaxy"].to_numpy() > 0))


def has_positions(found: Catalogue) -> np.ndarray:
    """Whether each source of a catalogue has a position."""
    return np.isfinite(found.table[["x_px", "y_px"]].to_numpy(float)).all(axis=1)


def count_sources(
    truth: Truth, found: Catalogue, rows: np.ndarray, n_scenes: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """What a method says about each scene.

    Parameters
    ----------
    truth, found
    rows : ndarray of int
        From `match`.
    n_scenes : int

    Returns
    -------
    scenes : DataFrame
        `scene`, `n_found` (galaxies that are found), `n_false` (other sources within the mask of a
        galaxy of the blend; neighbours beyond it are none), `p_blend` (NaN without one).
    n_false : ndarray, shape (n,)
        False sources to which each galaxy is the nearest one.
    """
    table, galaxies = found.table, truth.galaxies
    placed = has_positions(found)
    matched = np.isin(np.arange(len(table)), rows[rows >= 0])
    of_galaxy, on_galaxies = np.zeros(len(galaxies)), np.zeros(len(table), bool)
    members_of = galaxies.groupby("scene", sort=False).indices
    yx, true_yx = (t[["y_px", "x_px"]].to_numpy(float) for t in (table, galaxies))
    for k in np.flatnonzero(placed & ~matched):
        members = members_of.get(table["scene"].iloc[k])
        if members is None:
            continue
        y, x = (round(v) for v in yx[k])
        inside = 0 <= y < truth.masks.shape[1] and 0 <= x < truth.masks.shape[2]
        on_galaxies[k] = inside and bool(truth.masks[members, y, x].any())
        if on_galaxies[k]:
            of_galaxy[members[np.hypot(*(true_yx[members] - yx[k]).T).argmin()]] += 1
    numbers = np.arange(n_scenes)
    scene = table["scene"].to_numpy(int)

    def counted(chosen: np.ndarray) -> np.ndarray:
        return np.bincount(scene[chosen], minlength=n_scenes).astype(float)

    counts = {
        "scene": numbers,
        "n_found": counted(placed & matched),
        "n_false": counted(on_galaxies),
        "p_blend": table.groupby("scene")["p_blend"].max().reindex(numbers).to_numpy(float),
    }
    return pd.DataFrame(counts), of_galaxy


def with_calls(counts: pd.DataFrame, *, looks: bool) -> pd.DataFrame:
    """Add whether each scene is called a blend of two or more.

    Parameters
    ----------
    counts : DataFrame
        From `count_sources`, of all scenes of a set.
    looks : bool
        Whether the method looks for positions: where it does not, counts say nothing.

    Returns
    -------
    DataFrame
        With `is_blend`: 1 if the method calls the scene a blend, by its probability or the number
        of its sources on the galaxies, 0 if not, else NaN. `n_found` and `n_false` are NaN for a
        method that does not look.
    """
    if not looks:
        counts = counts.assign(n_found=np.nan, n_false=np.nan)
    p_blend, number = counts["p_blend"], counts["n_found"] + counts["n_false"]
    by_number = (number >= 2).astype(float).where(number.notna())
    by_probability = (p_blend > CALLED).astype(float)
    return counts.assign(is_blend=by_probability.where(p_blend.notna(), by_number))
