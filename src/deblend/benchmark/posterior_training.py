"""Train blend2posterior on the training galaxies of a data set."""

import copy
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deblend.benchmark.posterior_network import PosteriorNetwork
from deblend.benchmark.posterior_scenes import TrainingScenes, rules_of
from deblend.boucaud2020.training_stamps import open_for_training
from deblend.data.ranges import galaxy_ranges
from deblend.files import write_json
from deblend.tables import write_csv
from deblend.training.fingerprints import fingerprint
from deblend.training.loop import Loop
from deblend.training.outputs import training_outputs
from deblend.training.torch_checkpoint import Checkpoint, write_weights
from torch import nn

#: Rows of the history.
ROWS = 50

#: Largest norm of the gradient.
NORM_MAX = 5.0

#: Share of the iterations in which the learning rate rises to its largest value.
WARM_UP = 0.05

#: Memory of the mean of the weights, iterations.
MEAN_ITERATIONS = 500

#: Validation scenes whose losses stand in the history, and those that are evaluated at a time.
N_VALIDATED, VALIDATED_AT_ONCE = 1000, 250

#: Processes that make scenes while a GPU trains, at most: no more than the threads of the job.
WORKERS = 6


class Trainer:
    """Network, the mean of its weights, and optimizer, which a checkpoint contains.

    Parameters
    ----------
    entry : dict
        Of the method: `deblend.benchmark.config.Blend2Posterior`.
    fluxes : ndarray
        Of the training galaxies, counts/s.
    device : torch.device
    seed : int
    """

    optimizers: dict[str, torch.optim.Adam]
    panels: list[np.ndarray]

    def __init__(
        self, entry: Mapping[str, Any], fluxes: np.ndarray, device: torch.device, seed: int
    ) -> None:
        torch.manual_seed(seed)
        self.device = device
        self.network = PosteriorNetwork(entry["filters"], entry["blocks"], entry["dropout"])
        logs = np.log(fluxes)
        self.network.log_mean.fill_(float(logs.mean()))
        self.network.log_std.fill_(float(logs.std()))
        self.network.to(device)
        self.mean = copy.deepcopy(self.network)
        self._rate, self._total = entry["learning_rate"], entry["iterations"]
        adam = torch.optim.AdamW(
            self.network.parameters(), lr=self._rate, weight_decay=entry["weight_decay"]
        )
        self.optimizers, self.panels = {"network": adam}, []
        self._seed = seed

    def networks(self) -> dict[str, nn.Module]:
        """Networks by name."""
        return {"network": self.network, "mean": self.mean}

    def state(self) -> dict[str, Any]:
        """Nothing but what the checkpoint keeps by itself."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing is to be restored."""

    def rate(self, iteration: int) -> float:
        """Learning rate, which rises at first and falls to 0 like a cosine."""
        rise = min(1.0, (iteration + 1) / (WARM_UP * self._total))
        return self._rate * rise * 0.5 * (1 + math.cos(math.pi * iteration / self._total))

    def step(
        self, iteration: int, images: np.ndarray, fluxes: np.ndarray, number: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One step of the optimizer; both losses before it."""
        adam = self.optimizers["network"]
        for group in adam.param_groups:
            group["lr"] = self.rate(iteration)
        self.network.train()
        # Random numbers, of the dropout too, depend on the iteration alone.
        torch.manual_seed(self._seed + 1 + iteration)
        dummy = torch.randn(len(images))
        arrays = (torch.from_numpy(array) for array in (images, fluxes, number))
        tensors = [array.to(self.device) for array in (*arrays, dummy)]
        of_fluxes, of_number = self.network.loss(*tensors)
        adam.zero_grad(set_to_none=True)
        (of_fluxes + of_number).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), NORM_MAX)
        adam.step()
        self._average(iteration)
        return of_fluxes.detach(), of_number.detach()

    def validate(self, known: tuple[np.ndarray, np.ndarray, np.ndarray]) -> dict[str, float]:
        """Losses of the mean of the weights on images, fluxes and numbers of validation."""
        self.mean.eval()
        losses = []
        with torch.inference_mode():
            for start in range(0, len(known[0]), VALIDATED_AT_ONCE):
                part = [torch.from_numpy(a[start : start + VALIDATED_AT_ONCE]) for a in known]
                dummy = torch.zeros(len(part[0]))
                found = self.mean.loss(*[t.to(self.device) for t in (*part, dummy)])
                losses.append([float(value) * len(dummy) for value in found])
        of_fluxes, of_number = np.sum(losses, axis=0) / len(known[0])
        return {
            "validation_flux_loss": float(of_fluxes),
            "validation_number_loss": float(of_number),
        }

    def _average(self, iteration: int) -> None:
        """Move the mean towards the present weights; it forgets its beginning fast at first."""
        share = max(1 / MEAN_ITERATIONS, 1 / (1 + iteration / 10))
        with torch.no_grad():
            for mean, now in zip(
                self.mean.state_dict().values(), self.network.state_dict().values(), strict=True
            ):
                if mean.is_floating_point():
                    mean.lerp_(now, share)
                else:
                    mean.copy_(now)


class _Batches(torch.utils.data.Dataset):
    """Batches by their number, for processes that make them ahead."""

    def __init__(self, scenes: TrainingScenes, first: int, last: int, size: int) -> None:
        self._scenes, self._first, self._last, self._size = scenes, first, last, size

    def __len__(self) -> int:
        return self._last - self._first

    def __getitem__(self, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self._scenes.batch(self._first + k, self._size)


def _made(
    scenes: TrainingScenes, first: int, last: int, size: int, device: torch.device
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Batches in their order; beside a GPU other processes make them. They are the same."""
    batches = _Batches(scenes, first, last, size)
    workers = 0 if device.type == "cpu" else min(WORKERS, torch.get_num_threads())
    loader = torch.utils.data.DataLoader(
        batches, batch_size=None, num_workers=workers, collate_fn=_as_it_is
    )
    yield from loader


def _as_it_is(batch: Any) -> Any:
    """A batch of arrays, which is to stay one."""
    return batch


def train(
    trainer: Trainer,
    scenes: TrainingScenes,
    known: tuple[np.ndarray, np.ndarray, np.ndarray],
    checkpoint: Checkpoint,
    *,
    iterations: int,
    batch_size: int,
) -> tuple[pd.DataFrame, float]:
    """Train, or go on after an interruption.

    Parameters
    ----------
    trainer : Trainer
    scenes : TrainingScenes
    known : tuple of ndarray
        Images, fluxes and numbers of validation scenes.
    checkpoint : Checkpoint
    iterations, batch_size : int

    Returns
    -------
    history : DataFrame
        `iteration`, `flux_loss` and `number_loss` (means since the last row), the same of the mean
        of the weights on validation, `learning_rate`.
    seconds : float

    Raises
    ------
    DeblendError
        A loss is not finite.
    """
    every = max(1, iterations // ROWS)
    loop = Loop(
        checkpoint, trainer, total=iterations, images=batch_size, unit="iteration", save_every=every
    )
    batches = _made(scenes, loop.done, iterations, batch_size, trainer.device)
    losses: list[tuple[torch.Tensor, torch.Tensor]] = []
    for iteration in loop:
        losses.append(trainer.step(iteration, *next(batches)))
        loop.step(1, flux_loss=losses[-1][0], number_loss=losses[-1][1])
        done = iteration + 1
        if done % every == 0 or done == iterations:
            rate = trainer.rate(iteration)
            means = [float(torch.stack(values).mean()) for values in zip(*losses, strict=True)]
            found = dict(zip(("flux_loss", "number_loss"), means, strict=True))
            found |= trainer.validate(known)
            loop.check(found, rate)
            loop.record({"iteration": done, **found, "learning_rate": rate})
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
    """Train blend2posterior by an entry under `benchmark > methods`, and write it.

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
    rules = rules_of(entry, blending)
    scenes = TrainingScenes(data, rules, split="train", seed=seed)
    trainer = Trainer(entry, scenes.fluxes, device, seed)
    state = fingerprint(
        {"entry": dict(entry), "blending": dict(blending), "seed": seed, "code": code}, [stamps]
    )
    sizes = {key: entry[key] for key in ("iterations", "batch_size")}
    known = TrainingScenes(data, rules, split="validation", seed=seed).batch(0, N_VALIDATED)
    history, seconds = train(trainer, scenes, known, Checkpoint(checkpoint, state), **sizes)
    band = data.bands.iloc[0]
    record = {
        **{key: entry[key] for key in entry if key not in ("kind", "subset")},
        "stamp_size": data.images.shape[-1],
        "pixel_scale_arcsec": float(band.pixel_scale_arcsec),
        "zero_point": float(band.zero_point),
        "noise_sigma": scenes.sigma,
        **galaxy_ranges(data.galaxies, float(band.pixel_scale_arcsec)),
        **{key: blending[key] for key in ("delta_mag_max", "shift_rule", "companion_edge")},
        "dataset": dataset,
        "n_train_galaxies": scenes.n_galaxies,
        "seed": seed,
        "n_iterations": entry["iterations"],
        "seconds": seconds,
    }
    with training_outputs(outputs["timing"], record, recorded, [checkpoint]) as description:
        write_weights(outputs["weights"], trainer.mean)
        write_json(outputs["description"], description)
        write_csv(outputs["history"], history)
