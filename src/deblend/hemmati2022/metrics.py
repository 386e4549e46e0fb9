"""Fractions of detected blends, false positives and flux errors, for each resolution."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.hemmati2022.resampling import N_RESAMPLES, interval_of_share, resampled_counts
from deblend.intervals import wilson_interval
from deblend.photometry.mixture_fit import FLAG_NO_SHAPE


def detection_fractions(
    table: pd.DataFrame,
    column: str,
    edges: np.ndarray,
    resolutions: Sequence[str] = ("high", "low", "gan"),
    *,
    with_intervals: bool = True,
) -> pd.DataFrame:
    """Share of the blends that are detected, in bins of a quantity (Figs 5 and 9).

    Parameters
    ----------
    table : DataFrame
        One row per blend: the quantity, and detected_high, detected_low, ... (true or false).
    column : str
        Name of the quantity, for example from `deblend.hemmati2022.blends.pair_quantities`.
    edges : ndarray, shape (n_bins + 1,)
        Increasing. A bin includes its lower edge; the last one includes its upper edge too.
    resolutions : sequence of str
    with_intervals : bool
        Whether intervals are needed, which take most of the time; else they are NaN.

    Returns
    -------
    DataFrame
        quantity, bin_low, bin_high, resolution, n, fraction, and low and high, the ends of its 68 %
        interval by a bootstrap of the galaxies (`galaxy_0`, `galaxy_1`; without these columns the
        blends are taken to be independent); NaN if a bin is empty.

    Raises
    ------
    DeblendError
        A column is missing, or the edges do not increase.
    """
    edges = np.asarray(edges, float)
    missing = [c for c in (column, *(f"detected_{r}" for r in resolutions)) if c not in table]
    if missing:
        raise DeblendError(f"the table of blends lacks the columns {', '.join(missing)}")
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise DeblendError(f"the edges of bins in {column} are {edges}: give increasing numbers")
    values = table[column].to_numpy(float)
    inside = (values >= edges[0]) & (values <= edges[-1])
    bin_numbers = np.minimum(np.searchsorted(edges, values[inside], "right") - 1, len(edges) - 2)
    n = np.bincount(bin_numbers, minlength=len(edges) - 1)
    counts = blend_counts(table)[:, inside] if with_intervals else None
    parts = []
    for resolution in resolutions:
        detected = table[f"detected_{resolution}"].to_numpy(bool)[inside]
        k = np.bincount(bin_numbers[detected], minlength=len(n))
        low, high = np.full((2, len(n)), np.nan)
        if counts is not None:
            ends = [interval_of_share(detected, counts, bin_numbers == i) for i in range(len(n))]
            low, high = np.array(ends).T
        share = np.where(n > 0, k / np.maximum(n, 1), np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "quantity": column,
                    "bin_low": edges[:-1],
                    "bin_high": edges[1:],
                    "resolution": resolution,
                    "n": n,
                    "fraction": share,
                    "low": low,
                    "high": high,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def blend_counts(table: pd.DataFrame) -> np.ndarray:
    """How often each blend of a table is in bootstrap samples of its galaxies.

    See `deblend.hemmati2022.resampling.resampled_counts`; `galaxy_0` and `galaxy_1` are the
    galaxies of each blend. Without these columns each blend has galaxies of its own.
    """
    if {"galaxy_0", "galaxy_1"} <= set(table):
        galaxies = table[["galaxy_0", "galaxy_1"]].to_numpy(int)
    else:
        galaxies = np.arange(len(table))[:, None]
    return resampled_counts(galaxies, N_RESAMPLES)


#: For each resolution its name in tables for the reader.
RESOLUTIONS = {
    "high": "high",
    "high_best": "high, best filter",
    "low": "low",
    "low_best": "low, best filter",
    "low_rl": "low, Richardson-Lucy",
    "low_sep": "low, SEP",
    "low_stack": "low, sum of bands, best filter",
    "low_stack_rl": "low, sum of bands, Richardson-Lucy",
    "gan_l1": "generator, L1 alone",
    "gan": "GAN",
    "gan_content": "GAN with a content term",
    "gan_multi_l1": "generator, L1 alone, multi-band",
    "gan_multi_l1_stack": "generator, L1 alone, multi-band, peaks in all bands",
    "gan_multi": "GAN, multi-band",
    "gan_multi_stack": "GAN, multi-band, peaks in all bands",
    "gan_multi_content": "GAN with a content term, multi-band",
    "gan_multi_content_stack": "GAN with a content term, multi-band, peaks in all bands",
}


#: Samples of stamps, and what the table of detections calls those with a false peak, one without a
#: galaxy. Sect. 4 names the first two kinds; of the second there are two denominators.
SAMPLES = {
    "unblended": "Single galaxies with a false peak (%)",
    "one_peak": "One peak in high and low, a false one here (% of those)",
    "one_peak_of_all": "One peak in high and low, a false one here (% of all blends)",
    "blends": "Blends with a false peak (%)",
}


#: Values of a column that are read as true, false or unknown.
BOOLEANS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0, "nan": np.nan}


#: Number of bins of Figures 5 and 9, and the percentile of the blends at which the last one ends:
#: there are too few blends beyond.
N_BINS, LAST_PERCENTILE = 10, 99


def parse_detections(table: pd.DataFrame) -> pd.DataFrame:
    """Convert the detections in a table to true and false, and drop empty columns.

    Parameters
    ----------
    table : DataFrame
        One row per blend, with `detected_high`, `detected_low` and so on. A column is absent or
        empty if its network was not trained.

    Returns
    -------
    DataFrame
        Without the empty columns; `detected_*` of type bool.

    Raises
    ------
    DeblendError
        A column has values for some blends only, or is neither true nor false.
    """
    table = table.copy()
    for name in [f"detected_{r}" for r in RESOLUTIONS if f"detected_{r}" in table]:
        if table[name].dtype == bool:
            continue
        text = table[name].astype(object).map(lambda value: str(value).lower())
        unknown = sorted(set(text) - set(BOOLEANS))
        if unknown:
            raise DeblendError(f"{name} has the value {unknown[0]!r}: give true, false or nothing")
        values = text.map(BOOLEANS)
        if values.isna().all():
            table = table.drop(columns=name)
        elif values.isna().any():
            raise DeblendError(
                f"{name} is empty for {values.isna().sum()} of {len(values)} blends: measure all "
                "blends, or none, in a resolution"
            )
        else:
            table[name] = values.astype(bool)
    return table


def measured_resolutions(table: pd.DataFrame) -> list[str]:
    """Resolutions in a table from `parse_detections`."""
    return [r for r in RESOLUTIONS if f"detected_{r}" in table]


def bin_edges(values: pd.Series) -> np.ndarray:
    """Edges of equal bins of a quantity, from 0 to its percentile `LAST_PERCENTILE`."""
    finite = values[np.isfinite(values)]
    end = float(np.percentile(finite, LAST_PERCENTILE)) if len(finite) else 1.0
    return np.linspace(0, end if end > 0 else 1.0, N_BINS + 1)


def false_positive_rate(table: pd.DataFrame, resolution: str, samples: list[str]) -> pd.Series:
    """Share of stamps that show a false peak, one without a galaxy.

    Parameters
    ----------
    table : DataFrame
        `resolution`, `sample`, `n`, `n_false`.
    resolution : str
    samples : list of str
        Keys of `SAMPLES`; several are pooled.

    Returns
    -------
    Series
        `n`, `n_false`, `rate`, `low`, `high` (68 % interval: that of the table, which is by galaxy,
        or else Wilson's, with the errors of several samples added in quadrature); NaN if there are
        no stamps.
    """
    rows = table[(table["resolution"] == resolution) & table["sample"].isin(samples)]
    rows = rows[rows["n"] > 0]
    n, n_false = float(rows["n"].sum()), float(rows["n_false"].sum())
    if not n:
        return pd.Series(
            {"n": 0.0, "n_false": 0.0, **dict.fromkeys(("rate", "low", "high"), np.nan)}
        )
    if not {"low", "high"} <= set(rows):
        ends = wilson_interval(rows["n_false"], rows["n"])
        rows = rows.assign(low=ends[0], high=ends[1])
    rate, shares = n_false / n, rows["n_false"] / rows["n"]
    errors = [
        float(np.hypot.reduce(rows["n"] * (rows[end] - shares)) / n) for end in ("low", "high")
    ]
    return pd.Series(
        {
            "n": n,
            "n_false": n_false,
            "rate": rate,
            "low": rate - errors[0],
            "high": rate + errors[1],
        }
    )


#: Largest rate of false positives at which a fraction of detected blends is meaningful.
MAX_FALSE_POSITIVE_RATE = 0.05


#: Networks at whose peaks blends are measured: with the paper's loss in one band and in all (Sect.
#: 4.2), and those with a content term, or that alone.
MEASURED_NETWORKS = ("gan", "gan_content", "gan_multi", "gan_multi_content", "gan_multi_l1")


#: Smallest number of blends whose photometry is compared with the paper's.
MIN_MEASURED = 30


def flux_errors(photometry: pd.DataFrame, position: str = "gan") -> pd.DataFrame:
    """Relative flux errors of the dominant source with both sets of positions, on the same blends.

    Parameters
    ----------
    photometry : DataFrame
        One row per blend that is detected in a network's images, but not in low resolution:
        `blend`, and for input, low and the networks `mag_...` and `flags_...`.
    position : str
        One of `MEASURED_NETWORKS`, whose positions are compared with those from low resolution.

    Returns
    -------
    DataFrame
        `blend`, `galaxy` if the table has it, `mag_input`, `mag_low`, `mag_gan`, and `error_low`
        and `error_gan`, the measured flux divided by the input flux, minus one (the last of each
        with the name of the position).
        Only blends with good fluxes in all three fits. A fit of round galaxies is not good: its
        flux can be wrong by several times.
    """
    names = ("input", "low", position)
    if f"mag_{position}" not in photometry:
        photometry = photometry.assign(**{f"mag_{position}": np.nan, f"flags_{position}": -1})
    # Without a shape, the flux is good.
    flags = photometry[[f"flags_{name}" for name in names]].fillna(-1).astype(int)
    good = ((flags & ~FLAG_NO_SHAPE) == 0).all(axis=1)
    mags = [f"mag_{name}" for name in names]
    # A file without rows does not define the types of its columns.
    photometry = photometry.astype(dict.fromkeys(mags, float))
    keys = [name for name in ("blend", "galaxy") if name in photometry]
    errors = photometry.loc[good & np.isfinite(photometry[mags]).all(axis=1), [*keys, *mags]]
    for name in names[1:]:
        ratio = 10 ** (-0.4 * (errors[f"mag_{name}"] - errors["mag_input"]))
        errors = errors.assign(**{f"error_{name}": ratio - 1})
    return errors.reset_index(drop=True)


def flux_improvement(photometry: pd.DataFrame, position: str = "gan") -> dict[str, float]:
    """Improvement of the photometry with a network's positions (Sects 4.1, 4.2; Fig. 7).

    The paper does not say of what "ten times improvement" is the ratio: both readings are given.

    Parameters
    ----------
    photometry, position
        See `flux_errors`.

    Returns
    -------
    dict
        `low` and `gan`: median |flux error|; `ratio`: the first divided by the second; `offset_low`
        and `offset_gan`: median of measured minus input magnitude; `offset_ratio`: the ratio of
        their absolute values, which is what Figure 7 shows; `n`: number of blends. `gan` stands for
        either network. NaN if there are no blends.
    """
    errors = flux_errors(photometry, position)
    medians = np.median(_measures(errors, position), axis=0) if len(errors) else np.full(4, np.nan)
    found = {"n": float(len(errors)), **dict(zip(MEASURES, map(float, medians), strict=True))}
    return found | {name: float(ratio[0]) for name, ratio in _ratios(medians[None]).items()}


#: Medians of `flux_improvement`.
MEASURES = ("low", "gan", "offset_low", "offset_gan")


def _measures(errors: pd.DataFrame, position: str) -> np.ndarray:
    """Of each blend the quantities whose medians are `MEASURES`, shape (n, 4)."""
    relative = errors[["error_low", f"error_{position}"]].abs().to_numpy(float)
    mags = errors[["mag_low", f"mag_{position}"]].to_numpy(float)
    return np.hstack([relative, mags - errors[["mag_input"]].to_numpy(float)])


def _ratios(medians: np.ndarray) -> dict[str, np.ndarray]:
    """By how much medians (n, 4) get smaller; infinite if they become zero."""
    size = np.abs(medians)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = {
            "ratio": size[:, 0] / size[:, 1],
            "offset_ratio": size[:, 2] / size[:, 3],
        }
    zero = {"ratio": size[:, 1] == 0, "offset_ratio": size[:, 3] == 0}
    return {name: np.where(zero[name], np.inf, ratio) for name, ratio in ratios.items()}


def improvement_intervals(
    photometry: pd.DataFrame, position: str = "gan", n_resamples: int = 200
) -> dict[str, tuple[float, float]]:
    """68 % intervals of the numbers of `flux_improvement`, by bootstrapping the dominant galaxies.

    Blends share galaxies, so that they are not independent. NaN for a table without `galaxy`, or
    with blends of fewer than two.

    Parameters
    ----------
    photometry, position
        See `flux_errors`.
    n_resamples : int
    """
    errors = flux_errors(photometry, position)
    rows = list(errors.groupby("galaxy").indices.values()) if "galaxy" in errors else []
    if len(rows) < 2:
        return dict.fromkeys((*MEASURES, "ratio", "offset_ratio"), (np.nan, np.nan))
    values = _measures(errors, position)
    rng = np.random.default_rng(0)
    draws = rng.integers(len(rows), size=(n_resamples, len(rows)))
    medians = np.array(
        [np.median(values[np.concatenate([rows[i] for i in draw])], axis=0) for draw in draws]
    )
    samples = {**dict(zip(MEASURES, medians.T, strict=True)), **_ratios(medians)}
    return {name: tuple(np.percentile(x, [16, 84])) for name, x in samples.items()}
