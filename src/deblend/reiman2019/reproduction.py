"""The numbers of Reiman & Goehre 2019 beside ours."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from deblend.reiman2019.metrics import summary
from deblend.reiman2019.tables import ROWS
from deblend.report.numbers import Row

#: Ratio of predicted to true brightness, and its inverse, beyond which images are none of galaxies:
#: black, or still as grey as before the training.
DARK = 0.5


def score_rows(published: Mapping[str, Any], scores: pd.DataFrame) -> Iterator[Row]:
    """Statistics of the GAN's scores (Table 1, Figs 4 and 5), in each reading of PSNR and SSIM.

    Parameters
    ----------
    published : dict
        `table1`, and `fig4` and `fig5` with `sigma`.
    scores : DataFrame
        See `deblend.reiman2019.scores.score_methods`.
    """
    found = summary(scores).set_index(["method", "galaxy", "quantity"])
    for quantity, (_, theirs) in ROWS.items():
        mine = found.loc[("gan", "both", quantity)]
        name, figure = ("PSNR", "fig4") if theirs == "psnr_db" else ("SSIM", "fig5")
        for statistic, value in published["table1"][theirs].items():
            if value is not None:
                where = "Fig. 5" if (theirs, statistic) == ("ssim", "max") else "Table 1"
                item = f"{where}, {name}, {statistic}"
                yield Row(item, quantity, value, mine[statistic], mine["n"])
        item = f"Fig. {figure.removeprefix('fig')}, {name}, sigma"
        sigma = math.sqrt(mine["variance"])
        yield Row(item, quantity, published[figure]["sigma"], sigma, mine["n"])


def sample_rows(
    published: Mapping[str, Any], scores: pd.DataFrame, record: Mapping[str, Any]
) -> Iterator[Row]:
    """How many images there are (Sect. 2.3), and how many are tested (Sect. 3).

    Parameters
    ----------
    published : dict
        `n_images`, `n_test_blends`, `n_test_images`.
    scores : DataFrame
    record : dict
        `network.json`; its `n_images` are the galaxies of all splits.
    """
    mine = scores[scores["method"] == "gan"]
    images = float(record.get("n_images", math.nan))
    yield Row("Sect. 2.3", "n_images", published["n_images"], images)
    blends = float(mine["blend"].nunique())
    yield Row("Sect. 3, tested", "n_blends", published["n_test_blends"], blends)
    yield Row("Sect. 3, tested", "n_images", published["n_test_images"], float(len(mine)))


def training_rows(
    published: Mapping[str, Any], history: pd.DataFrame, record: Mapping[str, Any]
) -> Iterator[Row]:
    """Iterations, batches and the burn-in (Sects 2.2.2, 2.4, 4).

    Parameters
    ----------
    published : dict
        `n_iterations`, `batch_size`, `burn_in_batches` (a range), `escape_batches` (an upper
        limit).
    history : DataFrame
        `iteration`, `phase`, `brightness_ratio`.
    record : dict
        `network.json`, with `batch_size`.
    """
    burned = burn_in_batches(history)
    total = float(history["iteration"].max()) - burned if len(history) else math.nan
    yield Row("Sect. 2.4, after burn-in", "iterations", published["n_iterations"], total)
    size = float(record.get("batch_size", math.nan))
    yield Row("Sect. 2.4", "batch_size", published["batch_size"], size)
    burned = burned or math.nan
    yield Row("Sect. 4, burn-in", "batches", published["burn_in_batches"], burned)
    item = "Sect. 2.2.2, burn-in until images are not black"
    escape = escape_batches(history)
    yield Row(item, "batches_at_most", published["escape_batches"], escape)


def burn_in_batches(history: pd.DataFrame) -> float:
    """Iterations of burn-in; 0 without one.

    Parameters
    ----------
    history : DataFrame
        `iteration`, `phase`.

    Returns
    -------
    float
    """
    found = history.loc[history["phase"] == "burn_in", "iteration"]
    return float(found.max()) if len(found) else 0.0


def escape_batches(history: pd.DataFrame) -> float:
    """After how many batches of burn-in predictions are as bright as the truth, within a factor.

    Parameters
    ----------
    history : DataFrame
        `iteration`, `phase`, `brightness_ratio`.

    Returns
    -------
    float
        The first recorded iteration from which on, until the burn-in ends, the ratio is between
        `DARK` and 1 / `DARK`; NaN if there is none.
    """
    burned = history[(history["phase"] == "burn_in") & history["brightness_ratio"].notna()]
    good = burned["brightness_ratio"].between(DARK, 1 / DARK)
    stays = burned.loc[good[::-1].cummin()[::-1].astype(bool), "iteration"]
    return float(stays.min()) if len(stays) else math.nan


def our_rows(
    published: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], record: Mapping[str, Any]
) -> list[Row]:
    """Every number of the paper beside that of this run.

    Parameters
    ----------
    published : dict
        `reiman2019` of config/published.yaml.
    tables : dict
        `scores`, and the `history` of the GAN's training.
    record : dict
        Description of the GAN.
    """
    return [
        *score_rows(published, tables["scores"]),
        *sample_rows(published, tables["scores"], record),
        *training_rows(published, tables["history"], record),
    ]
