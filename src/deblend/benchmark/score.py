"""Scores of the methods: photometry, detection, masks, images, errors, and time.

All statistics of magnitudes are of the same blends for all methods. Each galaxy is in one blend (in
several only in sets of real galaxies), and intervals are of resampled blends with all their
galaxies, so that both galaxies of a blend, whose errors are not independent, stay together.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
from deblend.benchmark.density import DENSITY, density_scores
from deblend.boucaud2020.metrics import NMAD_FACTOR, OUTLIER_MAG, bootstrap_by_galaxy

#: Statistics of the errors of magnitudes, measured minus true, with intervals.
ERRORS = (
    *("bias_mag", "nmad_mag", "nmad_all_mag", "p16_mag", "p84_mag"),
    *("outliers_percent", "outliers_all_percent"),
)

#: Scores of a method on a set, in the order of the table.
SCORES = (
    *("set", "method", "positions", "trained_on", "n_blends", "n_galaxies", "n_measured"),
    *(f"{name}{end}" for name in ERRORS for end in ("", "_low", "_high")),
    *("completeness", "purity", "called_blend", "iou", "psnr_db"),
    *DENSITY,
    *("seconds_per_blend", "note"),
)

#: Confidence of the intervals.
LEVEL = 0.68
PAIRED_LEVEL = 0.95

#: Errors of fewer galaxies have no statistics.
FEW = 5


def errors_of(table: pd.DataFrame) -> np.ndarray:
    """Measured minus true magnitudes; NaN where there is no positive flux."""
    ratio = table["flux"].to_numpy(float) / table["true_flux"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(ratio > 0, -2.5 * np.log10(ratio), np.nan)


def statistics(ratio: np.ndarray) -> dict[str, float]:
    """`ERRORS` of ratios of measured to true fluxes.

    Parameters
    ----------
    ratio : ndarray, shape (n,)
        NaN where the galaxy was not measured.

    Returns
    -------
    dict
        Bias is the median error; `p16_mag` and `p84_mag` contain 68 % of the errors. A flux that is
        not positive counts as an outlier. `bias_mag`, `nmad_mag`, `p16_mag`, `p84_mag` and
        `outliers_percent` are of the galaxies that are measured. In `nmad_all_mag` and
        `outliers_all_percent` all others count as infinitely wrong, so that a method does not gain
        by leaving out what is difficult; `nmad_all_mag` is infinite if that is half of them. NaN if
        there are fewer than `FEW`.
    """
    n, n_measured = len(ratio), np.count_nonzero(~np.isnan(ratio))
    errors = -2.5 * np.log10(ratio[ratio > 0])
    result = dict.fromkeys(ERRORS, np.nan)
    n_good = np.count_nonzero(np.abs(errors) <= OUTLIER_MAG)
    if n >= FEW:
        result["outliers_all_percent"] = 100 * (1 - n_good / n)
        result["nmad_all_mag"] = nmad_of_all(errors, n)
    if len(errors) >= FEW:
        low, median, high = np.percentile(errors, (16, 50, 84))
        result |= {
            "bias_mag": float(median),
            "nmad_mag": NMAD_FACTOR * float(np.median(np.abs(errors - median))),
            "p16_mag": float(low),
            "p84_mag": float(high),
            "outliers_percent": 100 * (1 - n_good / n_measured),
        }
    return result


def nmad_of_all(errors: np.ndarray, n: int) -> float:
    """NMAD of n galaxies of which only some have errors; the others are infinitely wrong."""
    # Not the mean of both in the middle, of which one can be infinite.
    if n // 2 >= len(errors):
        return np.inf
    away = np.abs(errors - np.median(errors))
    return NMAD_FACTOR * float(np.partition(away, n // 2)[n // 2])


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


def _with_intervals(table: pd.DataFrame, n_resamples: int, seed: int) -> dict[str, float]:
    """Statistics with the intervals of `LEVEL`."""
    ratio = table["ratio"].to_numpy(float)
    result = statistics(ratio)

    # Bounded, so that no resample is left out where the scatter is infinite.
    def resampled(values: np.ndarray) -> dict[str, float]:
        found = statistics(values)
        return found | {"nmad_all_mag": _bounded(found["nmad_all_mag"])}

    units = bootstrap_units(table)
    interval = _interval(resampled, (ratio,), units, n_resamples, seed, LEVEL)
    for name in list(result):
        low, high = interval.get(name, (np.nan, np.nan))
        if name == "nmad_all_mag":
            low, high = _unbounded(high), _unbounded(low)
        result[f"{name}_low"], result[f"{name}_high"] = low, high
    return result


def _bounded(value: float) -> float:
    """A number from 0 for what is infinite to 1 for 0."""
    return 1 / (1 + value)


def _unbounded(value: float) -> float:
    """The inverse of `_bounded`."""
    return max(1 / value - 1, 0.0) if value > 0 else np.nan if np.isnan(value) else np.inf


def _interval(
    statistic: Callable[..., dict[str, float]],
    arrays: Sequence[np.ndarray],
    units: np.ndarray,
    n_resamples: int,
    seed: int,
    level: float,
) -> dict[str, tuple[float, float]]:
    """Interval of each statistic, of resampled units; empty without resamples."""
    found = bootstrap_by_galaxy(
        statistic, arrays, units, n_resamples=n_resamples, seed=seed, level=level
    )
    return {str(name): (float(row["low"]), float(row["high"])) for name, row in found.iterrows()}


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
        `psnr_db` are medians of the galaxies that are found. For `DENSITY` see
        `deblend.benchmark.density.density_scores`. NaN for what a method lacks.
    """
    table = _prepared(measured)
    row: dict[str, float] = {
        "n_blends": len(scenes),
        "n_galaxies": len(table),
        "n_measured": int(table["ratio"].notna().sum()),
        **_with_intervals(table, n_resamples, seed),
    }
    n_found, n_false = scenes["n_found"].sum(min_count=1), scenes["n_false"].sum(min_count=1)
    row["completeness"] = float(n_found / len(table)) if len(table) else np.nan
    total = n_found + n_false
    row["purity"] = float(n_found / total) if total > 0 else np.nan
    row["called_blend"] = float(scenes["is_blend"].mean())
    return row | _of_pixels_and_errors(table)


