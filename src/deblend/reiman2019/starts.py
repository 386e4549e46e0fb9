"""Trainings with and without burn-in: do images stay black (Reiman & Goehre 2019, Sect. 2.2.2).

The paper says that without the burn-in images are entirely black for the first few hundred thousand
batches. Here a few short trainings of its generator start from other weights each, with and without
it: see `deblend.reiman2019.config.start_options`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.reiman2019.reproduction import MIN_BRIGHTNESS_RATIO, burn_in_batches

#: Images show galaxies if they differ from one another by more than this share of the differences
#: between true images: those of constant sky have the right brightness, but no galaxies.
MIN_DIVERSITY_RATIO = 0.2


def lit_after(history: pd.DataFrame) -> float:
    """Number of batches after which images show galaxies, until the end of the history.

    Parameters
    ----------
    history : DataFrame
        `iteration`, `brightness_ratio`, `diversity_ratio`, of the worse of the two branches.

    Returns
    -------
    float
        First recorded iteration; NaN if the last images are black, as grey as before the training,
        or all alike.
    """
    lit = history["brightness_ratio"].between(MIN_BRIGHTNESS_RATIO, 1 / MIN_BRIGHTNESS_RATIO)
    lit &= history["diversity_ratio"] > MIN_DIVERSITY_RATIO
    since = history.loc[lit[::-1].cummin()[::-1].astype(bool), "iteration"]
    return float(since.min()) if len(since) else np.nan


def starts_table(trainings: Iterable[tuple[Mapping[str, Any], pd.DataFrame]]) -> pd.DataFrame:
    """What became of the images of short trainings.

    Parameters
    ----------
    trainings : iterable of (dict, DataFrame)
        Description (`network.json`) and history of each.

    Returns
    -------
    DataFrame
        `seed`; `burn_in_batches` and all `batches`; `lit_after` (see there); at the end
        `brightness_ratio`, `diversity_ratio`, `psnr_db` of the validation images, and
        `psnr_blend_db`, that of the blend itself.

    Raises
    ------
    DeblendError
        There is no training.
    """
    rows = []
    for record, history in trainings:
        last = history.iloc[-1]
        rows.append(
            {
                "seed": record["seed"],
                "burn_in_batches": int(burn_in_batches(history)),
                "batches": int(last["iteration"]),
                "lit_after": lit_after(history),
                "brightness_ratio": last["brightness_ratio"],
                "diversity_ratio": last["diversity_ratio"],
                "psnr_db": last["val_psnr_db"],
                "psnr_blend_db": record["blend_psnr_db"],
            }
        )
    if not rows:
        raise DeblendError(
            "there is no training with or without burn-in: reiman2019.starts.n_seeds is 0; give "
            "their number"
        )
    return pd.DataFrame(rows)
