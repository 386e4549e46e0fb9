"""Accuracies of BlendHunter and SEP on a sample's stamps against the galaxies' magnitudes.

This is not in Farrens et al. 2022, whose networks are trained and tested on galaxies to the same
limit. It says how well trained heads label stamps of galaxies to that limit and of fainter ones,
beside SEP without true positions, as a survey has it.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from deblend.farrens2022.metrics import SURVEY_RULES, NoiseRealisation, head_name
from deblend.intervals import share_interval, sharing_errors

#: Width of bins of magnitude, which begin and end at the limit of the training.
MAG_STEP = 0.4


#: Edges of bins of the difference in magnitude between the two galaxies of a blend.
DELTA_MAG_EDGES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


#: Kinds of stamps: "all" has as many blends as isolated stamps, whatever the sample has.
KINDS = ("all", "blends", "isolated")


def stamp_magnitudes(table: pd.DataFrame) -> pd.DataFrame:
    """Magnitude of each stamp's fainter galaxy, and the difference between both.

    Parameters
    ----------
    table : DataFrame
        Stamps: `mag_1`, `mag_2`, which is NaN for an isolated stamp.

    Returns
    -------
    DataFrame
        `fainter_mag`, that of the single galaxy of an isolated stamp; `delta_mag`, fainter minus
        brighter, NaN for an isolated stamp.
    """
    return pd.DataFrame(
        {
            "fainter_mag": table[["mag_1", "mag_2"]].max(axis=1),
            "delta_mag": (table["mag_1"] - table["mag_2"]).abs(),
        }
    )


def faintest(table: pd.DataFrame) -> float:
    """Magnitude of the faintest galaxy of stamps (`mag_1`, `mag_2`), rounded up to a tenth.

    That of the training stamps is the limit of the training, wherever its galaxies are from.
    """
    mag = stamp_magnitudes(table)["fainter_mag"].max()
    return float(np.ceil(round(10 * mag, 6)) / 10)


def labels_are_right(
    table: pd.DataFrame,
    predictions: pd.DataFrame,
    sep_labels: pd.DataFrame,
    sets: list[NoiseRealisation],
) -> pd.DataFrame:
    """Whether each head and SEP label each stamp correctly.

    Parameters
    ----------
    table : DataFrame
        Stamps: `is_blend`.
    predictions : DataFrame
        A column of probabilities for each head, named by `head_name`.
    sep_labels : DataFrame
        SEP's labels, with the column `no_oracle`.
    sets : list of (float, int)
        Noise and realisation of each head.

    Returns
    -------
    DataFrame of bool
        Columns are `method`, `noise_sigma`, `realisation`; NaN and 0 for SEP.
    """
    truth = table["is_blend"].to_numpy() == 1
    right = {
        ("BlendHunter", sigma, number): (predictions[head_name(sigma, number)] >= 0.5) == truth
        for sigma, number in sets
    }
    # A failure of SEP, -1, is wrong for both kinds.
    right["SEP", np.nan, 0] = sep_labels[SURVEY_RULES] == truth.astype(int)
    names = ["method", "noise_sigma", "realisation"]
    columns = pd.MultiIndex.from_tuples(list(right), names=names)
    return pd.DataFrame(np.column_stack(list(right.values())), columns=columns)


def by_limit(table: pd.DataFrame, right: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Accuracies on stamps of galaxies to a limit of magnitude, of fainter ones, and of all.

    Parameters
    ----------
    table : DataFrame
        Stamps: `is_blend`, `weight`, `galaxy_1`, `galaxy_2`, `mag_1`, `mag_2`.
    right : DataFrame
        From `labels_are_right`.
    limit : float
        The faintest magnitude of the training. A blend is within it if both its galaxies are.

    Returns
    -------
    DataFrame
        `galaxies`, such as "to 25.2 mag"; and see `accuracies_of`. There are no rows of stamps
        that the sample does not have.
    """
    fainter = stamp_magnitudes(table)["fainter_mag"].to_numpy()
    end = f"{faintest(table):g} mag"
    groups = {f"to {limit:g} mag": fainter <= limit}
    if (fainter > limit).any():
        groups |= {f"{limit:g} to {end}": fainter > limit, f"to {end}": fainter > -np.inf}
    found = [
        accuracies_of(table, right, mask, kind).assign(galaxies=name)
        for name, mask in groups.items()
        for kind in KINDS
    ]
    return _in_front(found, "galaxies")


