"""Artificial blends of two or more galaxies, for super-resolution (Hemmati et al. 2022).

A blend is a row of a table: for each of its galaxies k, the number of the galaxy, a shift, an
orientation and some properties of the galaxy. The positions of all galaxies are normally
distributed around the middle of the frame (Fig. 4, Sect. 5). No galaxy is always exactly in the
middle, so that a network gains nothing by always making one there; in the authors' code, one is.
Rows are drawn in blocks of `BLOCK`, each with its own random generator, so that a blend does not
depend on which blends are drawn before it.

Source: Hemmati et al. 2022, Sect. 2, 4 and 5.
"""

import numpy as np
import pandas as pd
from deblend.data.rows import Pixels
from deblend.errors import DeblendError
from deblend.hemmati2022.config import HemmatiBlendConfig
from deblend.seeds import generator
from scipy.ndimage import affine_transform
from scipy.special import ndtr, ndtri

#: Rows drawn with one random generator. Another value changes all blends.
BLOCK = 1000


#: Side of a blend: 66 px of 0.06" are 22 px of 0.18". The paper's 64 px are not divisible by 3.
FRAME_PX = 66


#: Peaks that are not further than this (high-resolution pixels) from an edge of a frame are ignored
#: in every resolution, since they can belong to galaxies beyond it.
EDGE_PX = 6


#: Number of pixels along each axis from which the authors' code draws a shift, 0 included; and the
#: range of its angles (deg).
AUTHORS_SHIFTS, MAX_ANGLE_DEG = 15, 180.0


#: Flips and quarter turns, numbered as in `deblend.boucaud2020.render.orient`: whether the image is
#: first transposed, then reversed in y, then reversed in x.
_ORIENTATIONS = (
    (False, False, False),
    (True, True, False),
    (False, True, True),
    (True, False, True),
    (True, False, False),
    (False, True, False),
    (True, True, True),
    (False, False, True),
)


#: Columns of a table of galaxies that describe the other sources in their cut-outs.
NEIGHBOUR = "neighbour_"
NEIGHBOUR_QUANTITIES = ("dx", "dy", "mag")


#: Properties of each galaxy that a row repeats.
GALAXY_QUANTITIES = ("mag", "redshift", "fwhm_px")


def largest_shift(parent_size: int, frame_px: int = FRAME_PX) -> int:
    """Largest shift (px) for which a parent stamp covers the frame in every orientation."""
    # An even side has no central pixel: flipped about pixel p // 2, it has one row less.
    return (parent_size - frame_px) // 2 - (parent_size % 2 == 0)


def draw_blends(
    galaxies: pd.DataFrame,
    rows: np.ndarray,
    start: int,
    stop: int,
    *,
    seed: int,
    split: str,
    config: HemmatiBlendConfig,
) -> pd.DataFrame:
    """Draw the blends start to stop - 1 of a split.

    Parameters
    ----------
    galaxies : DataFrame
        All galaxies of the data set: `GALAXY_QUANTITIES` (fwhm_px as
        `deblend.hemmati2022.degrade.fwhm_from_area` measures it).
    rows : ndarray of int
        Rows of `galaxies` that belong to the split after its magnitude cut (Sect. 5: brighter than
        24 for training, than 25 for testing). A blend has each of them at most once.
    start, stop : int
        Range of blends. The sequence is unlimited, and any part of it can be drawn on its own.
    seed : int
    split : str
    config : HemmatiBlendConfig

    Returns
    -------
    DataFrame
        blend, n_galaxies, and for k = 0, 1, ...: galaxy_k (a row of `galaxies`; -1 for none), dx_k,
        dy_k (px), orientation_k (see `deblend.boucaud2020.render.orient`), angle_deg_k, mag_k,
        redshift_k, fwhm_px_k (NaN for none).

    Raises
    ------
    DeblendError
        There are too few galaxies.
    """
    n_max = len(config.shares) + 1
    if len(rows) < n_max:
        raise DeblendError(
            f"the {split} split has {len(rows)} galaxies: blends of {n_max} need that many; give "
            "more galaxies or a fainter limit"
        )
    first, last = start // BLOCK, -(-stop // BLOCK)
    blocks = [_draw_block(np.asarray(rows), seed, split, b, config) for b in range(first, last)]
    columns = {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}
    columns = {"blend": np.arange(first * BLOCK, last * BLOCK), **columns}
    wanted = slice(start - first * BLOCK, stop - first * BLOCK)
    table = pd.DataFrame({name: values[wanted] for name, values in columns.items()})
    for k in range(n_max):
        galaxy = table[f"galaxy_{k}"].to_numpy()
        for name in GALAXY_QUANTITIES:
            values = galaxies[name].to_numpy(float)[galaxy]
            table[f"{name}_{k}"] = np.where(galaxy >= 0, values, np.nan)
    return table


