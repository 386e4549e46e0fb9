"""The numbers of Reiman & Goehre 2019, compared with ours."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from deblend.reiman2019.metrics import WITH_INTERVAL, summary
from deblend.reiman2019.tables import ROWS
from deblend.report.numbers import Row, Scale

#: Smallest ratio of predicted to true brightness; its inverse is the largest one. Images outside
#: this range do not show galaxies: they are black, or still as grey as before the training.
MIN_BRIGHTNESS_RATIO = 0.5


def score_rows(published: Mapping[str, Any], scores: pd.DataFrame) -> Iterator[Row]:
    """Statistics of the GAN's scores (Table 1, Figs 4 and 5), as the authors' code computes them.

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
        of_level: Scale = "dB" if published_name == "psnr_db" else "similarity"
        for statistic, value in published["table1"][published_name].items():
            if value is not None:
                source = "Fig. 5" if (published_name, statistic) == ("ssim", "max") else "Table 1"
                item = f"{source}, {name}, {statistic}"
                row = Row(item, quantity, value, ours[statistic], ours["n"])
                if statistic != "variance":
                    row = row._replace(better="higher", scale=of_level)
                if statistic in WITH_INTERVAL:
                    ends = (ours[f"{statistic}_low"], ours[f"{statistic}_high"])
                    row = row._replace(low=ends[0], high=ends[1])
                yield row
        item = f"Fig. {figure.removeprefix('fig')}, {name}, sigma"
        sigma, low, high = (
            math.sqrt(ours[column]) for column in ("variance", "variance_low", "variance_high")
        )
        yield Row(item, quantity, published[figure]["sigma"], sigma, ours["n"], low=low, high=high)


def training_rows(published: Mapping[str, Any], history: pd.DataFrame) -> Iterator[Row]:
    """Batches of burn-in after which images are no longer black (Sect. 2.2.2).

    Numbers of images, iterations and batches are set by the configuration, so that they are no
    results.

    Parameters
    ----------
    published : dict
        `escape_batches`, an upper limit.
    history : DataFrame
        `iteration`, `phase`, `brightness_ratio`.
    """
    item, value = "Sect. 2.2.2, burn-in until images are not black", published["escape_batches"]
    yield Row(item, "batches_at_most", value, escape_batches(history), better="lower")


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


def our_rows(published: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> list[Row]:
    """Every number of the paper, with that of this run.

    Parameters
    ----------
    published : dict
        Section `reiman2019` of config/published.yaml.
    tables : dict
        `scores`, and the `history` of the GAN's training.
    """
    return [
        *score_rows(published, tables["scores"]),
        *training_rows(published, tables["history"]),
    ]
