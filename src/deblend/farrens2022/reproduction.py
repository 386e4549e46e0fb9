"""The numbers of Farrens et al. 2022 beside ours."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.farrens2022.metrics import (
    largest_gain,
    relative_with_isolated,
    weighted_close_share,
)
from deblend.farrens2022.stamps import read_sample_table
from deblend.intervals import mean_interval, wilson_interval
from deblend.report.numbers import Row


def close_shares(
    samples: dict[str, dict[str, Any]], paths: Sequence[str | Path]
) -> dict[str, float]:
    """Share of close blends in each sample of test stamps.

    Parameters
    ----------
    samples : dict
        `close_fraction` of each sample in the configuration.
    paths : sequence of path
        Test stamps of each sample.

    Returns
    -------
    dict
        NaN for a sample whose share the configuration sets, since that is not a result.
    """
    return {
        name: weighted_close_share(read_sample_table(path))
        if entry["close_fraction"] is None
        else math.nan
        for (name, entry), path in zip(samples.items(), paths, strict=True)
    }


def run_label(scale: str, samples: dict[str, dict[str, Any]], vgg_weights: str) -> str:
    """Description of a run: its scale, the galaxies of its samples and VGG's weights.

    Parameters
    ----------
    scale : str
    samples : dict
        `source` and `kind` of the galaxies of each sample.
    vgg_weights : str
    """
    galaxies = ", ".join(
        f"{entry['source']} {name} galaxies ({entry['kind']})" for name, entry in samples.items()
    )
    return f"{scale} scale, {galaxies}, VGG-16 weights: {vgg_weights}"


def close_rows(published: dict[str, float], close: dict[str, float]) -> Iterator[Row]:
    """Share of blends that are close (Sect. 2.5).

    Parameters
    ----------
    published : dict
        `n_close`, `n_blends`.
    close : dict
        Sample to the share of its test blends that are closer than ten pixels; NaN if the
        configuration sets that share.
    """
    share = 100 * published["n_close"] / published["n_blends"]
    for sample, ours in close.items():
        yield Row(f"Sect. 2.5, close among blends, {sample}", "percent", share, 100 * ours)


def sep_rows(
    published: dict[str, float], accuracies: pd.DataFrame, confusion: pd.DataFrame
) -> Iterator[Row]:
    """SEP's accuracies on the realistic stamps (Sect. 4.3).

    The paper gives 69 % for "close" and 94 % for "distant blends", and 91 % for all. If the first
    two are of blends alone, isolated stamps must have 91 %. If they are of blends with as many
    isolated stamps, as in Fig. 6, the 91 % follow from them. Both readings are given.

    Parameters
    ----------
    published : dict
        `all`, `close`, `distant`, in percent.
    accuracies, confusion : DataFrame
        See `deblend.farrens2022.metrics.realistic_accuracies`; SEP's are the same for each head.
    """
    sep = accuracies[accuracies["method"] == "SEP"].drop_duplicates("subset").set_index("subset")
    cells = confusion[confusion["method"] == "SEP"].drop_duplicates("panel").set_index("panel")
    for subset, value in published.items():
        item = f"Sect. 4.3, SEP, {subset}" + ("" if subset == "all" else " blends")
        row = sep.loc[subset]
        yield Row(item, "accuracy_percent", value, 100 * row["accuracy"], row["n"], "higher")
        if subset != "all":
            ours_with_isolated = 50 * cells.loc[subset, ["true_positive", "true_negative"]].sum()
            item += " with as many isolated stamps"
            n = _stamps(cells.loc[subset])
            yield Row(item, "accuracy_percent", value, ours_with_isolated, n, "higher")


def _stamps(cell: pd.Series) -> float:
    """Number of stamps to state with the mean of two shares: twice the smaller number."""
    return float(2 * min(cell["n_blends"], cell["n_isolated"]))


def training_rows(published: dict[str, float], records: list[dict[str, Any]]) -> Iterator[Row]:
    """Epochs until training stops (Sect. 3.2.2), on average over the heads.

    Parameters
    ----------
    published : dict
        `epochs`.
    records : list of dict
        `network.json` of each head, with `n_epochs`. Those whose training reached the largest
        number of epochs, which the configuration sets, do not count.
    """
    stopped = [record["n_epochs"] for record in records if record["converged"]]
    epochs = float(np.mean(stopped)) if stopped else math.nan
    low, high = mean_interval(stopped, np.arange(len(stopped)))
    item = "Sect. 3.2.2, mean over heads"
    yield Row(item, "epochs", published["epochs"], epochs, len(stopped), low=low, high=high)


def gain_rows(published: dict[str, Any], by_distance: pd.DataFrame) -> Iterator[Row]:
    """Largest gain on close blends (Sect. 4.2), percentage points.

    Parameters
    ----------
    published : dict
        `largest_gain_percent`.
    by_distance : DataFrame
        See `deblend.farrens2022.metrics.parametric_accuracies`.
    """
    gain, _, _, n = largest_gain(by_distance)
    item, value = "Sect. 4.2, largest gain on close blends", published["largest_gain_percent"]
    yield Row(item, "percent", value, 100 * gain, n or math.nan, "higher")


def relative_rows(
    published: dict[str, Any], accuracies: pd.DataFrame, confusion: pd.DataFrame
) -> Iterator[Row]:
    """BlendHunter relative to SEP on the realistic stamps (Sects 4.3, 5), in percent.

    There are rows of blends alone, and of blends with as many isolated stamps: see `sep_rows`.

    Parameters
    ----------
    published : dict
        `close_relative_gain_percent`, `distant_deficit_percent`.
    accuracies, confusion : DataFrame
        See `deblend.farrens2022.metrics.realistic_accuracies`.
    """
    blendhunter = accuracies[accuracies["method"] == "BlendHunter"]
    alone = blendhunter.groupby(["subset", "noise_sigma"])["relative"].mean()
    blends = blendhunter.drop_duplicates("subset").set_index("subset")["n"]
    cells = confusion.drop_duplicates("panel").set_index("panel")
    gain, limit = published["close_relative_gain_percent"], published["distant_deficit_percent"]
    for reading in ("", " with as many isolated stamps"):
        n = {
            subset: _stamps(cells.loc[subset]) if reading else blends[subset]
            for subset in ("close", "distant")
        }
        close, distant = (
            100 * (relative_with_isolated(confusion, subset) if reading else alone[subset])
            for subset in ("close", "distant")
        )
        for name, extreme in (("smallest", close.min()), ("largest", close.max())):
            item = f"Sect. 5, {name} relative gain on realistic close blends{reading}"
            yield Row(item, "percent", gain, extreme, n["close"], "higher")
        item = f"Sect. 4.3, largest relative deficit on realistic distant blends{reading}"
        deficit = abs(distant.clip(upper=0).min())
        yield Row(item, "percent_at_most", limit, deficit, n["distant"], "lower")


def failure_rows(published: float, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """Stamps on which SEP fails (Sect. 4.1).

    Parameters
    ----------
    published : float
        Upper limit, %.
    tables : dict
        Sample to its accuracies.
    """
    for sample, table in tables.items():
        sep = table[(table["method"] == "SEP") & (table["subset"] == "all")]
        n = sep["n"] + sep["n_failed"]
        share = 100 * float((sep["n_failed"] / n).max())
        item = f"Sect. 4.1, SEP's failures, {sample}"
        low, high = (100 * float(end) for end in wilson_interval(share / 100 * n.max(), n.max()))
        yield Row(item, "percent_at_most", published, share, n.max(), "lower", low, high)


def our_rows(
    published: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    close: dict[str, float],
    records: list[dict[str, Any]],
) -> list[Row]:
    """Every number of the paper and that of this run.

    Parameters
    ----------
    published : dict
        `farrens2022` of config/published.yaml.
    tables : dict
        Accuracies: `parametric`, `by_distance`, `realistic`, `confusion`.
    close : dict
        Share of close blends in the parametric and realistic stamps; NaN if the configuration
        sets it.
    records : list of dict
        Descriptions of the heads.
    """
    realistic, confusion = tables["realistic"], tables["confusion"]
    accuracies = {name: tables[name] for name in ("parametric", "realistic")}
    return [
        *close_rows(published["close_blends"], close),
        *training_rows(published["training"]["blendhunter"], records),
        *failure_rows(published["sep_failures_percent"], accuracies),
        *gain_rows(published, tables["by_distance"]),
        *sep_rows(published["sep_accuracy_percent"], realistic, confusion),
        *relative_rows(published, realistic, confusion),
    ]
