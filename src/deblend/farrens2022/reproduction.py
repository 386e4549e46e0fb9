"""The numbers of Farrens et al. 2022 beside ours."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.farrens2022.metrics import PUBLISHED_RULES, by_rules, largest_gain, summarise
from deblend.farrens2022.published import curves
from deblend.farrens2022.stamps import read_sample_table
from deblend.farrens2022.subsets import weighted_close_share
from deblend.intervals import mean_interval, share_interval
from deblend.report.numbers import Better, Row, Stated


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


#: Subsets that the paper calls close and distant blends in Sects 4.3 and 5 and in Figure 5.
WITH_ISOLATED = {
    "all": "all",
    "close": "close_with_isolated",
    "distant": "distant_with_isolated",
}


def as_published(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Accuracies that can be compared with the paper's, whose labels of SEP are the authors'.

    Parameters
    ----------
    accuracies : DataFrame
        See `deblend.farrens2022.metrics.method_accuracies`.

    Returns
    -------
    DataFrame
        Rows of BlendHunter, without gain if that is over SEP by other rules, and of SEP by the
        authors' rules, whose method is "SEP" in any case.
    """
    hunter = accuracies[accuracies["method"] == "BlendHunter"]
    if set(accuracies.loc[accuracies["method"] == "SEP", "sep_labels"]) != {PUBLISHED_RULES}:
        hunter = hunter.assign(gain=np.nan, gain_error=np.nan)
    sep = by_rules(accuracies, PUBLISHED_RULES).assign(method="SEP")
    return pd.concat([hunter, sep], ignore_index=True)


def sep_rows(published: dict[str, float], accuracies: pd.DataFrame) -> Iterator[Row]:
    """SEP's accuracies on the realistic stamps (Sect. 4.3).

    Neither higher ones are better nor lower ones: SEP is what BlendHunter is compared with.

    Parameters
    ----------
    published : dict
        `all`, `close`, `distant`, in percent; the last two are of blends with as many isolated
        stamps.
    accuracies : DataFrame
        See `deblend.farrens2022.metrics.realistic_accuracies`; SEP's are the same for each head.
    """
    sep = by_rules(accuracies, PUBLISHED_RULES).drop_duplicates("subset").set_index("subset")
    for subset, value in published.items():
        what = "" if subset == "all" else " blends with as many isolated stamps"
        row = sep.loc[WITH_ISOLATED[subset]]
        ours, error = 100 * row["accuracy"], 100 * row["error"]
        item, ends = f"Sect. 4.3, SEP, {subset}{what}", (ours - error, ours + error)
        yield Row(item, "accuracy_percent", value, ours, row["n"], "", *ends)


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
    gain, error, _, _, n = largest_gain(by_distance)
    item, value = "Sect. 4.2, largest gain on close blends", published["largest_gain_percent"]
    ends = (100 * (gain - error), 100 * (gain + error))
    yield Row(item, "percent", value, 100 * gain, n or math.nan, "higher", *ends)


def _end(rows: pd.DataFrame, largest: bool) -> tuple[float, float, float, float]:
    """Largest or smallest mean of a summary, n, and the ends of its interval, in per cent."""
    means = rows["mean"].dropna()
    if means.empty:
        return (math.nan,) * 4
    row = rows.loc[means.idxmax() if largest else means.idxmin()]
    low, high = (100 * (row["mean"] + sign * _error(row)) for sign in (-1, 1))
    return 100 * row["mean"], row["n"], low, high


def _error(row: pd.Series) -> float:
    """Error of a mean over realisations: of the stamps, and of the realisations."""
    return float(np.hypot(row["error"], row["std"] / np.sqrt(max(row["n_realisations"], 1))))


def relative_rows(published: dict[str, Any], accuracies: pd.DataFrame) -> Iterator[Row]:
    """BlendHunter's gain over SEP on the realistic stamps (Sects 4.3, 5), in percentage points.

    Close and distant blends are with as many isolated stamps, as in Figure 5.

    Parameters
    ----------
    published : dict
        `close_gain_points`, `distant_deficit_points`.
    accuracies : DataFrame
        See `deblend.farrens2022.metrics.realistic_accuracies`.
    """
    gains = summarise(accuracies[accuracies["method"] == "BlendHunter"], "gain")
    close, distant = (
        gains[gains["subset"] == WITH_ISOLATED[subset]] for subset in ("close", "distant")
    )
    for name, largest in (("smallest", False), ("largest", True)):
        item = f"Sect. 5, {name} gain on realistic close blends with as many isolated stamps"
        gain, n, low, high = _end(close, largest)
        yield Row(item, "points", published["close_gain_points"], gain, n, "higher", low, high)
    item = "Sect. 4.3, largest deficit on realistic distant blends with as many isolated stamps"
    gain, n, low, high = _end(distant, largest=False)
    limit = published["distant_deficit_points"]
    # A gain is no deficit.
    deficit, low, high = (
        max(-end, 0.0) if math.isfinite(end) else math.nan for end in (gain, high, low)
    )
    yield Row(item, "points_at_most", limit, deficit, n, "lower", low, high)


