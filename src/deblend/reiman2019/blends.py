"""Pairs of Galaxy Zoo images: the second one is perturbed, then both are blended, in batches.

Reiman & Goehre 2019, Sect. 2.3. The frames are those of `deblend.reiman2019.images`. They are not
cropped, so that a perturbed galaxy can move into view what lies outside the crop. Images are
perturbed and blended on the device that trains the network; only the random numbers are drawn on
the host.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from deblend.errors import DeblendError
from deblend.reiman2019.config import PerturbConfig
from deblend.seeds import generator
from torch.nn import functional
from tqdm.auto import tqdm

#: Columns of `draw_pairs` that describe the perturbation.
PERTURBATION_COLUMNS = ("flip_x", "flip_y", "angle_rad", "shift_x_px", "shift_y_px", "scale")


#: Blends rendered at a time when a whole set is rendered.
BATCH = 64


#: Samples per pixel along each axis of a perturbed image, which are then averaged: galaxies shrink
#: by up to a factor of e, and one sample per pixel would alias them.
OVERSAMPLING = 2


def draw_pairs(
    rng: np.random.Generator, rows: np.ndarray, n: int, config: PerturbConfig
) -> pd.DataFrame:
    """Draw pairs of two different galaxies and the perturbation of the second.

    Parameters
    ----------
    rng : Generator
    rows : ndarray of int
        Frames to choose from, at least two.
    n : int
        Number of pairs.
    config : PerturbConfig

    Returns
    -------
    DataFrame
        `central`, `companion` (rows); `flip_x`, `flip_y` (0 or 1); `angle_rad`; `shift_x_px`,
        `shift_y_px`; `scale`.

    Raises
    ------
    DeblendError
        There are fewer than two frames.
    """
    return pd.DataFrame(pair_columns(rng, rows, n, config))


def pair_columns(
    rng: np.random.Generator, rows: np.ndarray, n: int, config: PerturbConfig
) -> dict[str, np.ndarray]:
    """The columns of `draw_pairs`, without a table around them.

    Parameters
    ----------
    rng, rows, n, config
        See `draw_pairs`.

    Raises
    ------
    DeblendError
        See `draw_pairs`.
    """
    if len(rows) < 2:
        raise DeblendError(f"{len(rows)} galaxies are too few to blend two: give more images")
    first = rng.integers(len(rows), size=n)
    # Any frame but the first one, all with the same probability.
    second = (first + rng.integers(1, len(rows), size=n)) % len(rows)
    flips = rng.integers(2, size=(n, 2))
    angle = rng.uniform(0, 2 * np.pi, n)
    shift = rng.uniform(*config.shift_px, (n, 2)) * rng.choice([-1, 1], (n, 2))
    scale = np.exp(rng.uniform(*config.log_scale, n))
    return {
        "central": rows[first],
        "companion": rows[second],
        "flip_x": flips[:, 0],
        "flip_y": flips[:, 1],
        "angle_rad": angle,
        "shift_x_px": shift[:, 0],
        "shift_y_px": shift[:, 1],
        "scale": scale,
    }


def draw_blends(
    seed: int, images: str, split: str, rows: np.ndarray, n: int, config: PerturbConfig
) -> pd.DataFrame:
    """Draw the blends of a validation or test set, each with its own random generator.

    Parameters
    ----------
    seed : int
    images : str
        Name of the set of images: part of the seed.
    split : str
    rows : ndarray of int
        Frames of the split.
    n : int
        Number of blends.
    config : PerturbConfig

    Returns
    -------
    DataFrame
        See `draw_pairs`.
    """
    columns: dict[str, np.ndarray] = {}
    for i in range(n):
        rng = generator(seed, "reiman2019 blends", images, split, i)
        drawn = pair_columns(rng, rows, 1, config)
        columns = columns or {key: np.empty(n, values.dtype) for key, values in drawn.items()}
        for key, values in drawn.items():
            columns[key][i] = values[0]
    return pd.DataFrame(columns)


def perturbation_tensor(pairs: pd.DataFrame) -> torch.Tensor:
    """The perturbations of `draw_pairs` as a float32 tensor, shape (n, 6)."""
    return torch.from_numpy(pairs[list(PERTURBATION_COLUMNS)].to_numpy(np.float32))


def perturb(
    frames: torch.Tensor, perturbations: torch.Tensor, config: PerturbConfig
) -> torch.Tensor:
    """Flip, rotate, displace and scale images, and crop them to what the network sees.

    Parameters
    ----------
    frames : Tensor, shape (n, 3, height, width)
        The companions, 0 to 255.
    perturbations : Tensor, shape (n, 6)
        From `perturbation_tensor`, on the device of the frames.
    config : PerturbConfig

    Returns
    -------
    Tensor, shape (n, 3, side, side)
        In the unit of the input. Outside the original image it is black, or as bright as the sky
        (`companion_edge`).
    """
    device, side = frames.device, config.side
    outside = sky_level(frames) if config.companion_edge == "sky" else 0.0
    flip_x, flip_y, angle, shift_x, shift_y, scale = perturbations.T[:, :, None, None]
    frames, centre = (
        (frames, _centre(frames, side))
        if config.order == "authors"
        else (crop(frames, side), side / 2)
    )
    step = 1 / OVERSAMPLING
    offsets = (torch.arange(side * OVERSAMPLING, device=device) + 0.5) * step - side / 2
    y, x = offsets[None, :, None], offsets[None, None, :]
    # From each pixel of the result back to its place in the input.
    if config.order == "authors":
        x, y = (x - shift_x / config.reduce_by) / scale, (y - shift_y / config.reduce_by) / scale
    else:
        x, y = x / scale - shift_x, y / scale - shift_y
    cosine, sine = torch.cos(angle), torch.sin(angle)
    x, y = cosine * x + sine * y, cosine * y - sine * x
    x, y = torch.where(flip_x > 0.5, -x, x), torch.where(flip_y > 0.5, -y, y)
    height, width = frames.shape[-2:]
    grid = torch.stack([2 * (x + centre) / width - 1, 2 * (y + centre) / height - 1], dim=-1)
    # The interpolation has zeros outside.
    sampled = outside + functional.grid_sample(
        frames - outside, grid, mode="bicubic", padding_mode="zeros", align_corners=False
    )
    return functional.avg_pool2d(sampled, OVERSAMPLING).clamp(0, 255)


def sky_level(frames: torch.Tensor) -> torch.Tensor:
    """Median of each colour along the four edges of frames: (n, 3, 1, 1) of (n, 3, y, x)."""
    edges = [frames[..., 0, :], frames[..., -1, :], frames[..., 0], frames[..., -1]]
    return torch.cat(edges, dim=-1).median(dim=-1).values[..., None, None]


def _centre(frames: torch.Tensor, side: int) -> float:
    """Position of the original image's centre in a frame: the centre of the crop."""
    return (frames.shape[-1] - side) // 2 + side / 2