def _draw_block(
    rows: np.ndarray, seed: int, split: str, block: int, config: HemmatiBlendConfig
) -> dict[str, np.ndarray]:
    rng = generator(seed, "super-resolution blends", split, block)
    n_max = len(config.shares) + 1
    n_galaxies = 2 + np.searchsorted(
        np.cumsum(config.shares)[:-1], rng.uniform(size=BLOCK), "right"
    )
    # Distinct galaxies: draw k counts the remaining galaxies only, then skips those already taken.
    drawn = np.empty((BLOCK, n_max), int)
    for k in range(n_max):
        pick = rng.integers(0, len(rows) - k, BLOCK)
        for taken in np.sort(drawn[:, :k], axis=1).T:
            pick += pick >= taken
        drawn[:, k] = pick
    # The inverse of the truncated normal distribution: one draw per shift, without rejections.
    reach = config.max_shift_px + 0.5
    end = ndtr(-reach / config.separation_sigma_px)
    quantile = rng.uniform(end, 1 - end, (2, BLOCK, n_max))
    shift = np.rint(config.separation_sigma_px * ndtri(quantile)).astype(int)
    shift = np.clip(shift, -config.max_shift_px, config.max_shift_px)
    turn = rng.integers(0, 8, (BLOCK, n_max))
    angle = rng.uniform(0, MAX_ANGLE_DEG, (BLOCK, n_max))
    if config.shift_rule == "authors":
        x, y = rng.integers(0, AUTHORS_SHIFTS, (2, BLOCK, n_max)) * (np.arange(n_max) > 0)
        shift = np.rint(_turned(x, y, angle)).astype(int)
    columns = {"n_galaxies": n_galaxies}
    for k in range(n_max):
        exists = k < n_galaxies
        columns[f"galaxy_{k}"] = np.where(exists, rows[drawn[:, k]], -1)
        columns[f"dx_{k}"] = np.where(exists, shift[0, :, k], 0)
        columns[f"dy_{k}"] = np.where(exists, shift[1, :, k], 0)
        columns[f"orientation_{k}"] = np.where(exists & (not config.any_angle), turn[:, k], 0)
        columns[f"angle_deg_{k}"] = np.where(exists & config.any_angle, angle[:, k], 0.0)
    return columns


def _window(image: np.ndarray, orientation: int, dy: int, dx: int, size: int) -> np.ndarray:
    """The frame around a galaxy: a view (band, size, size) of a parent stamp (band, p, p)."""
    transposed, flip_y, flip_x = _ORIENTATIONS[orientation]
    centre = image.shape[-1] // 2

    def along(shift: int, flip: bool) -> slice:
        begin = centre - size // 2 - shift
        if not flip:
            return slice(begin, begin + size)
        begin = 2 * centre - begin
        return slice(begin, begin - size if begin >= size else None, -1)

    y, x = along(dy, flip_y), along(dx, flip_x)
    return image[:, x, y].swapaxes(-1, -2) if transposed else image[:, y, x]


