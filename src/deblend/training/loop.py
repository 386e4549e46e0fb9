"""The bookkeeping that every training needs, whatever is trained and with what framework."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, SupportsFloat

import pandas as pd
from deblend.errors import DeblendError
from deblend.training.checkpoint import Checkpoint, Kind
from tqdm.auto import tqdm

log = logging.getLogger(__name__)


#: Seconds between reports in the log, where an epoch takes longer.
REPORT_S = 60.0


#: Seconds between updates of the bar on a terminal.
BAR_S = 0.5


class Loop:
    """The epochs, or iterations, of a training: clock, history, log, progress and checkpoint.

    Making one restores the training from its checkpoint, where that fits. Then::

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
        Named as the network.
    trainee : Trainee
        What the checkpoint keeps.
    total : int
        Epochs, or iterations, to be done.
    images : int
        That an epoch, or iteration, trains on.
    steps : int
        Of an epoch.
    unit : {"epoch", "iteration"}
        The name that the history's column has too.
    what : {"blends", "stamps"}
        The kind of the images.
    save_every : int
        The checkpoint is written with the first row that is recorded after each so many units.
    on_done : callable, optional
        Called with the number of units done, after each.
    clock : callable
        Seconds, as `time.monotonic`.

    Attributes
    ----------
    history : list of dict
        The rows that were recorded, with those of earlier attempts.
    """

    def __init__(
        self,
        checkpoint: Checkpoint[Kind],
        trainee: Kind,
        *,
        total: int,
        images: int,
        steps: int = 1,
        unit: str = "epoch",
        what: str = "blends",
        save_every: int = 1,
        on_done: Callable[[int], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.images, self.steps, self.unit, self.what = total, images, steps, unit, what
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
        self._attempt = self._stepped = self._reported = self._drawn = clock()
        self._began = self._attempt - record["seconds"]  # had there been no interruption
        # The rate is that since the last row.
        self._row_at, self._row_done, self._rate = self._attempt, self.done, math.nan

    @property
    def seconds(self) -> float:
        """How long the training has taken, earlier attempts included."""
        return self._clock() - self._began

    def finish(self) -> tuple[pd.DataFrame, float]:
        """The whole history, a row an epoch, and how long it took: see `seconds`."""
        log.info("%s: %d %ss in %.0f s", self.name, self.done, self.unit, self.seconds)
        return pd.DataFrame(self.history), self.seconds

    def __iter__(self) -> Iterator[int]:
        """Numbers, from 0, of the epochs or iterations that are left."""
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
                if self.done == self.total or self._clock() - self._drawn >= BAR_S:
                    self._draw()
                if self._on_done is not None:
                    self._on_done(self.done)

    def step(self, done: int, **losses: SupportsFloat) -> None:
        """Take note that so many steps of an epoch are done.

        Parameters
        ----------
        done : int
        **losses
            To be shown; numbers, or what becomes one: that may take time, and is done when it is
            shown only.
        """
        self._steps_done, self._stepped = done, self._clock()
        if losses:
            self._losses = losses
        if self._stepped - self._reported >= REPORT_S:
            self._reported = self._stepped
            log.info("%s", self._progress(f", step {done}/{self.steps}"))
        if self._stepped - self._drawn >= BAR_S:
            self._draw()

    def check(self, losses: Mapping[str, float], learning_rate: float) -> None:
        """Stop a training that has diverged.

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
            Of the present epoch, or of the iterations since the last row, as plain values.
        note : str
            For the log alone.
        """
        done = self.done + 1
        self.history.append(row)
        # Saved before it is reported: an epoch that the log shows is not lost.
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
        # From now: validation, which is between the last step and this, is no part of the rate.
        self._row_done, self._row_at = done, self._clock()
        self._reported = self._row_at

    def _progress(self, step: str = "") -> str:
        """Where the training is, for the bar and for the log within a long epoch."""
        number = min(self.done + 1, self.total)
        losses = "".join(f", {_text(k, float(v))}" for k, v in self._losses.items())
        return f"{self.name} {self.unit} {number}/{self.total}{step}{losses}{self._pace()}"

    def _pace(self) -> str:
        """Images a second since the last row, and the time left at the pace of this attempt."""
        done = self.done + self._steps_done / self.steps
        if done > self._row_done and self._stepped > self._row_at:
            self._rate = (done - self._row_done) * self.images / (self._stepped - self._row_at)
        if math.isnan(self._rate):
            return ""
        pace = (self._clock() - self._attempt) / (done - self._started_from)
        left = timedelta(seconds=round(pace * (self.total - done)))
        rate = f"{self._rate:.0f}" if self._rate >= 10 else f"{self._rate:.2g}"
        return f", {rate} {self.what}/s, {left} left"

    def _draw(self) -> None:
        """Bring the bar on a terminal up to date."""
        self._drawn = self._clock()
        if self._bar is not None and not self._bar.disable:
            self._bar.n = self.done + self._steps_done / self.steps
            self._bar.set_description_str(self._progress())


def _text(name: str, value: object) -> str:
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
