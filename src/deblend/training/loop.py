"""The parts of a training loop that do not depend on the network or the framework."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, SupportsFloat

import pandas as pd
from deblend.errors import DeblendError
from deblend.training.checkpoint import Checkpoint, TraineeType
from tqdm.auto import tqdm

log = logging.getLogger(__name__)


#: Seconds between progress reports in the log, for epochs that take longer.
REPORT_INTERVAL_S = 60.0


#: Seconds between updates of the progress bar on a terminal.
BAR_INTERVAL_S = 0.5


class Loop:
    """The loop over epochs or iterations: time, history, log, progress and checkpoints.

    The constructor restores the training from its checkpoint if there is one that fits. Usage::

        for epoch in loop:
            for step in range(steps):
                ...
                loop.step(step + 1, loss=loss)
            loop.check({"loss": loss}, learning_rate)
            loop.record({"epoch": epoch + 1, "loss": loss})
        history, seconds = loop.finish()

    Parameters
    ----------
    checkpoint : Checkpoint
        The name of its file is that of the network.
    trainee : Trainee
        Object whose state the checkpoint contains.
    total : int
        Number of epochs or iterations of the complete training.
    images : int
        Number of images of an epoch or iteration.
    steps : int
        Number of steps of an epoch.
    unit : {"epoch", "iteration"}
        It is also the name of a column of the history.
    image_kind : {"blends", "stamps"}
        What the images are, for the log.
    save_every : int
        Number of epochs or iterations between checkpoints; a checkpoint is written with the next
        row that is recorded.
    on_done : callable, optional
        Called after each epoch or iteration with the number of those done.
    clock : callable
        Function that returns the time in seconds, like `time.monotonic`.

    Attributes
    ----------
    history : list of dict
        The rows that were recorded, including those before an interruption.
    """

    def __init__(
        self,
        checkpoint: Checkpoint[TraineeType],
        trainee: TraineeType,
        *,
        total: int,
        images: int,
        steps: int = 1,
        unit: str = "epoch",
        image_kind: str = "blends",
        save_every: int = 1,
        on_done: Callable[[int], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.images, self.steps = total, images, steps
        self.unit, self.image_kind = unit, image_kind
        self.name = checkpoint.path.stem
        self._checkpoint, self._trainee = checkpoint, trainee
        self._save_every, self._on_done, self._clock = save_every, on_done, clock
        record = checkpoint.load(trainee) or {"done": 0, "seconds": 0.0, "history": []}
        self.history: list[dict[str, Any]] = record["history"]
        self.done: int = record["done"]
        self._saved = self._started_from = self.done
        if self.done:
            log.info("resuming after %s %d of %s", unit, self.done, checkpoint.path)
        self._bar: tqdm | None = None
        self._steps_done = 0
        self._losses: Mapping[str, SupportsFloat] = {}
        self._resumed_at = self._stepped_at = self._reported_at = self._drawn_at = clock()
        # When training would have begun without interruptions.
        self._began_at = self._resumed_at - record["seconds"]
        # The rate is measured since the last row.
        self._row_at, self._row_done, self._rate = self._resumed_at, self.done, math.nan

    @property
    def seconds(self) -> float:
        """Duration of the training so far, including the time before interruptions."""
        return self._clock() - self._began_at

    def finish(self) -> tuple[pd.DataFrame, float]:
        """Return the history, with one row per call of `record`, and `seconds`."""
        log.info("%s: %d %ss in %.0f s", self.name, self.done, self.unit, self.seconds)
        return pd.DataFrame(self.history), self.seconds

    def __iter__(self) -> Iterator[int]:
        """Iterate over the numbers, from 0, of the epochs or iterations that are left."""
        with tqdm(
            total=self.total,
            initial=self.done,
            desc=self._progress(),
            bar_format="{desc} {bar} {percentage:3.0f}%",
            disable=None,
        ) as self._bar:
            while self.done < self.total:
                self._steps_done = 0
                yield self.done
                self._steps_done = 0
                self.done += 1
                if self.done == self.total or self._clock() - self._drawn_at >= BAR_INTERVAL_S:
                    self._draw()
                if self._on_done is not None:
                    self._on_done(self.done)

    def step(self, done: int, **losses: SupportsFloat) -> None:
        """Record how many steps of the current epoch are done, and report the progress.

        Parameters
        ----------
        done : int
        **losses
            Losses to be shown. They are converted to numbers only when they are shown, since that
            may take time.
        """
        self._steps_done, self._stepped_at = done, self._clock()
        if losses:
            self._losses = losses
        if self._stepped_at - self._reported_at >= REPORT_INTERVAL_S:
            self._reported_at = self._stepped_at
            log.info("%s", self._progress(f", step {done}/{self.steps}"))
        if self._stepped_at - self._drawn_at >= BAR_INTERVAL_S:
            self._draw()

    def check(self, losses: Mapping[str, float], learning_rate: float) -> None:
        """Stop the training if it has diverged.

        Raises
        ------
        DeblendError
            A loss is not finite.
        """
        for name, value in losses.items():
            if not math.isfinite(value):
                if self._bar is not None:
                    self._bar.close()
                raise DeblendError(
                    f"the training of {self.name} has diverged: {name} is {value} in {self.unit} "
                    f"{self.done + 1}/{self.total}, at a learning rate of {learning_rate:g}: lower "
                    "the learning rate"
                )

    def record(self, row: dict[str, Any], note: str = "") -> None:
        """Append a row to the history, save the checkpoint, and report the row in the log.

        Parameters
        ----------
        row : dict
            Plain values for the current epoch, or for the iterations since the last row.
        note : str
            Text for the log only.
        """
        done = self.done + 1
        self.history.append(row)
        # Saved before it is reported, so that an epoch that the log shows is never lost.
        if done == self.total or done // self._save_every > self._saved // self._save_every:
            self._checkpoint.save(
                self._trainee, {"done": done, "seconds": self.seconds, "history": self.history}
            )
            self._saved = done
        values = ", ".join(_text(k, v) for k, v in row.items() if k != self.unit)
        log.info(
            "%s %s %d/%d: %s%s%s",
            *(self.name, self.unit, done, self.total),
            values,
            f" ({note})" if note else "",
            self._pace(),
        )
        # The time between the last step and now, in which validation runs, does not count for the
        # rate.
        self._row_done, self._row_at = done, self._clock()
        self._reported_at = self._row_at

    def _progress(self, step: str = "") -> str:
        """Progress as text, for the progress bar and for the log within a long epoch."""
        number = min(self.done + 1, self.total)
        losses = "".join(f", {_text(k, float(v))}" for k, v in self._losses.items())
        return f"{self.name} {self.unit} {number}/{self.total}{step}{losses}{self._pace()}"

    def _pace(self) -> str:
        """Images per second since the last row, and the estimated time left, as text."""
        done = self.done + self._steps_done / self.steps
        if done > self._row_done and self._stepped_at > self._row_at:
            self._rate = (done - self._row_done) * self.images / (self._stepped_at - self._row_at)
        if math.isnan(self._rate):
            return ""
        seconds_per_unit = (self._clock() - self._resumed_at) / (done - self._started_from)
        left = timedelta(seconds=round(seconds_per_unit * (self.total - done)))
        rate = f"{self._rate:.0f}" if self._rate >= 10 else f"{self._rate:.2g}"
        return f", {rate} {self.image_kind}/s, {left} left"

    def _draw(self) -> None:
        """Update the progress bar on a terminal."""
        self._drawn_at = self._clock()
        if self._bar is not None and not self._bar.disable:
            self._bar.n = self.done + self._steps_done / self.steps
            self._bar.set_description_str(self._progress())


def _text(name: str, value: object) -> str:
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
