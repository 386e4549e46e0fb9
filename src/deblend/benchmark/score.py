"""Scores of the methods: photometry, detection, masks, images, errors, and time.

All statistics of magnitudes are of the same blends for all methods. Each galaxy is in one blend (in
several only in sets of real galaxies), and intervals are of resampled blends with all their
galaxies, so that both galaxies of a blend, whose errors are not independent, stay together.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.metrics import (
    NMAD_FACTOR,
    bootstrap_by_galaxy,
    photometry_statistics,
)

#: Statistics of the errors of magnitudes, measured minus true, with intervals.
ERRORS = ("bias_mag", "nmad_mag", "nmad_all_mag", "p16_mag", "p84_mag", "outliers_percent")

#: Scores of a method on a set, in the order of the table.
SCORES = (
    *("set", "method", "positions", "trained_on", "n_blends", "n_galaxies", "n_measured"),
    *(f"{name}{end}" for name in ERRORS for end in ("", "_low", "_high")),
    *("completeness", "purity", "called_blend", "iou", "psnr_db"),
    *("coverage_68", "coverage_95", "seconds_per_blend", "note"),
)

#: Confidence of the intervals.
LEVEL = 0.68
PAIRED_LEVEL = 0.95

#: Half-widths of intervals, in standard errors, that are to cover 68 and 95 % of the errors.
SIGMAS = {"coverage_68": 1.0, "coverage_95": 1.96}

#: Errors of fewer galaxies have no statistics.
FEW = 5


def errors_of(table: pd.DataFrame) -> np.ndarray:
    """Measured minus true magnitudes; NaN where there is no positive flux."""
    ratio = table["flux"].to_numpy(float) / table["true_flux"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(ratio > 0, -2.5 * np.log10(ratio), np.nan)


def statistics(ratio: np.ndarray, mag: np.ndarray) -> dict[str, float]:
    """`ERRORS` of ratios of measured to true fluxes.

    Parameters
    ----------
    ratio : ndarray, shape (n,)
        NaN where the galaxy was not measured.
    mag : ndarray, shape (n,)
        True magnitudes.

    Returns
    -------
    dict
        Bias is the median error; `p16_mag` and `p84_mag` contain 68 % of the errors. A flux that is
        not positive counts as an outlier. `nmad_mag` is that of the galaxies that are measured. In
        `nmad_all_mag` all others count as infinitely wrong, so that a method does not gain by
        leaving out what is difficult; NaN if that is half of them.
    """
    found = photometry_statistics(ratio, mag)
    positive = ratio[ratio > 0]
    if len(positive) < FEW:
        return dict.fromkeys(ERRORS, np.nan)
    errors = -2.5 * np.log10(positive)
    low, median, high = np.percentile(errors, (16, 50, 84))
    away = np.full(len(ratio), np.inf)
    away[: len(errors)] = np.abs(errors - median)
    # Not the mean of both in the middle, of which one can be infinite.
    middle = float(np.sort(away)[len(away) // 2])
    return {
        "bias_mag": float(median),
        "nmad_mag": found["nmad_mag"],
        "nmad_all_mag": NMAD_FACTOR * middle if np.isfinite(middle) else np.nan,
        "p16_mag": float(low),
        "p84_mag": float(high),
        "outliers_percent": found["outliers_percent"],
    }


def with_truth(galaxies: pd.DataFrame, truths: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Add the truth (`true_flux`, `mag` and so on) to what a method has measured.

    `partner` is another galaxy of the scene if galaxies of the set are in several scenes, else
    empty.

    Parameters
    ----------
    galaxies : DataFrame
        `deblend.benchmark.steps.GALAXY_COLUMNS`.
    truths : dict of DataFrame
        `deblend.benchmark.truth.COLUMNS` by set.
    """
    known = pd.concat(
        [
            table.rename(columns={"flux": "true_flux"}).assign(set=k, partner=_partners(table))
            for k, table in truths.items()
        ],
        ignore_index=True,
    )
    return galaxies.merge(known, on=["set", "scene", "galaxy"], how="left", validate="one_to_one")


def _partners(truth: pd.DataFrame) -> np.ndarray:
    """Another galaxy of the scene of each one; empty where each galaxy is in one scene."""
    if truth["id"].is_unique:
        return np.full(len(truth), "", object)
    partner = truth["id"].to_numpy(object).copy()
    for rows in truth.groupby("scene", sort=False).indices.values():
        partner[rows] = np.roll(partner[rows], 1)
    return partner