def figure_rows(published: dict[str, Any], accuracies: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """The curves of Figures 4 to 6, at the paper's noise levels.

    Parameters
    ----------
    published : dict
        `fig4`, `fig5`, `fig6`.
    accuracies : dict
        `parametric`, `realistic`: from `as_published`. A noise level that was not trained is not
        run.
    """
    theirs = curves(published)
    parametric, realistic = (summarise(accuracies[name]) for name in ("parametric", "realistic"))
    gains = summarise(accuracies["realistic"], "gain")
    for row in theirs[4].to_dict("records"):
        item = f"Fig. 4, {row['method']}, noise {row['noise_sigma']:g}"
        yield _curve_row(item, "accuracy_percent", row, parametric, row["method"], "all")
    for row in theirs[5].to_dict("records"):
        what = row["subset"].replace("_with_isolated", " blends with as many isolated stamps")
        item = f"Fig. 5, {what}, training noise {row['noise_sigma']:g}"
        yield _curve_row(item, "points", row, gains, "BlendHunter", row["subset"])
    for row in theirs[6].to_dict("records"):
        subset = {"positive": "blends", "negative": "isolated"}[row["kind"]]
        item = f"Fig. 6, {subset} right, {row['method']}, training noise {row['noise_sigma']:g}"
        # Of as many blends as isolated stamps, so that all of one kind are half of the stamps.
        row |= {"mean": 2 * row["mean"], "error": 2 * 0.0005}
        if row["method"] == "SEP":
            # It does not depend on the training: one row, of any of our levels.
            if row["noise_sigma"] > theirs[6]["noise_sigma"].min():
                continue
            item = f"Fig. 6, {subset} right, SEP"
            row["noise_sigma"] = realistic["noise_sigma"].min()
        yield _curve_row(item, "accuracy_percent", row, realistic, row["method"], subset)


def _curve_row(
    item: str,
    quantity: str,
    row: dict[str, Any],
    summary: pd.DataFrame,
    method: str,
    subset: str,
) -> Row:
    """The row of a point of a curve, whose published value is known to its `error`."""
    chosen = (summary["method"] == method) & (summary["subset"] == subset)
    level = summary[chosen & np.isclose(summary["noise_sigma"], row["noise_sigma"])]
    value, n, low, high = _end(level, largest=True)
    ends = (100 * (row["mean"] + sign * row["error"]) for sign in (-1, 1))
    # The last decimal is a tenth of a per cent at most, whatever the rounding of floats.
    known: list[float] = [Stated(f"{end:.1f}") for end in ends]
    better: Better = "" if method == "SEP" else "higher"
    return Row(item, quantity, known, value, n, better, low, high)


def failure_rows(published: dict[str, Any], tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """Stamps on which SEP fails: by the rules of Sect. 4.1, and those that get no label at all.

    Parameters
    ----------
    published : dict
        `sep_failures_percent`, an upper limit, and `sep_no_detection_percent`, of the realistic
        stamps: those without a detection, in the authors' notebook. Here, stamps on which SEP
        raises an exception are among both.
    tables : dict
        Sample to its accuracies.
    """
    limit, none = published["sep_failures_percent"], published["sep_no_detection_percent"]
    kinds: list[tuple[str, str, str, float, str, Better]] = [
        (
            f"Sect. 4.1, SEP's failures, {sample}",
            sample,
            "section_4_1",
            limit,
            "percent_at_most",
            "lower",
        )
        for sample in tables
    ]
    if "realistic" in tables:
        item = "overall_accuracy.ipynb, SEP without a detection or with an exception, realistic"
        kinds.append((item, "realistic", PUBLISHED_RULES, none, "percent", ""))
    for item, sample, rules, value, quantity, better in kinds:
        rows = by_rules(tables[sample], rules)
        rows = rows[rows["subset"] == "all"]
        row = rows.loc[rows["failed_share"].idxmax()]
        n = float(row["n"] + row["n_dropped"])
        share, error = float(row["failed_share"]), float(row["failed_error"])
        low, high = (100 * float(end) for end in share_interval(share, error, n, n))
        yield Row(item, quantity, value, 100 * share, n, better, low, high)


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
        Accuracies: `parametric`, `by_distance`, `realistic`.
    close : dict
        Share of close blends in the parametric and realistic stamps; NaN if the configuration
        sets it.
    records : list of dict
        Descriptions of the heads.
    """
    tables_of_samples = {name: tables[name] for name in ("parametric", "realistic")}
    accuracies = {name: as_published(found) for name, found in tables_of_samples.items()}
    by_distance = tables["by_distance"]
    if accuracies["parametric"]["gain"].isna().all():
        by_distance = by_distance.iloc[:0]
    return [
        *close_rows(published["close_blends"], close),
        *training_rows(published["training"]["blendhunter"], records),
        *failure_rows(published, tables_of_samples),
        *gain_rows(published, by_distance),
        *sep_rows(published["sep_accuracy_percent"], accuracies["realistic"]),
        *relative_rows(published, accuracies["realistic"]),
        *figure_rows(published, accuracies),
    ]
