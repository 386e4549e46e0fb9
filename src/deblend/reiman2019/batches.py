"""Batches of training blends (Reiman & Goehre 2019).

The random numbers of an iteration depend only on its number. Frames are memory-mapped files; a
thread reads those of the next iterations while the device is busy.
"""

import queue
import threading
from collections import abc

import numpy as np
import pandas as pd
import torch
from deblend.reiman2019.blends import PerturbConfig, blend, draw_pairs, perturbation_tensor
from deblend.seeds import generator as random_generator


class PairSource:
    """Training blends of each iteration; a thread reads their frames ahead.

    Parameters
    ----------
    frames : ndarray of uint8, shape (n, height, width, 3)
        Can be memory-mapped.
    rows : ndarray of int
        Frames of the training split.
    config : PerturbConfig
    seed, batch_size : int
    n_blends : int, optional
        Number of different blends, which are seen in a new order in each epoch; None: every
        iteration draws new ones.
    augment : bool
        Flip and transpose the central galaxies at random.
    """

    #: Iterations that are read ahead.
    N_AHEAD = 4

    def __init__(
        self,
        frames: np.ndarray,
        rows: np.ndarray,
        config: PerturbConfig,
        *,
        seed: int,
        batch_size: int,
        n_blends: int | None = None,
        augment: bool = False,
    ) -> None:
        self.frames, self.rows, self.config = frames, rows, config
        self.seed, self.batch_size, self.augment = seed, batch_size, augment
        self.fixed: pd.DataFrame | None = None
        if n_blends is not None:
            rng = random_generator(seed, "reiman2019 training blends", n_blends)
            self.fixed = draw_pairs(rng, rows, n_blends, config)
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, int))

    def batch(self, iteration: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Central frames, companion frames (n, height, width, 3) and perturbations (n, 6)."""
        rng = random_generator(self.seed, "reiman2019 training", iteration)
        if self.fixed is None:
            pairs = draw_pairs(rng, self.rows, self.batch_size, self.config)
        else:
            first = iteration * self.batch_size
            numbers = [
                self._number(i, len(self.fixed)) for i in range(first, first + self.batch_size)
            ]
            pairs = self.fixed.iloc[numbers]
        central, companion = (
            torch.from_numpy(np.ascontiguousarray(self.frames[pairs[name].to_numpy()]))
            for name in ("central", "companion")
        )
        if self.augment:
            # Drawn after the pairs, which are thus the same with and without it.
            central = turn(central, rng.integers(8, size=len(central)))
        return central, companion, perturbation_tensor(pairs)

    def _number(self, position: int, n: int) -> int:
        """Number of the fixed blend at a position in the endless row of shuffled epochs."""
        epoch, place = divmod(position, n)
        if self._order[0] != epoch:
            rng = random_generator(self.seed, "reiman2019 order", epoch)
            self._order = epoch, rng.permutation(n)
        return self._order[1][place]

    def batches(
        self, start: int, stop: int, device: torch.device
    ) -> abc.Generator[tuple[torch.Tensor, torch.Tensor]]:
        """Blends and true images of the iterations start to stop - 1.

        See `deblend.reiman2019.blends.blend`.
        """
        ready: queue.Queue = queue.Queue(self.N_AHEAD)
        stopping = threading.Event()

        def put(item: object) -> None:
            while not stopping.is_set():
                try:
                    ready.put(item, timeout=0.5)
                    break
                except queue.Full:
                    continue

        def read() -> None:
            try:
                for iteration in range(start, stop):
                    if stopping.is_set():
                        return
                    tensors = self.batch(iteration)
                    put([t.pin_memory() for t in tensors] if device.type == "cuda" else tensors)
            except BaseException as error:  # raised again by the thread that waits for the item
                put(error)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            for _ in range(start, stop):
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                central, companion, perturbations = (t.to(device, non_blocking=True) for t in item)
                yield blend(central, companion, perturbations, self.config)
        finally:
            stopping.set()
            thread.join()


def turn(images: torch.Tensor, ways: np.ndarray) -> torch.Tensor:
    """Flip and transpose square images (n, side, side, 3).

    Parameters
    ----------
    images : Tensor
    ways : ndarray of int, shape (n,)
        From 0 to 7, one for each symmetry of a square: bits for two flips and a transpose. 0 leaves
        an image as it is.
    """
    turned = []
    for image, way in zip(images, ways, strict=True):
        axes = [axis for axis in (0, 1) if way >> axis & 1]
        flipped = image.flip(axes) if axes else image
        turned.append(flipped.transpose(0, 1) if way & 4 else flipped)
    return torch.stack(turned)
