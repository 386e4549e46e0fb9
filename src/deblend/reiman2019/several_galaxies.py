"""More than two galaxies: deblend the central one, recentre what is left, and go on.

The scheme that Reiman & Goehre 2019 sketch at the end of Sect. 2.3.
"""

import itertools

import numpy as np
import pandas as pd
import torch
from deblend.reiman2019.blends import PerturbConfig, blend, draw_pairs, draws_of
from deblend.reiman2019.training import predict
from deblend.seeds import generator as random_generator
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio
from torch import nn

#: Width, in pixels, of the smoothing before the brightest galaxy is looked for.
SMOOTHING_PX = 2.0


def draw_groups(
    seed: int, images: str, rows: np.ndarray, n: int, n_galaxies: int, config: PerturbConfig
) -> list[pd.DataFrame]:
    """Groups of different galaxies: a table of pairs for each galaxy after the central one.

    Returns
    -------
    list of DataFrame
        See `deblend.reiman2019.blends.draw_pairs`; `central` is the same in all.
    """
    groups = []
    for i in range(n):
        rng = random_generator(seed, "reiman2019 groups", images, n_galaxies, i)
        chosen = rng.choice(rows, n_galaxies, replace=False)
        pairs = draw_pairs(rng, rows, n_galaxies - 1, config)
        groups.append(pairs.assign(central=chosen[0], companion=chosen[1:]))
    return [
        pd.concat([group.iloc[[k]] for group in groups], ignore_index=True)
        for k in range(n_galaxies - 1)
    ]


def render_groups(
    frames: np.ndarray, tables: list[pd.DataFrame], config: PerturbConfig
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blends of several galaxies, and the galaxies.

    Returns
    -------
    blends : Tensor, shape (n, 3, side, side)
        In [0, 1].
    truth : Tensor, shape (n, n_galaxies, 3, side, side)
        In [-1, 1], the central one first.
    """
    layers: list[torch.Tensor] = []
    for table in tables:
        central, companion = (
            torch.from_numpy(np.ascontiguousarray(frames[table[name].to_numpy()]))
            for name in ("central", "companion")
        )
        pair = blend(central, companion, draws_of(table), config)[1]
        layers += list(pair.unbind(1)) if not layers else [pair[:, 1]]
    truth = torch.stack(layers, dim=1)
    light = (truth + 1) / 2
    mixed = light.amax(dim=1) if config.blending == "max" else light.sum(dim=1).clamp(max=1)
    return mixed, truth


def brightest(image: torch.Tensor) -> tuple[int, int]:
    """Row and column of the brightest place of an image (3, y, x), smoothed."""
    smooth = gaussian_filter(image.mean(dim=0).numpy(), SMOOTHING_PX)
    row, column = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
    return int(row), int(column)


def shifted(image: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """An image (..., y, x) moved by whole pixels; what comes in is black (0)."""
    moved = torch.zeros_like(image)
    height, width = image.shape[-2:]
    sizes = ((rows, height), (columns, width))
    to = [slice(max(d, 0), max(n + min(d, 0), 0)) for d, n in sizes]
    since = [slice(max(-d, 0), max(n - max(d, 0), 0)) for d, n in sizes]
    moved[..., to[0], to[1]] = image[..., since[0], since[1]]
    return moved


def _seen(image: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Which pixels of an image are still in the frame after a shift."""
    there = shifted(torch.ones_like(image), rows, columns)
    return shifted(there, -rows, -columns) > 0.5


def deblend_iteratively(
    generator: nn.Module,
    blends: torch.Tensor,
    n_galaxies: int,
    device: torch.device,
    precision: str = "float32",
) -> torch.Tensor:
    """Take galaxies out of blends one after the other.

    Each round deblends the galaxy at the centre from all others, then shifts the image of the
    others so that the brightest of them comes to the centre. The last image of the others is the
    last galaxy.

    Parameters
    ----------
    generator : Generator
    blends : Tensor, shape (n, 3, side, side)
        In [0, 1], one galaxy at the centre.
    n_galaxies : int
        Two or more.
    device, precision
        See `deblend.training.torch_backend`.

    Returns
    -------
    Tensor, shape (n, n_galaxies, 3, side, side)
        In [-1, 1], in the order in which they were taken out.
    """
    side = blends.shape[-1]
    rest, found = blends, []
    moves = [(0, 0)] * len(blends)
    for number in range(n_galaxies - 1):
        if number:
            places = [brightest(image) for image in rest]
            moves = [(side // 2 - row, side // 2 - column) for row, column in places]
        centred = torch.stack([shifted(x, *move) for x, move in zip(rest, moves, strict=True)])
        both = (predict(generator, centred, device, precision) + 1) / 2
        back = torch.stack(
            [shifted(x, -row, -col) for x, (row, col) in zip(both, moves, strict=True)]
        )
        found.append(back[:, 0])
        # What recentring moved out of the frame, the generator has not seen: it is still there.
        seen = torch.stack([_seen(rest[0], *move) for move in moves])
        rest = torch.where(seen, back[:, 1], rest)
    return 2 * torch.stack([*found, rest], dim=1) - 1


def group_scores(
    predicted: np.ndarray, truth: np.ndarray, blends: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray]:
    """PSNR of each galaxy of each group, and of the blend taken as the answer.

    The central galaxy is the first to be taken out. The others come in an order that the scheme
    chooses: they are given to the true ones so that the mean PSNR is greatest.

    Parameters
    ----------
    predicted, truth : ndarray, shape (n, n_galaxies, y, x, 3)
        In [0, 1].
    blends : ndarray, shape (n, y, x, 3)

    Returns
    -------
    scores : DataFrame
        `blend`, `galaxy` (0: central), `taken` (round in which its image came out), `psnr_db`,
        `psnr_blend_db`.
    matched : ndarray, shape of `predicted`
        Images in the order of the true galaxies.
    """

    def psnr(image: np.ndarray, true: np.ndarray) -> float:
        return float(peak_signal_noise_ratio(true, image, data_range=1))

    n, n_galaxies = truth.shape[:2]
    matched, rows = np.empty_like(predicted), []
    for i in range(n):
        table = np.array([[psnr(p, t) for p in predicted[i]] for t in truth[i]])
        orders = [(0, *rest) for rest in itertools.permutations(range(1, n_galaxies))]
        best = max(orders, key=lambda order: sum(table[g, k] for g, k in enumerate(order)))
        for galaxy, taken in enumerate(best):
            matched[i, galaxy] = predicted[i, taken]
            rows.append((i, galaxy, taken, table[galaxy, taken], psnr(blends[i], truth[i, galaxy])))
    columns = ["blend", "galaxy", "taken", "psnr_db", "psnr_blend_db"]
    return pd.DataFrame(rows, columns=columns), matched
