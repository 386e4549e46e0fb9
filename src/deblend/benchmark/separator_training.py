"""Train the copy-gate separator on sums of two stamps, for the benchmark."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deblend.benchmark.methods.separator import COLOURS, stretched
from deblend.benchmark.sets import blend_rules
from deblend.boucaud2020.blends import draw_blends
from deblend.boucaud2020.config import BlendConfig
from deblend.boucaud2020.render import render, render_components
from deblend.boucaud2020.training_stamps import TrainingStamps, open_for_training
from deblend.data.stamps import Stamps
from deblend.files import write_json
from deblend.reiman2019.networks import CopyGateGenerator
from deblend.tables import write_csv
from deblend.training.ahead import made_ahead
from deblend.training.fingerprints import fingerprint
from deblend.training.loop import Loop
from deblend.training.outputs import training_outputs
from deblend.training.torch_checkpoint import Checkpoint, write_weights
from torch import nn

#: Softening of the stretch in units of the noise of a stamp, and the pixel that becomes 1
#: (counts/s).
SOFTENING_SIGMA, LIMIT = 3.0, 10.0

#: Iterations whose blends are drawn at once.
AT_ONCE = 50

#: Rows of the history.
ROWS = 50

#: Largest norm of the gradient.
NORM_MAX = 1.0


class Batches:
    """Blends of training galaxies and both galaxies alone, stretched.

    Parameters
    ----------
    stamps : Stamps
        Cleaned stamps with their splits.
    blending : BlendConfig
    companion_edge : str
        See `deblend.boucaud2020.render.render`.
    batch_size, seed : int
    """

    def __init__(
        self,
        stamps: Stamps,
        blending: BlendConfig,
        *,
        companion_edge: str,
        batch_size: int,
        seed: int,
    ) -> None:
        self._stamps, self._galaxies = TrainingStamps(stamps, masks=False), stamps.galaxies
        self._side = stamps.images.shape[-1]
        self._rows = np.flatnonzero((stamps.galaxies["split"] == "train").to_numpy())
        self._blending, self._edge = blending, companion_edge
        self._n, self._seed = batch_size, seed
        self._sigma, self._correlation = stamps.noise()
        self._drawn: tuple[int, pd.DataFrame] = (-1, pd.DataFrame())
        self.stretch = (SOFTENING_SIGMA * self._sigma, LIMIT)

    def _draw(self, number: int) -> pd.DataFrame:
        """The blends of `AT_ONCE` iterations."""
        size = AT_ONCE * self._n
        return draw_blends(
            self._galaxies,
            self._rows,
            number * size,
            (number + 1) * size,
            stamp_size=self._side,
            seed=self._seed,
            split="train",
            config=self._blending,
        )

    @property
    def n_galaxies(self) -> int:
        """Number of training galaxies."""
        return len(self._rows)

    def batch(self, iteration: int) -> tuple[np.ndarray, np.ndarray]:
        """Blends (n, y, x) and galaxies (n, 2, y, x) of an iteration, whatever came before it."""
        number, place = divmod(iteration, AT_ONCE)
        if self._drawn[0] != number:
            self._drawn = number, self._draw(number)
        blends = self._drawn[1].iloc[place * self._n : (place + 1) * self._n]
        stamps, _, numbered = self._stamps.of(blends)
        images = render(
            stamps,
            numbered,
            companion_edge=self._edge,
            noise_sigma=self._sigma,
            noise_correlation=self._correlation,
        )
        alone = render_components(stamps, numbered)
        return stretched(images, *self.stretch), stretched(alone, *self.stretch)


class Trainer:
    """Generator and optimizer, which a checkpoint contains.

    Parameters
    ----------
    entry : dict
        Of the method: `deblend.benchmark.config.Separator`.
    device : torch.device
    seed : int
    """

    optimizers: dict[str, torch.optim.Adam]
    panels: list[np.ndarray]

    def __init__(self, entry: Mapping[str, Any], device: torch.device, seed: int) -> None:
        torch.manual_seed(seed)
        self.device = device
        self.generator = CopyGateGenerator(entry["filters"], entry["levels"]).to(device)
        adam = torch.optim.Adam(self.generator.parameters(), lr=entry["learning_rate"])
        self.optimizers, self.panels = {"generator": adam}, []
        self._rate, self._total = entry["learning_rate"], entry["iterations"]

    def networks(self) -> dict[str, nn.Module]:
        """Networks by name."""
        return {"generator": self.generator}

    def state(self) -> dict[str, Any]:
        """Nothing but what the checkpoint keeps by itself."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing is to be restored."""

    def rate(self, iteration: int) -> float:
        """Learning rate, which falls to 0 like a cosine."""
        return self._rate * 0.5 * (1 + math.cos(math.pi * iteration / self._total))

    def step(self, iteration: int, images: np.ndarray, alone: np.ndarray) -> torch.Tensor:
        """One step of the optimizer; the mean squared error before it."""
        adam = self.optimizers["generator"]
        for group in adam.param_groups:
            group["lr"] = self.rate(iteration)
        blends = torch.from_numpy(images.astype(np.float32)).to(self.device)
        truth = torch.from_numpy(alone.astype(np.float32)).to(self.device)
        made = self.generator(blends[:, None].expand(-1, COLOURS, -1, -1))
        loss = (((made.mean(dim=2) + 1) / 2 - truth) ** 2).mean()
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.generator.parameters(), NORM_MAX)
        adam.step()
        return loss.detach()


