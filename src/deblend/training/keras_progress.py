"""Tell a training's loop how far Keras is within an epoch."""

import keras
from deblend.training.loop import Loop


def follow(loop: Loop) -> keras.callbacks.Callback:
    """A callback for `model.fit` that reports each batch to a loop.

    The loss is the last epoch's: to ask for each batch's would make a GPU wait for it.
    """
    return keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: loop.step(batch),
        on_epoch_end=lambda epoch, logs: loop.step(loop.steps, loss=logs["loss"]),
    )