def _of_pixels_and_errors(table: pd.DataFrame) -> dict[str, float]:
    """`iou`, `psnr_db` and `DENSITY` of a table."""
    row = {name: float(table[name].median()) for name in ("iou", "psnr_db")}
    measured = table["flux"].notna().to_numpy()
    outlier = measured & ~(np.abs(errors_of(table)) <= OUTLIER_MAG)
    return row | density_scores(table, outlier)


def bin_edges(values: np.ndarray, edges: Sequence[float]) -> list[tuple[float, float]]:
    """Bins between the edges, below the first and from the last one on, that have values."""
    pairs = list(pairwise([-np.inf, *edges, np.inf]))
    return [(low, high) for low, high in pairs if ((values >= low) & (values < high)).any()]


def scores_in_bins(
    measured: pd.DataFrame,
    bins: Mapping[str, Sequence[float]],
    *,
    given: bool,
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Scores of one method on one set, in bins.

    Parameters
    ----------
    measured : DataFrame
        From `with_truth`.
    bins : dict
        Edges of the bins of `delta_mag`, `separation_over_size` and `snr`; the bins at both ends
        are open.
    given : bool
        Whether the method got positions, or looked for none, so that it has no completeness.
    n_resamples, seed : int

    Returns
    -------
    DataFrame
        `quantity`, `low`, `high`, `n`, `completeness`, `purity` (false sources count with the
        nearest galaxy), `ERRORS` with intervals, `iou`, `psnr_db` and coverage.
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
                    "purity": np.nan if given else _purity(part),
                    **_with_intervals(part, n_resamples, seed),
                    **_of_pixels_and_errors(part),
                }
            )
    return pd.DataFrame(rows)


def _purity(part: pd.DataFrame) -> float:
    """Share of the sources of some galaxies that are one of these."""
    n_found = float(part["found"].sum())
    total = n_found + float(part["n_false"].sum())
    return n_found / total if total > 0 else np.nan


#: Names of two methods that are compared, and what their pairs have intervals of.
PAIR = ("first", "second")
PAIRED = ("ratio", "ratio_all", "outliers_difference_percent", "completeness_difference")


def paired_scores(
    first: pd.DataFrame, second: pd.DataFrame, *, n_resamples: int, seed: int
) -> dict[str, float]:
    """Ratio of the NMAD of two methods, and differences of other scores, on the same galaxies.

    Parameters
    ----------
    first, second : DataFrame
        From `with_truth`, of one set; `found` is NaN for a method that looks for no positions.
    n_resamples, seed : int

    Returns
    -------
    dict
        `n` (galaxies), `n_both` (those that both have measured), `nmad_first_mag`,
        `nmad_second_mag` and `ratio` of these; `ratio_all` of the NMAD of all galaxies, of which
        those that a method does not measure count as infinitely wrong; below 1 if the first one
        scatters less, NaN if both are infinite. `outliers_difference_percent` (of all) and
        `completeness_difference`: first minus second. The intervals are of `PAIRED_LEVEL`.
    """
    keys = ["scene", "galaxy"]
    both = first[[*keys, "id", "partner"]].assign(a=errors_of(first), e=first["found"])
    both = both.merge(second[keys].assign(b=errors_of(second), f=second["found"]), on=keys)
    arrays = tuple(both[name].to_numpy(float) for name in ("a", "b", "e", "f"))
    result: dict[str, float] = {
        "n": len(both),
        "n_both": int(both[["a", "b"]].notna().all(1).sum()),
    }
    ends = [f"{name}{end}" for name in PAIRED for end in ("", "_low", "_high")]
    result |= dict.fromkeys(("nmad_first_mag", "nmad_second_mag", *ends), np.nan)
    if len(both) < FEW:
        return result
    estimate = _compared(*arrays)
    result |= {name: estimate[name] for name in ("nmad_first_mag", "nmad_second_mag")}
    units = bootstrap_units(both)
    interval = _interval(_compared, arrays, units, n_resamples, seed, PAIRED_LEVEL)
    for name in PAIRED:
        values = [estimate[name], *interval.get(name, (np.nan, np.nan))]
        if name == "ratio_all":
            values = [_ratio(share) for share in values]
        for end, value in zip(("", "_low", "_high"), values, strict=True):
            result[f"{name}{end}"] = value
    if np.isinf([nmad_of_all(v[~np.isnan(v)], len(both)) for v in arrays[:2]]).all():
        result |= dict.fromkeys(("ratio_all", "ratio_all_low", "ratio_all_high"), np.nan)
    return result


