"""Schedule of a training: learning rate, best epoch and early stopping.

Unlike that of Keras' callbacks, its state consists of plain values, which a checkpoint can contain.
"""

import math
from typing import Any

from deblend.training.config import SteeringConfig


class Steering:
    """Learning rate, best epoch and early stopping, updated with the validation loss of each epoch.

    Parameters
    ----------
    config : SteeringConfig
    """

    def __init__(self, config: SteeringConfig) -> None:
        self.config = config
        self.learning_rate = config.learning_rate
        self.best_loss = math.inf
        self.best_epoch = -1
        self.plateau_loss = math.inf
        self.waited_to_drop = 0
        self.waited_to_stop = 0
        self.cooldown = 0
        self.stopped = False

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch (from 0)."""
        if self.config.schedule == "cosine":
            progress = epoch / max(self.config.epochs - 1, 1)
            low = 0.01 * self.config.learning_rate
            return low + 0.5 * (self.config.learning_rate - low) * (
                1 + math.cos(math.pi * progress)
            )
        return self.learning_rate

    def update(self, epoch: int, loss: float) -> bool:
        """Update the schedule with the validation loss of an epoch, which has to be finite.

        Returns
        -------
        bool
            Whether this is the best epoch so far, whose weights should be kept.
        """
        best = loss < self.best_loss
        if best:
            self.best_loss, self.best_epoch = loss, epoch
        improved = loss < self.plateau_loss - self.config.min_delta
        if improved:
            self.plateau_loss = loss
            self.waited_to_stop = self.waited_to_drop = 0
        else:
            self.waited_to_stop += 1
        if self.cooldown > 0:
            self.cooldown -= 1
            self.waited_to_drop = 0
        # As in Keras, the last epoch of the cooldown already counts as waiting.
        if not improved and self.cooldown == 0:
            self.waited_to_drop += 1
            if self.waited_to_drop >= self.config.drop_patience:
                if self.learning_rate > self.config.min_learning_rate:
                    self.learning_rate = max(
                        self.learning_rate * self.config.drop_factor,
                        self.config.min_learning_rate,
                    )
                self.cooldown = self.config.drop_cooldown
                self.waited_to_drop = 0
        patience = self.config.stop_patience
        self.stopped = patience is not None and self.waited_to_stop >= patience
        return best

    @property
    def converged(self) -> bool:
        """Whether the loss stayed on a plateau until training stopped, after the rate had dropped.

        A loss that no longer improves at the first learning rate may do so at a lower one.
        """
        has_dropped = self.learning_rate < self.config.learning_rate
        return self.stopped and self.config.schedule == "plateau" and has_dropped

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain numbers."""
        return {k: v for k, v in vars(self).items() if k != "config"}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the values that `state` returned."""
        vars(self).update(state)

    def describe(self) -> dict[str, Any]:
        """The configuration, for the record."""
        return self.config.model_dump()
