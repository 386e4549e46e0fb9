"""Draw blends as rows of a table: the two galaxies, their shift and their orientations.

Only this description of a blend is stored: `deblend.boucaud2020.render` makes its image from the
stamps on demand. Rows are drawn in blocks of `BLOCK`, each with its own generator seeded from
(seed, split, block), so that a blend does not depend on which other blends are drawn.

Source: Boucaud et al. 2020, Sect. 2.2, and the authors' code where the two differ.
"""

import numpy as np
import pandas as pd
from deblend.boucaud2020.config import BlendConfig
from deblend.errors import DeblendError
from deblend.seeds import generator, uniform

SPLITS = ("train", "validation", "test")


#: Rows drawn with one generator. Another value gives other blends.
BLOCK = 1000


#: Largest shift by the rule of the authors, in half-light radii of the smaller galaxy.
REACH_RADII = 4


#: Shifts drawn for a pair before another pair is drawn (the authors' code).
TRIES = 25


#: Pairs drawn for one blend before an error is raised.
MAX_ROUNDS = 100


COLUMNS = {
    "blend": "",
    "central": "",
    "companion": "",
    "dx": "pix",
    "dy": "pix",
    "central_orientation": "",
    "companion_orientation": "",
    "seed": "",
}


def _draw_pairs(
    rng: np.random.Generator, mag: np.ndarray, n: int, delta_mag_max: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw n pairs uniformly: any central, then any other galaxy within `delta_mag_max`."""
    order = np.argsort(mag, kind="stable")
    ranked = mag[order]
    low = np.searchsorted(ranked, ranked - delta_mag_max, side="right")
    high = np.searchsorted(ranked, ranked + delta_mag_max, side="left")
    candidates = np.flatnonzero(high - low > 1)  # itself and at least one more
    central = rng.choice(candidates, n)
    # Among the other high - low - 1 partners: skip over the galaxy itself.
    companion = low[central] + np.floor(
        rng.uniform(size=n) * (high[central] - low[central] - 1)
    ).astype(int)
    companion += companion >= central
    return order[central], order[companion]


def _draw_shifts(
    rng: np.random.Generator, r1: np.ndarray, r2: np.ndarray, stamp_size: int, rule: str
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one shift for each pair.

    Returns
    -------
    shift : ndarray of int, shape (n, 2)
        dx, dy in pixels.
    accepted : ndarray of bool, shape (n,)
    """
    half = stamp_size // 2
    n = len(r1)
    if rule == "section_2_2":
        low = np.minimum(np.ceil(0.5 * np.maximum(r1, r2)), half - 1)[:, None]
        size = np.floor(low + rng.uniform(size=(n, 2)) * (half - low)).astype(int)
        sign = rng.choice([-1, 1], (n, 2))
        return sign * size, np.ones(n, bool)
    r_max = np.minimum(REACH_RADII * np.minimum(r1, r2), half)
    r_min = np.maximum(r1, r2)
    r_min = np.where(r_min >= r_max, 0.8 * r_max, r_min)
    reach = np.floor(r_max)[:, None, None]
    # As in the authors' code, -reach can be drawn and +reach cannot.
    tries = np.floor(rng.uniform(size=(n, TRIES, 2)) * 2 * reach - reach).astype(int)
    length = np.hypot(tries[..., 0], tries[..., 1])
    accepted = (length >= r_min[:, None]) & (length <= r_max[:, None])
    first = np.argmax(accepted, axis=1)
    return tries[np.arange(n), first], accepted.any(axis=1)


def within_reach(
    dx: np.ndarray | float,
    dy: np.ndarray | float,
    r1: np.ndarray | float,
    r2: np.ndarray | float,
    stamp_size: int,
    rule: str,
) -> np.ndarray:
    """Whether a companion could be as far from the central galaxy as another galaxy is.

    Parameters
    ----------
    dx, dy : float or ndarray
        Position from the central galaxy, px.
    r1, r2 : float or ndarray
        Half-light radii of both galaxies, px.
    stamp_size : int
        Side of the stamps, px.
    rule : {"authors", "section_2_2"}
    """
    half = stamp_size // 2
    if rule == "section_2_2":
        return np.maximum(np.abs(dx), np.abs(dy)) <= half
    return np.hypot(dx, dy) <= np.minimum(REACH_RADII * np.minimum(r1, r2), half)


def draw_shifts(
    rng: np.random.Generator, r1: np.ndarray, r2: np.ndarray, stamp_size: int, rule: str
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one shift of the companion for each of given pairs.

    Parameters
    ----------
    rng : Generator
    r1, r2 : ndarray, shape (n,)
        Half-light radii of both galaxies, px.
    stamp_size : int
        Side of the stamps, px.
    rule : {"authors", "section_2_2"}

    Returns
    -------
    shift : ndarray of int, shape (n, 2)
        dx, dy in pixels.
    accepted : ndarray of bool, shape (n,)
        Whether one of `TRIES` shifts suits the pair.
    """
    return _draw_shifts(rng, r1, r2, stamp_size, rule)


def _draw_block(
    mag: np.ndarray,
    radius: np.ndarray,
    stamp_size: int,
    seed: int,
    split: str,
    block: int,
    config: BlendConfig,
) -> dict[str, np.ndarray]:
    rng = generator(seed, "blends", split, block)
    central, companion = _draw_pairs(rng, mag, BLOCK, config.delta_mag_max)
    shift, accepted = _draw_shifts(
        rng, radius[central], radius[companion], stamp_size, config.shift_rule
    )
    for _ in range(MAX_ROUNDS):
        rejected = np.flatnonzero(~accepted)
        if not len(rejected):
            break
        central[rejected], companion[rejected] = _draw_pairs(
            rng, mag, len(rejected), config.delta_mag_max
        )
        shift[rejected], accepted[rejected] = _draw_shifts(
            rng,
            radius[central[rejected]],
            radius[companion[rejected]],
            stamp_size,
            config.shift_rule,
        )
    else:
        raise DeblendError(
            f"no shift fits {int((~accepted).sum())} of {BLOCK} blends after {MAX_ROUNDS} pairs "
            f"each: check the half-light radii (median {np.median(radius):.1f} px) against the "
            f"stamps ({stamp_size} px), or set boucaud2020.blending.shift_rule to section_2_2"
        )
    turns = rng.integers(0, 8, (2, BLOCK)) if config.orientations else np.zeros((2, BLOCK), int)
    return {
        "central": central,
        "companion": companion,
        "dx": shift[:, 0],
        "dy": shift[:, 1],
        "central_orientation": turns[0],
        "companion_orientation": turns[1],
        "seed": rng.integers(0, 2**31, BLOCK),
    }


def draw_blends(
    galaxies: pd.DataFrame,
    rows: np.ndarray,
    start: int,
    stop: int,
    *,
    stamp_size: int,
    seed: int,
    split: str,
    config: BlendConfig,
) -> pd.DataFrame:
    """Draw the blends start to stop - 1 of a split.

    Parameters
    ----------
    galaxies : DataFrame
        All galaxies of the data set: `mag`, `half_light_radius_px`.
    rows : ndarray of int
        Rows of the galaxies of the split; only these are blended.
    start, stop : int
        Range of blends; any part of the endless sequence can be drawn.
    stamp_size : int
        Side of the stamps, in pixels.
    seed : int
    split : {"train", "validation", "test"}
    config : BlendConfig

    Returns
    -------
    DataFrame
        `COLUMNS`; central and companion are rows of `galaxies`, dx and dy shift the companion.

    Raises
    ------
    DeblendError
        No two galaxies of the split are within `delta_mag_max`, or no shift fits.
    """
    mag = galaxies["mag"].to_numpy(float)[rows]
    radius = galaxies["half_light_radius_px"].to_numpy(float)[rows]
    closest = np.diff(np.sort(mag)).min() if len(mag) > 1 else np.inf
    if not closest < config.delta_mag_max:
        raise DeblendError(
            f"the {split} split has {len(mag)} galaxies and no pair within "
            f"{config.delta_mag_max} mag: blends need at least two such galaxies"
        )
    first, last = start // BLOCK, -(-stop // BLOCK)
    blocks = [
        _draw_block(mag, radius, stamp_size, seed, split, block, config)
        for block in range(first, last)
    ]
    table = pd.DataFrame({c: np.concatenate([b[c] for b in blocks]) for c in blocks[0]})
    for column in ("central", "companion"):
        table[column] = np.asarray(rows)[table[column].to_numpy()]
    table.insert(0, "blend", np.arange(first * BLOCK, last * BLOCK))
    return table.iloc[start - first * BLOCK : stop - first * BLOCK].reset_index(drop=True)


def without_partner(mag: np.ndarray, split: np.ndarray, delta_mag_max: float) -> np.ndarray:
    """Galaxies that have no partner: no galaxy of their split that they can be blended with.

    Parameters
    ----------
    mag : ndarray, shape (n,)
    split : ndarray of str, shape (n,)
    delta_mag_max : float

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    unpaired = np.zeros(len(mag), bool)
    for name in SPLITS:
        rows = np.flatnonzero(split == name)
        order = rows[np.argsort(mag[rows], kind="stable")]
        far = np.diff(mag[order]) >= delta_mag_max
        unpaired[order] = np.append(True, far) & np.append(far, True)
    return unpaired


def split_galaxies(ids: np.ndarray, fractions: dict[str, float], seed: int) -> np.ndarray:
    """Assign each galaxy to one split, before any blending and before any exclusion.

    Galaxies are ranked by a hash of their id, so that a galaxy which two data sets share (the same
    catalogue in two bands) is in the same split of both, whichever galaxies each excludes.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)
        Of all parent galaxies, in any order.
    fractions : dict
        Share of each of `SPLITS`; they add up to 1 (Sect. 2.3: 0.6, 0.2, 0.2).
    seed : int

    Returns
    -------
    ndarray of str, shape (n,)

    Raises
    ------
    DeblendError
        The shares do not add up to 1.
    """
    shares = np.array([fractions[s] for s in SPLITS])
    if abs(shares.sum() - 1) > 1e-6:
        raise DeblendError(f"the split fractions {fractions} add up to {shares.sum():g}, not to 1")
    edges = np.round(np.cumsum(shares) * len(ids)).astype(int)
    rank = np.argsort(np.argsort([uniform(seed, "split", name) for name in ids]))
    return np.array(SPLITS)[np.searchsorted(edges, rank, side="right")]


def check_splits(split: np.ndarray, fractions: dict[str, float]) -> None:
    """Check that each split with a share above 0 has the two galaxies that a blend needs.

    Raises
    ------
    DeblendError
        A split has too few galaxies.
    """
    for name in SPLITS:
        size = int(np.sum(split == name))
        if fractions[name] > 0 and size < 2:
            raise DeblendError(
                f"the {name} split ({fractions[name]:g} of the galaxies) has {size} of "
                f"{len(split)} galaxies: blends need at least 2, so give more galaxies or other "
                "fractions"
            )
