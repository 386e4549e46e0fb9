"""The numbers of Reiman & Goehre 2019, compared with ours."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from deblend.reiman2019.metrics import summary
from deblend.reiman2019.tables import ROWS
from deblend.report.numbers import Row

#: Smallest ratio of predicted to true brightness; its inverse is the largest one. Images outside
#: this range do not show galaxies: they are black, or still as grey as before the training.
MIN_BRIGHTNESS_RATIO = 0.5


def score_rows(published: Mapping[str, Any], scores: pd.DataFrame) -> Iterator[Row]:
    """Statistics of the GAN's scores (Table 1, Figs 4 and 5), for each reading of PSNR and SSIM.

    Parameters
    ----------
    published : dict
        `table1`; `fig4` and `fig5`, each with `sigma`.
    scores : DataFrame
        See `deblend.reiman2019.scores.score_methods`.
    """
    statistics = summary(scores).set_index(["method", "galaxy", "quantity"])
    for quantity, (_, published_name) in ROWS.items():
        ours = statistics.loc[("gan", "both", quantity)]
        name, figure = ("PSNR", "fig4") if published_name == "psnr_db" else ("SSIM", "fig5")
        for statistic, value in published["table1"][published_name].items():
            if value is not None:
                source = "Fig. 5" if (published_name, statistic) == ("ssim", "max") else "Table 1"
                item = f"{source}, {name}, {statistic}"
                yield Row(item, quantity, value, ours[statistic], ours["n"])
        item = f"Fig. {figure.removeprefix('fig')}, {name}, sigma"
        sigma = math.sqrt(ours["variance"])
        yield Row(item, quantity, published[figure]["sigma"], sigma, ours["n"])


def sample_rows(
    published: Mapping[str, Any], scores: pd.DataFrame, record: Mapping[str, Any]
) -> Iterator[Row]:
    """Numbers of images (Sect. 2.3) and of tested blends (Sect. 3).

    Parameters
    ----------
    published : dict
        `n_images`, `n_test_blends`, `n_test_images`.
    scores : DataFrame
    record : dict
        From `network.json`; `n_images` counts the galaxies of all splits.
    """
    gan_scores = scores[scores["method"] == "gan"]
    images = float(record.get("n_images", math.nan))
    yield Row("Sect. 2.3", "n_images", published["n_images"], images)
    blends = float(gan_scores["blend"].nunique())
    yield Row("Sect. 3, tested", "n_blends", published["n_test_blends"], blends)
    yield Row("Sect. 3, tested", "n_images", published["n_test_images"], float(len(gan_scores)))


def training_rows(
    published: Mapping[str, Any], history: pd.DataFrame, record: Mapping[str, Any]
) -> Iterator[Row]:
    """Iterations, batch size and burn-in (Sects 2.2.2, 2.4, 4).

    Parameters
    ----------
    published : dict
        `n_iterations`, `batch_size`, `burn_in_batches` (a range), `escape_batches` (an upper
        limit).
    history : DataFrame
        `iteration`, `phase`, `brightness_ratio`.
    record : dict
        From `network.json`, with `batch_size`.
    """
    n_burn_in = burn_in_batches(history)
    total = float(history["iteration"].max()) - n_burn_in if len(history) else math.nan
    yield Row("Sect. 2.4, after burn-in", "iterations", published["n_iterations"], total)
    batch_size = float(record.get("batch_size", math.nan))
    yield Row("Sect. 2.4", "batch_size", published["batch_size"], batch_size)
    n_burn_in = n_burn_in or math.nan
    yield Row("Sect. 4, burn-in", "batches", published["burn_in_batches"], n_burn_in)
    item = "Sect. 2.2.2, burn-in until images are not black"
    escape = escape_batches(history)
    yield Row(item, "batches_at_most", published["escape_batches"], escape)


def burn_in_batches(history: pd.DataFrame) -> float:
    """Number of iterations of the burn-in; 0 if there was none.

    Parameters
    ----------
    history : DataFrame
        `iteration`, `phase`.

    Returns
    -------
    float
    """
    iterations = history.loc[history["phase"] == "burn_in", "iteration"]
    return float(iterations.max()) if len(iterations) else 0.0


def escape_batches(history: pd.DataFrame) -> float:
    """Number of batches of burn-in until the predictions are about as bright as the true images.

    Parameters
    ----------
    history : DataFrame
        `iteration`, `phase`, `brightness_ratio`.

    Returns
    -------
    float
        First recorded iteration after which, until the end of the burn-in, the brightness ratio
        stays between `MIN_BRIGHTNESS_RATIO` and its inverse; NaN if there is none.
    """
    burn_in = history[(history["phase"] == "burn_in") & history["brightness_ratio"].notna()]
    as_bright = burn_in["brightness_ratio"].between(MIN_BRIGHTNESS_RATIO, 1 / MIN_BRIGHTNESS_RATIO)
    escaped = burn_in.loc[as_bright[::-1].cummin()[::-1].astype(bool), "iteration"]
    return float(escaped.min()) if len(escaped) else math.nan


def our_rows(
    published: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], record: Mapping[str, Any]
) -> list[Row]:
    """Every number of the paper, with that of this run.

    Parameters
    ----------
    published : dict
        Section `reiman2019` of config/published.yaml.
    tables : dict
        `scores`, and the `history` of the GAN's training.
    record : dict
        Description of the GAN, from `network.json`.
    """
    return [
        *score_rows(published, tables["scores"]),
        *sample_rows(published, tables["scores"], record),
        *training_rows(published, tables["history"], record),
    ]