def bootstrap_units(table: pd.DataFrame) -> np.ndarray:
    """What is resampled for intervals, from `scene`, `id` and `partner` of each galaxy.

    Returns
    -------
    ndarray, shape (n,) or (n, 2)
        The scene, with all its galaxies, where each galaxy is in one scene; else the galaxy and
        another one of its scene, see `deblend.boucaud2020.metrics.bootstrap_by_galaxy`: in a part
        of the set too, which can lack that other one.
    """
    if not (table["partner"] != "").any():
        return table["scene"].to_numpy()
    return table[["id", "partner"]].to_numpy(str)


def _with_intervals(
    table: pd.DataFrame, statistic: Callable[..., dict[str, float]], n_resamples: int, seed: int
) -> dict[str, float]:
    """Statistics with the intervals of `LEVEL`."""
    arrays = table["ratio"].to_numpy(float), table["mag"].to_numpy(float)
    result = statistic(*arrays)
    interval = bootstrap_by_galaxy(
        statistic,
        arrays,
        bootstrap_units(table),
        n_resamples=n_resamples,
        seed=seed,
        level=LEVEL,
    )
    for name in list(result):
        known = name in interval.index
        result[f"{name}_low"] = float(interval["low"][name]) if known else np.nan
        result[f"{name}_high"] = float(interval["high"][name]) if known else np.nan
    return result


def _prepared(measured: pd.DataFrame) -> pd.DataFrame:
    """With the ratio of fluxes."""
    return measured.assign(ratio=measured["flux"].astype(float) / measured["true_flux"])


def score(
    measured: pd.DataFrame, scenes: pd.DataFrame, *, n_resamples: int, seed: int
) -> dict[str, float]:
    """Scores of one method on one set.

    Parameters
    ----------
    measured : DataFrame
        From `with_truth`.
    scenes : DataFrame
        `deblend.benchmark.steps.SCENE_COLUMNS`.
    n_resamples, seed : int

    Returns
    -------
    dict
        The numbers of `SCORES`. `completeness`: share of the galaxies that are found; `purity`:
        share of the sources on galaxies of the blend that are one of these; `called_blend`: share
        of the scenes that are called a blend, which is right but in the set `one`. `iou` and
        `psnr_db` are medians of the galaxies that are found. Coverage: share of the fluxes with an
        error that are within the intervals of 68 and 95 % by this error. NaN for what a method
        lacks.
    """
    table = _prepared(measured)
    row: dict[str, float] = {
        "n_blends": len(scenes),
        "n_galaxies": len(table),
        "n_measured": int(table["ratio"].notna().sum()),
        **_with_intervals(table, statistics, n_resamples, seed),
    }
    n_found, n_false = scenes["n_found"].sum(min_count=1), scenes["n_false"].sum(min_count=1)
    row["completeness"] = float(n_found / len(table)) if len(table) else np.nan
    total = n_found + n_false
    row["purity"] = float(n_found / total) if total > 0 else np.nan
    row["called_blend"] = float(scenes["is_blend"].mean())
    row["iou"], row["psnr_db"] = (float(table[c].median()) for c in ("iou", "psnr_db"))
    known = table[table["flux"].notna() & table["flux_error"].notna()]
    away = (known["flux"] - known["true_flux"]).abs()
    for name, sigmas in SIGMAS.items():
        within = away <= sigmas * known["flux_error"]
        row[name] = float(within.mean()) if len(known) else np.nan
    return row


def bin_edges(values: np.ndarray, edges: Sequence[float]) -> list[tuple[float, float]]:
    """Bins between the edges that have values."""
    pairs = list(zip(edges[:-1], edges[1:], strict=True))
    return [(low, high) for low, high in pairs if ((values >= low) & (values < high)).any()]