def _compared(
    first: np.ndarray, second: np.ndarray, found: np.ndarray, also: np.ndarray
) -> dict[str, float]:
    """Scores of two methods, by errors and by what is found; `ratio_all` as `_share`."""
    both = ~(np.isnan(first) | np.isnan(second))
    result = dict.fromkeys(("nmad_first_mag", "nmad_second_mag", "ratio"), np.nan)
    if np.count_nonzero(both) >= FEW:
        result = nmad_of_both(first[both], second[both])
    a, b = (nmad_of_all(v[~np.isnan(v)], len(v)) for v in (first, second))
    good = [float((np.abs(v) <= OUTLIER_MAG).mean()) for v in (first, second)]
    return {
        **result,
        "ratio_all": _share(a, b),
        "outliers_difference_percent": 100 * (good[1] - good[0]),
        "completeness_difference": float(found.mean() - also.mean()),
    }


def _share(first: float, second: float) -> float:
    """First over the sum of both, which is finite where one is infinite; 0.5 if both are."""
    if np.isinf(first) or np.isinf(second):
        return 0.5 + 0.5 * (float(np.isinf(first)) - float(np.isinf(second)))
    return first / (first + second) if first + second > 0 else 0.5


def _ratio(share: float) -> float:
    """Ratio of two numbers from `_share`."""
    return np.inf if share >= 1 else max(share, 0.0) / (1 - share)


def nmad_of_both(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """NMAD of two sets of errors, and their ratio."""
    a, b = (NMAD_FACTOR * float(np.median(np.abs(v - np.median(v)))) for v in (first, second))
    return {"nmad_first_mag": a, "nmad_second_mag": b, "ratio": a / b if b > 0 else np.nan}


def paired_in_bins(
    tables: Mapping[str, pd.DataFrame], bins: Mapping[str, Sequence[float]], **options: int
) -> pd.DataFrame:
    """Each two methods compared in bins: `paired_scores` with `quantity`, `low` and `high`."""
    rows = []
    for first, second in combinations(tables, 2):
        own = tables[first]
        for quantity, edges in bins.items():
            values = own[quantity].to_numpy(float)
            for low, high in bin_edges(values, edges):
                part = own[(values >= low) & (values < high)]
                where = {"quantity": quantity, "low": low, "high": high}
                numbers = paired_scores(part, tables[second], **options)
                rows.append({"first": first, "second": second, **where, **numbers})
    return pd.DataFrame(rows)


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
        `table` (`SCORES`), `bins`, `paired`, and `paired_bins` of the first set.
    """
    rows, binned, paired = [], [], []
    in_bins = pd.DataFrame(columns=["set", *PAIR, "quantity"])
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
                    "note": notes[method].get("remarks", {}).get(blends, ""),
                }
            )
            given = bool(counts["n_found"].isna().all())
            found = scores_in_bins(own, bins, given=given, **options)
            binned.append(found.assign(set=blends, method=method))
        tables = _comparable(joined, notes, blends)
        for first, second in combinations(tables, 2):
            numbers = paired_scores(tables[first], tables[second], **options)
            paired.append(pd.DataFrame([{"first": first, "second": second, **numbers}]))
            paired[-1].insert(0, "set", blends)
        if blends == next(iter(truths)):
            found = paired_in_bins(tables, bins, **options)
            in_bins = found.assign(set=blends)[["set", *found]] if len(found) else in_bins
    empty = pd.DataFrame(columns=["set", "method", "quantity"])
    of_bins = pd.concat(binned, ignore_index=True) if binned else empty
    front = ["set", "method"]
    return {
        "table": pd.DataFrame(rows).reindex(columns=list(SCORES)),
        "bins": of_bins[[*front, *(c for c in of_bins if c not in front)]],
        "paired": pd.concat(paired, ignore_index=True) if paired else in_bins[["set", *PAIR]],
        "paired_bins": in_bins,
    }


def _comparable(
    joined: Mapping[str, pd.DataFrame], notes: Mapping[str, Mapping[str, Any]], blends: str
) -> dict[str, pd.DataFrame]:
    """What methods with fluxes have measured on a set; `found` is NaN where they do not look."""
    tables = {}
    for method, table in joined.items():
        own = table[table["set"] == blends]
        if own["flux"].notna().any():
            looks = notes[method]["positions"][blends] == "detected"
            tables[method] = own.assign(found=own["found"].astype(float) if looks else np.nan)
    return tables
