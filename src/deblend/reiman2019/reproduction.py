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


#: Shortest burn-in, in batches, that says something about black images.
MIN_BURN_IN = 20


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


def configuration_rows(
    published: Mapping[str, Any], record: Mapping[str, Any], scores: pd.DataFrame
) -> Iterator[Row]:
    """Sizes of the network, of its training and of the data (Sects 2.1 to 3).

    They are set by the configuration: no results, but they say how far the run is the paper's.

    Parameters
    ----------
    published : dict
    record : dict
        Description of the GAN (`network.json`).
    scores : DataFrame
        See `deblend.reiman2019.scores.score_methods`.
    """
    trained = published["training"]["deblender_gan"]
    has_blocks = record["generator"] == "residual_branches"
    drops = record["schedule"] == "drop" and record["drop_iteration"] < record["iterations"]
    rates = (record["learning_rate"], record["learning_rate"] * record["drop_factor"])
    before = record["drop_iteration"] if drops else math.nan
    images = before * record["batch_size"]
    n_blends = record["n_train_blends"] or math.nan
    of_gan = scores[scores["method"] == "gan"]
    blocks = {name: record[f"{name}_blocks"] if has_blocks else math.nan for name in BLOCKS}
    numbers: list[tuple[str, str, Any, float]] = [
        *(
            (f"Sect. 2.1, residual blocks, {name}", "blocks", published["residual_blocks"][name], n)
            for name, n in blocks.items()
        ),
        ("Sect. 2.2.2, burn-in", "batches", published["burn_in_batches"], _burn_in(record)),
        ("Sect. 2.3, images", "images", published["n_images"], record["n_images"]),
        ("Sect. 2.4, batch", "blends", published["batch_size"], record["batch_size"]),
        ("Sect. 2.4, first learning rate", "rate", trained["learning_rates"][0], rates[0]),
        (
            *("Sect. 2.4, last learning rate", "rate", trained["learning_rates"][1]),
            rates[1] if drops else math.nan,
        ),
        ("Sect. 2.4, before the drop", "iterations", trained["iterations_before_drop"], before),
        ("Sect. 2.4, before the drop", "images", trained["images_before_drop"], images),
        ("Sect. 2.4, before the drop", "epochs", trained["epochs_before_drop"], images / n_blends),
        ("Sect. 2.4, training", "iterations", published["n_iterations"], record["iterations"]),
        ("Sect. 3, test", "blends", published["n_test_blends"], of_gan["blend"].nunique()),
        ("Sect. 3, test", "images", published["n_test_images"], len(of_gan)),
    ]
    for item, quantity, value, ours in numbers:
        yield Row(item, quantity, value, float(ours), depends_on_data=False)


#: Parts of the generator with residual blocks.
BLOCKS = ("root", "branch")


def _burn_in(record: Mapping[str, Any]) -> float:
    return record["burn_in_iterations"] or math.nan


def training_rows(published: Mapping[str, Any], history: pd.DataFrame) -> Iterator[Row]:
    """Batches of burn-in after which images are no longer black (Sect. 2.2.2).

    Parameters
    ----------
    published : dict
        `escape_batches`, an upper limit.
    history : DataFrame
        `iteration`, `phase`, `brightness_ratio`.
    """
    item, value = "Sect. 2.2.2, burn-in until images are not black", published["escape_batches"]
    # So few batches say nothing of black images.
    is_long = burn_in_batches(history) >= MIN_BURN_IN
    batches = escape_batches(history) if is_long else math.nan
    yield Row(item, "batches_at_most", value, batches, better="lower")


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
        Description of the GAN.
    """
    return [
        *score_rows(published, tables["scores"]),
        *training_rows(published, tables["history"]),
        *configuration_rows(published, record, tables["scores"]),
    ]