def scores_in_bins(
    measured: pd.DataFrame,
    bins: Mapping[str, Sequence[float]],
    *,
    given: bool,
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Photometry and completeness of one method on one set, in bins.

    Parameters
    ----------
    measured : DataFrame
        From `with_truth`.
    bins : dict
        Edges of the bins of `delta_mag`, `separation_over_size` and `snr`.
    given : bool
        Whether the method got positions, or looked for none, so that it has no completeness.
    n_resamples, seed : int

    Returns
    -------
    DataFrame
        `quantity`, `low`, `high`, `n`, `completeness` and `ERRORS` with intervals.
    """
    table, rows = _prepared(measured), []
    for quantity, edges in bins.items():
        values = table[quantity].to_numpy(float)
        for low, high in bin_edges(values, edges):
            part = table[(values >= low) & (values < high)]
            rows.append(
                {
                    "quantity": quantity,
                    "low": low,
                    "high": high,
                    "n": len(part),
                    "completeness": np.nan if given else float(part["found"].mean()),
                    **_with_intervals(part, statistics, n_resamples, seed),
                }
            )
    return pd.DataFrame(rows)


def paired_ratio(
    first: pd.DataFrame, second: pd.DataFrame, *, n_resamples: int, seed: int
) -> dict[str, float]:
    """Ratio of the NMAD of two methods, on the galaxies that both have measured.

    Parameters
    ----------
    first, second : DataFrame
        From `with_truth`, of one set.
    n_resamples, seed : int

    Returns
    -------
    dict
        `n` (galaxies), `nmad_first_mag`, `nmad_second_mag`, `ratio` (below 1 if the first one
        scatters less), and its interval of `PAIRED_LEVEL`: `ratio_low`, `ratio_high`.
    """
    keys = ["scene", "galaxy"]
    both = first[[*keys, "id", "partner"]].assign(a=errors_of(first))
    both = both.merge(second[keys].assign(b=errors_of(second)), on=keys).dropna()
    result: dict[str, float] = {"n": len(both)}
    names = ("nmad_first_mag", "nmad_second_mag", "ratio")
    if len(both) < FEW:
        return result | dict.fromkeys((*names, "ratio_low", "ratio_high"), np.nan)
    arrays = both["a"].to_numpy(), both["b"].to_numpy()
    interval = bootstrap_by_galaxy(
        nmad_of_both,
        arrays,
        bootstrap_units(both),
        n_resamples=n_resamples,
        seed=seed,
        level=PAIRED_LEVEL,
    )
    result |= nmad_of_both(*arrays)
    known = "ratio" in interval.index
    result["ratio_low"] = float(interval["low"]["ratio"]) if known else np.nan
    result["ratio_high"] = float(interval["high"]["ratio"]) if known else np.nan
    return result


def nmad_of_both(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """NMAD of two sets of errors, and their ratio."""
    a, b = (NMAD_FACTOR * float(np.median(np.abs(v - np.median(v)))) for v in (first, second))
    return {"nmad_first_mag": a, "nmad_second_mag": b, "ratio": a / b if b > 0 else np.nan}


def score_all(
    galaxies: Mapping[str, pd.DataFrame],
    scenes: Mapping[str, pd.DataFrame],
    notes: Mapping[str, Mapping[str, Any]],
    truths: Mapping[str, pd.DataFrame],
    *,
    bins: Mapping[str, Sequence[float]],
    n_resamples: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """All tables of the benchmark.

    Parameters
    ----------
    galaxies, scenes, notes : dict
        What `deblend.benchmark.steps.measure_sets` writes, by method.
    truths : dict of DataFrame
        By set.
    bins : dict
        See `scores_in_bins`.
    n_resamples, seed : int

    Returns
    -------
    dict of DataFrame
        `table` (`SCORES`), `bins` and `paired`.
    """
    rows, binned, paired = [], [], []
    joined = {method: with_truth(table, truths) for method, table in galaxies.items()}
    options = {"n_resamples": n_resamples, "seed": seed}
    for blends in truths:
        for method, table in joined.items():
            labels = {"set": blends, "method": method}
            own = table[table["set"] == blends]
            counts = scenes[method][scenes[method]["set"] == blends]
            if not len(counts):
                reason = notes[method]["left_out"].get(blends, "")
                rows.append({**labels, "n_blends": 0, "note": reason})
                continue
            labels["positions"] = notes[method]["positions"][blends]
            labels["trained_on"] = notes[method]["trained_on"]
            seconds = notes[method]["seconds"].get(blends, np.nan)
            rows.append(
                {
                    **labels,
                    **score(own, counts, **options),
                    "seconds_per_blend": seconds,
                    "note": "",
                }
            )
            given = bool(counts["n_found"].isna().all())
            found = scores_in_bins(own, bins, given=given, **options)
            binned.append(found.assign(set=blends, method=method))
        for first, second in combinations(joined, 2):
            tables = [joined[m][joined[m]["set"] == blends] for m in (first, second)]
            if all(table["flux"].notna().any() for table in tables):
                numbers = paired_ratio(tables[0], tables[1], **options)
                paired.append({"set": blends, "first": first, "second": second, **numbers})
    empty = pd.DataFrame(columns=["set", "method", "quantity"])
    of_bins = pd.concat(binned, ignore_index=True) if binned else empty
    front = ["set", "method"]
    return {
        "table": pd.DataFrame(rows).reindex(columns=list(SCORES)),
        "bins": of_bins[[*front, *(c for c in of_bins if c not in front)]],
        "paired": pd.DataFrame(paired),
    }
