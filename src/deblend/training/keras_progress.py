"""Report the progress of Keras within an epoch to the training loop."""

import keras
from deblend.training.loop import Loop


def progress_callback(loop: Loop) -> keras.callbacks.Callback:
    """A callback for `model.fit` that reports each batch to a loop.

    The loss that is shown is that of the last epoch: reading it after each batch would slow down a
    GPU.
    """
    return keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: loop.step(batch),
        on_epoch_end=lambda epoch, logs: loop.step(loop.steps, loss=logs["loss"]),
    )
