"""Pairs of Galaxy Zoo images: the second one perturbed, then both blended, in batches.

Reiman & Goehre 2019, Sect. 2.3. Frames are those of `deblend.reiman2019.images`, reduced whole, so
that a perturbed galaxy can bring in what a crop would have cut off. All of it runs on the device
that trains; only the numbers of the rows and of the perturbations are drawn on the host.
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

#: What is drawn of each perturbation.
DRAWS = ("flip_x", "flip_y", "angle_rad", "shift_x_px", "shift_y_px", "scale")


#: Blends rendered at a time where a whole set is.
BATCH = 64


#: Points a pixel and axis that a perturbed image is sampled at and averaged over: galaxies shrink
#: to as little as 1/e, which pixel centres alone would alias.
OVERSAMPLING = 2


def draw_pairs(
    rng: np.random.Generator, rows: np.ndarray, n: int, config: PerturbConfig
) -> pd.DataFrame:
    """Draw pairs of two different galaxies and the perturbation of the second.

    Parameters
    ----------
    rng : Generator
    rows : ndarray of int
        Frames to choose from, two at least.
    n : int
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
    if len(rows) < 2:
        raise DeblendError(f"{len(rows)} galaxies are too few to blend two: give more images")
    first = rng.integers(len(rows), size=n)
    # Any but the first, all alike.
    second = (first + rng.integers(1, len(rows), size=n)) % len(rows)
    flips = rng.integers(2, size=(n, 2))
    angle = rng.uniform(0, 2 * np.pi, n)
    shift = rng.uniform(*config.shift_px, (n, 2)) * rng.choice([-1, 1], (n, 2))
    scale = np.exp(rng.uniform(*config.log_scale, n))
    return pd.DataFrame(
        {
            "central": rows[first],
            "companion": rows[second],
            "flip_x": flips[:, 0],
            "flip_y": flips[:, 1],
            "angle_rad": angle,
            "shift_x_px": shift[:, 0],
            "shift_y_px": shift[:, 1],
            "scale": scale,
        }
    )


def draw_blends(
    seed: int, images: str, split: str, rows: np.ndarray, n: int, config: PerturbConfig
) -> pd.DataFrame:
    """The blends of a validation or test set: each has a generator of its own.

    Returns
    -------
    DataFrame
        See `draw_pairs`.
    """
    parts = [
        draw_pairs(generator(seed, "reiman2019 blends", images, split, i), rows, 1, config)
        for i in range(n)
    ]
    return pd.concat(parts, ignore_index=True)


def draws_of(pairs: pd.DataFrame) -> torch.Tensor:
    """The perturbations of `draw_pairs` as numbers for a device, shape (n, 6)."""
    return torch.from_numpy(pairs[list(DRAWS)].to_numpy(np.float32))


def perturb(frames: torch.Tensor, draws: torch.Tensor, config: PerturbConfig) -> torch.Tensor:
    """Flip, rotate, displace and scale images, cropped to what the network sees.

    Parameters
    ----------
    frames : Tensor, shape (n, 3, height, width)
        The companions, 0 to 255.
    draws : Tensor, shape (n, 6)
        From `draws_of`, on the frames' device.
    config : PerturbConfig

    Returns
    -------
    Tensor, shape (n, 3, side, side)
        In the unit of the input; black beyond what there is of an image.
    """
    device, side = frames.device, config.side
    flip_x, flip_y, angle, shift_x, shift_y, scale = draws.T[:, :, None, None]
    frames, centre = (
        (frames, _centre(frames, side))
        if config.order == "authors"
        else (crop(frames, side), side / 2)
    )
    step = 1 / OVERSAMPLING
    line = (torch.arange(side * OVERSAMPLING, device=device) + 0.5) * step - side / 2
    y, x = line[None, :, None], line[None, None, :]
    # From each pixel of the result back to where it comes from.
    if config.order == "authors":
        x, y = (x - shift_x / config.reduce_by) / scale, (y - shift_y / config.reduce_by) / scale
    else:
        x, y = x / scale - shift_x, y / scale - shift_y
    cosine, sine = torch.cos(angle), torch.sin(angle)
    x, y = cosine * x + sine * y, cosine * y - sine * x
    x, y = torch.where(flip_x > 0.5, -x, x), torch.where(flip_y > 0.5, -y, y)
    height, width = frames.shape[-2:]
    grid = torch.stack([2 * (x + centre) / width - 1, 2 * (y + centre) / height - 1], dim=-1)
    sampled = functional.grid_sample(
        frames, grid, mode="bicubic", padding_mode="zeros", align_corners=False
    )
    return functional.avg_pool2d(sampled, OVERSAMPLING).clamp(0, 255)


def _centre(frames: torch.Tensor, side: int) -> float:
    """Where the original image's centre lies in a frame: at the centre of the crop."""
    return (frames.shape[-1] - side) // 2 + side / 2


def crop(frames: torch.Tensor, side: int) -> torch.Tensor:
    """The central part of frames, shape (n, 3, height, width)."""
    start = (frames.shape[-1] - side) // 2
    return frames[..., start : start + side, start : start + side]


def blend(
    central: torch.Tensor, companion: torch.Tensor, draws: torch.Tensor, config: PerturbConfig
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blended images and the two true ones of each.

    Parameters
    ----------
    central, companion : Tensor of uint8, shape (n, height, width, 3)
        Frames.
    draws : Tensor, shape (n, 6)
        From `draws_of`, on the frames' device.
    config : PerturbConfig

    Returns
    -------
    blends : Tensor, shape (n, 3, side, side)
        In [0, 1] (Sect. 2.3).
    truth : Tensor, shape (n, 2, 3, side, side)
        Central and companion galaxy, in [-1, 1] (Sect. 2.3).
    """
    first = crop(_planes(central), config.side)
    second = perturb(_planes(companion), draws, config)
    both = torch.stack([first, second], dim=1) / 255
    mixed = both.amax(dim=1) if config.blending == "max" else both.sum(dim=1).clamp(max=1)
    return mixed, 2 * both - 1


def _planes(frames: torch.Tensor) -> torch.Tensor:
    return frames.permute(0, 3, 1, 2).float()


def rows_of_split(index: pd.DataFrame, split: str) -> np.ndarray:
    """Frames of a split.

    Parameters
    ----------
    index : DataFrame
        `row`, `split`, of `deblend.reiman2019.images`.
    """
    return index.loc[index["split"] == split, "row"].to_numpy()


def rendered(
    frames: np.ndarray, pairs: pd.DataFrame, config: PerturbConfig
) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
    """Blends and truths (see `blend`), batch by batch.

    Yields
    ------
    rows : slice
        Of `pairs`.
    blends, truth : Tensor
    """
    for start in tqdm(range(0, len(pairs), BATCH), desc="blends", disable=None):
        part = pairs.iloc[start : start + BATCH]
        central, companion = (
            torch.from_numpy(np.ascontiguousarray(frames[part[name].to_numpy()]))
            for name in ("central", "companion")
        )
        yield slice(start, start + len(part)), *blend(central, companion, draws_of(part), config)


def render_all(
    frames: np.ndarray, pairs: pd.DataFrame, config: PerturbConfig
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blends and truths of a set that is small enough to be held."""
    parts = [(blends, truth) for _, blends, truth in rendered(frames, pairs, config)]
    blends, truth = zip(*parts, strict=True)
    return torch.cat(blends), torch.cat(truth)
