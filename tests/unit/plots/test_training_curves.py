"""Losses and scores of all trainings of a paper."""

import numpy as np
import pandas as pd
from deblend.plots.training_curves import ROW_IN, draw_training_curves
from matplotlib.image import imread


def history(**columns):
    return pd.DataFrame({"epoch": [1, 2, 3], **columns})


def test_each_network_has_a_row_of_panels(tmp_path):
    one = history(loss=[3.0, 2, 1], val_loss=[3.0, np.nan, 2], val_iou=[0.1, 0.2, 0.3])
    # A loss that may be negative, and no score.
    other = history(generator=[1.0, 0, -1], discriminator=[1.0, 1, 1])
    sizes = []
    for name, histories in (("one", {"a": [one, one]}), ("two", {"a": [one], "b": [other]})):
        draw_training_curves(histories, [tmp_path / f"{name}.png"], "toy scale")
        sizes.append(imread(tmp_path / f"{name}.png").shape[0])
    assert sizes[1] - sizes[0] == 200 * ROW_IN
    image = (255 * imread(tmp_path / "two.png")[..., :3]).round().astype(int)
    for colour in ((0, 114, 178), (213, 94, 0)):
        assert (image == colour).all(axis=-1).any()
