"""blend2posterior: the joint density of both fluxes, and the number of galaxies, from one image.

A residual network sums an image up in a vector, its context; a normalising flow (`zuko`) turns the
context into a joint density of the logarithms of both fluxes, for each number of galaxies. All
answers are means over the eight flips and quarter turns of the image, so that they do not depend on
how it is turned.
"""

from typing import Any

import numpy as np
import torch
import zuko
from deblend.boucaud2020.render import orient
from scipy.special import ndtri
from scipy.stats import qmc
from torch import nn

#: Flips and quarter turns of a square.
N_ORIENTATIONS = 8

#: Numbers of galaxies that are told apart: one, two, three or more.
N_CLASSES = 3

#: The image enters as asinh(image / (this times its noise)), and a third of it.
SOFTENING_SIGMA, SCALE = 2.0, 3.0

#: Length of the context, and sizes of the flow.
CONTEXT, HIDDEN, TRANSFORMS, BINS = 64, (96, 96), 3, 8

#: Draws of the density in each orientation.
DRAWS = 64

#: Scenes whose draws are made at a time.
BATCH = 64


class Residual(nn.Module):
    """Two convolutions beside a short cut.

    Parameters
    ----------
    n_in, n_out, stride : int
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        same = stride == 1 and n_in == n_out
        self.short = nn.Identity() if same else nn.Conv2d(n_in, n_out, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, n_out, y, x)."""
        return torch.relu(self.short(x) + self.body(x))