def _turned(x: np.ndarray, y: np.ndarray, angle_deg: np.ndarray) -> np.ndarray:
    """Positions relative to a galaxy after a rotation by its angle, shape (2, ...)."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.stack([c * x - s * y, c * y + s * x])


def _turned_window(image: np.ndarray, angle_deg: float, dy: int, dx: int, size: int) -> np.ndarray:
    """As `_window`, of a parent stamp rotated about its central pixel; 0 without a source."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    matrix = np.array([[c, -s], [s, c]])
    offset = image.shape[-1] // 2 - matrix @ (size // 2 + np.array([dy, dx]))
    return np.stack(
        [
            affine_transform(band, matrix, offset, output_shape=(size, size), order=3)
            for band in image
        ]
    )


def render_blends(images: Pixels, rows: pd.DataFrame, frame_px: int = FRAME_PX) -> np.ndarray:
    """Images of blends in high resolution: the sum of their galaxies (Sect. 2).

    Parameters
    ----------
    images : ndarray, shape (galaxy, band, p, p), float32
        Parent stamps. They are larger than the frame by at least twice the largest shift, so that a
        shifted galaxy leaves no empty border. Their central pixel is p // 2.
    rows : DataFrame
        From `draw_blends`.
    frame_px : int
        Side of the blends; a galaxy without a shift is at pixel frame_px // 2.

    Returns
    -------
    ndarray, shape (n, band, frame_px, frame_px), float32
        The stamps keep their noise, as in the paper: the noise of a blend of two is sqrt(2) times
        that of a stamp. At the low resolution it is negligible against the noise added there.

    Raises
    ------
    DeblendError
        A row has a galaxy without a stamp, or a shift that is too large for the stamps. The corners
        of frames that are rotated by any angle need sqrt(2) times as much.
    """
    if images.ndim != 4 or images.shape[-1] != images.shape[-2]:
        raise DeblendError(
            f"images have shape {images.shape}: give square stamps (galaxy, band, y, x)"
        )
    components = _components(rows)
    galaxy = rows[[f"galaxy_{k}" for k in components]].to_numpy()
    if galaxy.size and (galaxy.max() >= len(images) or galaxy.min() < -1):
        raise DeblendError(
            f"blends have galaxies up to number {galaxy.max()}, but there are {len(images)} "
            "stamps: give blends and stamps of the same data set"
        )
    names = [f"{axis}_{k}" for axis in ("dx", "dy") for k in components]
    shift = np.abs(rows[names].to_numpy()).max(initial=0)
    reach = largest_shift(images.shape[-1], frame_px)
    if shift > reach:
        raise DeblendError(
            f"a shift of {shift} px is more than stamps of {images.shape[-1]} px allow around a "
            f"frame of {frame_px} px ({reach}): give larger stamps or a smaller max_shift_px"
        )
    angle = rows[[f"angle_deg_{k}" for k in components]].to_numpy()
    corner = np.sqrt(2) * (frame_px / 2 + shift)
    if (angle[galaxy >= 0] % 90 != 0).any() and (images.shape[-1] - 1) // 2 < corner:
        raise DeblendError(
            f"stamps of {images.shape[-1]} px do not cover a frame of {frame_px} px with a shift "
            f"of {shift} px at any angle: give stamps of {2 * int(np.ceil(corner)) + 1} px or "
            "more, a smaller max_shift_px, or any_angle: false"
        )
    out = np.zeros((len(rows), images.shape[1], frame_px, frame_px), np.float32)
    for k in components:
        columns = [rows[f"{c}_{k}"].tolist() for c in ("galaxy", "orientation", "dy", "dx")]
        angles = rows[f"angle_deg_{k}"].tolist()
        for i, (g, orientation, dy, dx) in enumerate(zip(*columns, strict=True)):
            if g >= 0:
                if angles[i]:
                    out[i] += _turned_window(images[g], angles[i], dy, dx, frame_px)
                else:
                    out[i] += _window(images[g], orientation, dy, dx, frame_px)
    return out