def train(
    trainer: Trainer, batches: Batches, checkpoint: Checkpoint, *, iterations: int, batch_size: int
) -> tuple[pd.DataFrame, float]:
    """Train, or go on after an interruption.

    Returns
    -------
    history : DataFrame
        `iteration`, `mse` (mean since the last row) and `learning_rate`.
    seconds : float

    Raises
    ------
    DeblendError
        The loss is not finite.
    """
    every = max(1, iterations // ROWS)
    loop = Loop(
        checkpoint, trainer, total=iterations, images=batch_size, unit="iteration", save_every=every
    )
    trainer.generator.train()
    loop_start = loop.done
    losses: list[torch.Tensor] = []
    made = made_ahead(lambda k: batches.batch(loop_start + k), iterations - loop_start)
    for iteration in loop:
        losses.append(trainer.step(iteration, *next(made)))
        loop.step(1, mse=losses[-1])
        done = iteration + 1
        if done % every == 0 or done == iterations:
            mean, rate = float(torch.stack(losses).mean()), trainer.rate(iteration)
            loop.check({"mse": mean}, rate)
            loop.record({"iteration": done, "mse": mean, "learning_rate": rate})
            losses = []
    return loop.finish()


def train_and_write(
    outputs: Mapping[str, str | Path],
    stamps: str | Path,
    entry: Mapping[str, Any],
    blending: Mapping[str, Any],
    *,
    dataset: str,
    device: torch.device,
    seed: int,
    checkpoint: str | Path,
    code: str,
    recorded: dict[str, Any],
) -> None:
    """Train the separator of an entry under `benchmark > methods`, and write it.

    Parameters
    ----------
    outputs : dict of path
        `weights`, `description`, `history`, `timing`.
    stamps : path
        Cleaned stamps of the data set.
    entry : dict
        Of the method.
    blending : dict
        `delta_mag_max`, `shift_rule` and `companion_edge`.
    dataset : str
        Name of the data set, which is recorded.
    device : torch.device
    seed : int
    checkpoint : path
        State of the training, which is removed when all is written.
    code : str
        Digest of the code.
    recorded : dict
        `scale`, `threads` and versions, for the description.
    """
    data = open_for_training(stamps, masks=False)
    batches = Batches(
        data,
        blend_rules(blending),
        companion_edge=blending["companion_edge"],
        batch_size=entry["batch_size"],
        seed=seed,
    )
    trainer = Trainer(entry, device, seed)
    state = fingerprint(
        {"entry": dict(entry), "blending": dict(blending), "seed": seed, "code": code}, [stamps]
    )
    history, seconds = train(
        trainer,
        batches,
        Checkpoint(checkpoint, state),
        iterations=entry["iterations"],
        batch_size=entry["batch_size"],
    )
    band = data.bands.iloc[0]
    record = {
        **{key: entry[key] for key in ("filters", "levels", "batch_size")},
        "learning_rate": entry["learning_rate"],
        "stamp_size": data.images.shape[-1],
        "pixel_scale_arcsec": float(band.pixel_scale_arcsec),
        "zero_point": float(band.zero_point),
        "softening": batches.stretch[0],
        "limit": batches.stretch[1],
        "dataset": dataset,
        "n_train_galaxies": batches.n_galaxies,
        "seed": seed,
        "n_iterations": entry["iterations"],
        "seconds": seconds,
    }
    with training_outputs(outputs["timing"], record, recorded, [checkpoint]) as description:
        write_weights(outputs["weights"], trainer.generator)
        write_json(outputs["description"], description)
        write_csv(outputs["history"], history)
