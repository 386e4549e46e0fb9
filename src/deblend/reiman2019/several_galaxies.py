"""More than two galaxies: deblend the central one, recentre the rest, and repeat.

Reiman & Goehre 2019 sketch this scheme at the end of Sect. 2.3.
"""

import itertools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deblend.data.rows import row_batches
from deblend.reiman2019.blends import (
    BATCH,
    PerturbConfig,
    blend,
    pair_columns,
    perturbation_tensor,
    rows_of_split,
)
from deblend.reiman2019.images import open_frames
from deblend.reiman2019.predict import load_generator, predict, to_unit
from deblend.seeds import generator as random_generator
from deblend.training.torch_backend import move_to_device
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio
from torch import nn

log = logging.getLogger(__name__)


#: Sigma (pixels) of the Gaussian smoothing before the brightest galaxy is searched for.
SMOOTHING_PX = 2.0


def draw_groups(
    seed: int, images: str, rows: np.ndarray, n: int, n_galaxies: int, config: PerturbConfig
) -> list[pd.DataFrame]:
    """Draw groups of different galaxies.

    Parameters
    ----------
    seed : int
    images : str
        Name of the set of images: part of the seed.
    rows : ndarray of int
        Frames to choose from.
    n : int
        Number of groups.
    n_galaxies : int
        Galaxies of a group, at least two.
    config : PerturbConfig

    Returns
    -------
    list of DataFrame
        A table of pairs (see `deblend.reiman2019.blends.draw_pairs`) for each galaxy but the
        central one; `central` is the same in all tables.
    """
    columns: dict[str, np.ndarray] = {}  # shape (group, companion)
    for i in range(n):
        rng = random_generator(seed, "reiman2019 groups", images, n_galaxies, i)
        chosen = rng.choice(rows, n_galaxies, replace=False)
        drawn = pair_columns(rng, rows, n_galaxies - 1, config)
        drawn |= {"central": np.full(n_galaxies - 1, chosen[0]), "companion": chosen[1:]}
        for name, values in drawn.items():
            columns.setdefault(name, np.empty((n, n_galaxies - 1), values.dtype))[i] = values
    return [
        pd.DataFrame({name: values[:, k] for name, values in columns.items()})
        for k in range(n_galaxies - 1)
    ]