def _components(rows: pd.DataFrame) -> range:
    return range(sum(str(c).startswith("galaxy_") for c in rows))


def true_positions(rows: pd.DataFrame, frame_px: int = FRAME_PX) -> np.ndarray:
    """Pixel positions of the galaxies' centres.

    Parameters
    ----------
    rows : DataFrame
        From `draw_blends`.
    frame_px : int

    Returns
    -------
    ndarray, shape (n, k, 2)
        x, y in the high-resolution frame; NaN if a blend has fewer galaxies.
    """
    components = _components(rows)
    xy = np.stack(
        [rows[[f"{axis}_{k}" for k in components]].to_numpy(float) for axis in ("dx", "dy")], -1
    )
    missing = rows[[f"galaxy_{k}" for k in components]].to_numpy() < 0
    return np.where(missing[..., None], np.nan, xy + frame_px // 2)


def with_neighbours(galaxies: pd.DataFrame, neighbours: list[np.ndarray]) -> pd.DataFrame:
    """Add the other catalogued sources in the cut-out of each galaxy to the table of galaxies.

    Parameters
    ----------
    galaxies : DataFrame, n rows
    neighbours : list of n ndarrays, shape (k, 3)
        x and y relative to the galaxy (px of the cut-out) and magnitude of each.

    Returns
    -------
    DataFrame
        With `NEIGHBOUR_QUANTITIES` of neighbour 0, 1, ..., such as neighbour_dx_0; NaN for none.
        There are as many as the largest number of neighbours.
    """
    n_max = max(map(len, neighbours), default=0)
    padded = np.full((len(galaxies), n_max, len(NEIGHBOUR_QUANTITIES)), np.nan)
    for row, own in zip(padded, neighbours, strict=True):
        row[: len(own)] = own
    columns = {
        f"{NEIGHBOUR}{name}_{k}": padded[:, k, i]
        for k in range(n_max)
        for i, name in enumerate(NEIGHBOUR_QUANTITIES)
    }
    return galaxies.assign(**columns)


def neighbours_of(galaxies: pd.DataFrame) -> np.ndarray:
    """x, y (px, relative to the galaxy) and magnitude of neighbours, shape (n, k, 3); NaN: none."""
    n = sum(str(c).startswith(f"{NEIGHBOUR}dx_") for c in galaxies)
    names = [[f"{NEIGHBOUR}{name}_{k}" for name in NEIGHBOUR_QUANTITIES] for k in range(n)]
    flat = galaxies[sum(names, [])].to_numpy(float)
    return flat.reshape(len(galaxies), n, len(NEIGHBOUR_QUANTITIES))


def inside_frame(
    positions: np.ndarray, side_px: float = FRAME_PX, edge_px: float = EDGE_PX
) -> np.ndarray:
    """Which positions in square images are further than `edge_px` from all edges.

    Parameters
    ----------
    positions : ndarray, shape (n, k)
        Pixel coordinates; 0 is the centre of the first pixel.
    side_px, edge_px : float
        Side of the images and width of the edges, in the same pixels.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    inside: np.ndarray = np.all((positions > edge_px) & (positions < side_px - 1 - edge_px), axis=1)
    return inside


def neighbour_positions(
    rows: pd.DataFrame, galaxies: pd.DataFrame, frame_px: int = FRAME_PX
) -> np.ndarray:
    """Pixel positions of the neighbours of all galaxies of each blend.

    Parameters
    ----------
    rows : DataFrame
        From `draw_blends`.
    galaxies : DataFrame
        All galaxies of the data set, see `with_neighbours`.
    frame_px : int

    Returns
    -------
    ndarray, shape (n, k, 2)
        x, y in the high-resolution frame, also beyond it; NaN for none.
    """
    offsets = neighbours_of(galaxies)[..., :2]
    found = [np.empty((len(rows), 0, 2))]
    for k in _components(rows):
        galaxy = rows[f"galaxy_{k}"].to_numpy()
        x, y = np.where((galaxy >= 0)[:, None, None], offsets[galaxy], np.nan).transpose(2, 0, 1)
        turned = np.array(_ORIENTATIONS)[rows[f"orientation_{k}"].to_numpy()]
        transposed, flip_y, flip_x = (turned[:, [i]] for i in range(3))
        x, y = np.where(transposed, y, x), np.where(transposed, x, y)
        x, y = np.where(flip_x, -x, x), np.where(flip_y, -y, y)
        x, y = _turned(x, y, rows[f"angle_deg_{k}"].to_numpy(float)[:, None])
        shift = rows[[f"dx_{k}", f"dy_{k}"]].to_numpy(float)[:, None]
        found.append(np.stack([x, y], -1) + shift + frame_px // 2)
    return np.concatenate(found, axis=1)


def all_sources(rows: pd.DataFrame, galaxies: pd.DataFrame) -> np.ndarray:
    """Positions of the galaxies of each blend and of their neighbours, shape (n, k, 2)."""
    return np.concatenate([true_positions(rows), neighbour_positions(rows, galaxies)], axis=1)


def main_pair(rows: pd.DataFrame) -> np.ndarray:
    """The two brightest galaxies of each blend, brighter first.

    Parameters
    ----------
    rows : DataFrame

    Returns
    -------
    ndarray of int, shape (n, 2)
        Numbers k of "the main two" galaxies (Sect. 4) of each row.
    """
    mag = rows[[f"mag_{k}" for k in _components(rows)]].to_numpy(float)
    return np.argsort(mag, axis=1, kind="stable")[:, :2]  # NaN (no galaxy) sorts last


def pair_quantities(rows: pd.DataFrame, pixel_scale_arcsec: float) -> pd.DataFrame:
    """Quantities of the main two galaxies, against which detections are plotted (Figs 5, 6 and 9).

    Parameters
    ----------
    rows : DataFrame
        From `draw_blends`.
    pixel_scale_arcsec : float
        Pixel scale of the high resolution.

    Returns
    -------
    DataFrame
        blend; separation_px, separation_arcsec; fwhm_sum_px; separation_over_fwhm_sum (Sect. 4:
        "divided by the sum of the sizes"); separation_over_sqrt_fwhm_sum (further on in Sect. 4:
        "by the square root of the sum of the sizes"; in px^0.5); separation_over_dominant_fwhm;
        flux_ratio of the brighter to the fainter galaxy (at least 1); delta_mag and delta_z (at
        least 0).
    """
    pair = main_pair(rows)
    row_numbers = np.arange(len(rows))[:, None]

    def pair_values(name: str) -> np.ndarray:
        columns = [f"{name}_{k}" for k in _components(rows)]
        return rows[columns].to_numpy(float)[row_numbers, pair]

    separation = np.hypot(np.diff(pair_values("dx"))[:, 0], np.diff(pair_values("dy"))[:, 0])
    fwhm = pair_values("fwhm_px")
    fwhm_sum = fwhm.sum(1)
    delta_mag = np.diff(pair_values("mag"))[:, 0]
    return pd.DataFrame(
        {
            "blend": rows["blend"].to_numpy(),
            "separation_px": separation,
            "separation_arcsec": separation * pixel_scale_arcsec,
            "fwhm_sum_px": fwhm_sum,
            "separation_over_fwhm_sum": separation / fwhm_sum,
            "separation_over_sqrt_fwhm_sum": separation / np.sqrt(fwhm_sum),
            "separation_over_dominant_fwhm": separation / fwhm[:, 0],
            "flux_ratio": 10 ** (0.4 * delta_mag),
            "delta_mag": delta_mag,
            "delta_z": np.abs(np.diff(pair_values("redshift"))[:, 0]),
        }
    )