def by_magnitude(table: pd.DataFrame, right: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Accuracies in bins of the fainter galaxy's magnitude and of the difference in magnitude.

    Parameters
    ----------
    table, right, limit
        See `by_limit`; the limit is an edge of the bins of magnitude.

    Returns
    -------
    DataFrame
        `against` ("fainter_mag", "delta_mag"), `bin_low_mag`, `bin_high_mag`; and see
        `accuracies_of`. The difference is of blends only. Empty bins have no rows.
    """
    found = []
    for against, low, high, mask in _bins(stamp_magnitudes(table), limit):
        for kind in ("blends", "isolated") if against == "fainter_mag" else ("blends",):
            rows = accuracies_of(table, right, mask, kind)
            found.append(rows.assign(against=against, bin_low_mag=low, bin_high_mag=high))
    return _in_front(found, "against", "bin_low_mag", "bin_high_mag")


def _bins(mags: pd.DataFrame, limit: float) -> Iterator[tuple[str, float, float, np.ndarray]]:
    """Bins: what they are of, their edges, and which stamps they have."""
    distance = (mags["fainter_mag"].to_numpy() - limit) / MAG_STEP
    steps = np.ceil(distance.round(9)).astype(int)  # an edge is the end of its bin
    for step in np.unique(steps):
        low, high = (round(limit + MAG_STEP * k, 3) for k in (step - 1, step))
        yield "fainter_mag", low, high, steps == step
    delta = mags["delta_mag"].to_numpy()
    for low, high in zip(DELTA_MAG_EDGES[:-1], DELTA_MAG_EDGES[1:], strict=True):
        mask = (delta >= low) & (delta < high)
        if mask.any():
            yield "delta_mag", low, high, mask


def accuracies_of(
    table: pd.DataFrame, right: pd.DataFrame, mask: np.ndarray, kind: str
) -> pd.DataFrame:
    """Accuracies of each method on some stamps.

    Parameters
    ----------
    table, right
        See `by_limit`. Blends have their `weight`.
    mask : ndarray of bool
        The stamps.
    kind : str
        Of `KINDS`. The accuracy on "all" is the mean of those on blends and on isolated stamps.

    Returns
    -------
    DataFrame
        `kind`, `method`, `noise_sigma`; `n` stamps, `n_galaxies` different galaxies on them;
        `accuracy`, its `error`, and `low` and `high`, the ends of its 68 % interval, with stamps
        that share a galaxy, in either place, as not independent; `std` over `n_realisations`,
        of which the others are means, since these share their stamps. Empty without such stamps.
    """
    blend = table["is_blend"].to_numpy() == 1
    parts = [
        mask & is_kind
        for name, is_kind in (("blends", blend), ("isolated", ~blend))
        if kind in (name, "all")
    ]
    if not all(part.any() for part in parts):
        return pd.DataFrame()
    values = right.to_numpy(float)
    weight = table["weight"].to_numpy(float)
    accuracy, terms = np.zeros(values.shape[1]), np.zeros(values.shape)
    for part in parts:
        chosen = np.where(part, weight, 0.0)
        mean = chosen @ values / chosen.sum()
        accuracy += mean / len(parts)
        terms += chosen[:, None] * (values - mean) / (chosen.sum() * len(parts))
    rows = np.any(parts, axis=0)
    first = table["galaxy_1"].to_numpy(str)[rows]
    second = np.where(blend, table["galaxy_2"].to_numpy(str), "")[rows]
    found = right.columns.to_frame(index=False).assign(
        accuracy=accuracy, error=sharing_errors(terms[rows], first, second)
    )
    groups = found.groupby(["method", "noise_sigma"], sort=False, dropna=False)
    summary = groups.agg(
        n_realisations=("accuracy", "count"),
        accuracy=("accuracy", "mean"),
        error=("error", "mean"),
        std=("accuracy", lambda values: values.std(ddof=0)),
    ).reset_index()
    n = int(rows.sum())
    n_galaxies = len(set(first) | set(second) - {""})
    summary = summary.assign(kind=kind, n=n, n_galaxies=n_galaxies)
    low, high = share_interval(summary["accuracy"], summary["error"], n, n_galaxies)
    return summary.assign(low=low, high=high)


COLUMNS = (
    "kind",
    "method",
    "noise_sigma",
    "n",
    "n_galaxies",
    "accuracy",
    "error",
    "low",
    "high",
    "std",
    "n_realisations",
)


def _in_front(found: list[pd.DataFrame], *names: str) -> pd.DataFrame:
    """Tables that are not empty, one below the other, with these columns in front."""
    filled = [table for table in found if "accuracy" in table]
    if not filled:
        return pd.DataFrame(columns=[*names, *COLUMNS])
    return pd.concat(filled, ignore_index=True)[[*names, *COLUMNS]]


def nearest_heads(accuracies: pd.DataFrame, noise_sigma: float) -> pd.DataFrame:
    """Rows of SEP, and of the heads whose training noise is nearest to that of the sample.

    Parameters
    ----------
    accuracies : DataFrame
        From `by_magnitude`.
    noise_sigma : float
        Noise of the sample's stamps, counts.
    """
    distance = (accuracies["noise_sigma"] - noise_sigma).abs()
    return accuracies[accuracies["noise_sigma"].isna() | (distance == distance.min())]
