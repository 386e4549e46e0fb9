"""Scores of detections and photometry of blends, resolution by resolution."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import FLAG_NO_SHAPE, FLAG_ROUND


def false_positives(
    n_peaks_single: np.ndarray, n_high: np.ndarray, n_low: np.ndarray, n_gan: np.ndarray
) -> dict[str, float]:
    """False positive rates of the GAN's images (Sect. 4).

    Parameters
    ----------
    n_peaks_single : ndarray, shape (m,)
        Peaks in the GAN's images of unblended test stamps.
    n_high, n_low, n_gan : ndarray, shape (n,)
        Peaks of each blend in the three resolutions.

    Returns
    -------
    dict
        unblended: share of single galaxies with more than one peak; blends: share of blends with
        one peak in high and low and more in GAN resolution; all: both over both samples, one
        reading of the paper, which names the two kinds and one number.
    """
    single = np.asarray(n_peaks_single) > 1
    blend = (np.asarray(n_high) == 1) & (np.asarray(n_low) == 1) & (np.asarray(n_gan) > 1)
    return {
        "unblended": float(single.mean()),
        "blends": float(blend.mean()),
        "all": float(np.concatenate([single, blend]).mean()),
    }


def wilson(k: np.ndarray, n: np.ndarray, z: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a share k / n, z sigmas wide; NaN where n is 0."""
    k, n = np.asarray(k, float), np.asarray(n, float)
    n = np.where(n > 0, n, np.nan)
    share = k / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


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
        A row a blend: the quantity, and detected_high, detected_low, ... (true or false).
    column : str
        From `deblend.hemmati2022.blends.pair_quantities`, or any other.
    edges : ndarray, shape (n_bins + 1,)
        Increasing; a bin holds its lower edge, the last one its upper edge too.
    resolutions : sequence of str

    Returns
    -------
    DataFrame
        quantity, bin_low, bin_high, resolution, n, fraction, low, high: Wilson's 68 % interval;
        NaN where a bin is empty.

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
    which = np.minimum(np.searchsorted(edges, values[inside], "right") - 1, len(edges) - 2)
    n = np.bincount(which, minlength=len(edges) - 1)
    parts = []
    for resolution in resolutions:
        hit = table[f"detected_{resolution}"].to_numpy(bool)[inside]
        k = np.bincount(which[hit], minlength=len(n))
        low, high = wilson(k, n)
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


#: Resolution in the tables to what is written.
RESOLUTIONS = {
    "high": "high",
    "high_best": "high, best filter",
    "low": "low",
    "low_best": "low, best filter",
    "gan": "GAN",
    "gan_content": "GAN with a content term",
    "gan_multi": "GAN, multi-band",
}


#: Kinds of stamps that should show one peak.
SAMPLES = {
    "unblended": "Single galaxies with more peaks (%)",
    "one_peak": "One peak in high and low, but more (%)",
}


TRUTHS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0, "nan": np.nan}


#: Bins of Figures 5 and 9, and up to which percentile they reach: beyond, there are next to none.
N_BINS, REACH = 10, 99


def with_resolutions(table: pd.DataFrame) -> pd.DataFrame:
    """A table of detections with what was measured only, as true and false.

    Parameters
    ----------
    table : DataFrame
        A row a blend, with `detected_high`, `detected_low` and so on; a column that is absent or
        empty is of a network that was not trained.

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
        unknown = sorted(set(text) - set(TRUTHS))
        if unknown:
            raise DeblendError(f"{name} has the value {unknown[0]!r}: give true, false or nothing")
        values = text.map(TRUTHS)
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


def measured(table: pd.DataFrame) -> list[str]:
    """Resolutions of a table from `with_resolutions`."""
    return [r for r in RESOLUTIONS if f"detected_{r}" in table]


def edges(values: pd.Series) -> np.ndarray:
    """Edges of the bins of a quantity that begins at 0: equal ones, to where most blends are."""
    finite = values[np.isfinite(values)]
    last = float(np.percentile(finite, REACH)) if len(finite) else 1.0
    return np.linspace(0, last if last > 0 else 1.0, N_BINS + 1)


def false_positive_rate(table: pd.DataFrame, resolution: str, samples: list[str]) -> pd.Series:
    """Share of stamps that show more peaks than they should.

    Parameters
    ----------
    table : DataFrame
        `resolution`, `sample`, `n`, `n_false`.
    resolution : str
    samples : list of str
        Of `SAMPLES`; more than one are pooled.

    Returns
    -------
    Series
        `n`, `n_false`, `rate`, `low`, `high` (Wilson's 68 % interval); NaN where there are none.
    """
    mine = table[(table["resolution"] == resolution) & table["sample"].isin(samples)]
    n, n_false = float(mine["n"].sum()), float(mine["n_false"].sum())
    low, high = wilson(np.array(n_false), np.array(n))
    rate = n_false / n if n else np.nan
    return pd.Series(
        {"n": n, "n_false": n_false, "rate": rate, "low": float(low), "high": float(high)}
    )


def flux_errors(photometry: pd.DataFrame) -> pd.DataFrame:
    """Relative flux errors of the dominant source, on the same blends.

    Parameters
    ----------
    photometry : DataFrame
        A row a blend that the GAN's resolution gives away and the low one does not: `blend`,
        `mag_input`, `mag_low`, `mag_gan`, and `flags_input`, `flags_low`, `flags_gan`.

    Returns
    -------
    DataFrame
        `blend`, `mag_input`, `mag_low`, `mag_gan`, `error_low`, `error_gan`: measured over input
        flux, less one. Blends whose three fits all have a good flux.
    """
    names = ("input", "low", "gan")
    # These two flags are of shapes: the flux holds.
    flags = photometry[[f"flags_{name}" for name in names]].fillna(-1).astype(int)
    good = ((flags & ~(FLAG_NO_SHAPE | FLAG_ROUND)) == 0).all(axis=1)
    mags = [f"mag_{name}" for name in names]
    # A file without rows tells no types.
    photometry = photometry.astype(dict.fromkeys(mags, float))
    kept = photometry.loc[good & np.isfinite(photometry[mags]).all(axis=1), ["blend", *mags]]
    for name in ("low", "gan"):
        ratio = 10 ** (-0.4 * (kept[f"mag_{name}"] - kept["mag_input"]))
        kept = kept.assign(**{f"error_{name}": ratio - 1})
    return kept.reset_index(drop=True)


def improvement(photometry: pd.DataFrame) -> dict[str, float]:
    """How much better the photometry is with the GAN's positions (Sect. 4.1).

    Parameters
    ----------
    photometry : DataFrame
        See `flux_errors`.

    Returns
    -------
    dict
        `low` and `gan`: median |flux error|; `ratio` of the first to the second, which is our
        reading of "ten times improvement"; `n` blends. NaN where there are none.
    """
    errors = flux_errors(photometry)
    if errors.empty:
        return {"low": np.nan, "gan": np.nan, "ratio": np.nan, "n": 0.0}
    low, gan = (float(errors[f"error_{name}"].abs().median()) for name in ("low", "gan"))
    return {"low": low, "gan": gan, "ratio": low / gan if gan else np.inf, "n": float(len(errors))}
