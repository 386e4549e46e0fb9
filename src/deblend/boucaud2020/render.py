"""Render images of blends from stamps, for training, prediction, SEP and figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from deblend.data.noise import noise_images
from deblend.data.rows import Pixels
from deblend.data.stamps import Stamps
from deblend.errors import DeblendError

#: How to fill the pixels that the shifted companion's stamp does not cover.
COMPANION_EDGES = ("zero", "noise")


def orient(image: np.ndarray, orientation: int) -> np.ndarray:
    """One of the eight flips and quarter turns of a square image, about its central pixel.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        The galaxy is at pixel (size // 2, size // 2), as in stamps cut from a mosaic.
    orientation : int
        0 to 3: quarter turns; 4 to 7: the same after a transposition. 0 leaves the image as it is.

    Returns
    -------
    ndarray, shape (y, x)
        A view of the input where possible. Flips of an even side wrap around by one row or column,
        so that the central pixel stays in place.
    """
    if orientation == 0:
        return image
    if orientation >= 4:
        image = image.T
    turns = orientation % 4
    if turns == 0:
        return image
    turned = {1: image.T[::-1], 2: image[::-1, ::-1], 3: image.T[:, ::-1]}[turns]
    if image.shape[0] % 2:
        return turned
    # On an even grid a flipped axis moves the central pixel by one: roll it back.
    if turns in (1, 2):
        turned = _roll_rows(turned)
    if turns in (2, 3):
        turned = _roll_rows(turned.T).T
    return turned


def turned_position(
    x: np.ndarray | float, y: np.ndarray | float, orientation: int
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Where `orient` moves what is at a position.

    Parameters
    ----------
    x, y : float or ndarray
        From the central pixel, px.
    orientation : int

    Returns
    -------
    x, y : float or ndarray
    """
    if orientation >= 4:
        x, y = y, x
    return {0: (x, y), 1: (y, -x), 2: (-x, -y), 3: (-y, x)}[orientation % 4]


def _roll_rows(image: np.ndarray) -> np.ndarray:
    """Move each row on by one and the last row to the front.

    np.roll would take as long as the rest of a blend.
    """
    rolled = np.empty_like(image)
    rolled[0], rolled[1:] = image[-1], image[:-1]
    return rolled


def overlap(shift: int, size: int) -> tuple[slice, slice]:
    """Slices of target and source along one axis, for a source shifted by `shift` pixels."""
    if abs(shift) >= size:
        return slice(0, 0), slice(0, 0)
    return slice(max(shift, 0), size + min(shift, 0)), slice(max(-shift, 0), size - max(shift, 0))


def render(
    images: np.ndarray,
    blends: pd.DataFrame,
    *,
    companion_edge: str = "zero",
    noise_sigma: float = 0.0,
    noise_correlation: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Render blends: central stamp plus shifted companion stamp (Boucaud et al. 2020, Sect. 2.2).

    Parameters
    ----------
    images : ndarray, shape (galaxy, y, x), float32
        Cleaned, square stamps of one band.
    blends : DataFrame
        Rows of `deblend.boucaud2020.blends.COLUMNS`; central and companion index `images`.
    companion_edge : {"zero", "noise"}
        Fill the pixels that the shifted companion's stamp does not cover with zeros, as the authors
        did, or with noise of `noise_sigma`, so that the noise is the same on both sides of the
        stamp's edge. The noise is seeded from the blend's own seed.
    noise_sigma : float
        In the images' unit; used with ``noise`` only.
    noise_correlation : ndarray, shape (2 L + 1, 2 L + 1), optional
        See `deblend.data.noise.noise_images`; without it the noise is white. Pixels on both sides
        of the stamp's edge are independent.
    out : ndarray, shape (n, y, x), float32, optional
        Array to write into.

    Returns
    -------
    ndarray, shape (n, y, x), float32

    Raises
    ------
    DeblendError
        A row refers to a galaxy that does not exist, a shift leaves the frame, or an option is
        unknown.
    """
    columns = _checked_columns(images, blends, companion_edge)
    central, companion, dx, dy, central_orientation, companion_orientation, seed = columns
    size = images.shape[-1]
    if out is None:
        out = np.empty((len(blends), size, size), np.float32)
    elif out.shape != (len(blends), size, size):
        raise DeblendError(f"out has shape {out.shape}, not {(len(blends), size, size)}")
    for i in range(len(blends)):
        target = out[i]
        target[:] = orient(images[central[i]], central_orientation[i])
        (ty, sy), (tx, sx) = overlap(dy[i], size), overlap(dx[i], size)
        target[ty, tx] += orient(images[companion[i]], companion_orientation[i])[sy, sx]
        if companion_edge == "noise" and noise_sigma > 0:
            empty = np.ones((size, size), bool)
            empty[ty, tx] = False
            rng = np.random.default_rng(seed[i])
            if noise_correlation is None:
                target[empty] += noise_images(rng, (int(empty.sum()),), noise_sigma)
            else:
                noise = noise_images(rng, (size, size), noise_sigma, noise_correlation)
                target[empty] += orient(noise, companion_orientation[i])[empty]
    return out


def render_components(images: Pixels, blends: pd.DataFrame, dtype: type = np.float32) -> np.ndarray:
    """Render the two galaxies of each blend separately, each at its position in the blend.

    Parameters
    ----------
    images : ndarray, shape (galaxy, y, x)
        Cleaned stamps, or their segmaps.
    blends : DataFrame
    dtype : type
        Data type of the result.

    Returns
    -------
    ndarray, shape (n, 2, y, x)
        Central and companion; 0 where the companion's stamp does not reach.
    """
    central, companion, dx, dy, central_orientation, companion_orientation, _ = _checked_columns(
        images, blends, "zero"
    )
    size = images.shape[-1]
    out: np.ndarray = np.zeros((len(blends), 2, size, size), dtype)
    for i in range(len(blends)):
        out[i, 0] = orient(images[central[i]], central_orientation[i])
        (ty, sy), (tx, sx) = overlap(dy[i], size), overlap(dx[i], size)
        out[i, 1, ty, tx] = orient(images[companion[i]], companion_orientation[i])[sy, sx]
    return out


def galaxies_of(stamps: Stamps, blends: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """The stamps of the galaxies of some blends, and the blends with the numbers that they have.

    Parameters
    ----------
    stamps : Stamps
        A data set, of which only these stamps are read if it is on disk.
    blends : DataFrame
        Rows of `deblend.boucaud2020.blends.COLUMNS`.

    Returns
    -------
    images : ndarray, shape (m, y, x), float32
        First band of each galaxy that is in a blend.
    blends : DataFrame
        `central` and `companion` index `images`.

    Raises
    ------
    DeblendError
        A row refers to a galaxy that does not exist.
    """
    rows, numbered = with_own_numbers(blends, len(stamps))
    return stamps.images[rows, 0], numbered


def with_own_numbers(blends: pd.DataFrame, n_galaxies: int) -> tuple[np.ndarray, pd.DataFrame]:
    """The galaxies of some blends, and the blends with the numbers that they have among these.

    Parameters
    ----------
    blends : DataFrame
    n_galaxies : int
        How many galaxies the data set has.

    Returns
    -------
    rows : ndarray of int, shape (m,)
        Rows of the data set.
    blends : DataFrame
        `central` and `companion` index `rows`.

    Raises
    ------
    DeblendError
        See `galaxies_of`.
    """
    pair = ["central", "companion"]
    rows, numbers = np.unique(blends[pair].to_numpy(), return_inverse=True)
    _check_galaxies(rows, n_galaxies)
    central, companion = numbers.reshape(-1, 2).T
    return rows, blends.assign(central=central, companion=companion)


def _check_galaxies(rows: np.ndarray, n: int) -> None:
    """Raise an error if blends name galaxies that do not exist."""
    if len(rows) and (rows.min() < 0 or rows.max() >= n):
        raise DeblendError(
            f"blends name galaxies {rows.min()} to {rows.max()}, but there are {n} stamps: blends "
            "and stamps are from different data sets"
        )


def _checked_columns(
    images: Pixels, blends: pd.DataFrame, companion_edge: str
) -> Sequence[Sequence[int]]:
    """Check the arguments, and return the columns of the blends.

    The columns are lists, since indexing a list is faster than indexing an array.
    """
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise DeblendError(f"images have shape {images.shape}: give square stamps (galaxy, y, x)")
    if companion_edge not in COMPANION_EDGES:
        raise DeblendError(
            f"companion_edge is {companion_edge!r}; it can be {' or '.join(COMPANION_EDGES)}"
        )
    names = ("central", "companion", "dx", "dy", "central_orientation", "companion_orientation")
    if len(blends):
        # One column at a time: a batch has few rows, and selecting several columns is slow.
        ids = np.concatenate([blends[c].to_numpy() for c in ("central", "companion")])
        _check_galaxies(ids, len(images))
        shift = max(np.abs(blends[c].to_numpy()).max() for c in ("dx", "dy"))
        if shift >= images.shape[-1]:
            raise DeblendError(
                f"a shift of {shift} px leaves the frame of {images.shape[-1]} px stamps: blends "
                "and stamps are from different data sets"
            )
    return [blends[c].tolist() for c in (*names, "seed")]