class PosteriorNetwork(nn.Module):
    """Context of an image, logits of the number of galaxies, and the flow.

    Parameters
    ----------
    filters : int
        Channels at half the resolution; twice and four times as many at a quarter and an eighth.
    blocks : int
        Residual blocks at each resolution.
    dropout : float
        Share of the context's inputs that are left out in training.
    """

    log_mean: torch.Tensor
    log_std: torch.Tensor

    def __init__(self, filters: int, blocks: int, dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(2, filters, 5, 2, 2, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
        ]
        n_in = filters
        for level in range(3):
            n_out = filters * 2**level
            for block in range(blocks):
                layers.append(Residual(n_in, n_out, 2 if level and not block else 1))
                n_in = n_out
        self.trunk = nn.Sequential(*layers)
        self.summary = nn.Sequential(
            nn.Linear(3 * n_in, 4 * CONTEXT),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4 * CONTEXT, CONTEXT),
        )
        self.number = nn.Sequential(nn.ReLU(), nn.Linear(CONTEXT, N_CLASSES))
        # Its size is always the same, and zuko cannot plan it without memory.
        with torch.device("cpu"):
            self.flow = zuko.flows.NSF(
                2, CONTEXT + N_CLASSES, bins=BINS, transforms=TRANSFORMS, hidden_features=HIDDEN
            )
        # Mean and standard deviation of the logarithms of the fluxes (counts/s) of the training.
        self.register_buffer("log_mean", torch.zeros(2))
        self.register_buffer("log_std", torch.ones(2))

    def context(self, images: torch.Tensor) -> torch.Tensor:
        """Context (n, CONTEXT) of images (n, y, x) in units of their noise."""
        stretched = torch.asinh(images / SOFTENING_SIGMA) / SCALE
        radius = _radius(images.shape[-1], images.device).expand_as(stretched)
        features = self.trunk(torch.stack([stretched, radius], dim=1))
        half = features.shape[-1] // 2
        centre = features[:, :, half - 1 : half + 1, half - 1 : half + 1]
        pooled = [features.mean((2, 3)), features.amax((2, 3)), centre.mean((2, 3))]
        return self.summary(torch.cat(pooled, dim=1))

    def density(self, context: torch.Tensor, number: torch.Tensor) -> Any:
        """Density of both normalised log fluxes, given the class of the number of galaxies (n,)."""
        classes = nn.functional.one_hot(number, N_CLASSES).to(context.dtype)
        return self.flow(torch.cat([context, classes], dim=-1))

    def loss(
        self, images: torch.Tensor, fluxes: torch.Tensor, number: torch.Tensor, dummy: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Negative log likelihoods of fluxes and of the number of galaxies.

        Parameters
        ----------
        images : Tensor, shape (n, y, x)
            In units of the noise.
        fluxes : Tensor, shape (n, 2)
            Central galaxy and companion, counts/s.
        number : Tensor of int, shape (n,)
            0: one galaxy, 1: two, 2: three or more.
        dummy : Tensor, shape (n,)
            Normal random numbers that stand for the companion where there is none.
        """
        target = (torch.log(fluxes) - self.log_mean) / self.log_std
        companion = torch.where(number == 0, dummy, target[:, 1])
        context = self.context(images)
        target = torch.stack([target[:, 0], companion], dim=1)
        of_fluxes = -self.density(context, number).log_prob(target).mean()
        return of_fluxes, nn.functional.cross_entropy(self.number(context), number)


class Answer:
    """What a network says about scenes, before it is calibrated.

    Attributes
    ----------
    draws : ndarray, shape (n, 2, m)
        Sorted draws of the fluxes of central galaxy and companion, counts/s. The companion's are
        those if there is one.
    correlation : ndarray, shape (n,)
        Of the logarithms of both fluxes, if there are two.
    logits : ndarray, shape (n, orientation, N_CLASSES)
    context : ndarray, shape (n, CONTEXT)
        Mean over the orientations.
    """

    def __init__(
        self, draws: np.ndarray, correlation: np.ndarray, logits: np.ndarray, context: np.ndarray
    ) -> None:
        self.draws, self.correlation = draws, correlation
        self.logits, self.context = logits, context


def turned(images: np.ndarray) -> np.ndarray:
    """Images (n, y, x) in all orientations about their central pixel: (n, orientation, y, x)."""
    out = np.empty((len(images), N_ORIENTATIONS, *images.shape[1:]), np.float32)
    for i, image in enumerate(images):
        for k in range(N_ORIENTATIONS):
            out[i, k] = orient(image, k)
    return out


def answer(
    network: PosteriorNetwork,
    images: np.ndarray,
    device: torch.device,
    temperature: float = 1.0,
    bias: np.ndarray | None = None,
) -> Answer:
    """Apply a network to images.

    Parameters
    ----------
    network : PosteriorNetwork
        In the mode of evaluation.
    images : ndarray, shape (n, y, x)
        In units of the noise; one galaxy is at pixel (y // 2, x // 2).
    device : torch.device
    temperature, bias : float, ndarray
        Of the number of galaxies, see `deblend.benchmark.posterior_calibration`.

    Notes
    -----
    The draws are of fixed points (Sobol), so that they are the same each time.
    """
    points, parts = _points(), []
    shift = torch.zeros(N_CLASSES) if bias is None else torch.from_numpy(np.float32(bias))
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            views = torch.from_numpy(turned(images[start : start + BATCH])).to(device)
            context = network.context(views.flatten(0, 1))
            logits = network.number(context)
            used = logits / temperature + shift.to(device)
            parts.append((*_draws(network, context, used, points), logits, context))
    shape = (len(images), N_ORIENTATIONS, -1)
    arrays = [torch.cat([part[k] for part in parts]).cpu().numpy() for k in range(4)]
    draws, correlation, every_logits, every_context = arrays
    return Answer(
        draws, correlation, every_logits.reshape(shape), every_context.reshape(shape).mean(axis=1)
    )


def _draws(
    network: PosteriorNetwork, context: torch.Tensor, logits: torch.Tensor, points: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws of both fluxes and their correlation, from contexts of all orientations."""
    n = len(context) // N_ORIENTATIONS
    share = torch.softmax(logits, -1).reshape(n, N_ORIENTATIONS, 1, N_CLASSES)
    uniform = torch.from_numpy(points[..., 2]).to(context)[None, ..., None]
    normal = torch.from_numpy(points[..., :2]).to(context).expand(n, -1, -1, -1)
    rows = context.reshape(n, N_ORIENTATIONS, 1, -1).expand(-1, -1, points.shape[1], -1)

    def logarithms(share: torch.Tensor) -> torch.Tensor:
        edges = share.cumsum(-1)[..., :-1] / share.sum(-1, keepdim=True)
        number = (uniform > edges).sum(-1)
        flow = network.density(rows, number)
        return flow.transform.inv(normal).flatten(1, 2) * network.log_std + network.log_mean

    central = logarithms(share)[..., 0]
    # The companion's flux is asked for only if there is one.
    several = share * torch.tensor([0.0, 1.0, 1.0], device=share.device)
    both = logarithms(several + 1e-12 * torch.tensor([0.0, 1.0, 1.0], device=share.device))
    away = both - both.mean(1, keepdim=True)
    spread = away.square().sum(1).prod(-1).sqrt()
    correlation = away.prod(-1).sum(1) / spread.clamp_min(1e-30)
    draws = torch.stack([central, both[..., 1]], dim=1).sort(-1).values
    return draws.exp(), correlation


def _points() -> np.ndarray:
    """Two normal numbers and a uniform one for each draw: shape (orientation, DRAWS, 3)."""
    sobol = qmc.Sobol(3, seed=0).random(N_ORIENTATIONS * DRAWS)
    sobol = np.clip(sobol, 1e-6, 1 - 1e-6).reshape(N_ORIENTATIONS, DRAWS, 3)
    sobol[..., :2] = ndtri(sobol[..., :2])
    return sobol.astype(np.float32)


def _radius(side: int, device: torch.device) -> torch.Tensor:
    """Distance of each pixel from the central one, in half sides."""
    y = torch.arange(side, device=device, dtype=torch.float32) - side // 2
    return torch.hypot(y[:, None], y[None, :]) / (side / 2)