def crop(frames: torch.Tensor, side: int) -> torch.Tensor:
    """Central part of frames of shape (n, 3, height, width)."""
    start = (frames.shape[-1] - side) // 2
    return frames[..., start : start + side, start : start + side]


def blend(
    central: torch.Tensor,
    companion: torch.Tensor,
    perturbations: torch.Tensor,
    config: PerturbConfig,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blended images, and the two true images of each.

    Parameters
    ----------
    central, companion : Tensor of uint8, shape (n, height, width, 3)
        Frames.
    perturbations : Tensor, shape (n, 6)
        From `perturbation_tensor`, on the device of the frames.
    config : PerturbConfig

    Returns
    -------
    blends : Tensor, shape (n, 3, side, side)
        In [0, 1] (Sect. 2.3).
    truth : Tensor, shape (n, 2, 3, side, side)
        Central and companion galaxy, in [-1, 1] (Sect. 2.3).
    """
    first = crop(_channels_first(central), config.side)
    second = perturb(_channels_first(companion), perturbations, config)
    both = torch.stack([first, second], dim=1) / 255
    mixed = both.amax(dim=1) if config.blending == "max" else both.sum(dim=1).clamp(max=1)
    return mixed, 2 * both - 1


def _channels_first(frames: torch.Tensor) -> torch.Tensor:
    return frames.permute(0, 3, 1, 2).float()


def galaxy_positions(pairs: pd.DataFrame, config: PerturbConfig) -> np.ndarray:
    """Row and column of each galaxy in the network's images, shape (n, 2 galaxies, 2), pixels.

    Parameters
    ----------
    pairs : DataFrame
        From `draw_pairs`.
    config : PerturbConfig
    """
    shift = pairs[["shift_y_px", "shift_x_px"]].to_numpy()
    if config.order == "authors":
        shift = shift / config.reduce_by
    else:
        # The image is displaced before it is scaled.
        shift = shift * pairs[["scale"]].to_numpy()
    return (config.side - 1) / 2 + np.stack([np.zeros_like(shift), shift], axis=1)


def rows_of_split(index: pd.DataFrame, split: str) -> np.ndarray:
    """Rows of a split's frames.

    Parameters
    ----------
    index : DataFrame
        `row` and `split`, from `deblend.reiman2019.images.read_index`.
    split : str
    """
    return index.loc[index["split"] == split, "row"].to_numpy()


def render_batches(
    frames: np.ndarray, pairs: pd.DataFrame, config: PerturbConfig
) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
    """Blends and true images, batch by batch.

    Yields
    ------
    rows : slice
        Rows of `pairs`.
    blends, truth : Tensor
        See `blend`.
    """
    for start in tqdm(range(0, len(pairs), BATCH), desc="blends", disable=None):
        part = pairs.iloc[start : start + BATCH]
        central, companion = (
            torch.from_numpy(np.ascontiguousarray(frames[part[name].to_numpy()]))
            for name in ("central", "companion")
        )
        yield (
            slice(start, start + len(part)),
            *blend(central, companion, perturbation_tensor(part), config),
        )


def render_all(
    frames: np.ndarray, pairs: pd.DataFrame, config: PerturbConfig
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blends and true images of a set that fits into memory."""
    parts = [(blends, truth) for _, blends, truth in render_batches(frames, pairs, config)]
    blends, truth = zip(*parts, strict=True)
    return torch.cat(blends), torch.cat(truth)