def render_groups(
    frames: np.ndarray, tables: list[pd.DataFrame], config: PerturbConfig
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blends of several galaxies, and the true image of each galaxy.

    Parameters
    ----------
    frames : ndarray of uint8, shape (n, height, width, 3)
    tables : list of DataFrame
        From `draw_groups`.
    config : PerturbConfig

    Returns
    -------
    blends : Tensor, shape (n, 3, side, side)
        In [0, 1].
    truth : Tensor, shape (n, n_galaxies, 3, side, side)
        In [-1, 1], the central galaxy first.
    """
    layers: list[torch.Tensor] = []
    for table in tables:
        central, companion = (
            torch.from_numpy(np.ascontiguousarray(frames[table[name].to_numpy()]))
            for name in ("central", "companion")
        )
        pair = blend(central, companion, perturbation_tensor(table), config)[1]
        layers += list(pair.unbind(1)) if not layers else [pair[:, 1]]
    truth = torch.stack(layers, dim=1)
    light = (truth + 1) / 2
    mixed = light.amax(dim=1) if config.blending == "max" else light.sum(dim=1).clamp(max=1)
    return mixed, truth


def brightest_pixel(image: torch.Tensor) -> tuple[int, int]:
    """Row and column of the brightest pixel of an image (3, y, x) after smoothing."""
    smooth = gaussian_filter(image.mean(dim=0).numpy(), SMOOTHING_PX)
    row, column = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
    return int(row), int(column)


def shift_image(image: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Shift an image (..., y, x) by whole pixels; pixels without a source become 0 (black)."""
    result = torch.zeros_like(image)
    height, width = image.shape[-2:]
    axes = ((rows, height), (columns, width))
    target = [slice(max(d, 0), max(n + min(d, 0), 0)) for d, n in axes]
    source = [slice(max(-d, 0), max(n - max(d, 0), 0)) for d, n in axes]
    result[..., target[0], target[1]] = image[..., source[0], source[1]]
    return result


def _inside_after_shift(image: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Mask of the pixels of an image that a shift does not move out of the frame."""
    inside = shift_image(torch.ones_like(image), rows, columns)
    return shift_image(inside, -rows, -columns) > 0.5


def deblend_iteratively(
    generator: nn.Module,
    blends: torch.Tensor,
    n_galaxies: int,
    device: torch.device,
    precision: str = "float32",
    *,
    orientations: int = 1,
) -> torch.Tensor:
    """Separate blends into several galaxies, one after the other.

    Each round separates the galaxy at the centre from all others, then shifts the image of the
    others so that the brightest one comes to the centre. After the last round, the image of the
    others shows the last galaxy only.

    Parameters
    ----------
    generator : Generator
    blends : Tensor, shape (n, 3, side, side)
        In [0, 1], one galaxy at the centre.
    n_galaxies : int
        Two or more.
    device, precision
        See `deblend.training.torch_backend`.
    orientations : int
        See `deblend.reiman2019.predict.predict`.

    Returns
    -------
    Tensor, shape (n, n_galaxies, 3, side, side)
        In [-1, 1], in the order in which the galaxies were separated.
    """
    side = blends.shape[-1]
    rest, galaxies = blends, []
    shifts = [(0, 0)] * len(blends)
    for round_number in range(n_galaxies - 1):
        if round_number:
            centres = [brightest_pixel(image) for image in rest]
            shifts = [(side // 2 - row, side // 2 - column) for row, column in centres]
        centred = torch.stack(
            [shift_image(x, *shift) for x, shift in zip(rest, shifts, strict=True)]
        )
        separated = (
            predict(generator, centred, device, precision, orientations=orientations) + 1
        ) / 2
        shifted_back = torch.stack(
            [shift_image(x, -row, -col) for x, (row, col) in zip(separated, shifts, strict=True)]
        )
        galaxies.append(shifted_back[:, 0])
        # The generator has not seen the pixels that the shift moved out of the frame: keep them.
        seen = torch.stack([_inside_after_shift(rest[0], *shift) for shift in shifts])
        rest = torch.where(seen, shifted_back[:, 1], rest)
    return 2 * torch.stack([*galaxies, rest], dim=1) - 1


def group_scores(
    predicted: np.ndarray, truth: np.ndarray, blends: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray]:
    """PSNR of each galaxy of each group, and of the blend taken as the image of the galaxy.

    The central galaxy is always separated first. The order of the others depends on their
    brightness: they are matched with the true galaxies so that the mean PSNR is greatest.

    Parameters
    ----------
    predicted, truth : ndarray, shape (n, n_galaxies, y, x, 3)
        In [0, 1].
    blends : ndarray, shape (n, y, x, 3)

    Returns
    -------
    scores : DataFrame
        `blend`, `galaxy` (0: central), `taken` (round in which the galaxy was separated),
        `psnr_db`, `psnr_blend_db`.
    matched : ndarray, shape of `predicted`
        Images in the order of the true galaxies.
    """

    def psnr(image: np.ndarray, true: np.ndarray) -> float:
        return float(peak_signal_noise_ratio(true, image, data_range=1))

    n, n_galaxies = truth.shape[:2]
    matched, rows = np.empty_like(predicted), []
    for i in range(n):
        psnr_table = np.array([[psnr(p, t) for p in predicted[i]] for t in truth[i]])
        orders = [(0, *rest) for rest in itertools.permutations(range(1, n_galaxies))]
        best_order = max(
            orders, key=lambda order: sum(psnr_table[g, k] for g, k in enumerate(order))
        )
        for galaxy, taken in enumerate(best_order):
            matched[i, galaxy] = predicted[i, taken]
            rows.append(
                (i, galaxy, taken, psnr_table[galaxy, taken], psnr(blends[i], truth[i, galaxy]))
            )
    columns = ["blend", "galaxy", "taken", "psnr_db", "psnr_blend_db"]
    return pd.DataFrame(rows, columns=columns), matched


def deblend_groups(
    frames: str | Path,
    index: str | Path,
    weights: str | Path,
    description: str | Path,
    perturbation: dict[str, Any],
    *,
    images: str,
    n_blends: int,
    n_galaxies: int,
    seed: int,
    device: torch.device,
    orientations: int = 1,
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Draw groups of test galaxies, separate them with a trained generator, and score them.

    Parameters
    ----------
    frames, index : path
        See `deblend.reiman2019.images.build_frames`.
    weights, description : path
        See `deblend.reiman2019.predict.load_generator`.
    perturbation : dict
        Options of `PerturbConfig`.
    images : str
        Name of the set of images: part of the seed of the groups.
    n_blends, n_galaxies : int
        Number of groups, and of the galaxies of each.
    seed : int
    device : torch.device
    orientations : int
        See `deblend.reiman2019.predict.predict`.

    Returns
    -------
    scores : DataFrame
        See `group_scores`.
    blends : ndarray, shape (n, y, x, 3)
        The first of them, in [0, 1]: those of a batch.
    truth, matched : ndarray, shape (n, n_galaxies, y, x, 3)
        Their true galaxies, and the image that was matched with each.
    """
    config = PerturbConfig(**perturbation)
    generator, precision = load_generator(weights, description)
    move_to_device(generator, device)
    rows = rows_of_split(pd.read_csv(index), "test")
    groups = draw_groups(seed, images, rows, n_blends, n_galaxies, config)
    opened, parts = open_frames(frames), []
    shown: list[np.ndarray] = []
    for batch in row_batches(n_blends, BATCH):
        mixed, layers = render_groups(opened, [table.iloc[batch] for table in groups], config)
        galaxies = deblend_iteratively(
            generator, mixed, n_galaxies, device, precision, orientations=orientations
        )
        blends, truth = to_unit(2 * mixed - 1), to_unit(layers)
        table, matched = group_scores(to_unit(galaxies), truth, blends)
        parts.append(table.assign(blend=table["blend"] + batch.start))
        shown = shown or [blends, truth, matched]
    scores = pd.concat(parts, ignore_index=True)
    means = scores.groupby("galaxy")[["psnr_db", "psnr_blend_db"]].mean()
    log.info("mean PSNR (dB) by galaxy, 0 for the central one:\n%s", means.to_string())
    blends, truth, matched = shown
    return scores, blends, truth, matched
