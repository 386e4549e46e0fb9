"""Fractions of detected blends, false positives and flux errors, for each resolution."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.hemmati2022.resampling import N_RESAMPLES, interval_of_share, resampled_counts
from deblend.intervals import wilson_interval
from deblend.photometry.mixture_fit import FLAG_NO_SHAPE, FLAG_ROUND


def false_positives(
    n_peaks_single: np.ndarray, n_high: np.ndarray, n_low: np.ndarray, n_gan: np.ndarray
) -> dict[str, float]:
    """False positive rates of the GAN's images (Sect. 4).

    Parameters
    ----------
    n_peaks_single : ndarray, shape (m,)
        Numbers of peaks in the GAN's images of unblended test stamps.
    n_high, n_low, n_gan : ndarray, shape (n,)
        Numbers of peaks of each blend in the three resolutions.

    Returns
    -------
    dict
        unblended: share of single galaxies with more than one peak; blends: share of blends with
        one peak in high and low resolution, but more in GAN resolution; all: share of both in both
        samples together. The paper names the two kinds, but gives one number; the last is one way
        to read it.
    """
    single = np.asarray(n_peaks_single) > 1
    blend = (np.asarray(n_high) == 1) & (np.asarray(n_low) == 1) & (np.asarray(n_gan) > 1)
    return {
        "unblended": float(single.mean()),
        "blends": float(blend.mean()),
        "all": float(np.concatenate([single, blend]).mean()),
    }


def detection_fractions(
    table: pd.DataFrame,
    column: str,
    edges: np.ndarray,
    resolutions: Sequence[str] = ("high", "low", "gan"),
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
    counts = blend_counts(table)[:, inside]
    parts = []
    for resolution in resolutions:
        detected = table[f"detected_{resolution}"].to_numpy(bool)[inside]
        k = np.bincount(bin_numbers[detected], minlength=len(n))
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
    """Share of stamps that show more peaks than they should.

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


def flux_errors(photometry: pd.DataFrame) -> pd.DataFrame:
    """Relative flux errors of the dominant source with both sets of positions, on the same blends.

    Parameters
    ----------
    photometry : DataFrame
        One row per blend that is detected in GAN resolution, but not in low resolution: `blend`,
        `mag_input`, `mag_low`, `mag_gan`, and `flags_input`, `flags_low`, `flags_gan`.

    Returns
    -------
    DataFrame
        `blend`, `mag_input`, `mag_low`, `mag_gan`, and `error_low` and `error_gan`, the measured
        flux divided by the input flux, minus one. Only blends with good fluxes in all three fits.
    """
    names = ("input", "low", "gan")
    # These two flags concern the shape only; the flux is good.
    flags = photometry[[f"flags_{name}" for name in names]].fillna(-1).astype(int)
    good = ((flags & ~(FLAG_NO_SHAPE | FLAG_ROUND)) == 0).all(axis=1)
    mags = [f"mag_{name}" for name in names]
    # A file without rows does not define the types of its columns.
    photometry = photometry.astype(dict.fromkeys(mags, float))
    errors = photometry.loc[good & np.isfinite(photometry[mags]).all(axis=1), ["blend", *mags]]
    for name in ("low", "gan"):
        ratio = 10 ** (-0.4 * (errors[f"mag_{name}"] - errors["mag_input"]))
        errors = errors.assign(**{f"error_{name}": ratio - 1})
    return errors.reset_index(drop=True)


def flux_improvement(photometry: pd.DataFrame) -> dict[str, float]:
    """Improvement of the photometry with the GAN's positions (Sect. 4.1).

    Parameters
    ----------
    photometry : DataFrame
        See `flux_errors`.

    Returns
    -------
    dict
        `low` and `gan`: median |flux error|; `ratio`: the first divided by the second, which is our
        reading of "ten times improvement"; `n`: number of blends. NaN if there are none.
    """
    errors = flux_errors(photometry)
    if errors.empty:
        return {"low": np.nan, "gan": np.nan, "ratio": np.nan, "n": 0.0}
    low, gan = (float(errors[f"error_{name}"].abs().median()) for name in ("low", "gan"))
    return {"low": low, "gan": gan, "ratio": low / gan if gan else np.inf, "n": float(len(errors))}
