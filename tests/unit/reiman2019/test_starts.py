"""Short trainings with and without burn-in, of made-up histories."""

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.reiman2019.starts import lit_after, starts_table


def course(brightness, diversity=None, burn_in=0):
    iteration = 10 * (1 + np.arange(len(brightness)))
    return pd.DataFrame(
        {
            "iteration": iteration,
            "phase": np.where(iteration <= burn_in, "burn_in", "gan"),
            "brightness_ratio": brightness,
            "diversity_ratio": 1.0 if diversity is None else diversity,
            "val_psnr_db": 20.0 + np.arange(len(brightness)),
        }
    )


@pytest.mark.parametrize(
    ("brightness", "diversity", "expected"),
    [
        ([3.0, 0.01, 0.6, 1.1], None, 30),  # grey, then black, then lit
        ([1.0, 1.0, 0.1, 1.0], None, 40),  # dark again in between
        ([1.0, 1.0, 1.0, 0.1], None, np.nan),
        ([0.9, 0.9, 0.9, 0.9], [0.0, 0.1, 0.5, 0.8], 30),  # constant sky shows no galaxies
    ],
)
def test_images_are_lit_if_they_show_galaxies_until_the_end(brightness, diversity, expected):
    assert lit_after(course(brightness, diversity)) == pytest.approx(expected, nan_ok=True)


def test_each_training_has_a_row():
    record = {"seed": 7, "blend_psnr_db": 19.5}
    found = starts_table(
        [(record, course([0.1, 1.0], burn_in=10)), (record | {"seed": 8}, course([0.1, 0.1]))]
    ).set_index("seed")
    assert found["burn_in_batches"].tolist() == [10, 0]
    assert found["batches"].tolist() == [20, 20]
    assert found["lit_after"].tolist() == pytest.approx([20, np.nan], nan_ok=True)
    assert found.loc[7, ["psnr_db", "psnr_blend_db"]].tolist() == [21, 19.5]
    with pytest.raises(DeblendError, match="n_seeds is 0"):
        starts_table([])
