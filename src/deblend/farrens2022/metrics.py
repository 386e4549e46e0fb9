"""Accuracies of BlendHunter and SEP: shares of stamps with the correct label.

Farrens et al. 2022, Sects 4.2 and 4.3.
"""

import numpy as np
import pandas as pd
from deblend.farrens2022.stamps import CLOSE_PX

SUBSETS = ("all", "close", "distant", "isolated", "blends")


def subset_masks(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Which stamps belong to each of `SUBSETS`; close blends are below ten pixels (Sect. 2.1)."""
    blend = table["is_blend"].to_numpy() == 1
    close = blend & (table["distance_px"].to_numpy() < CLOSE_PX)
    return {
        "all": np.ones(len(table), bool),
        "close": close,
        "distant": blend & ~close,
        "isolated": ~blend,
        "blends": blend,
    }


def weighted_close_share(table: pd.DataFrame) -> float:
    """Weighted share of close blends among blends (Sect. 2.5: 4,838 of 40,000)."""
    masks, weight = subset_masks(table), table["weight"]
    return float(weight[masks["close"]].sum() / weight[masks["blends"]].sum())


def accuracy(correct: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Weighted share of correct labels, and its binomial standard error.

    Parameters
    ----------
    correct : ndarray of bool, shape (n,)
    weight : ndarray, shape (n,)
        Weight of each stamp: natural over drawn frequency of its kind (close or distant blend).

    Returns
    -------
    share, error : float
        NaN without stamps. The error is for the effective number of stamps,
        (sum w)^2 / sum w^2.
    """
    total = weight.sum()
    if not total > 0:
        return np.nan, np.nan
    share = float(np.sum(weight * correct) / total)
    n_effective = total**2 / np.sum(weight**2)
    return share, float(np.sqrt(share * (1 - share) / n_effective))


def usable(labels: dict[str, np.ndarray]) -> np.ndarray:
    """Stamps on which no method failed (label -1)."""
    return np.all([method_labels >= 0 for method_labels in labels.values()], axis=0)


def accuracy_table(table: pd.DataFrame, labels: dict[str, np.ndarray]) -> pd.DataFrame:
    """Accuracy of each method in each subset.

    Parameters
    ----------
    table : DataFrame
        Stamps: `is_blend`, `distance_px`, `weight`.
    labels : dict
        Method to labels: 1 blend, 0 isolated, -1 failed. Stamps on which any method failed are
        counted and excluded for all methods, so that all accuracies are of the same stamps (Sect.
        4.1).

    Returns
    -------
    DataFrame
        `method`, `subset`, `n`, `n_failed`, `accuracy`, `error` (binomial).
    """
    truth = table["is_blend"].to_numpy()
    weight = table["weight"].to_numpy(float)
    rows = []
    analysed = usable(labels)
    for method, method_labels in labels.items():
        for subset, mask in subset_masks(table).items():
            selected = mask & analysed
            share, error = accuracy((method_labels == truth)[selected], weight[selected])
            n_failed = int((mask & (method_labels < 0)).sum())
            rows.append((method, subset, int(selected.sum()), n_failed, share, error))
    columns = ["method", "subset", "n", "n_failed", "accuracy", "error"]
    return pd.DataFrame(rows, columns=columns)


def accuracy_by_distance(
    table: pd.DataFrame, labels: dict[str, np.ndarray], edges: np.ndarray
) -> pd.DataFrame:
    """Accuracy on blends in bins of distance (Fig. 3).

    Returns
    -------
    DataFrame
        `method`, `distance_low_px`, `distance_high_px`, `n`, `accuracy`, `error`.
    """
    distance = table["distance_px"].to_numpy()
    rows = []
    analysed = usable(labels)
    for method, method_labels in labels.items():
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            selected = (distance >= low) & (distance < high) & analysed
            share, error = accuracy((method_labels == 1)[selected], np.ones(int(selected.sum())))
            rows.append((method, low, high, int(selected.sum()), share, error))
    columns = ["method", "distance_low_px", "distance_high_px", "n", "accuracy", "error"]
    return pd.DataFrame(rows, columns=columns)


def split_isolated(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Split isolated stamps for Fig. 6: as many as there are close blends, and the others.

    Returns
    -------
    with_close, with_distant : ndarray of bool
    """
    isolated = table["is_blend"].to_numpy() == 0
    n_close = int(round(np.sum(table["weight"][subset_masks(table)["close"]])))
    rank = np.cumsum(isolated)
    with_close = isolated & (rank <= n_close)
    return with_close, isolated & ~with_close


def summarise(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over realisations (Figs 4 to 6).

    Parameters
    ----------
    accuracies : DataFrame
        `noise_sigma`, `realisation`, `method`, `subset`, `accuracy`.

    Returns
    -------
    DataFrame
        `noise_sigma`, `method`, `subset`, `n_realisations`, `mean`, `std` (population).
    """
    groups = accuracies.groupby(["noise_sigma", "method", "subset"], sort=False)["accuracy"]
    table = groups.agg(n_realisations="count", mean="mean", std=lambda v: v.std(ddof=0))
    return table.reset_index()


#: What a head is trained on: the noise's standard deviation, counts, and the realisation's number.
NoiseRealisation = tuple[float, int]


def parametric_accuracies(
    table: pd.DataFrame,
    predictions: dict[NoiseRealisation, pd.DataFrame],
    sep_labels: dict[NoiseRealisation, pd.DataFrame],
    bins_px: list[float],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracies on the parametric test stamps, for each noise level and realisation.

    Parameters
    ----------
    table : DataFrame
        Table of the test stamps.
    predictions, sep_labels : dict
        Noise and realisation to a table of `probability`, or of `sep`.
    bins_px : list of float
        Edges of the bins of distance.

    Returns
    -------
    accuracies, by_distance : DataFrame
        `accuracy_table` and `accuracy_by_distance`, with `noise_sigma` and `realisation`.
    """
    by_subset: list[pd.DataFrame] = []
    by_distance: list[pd.DataFrame] = []
    for (sigma, realisation), predicted in predictions.items():
        labels = {
            "BlendHunter": (predicted["probability"].to_numpy() >= 0.5).astype(int),
            "SEP": sep_labels[sigma, realisation]["sep"].to_numpy(),
        }
        for parts, accuracies in (
            (by_subset, accuracy_table(table, labels)),
            (by_distance, accuracy_by_distance(table, labels, np.array(bins_px, float))),
        ):
            accuracies.insert(0, "realisation", realisation)
            accuracies.insert(0, "noise_sigma", sigma)
            parts.append(accuracies)
    return pd.concat(by_subset, ignore_index=True), pd.concat(by_distance, ignore_index=True)


def realistic_accuracies(
    table: pd.DataFrame,
    predictions: pd.DataFrame,
    sep_labels: np.ndarray,
    sets: list[NoiseRealisation],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracies on a sample's stamps, of heads trained on parametric stamps (Figs 5, 6).

    Parameters
    ----------
    table : DataFrame
        Table of the realistic stamps, or of another sample.
    predictions : DataFrame
        A column of probabilities for each head, named by `head_name`.
    sep_labels : ndarray of int, shape (n,)
    sets : list of (float, int)
        Noise and realisation of each head.

    Returns
    -------
    accuracies : DataFrame
        As from `parametric_accuracies`. SEP's rows are the same for each head. `relative` is
        BlendHunter's accuracy over SEP's, minus one.
    confusion : DataFrame
        `noise_sigma`, `realisation`, `method`, `panel` (close, distant, all); `true_positive`,
        the share of `n_blends` blends labelled as blends; `true_negative`, the share of
        `n_isolated` isolated stamps labelled as isolated; `error`, the binomial standard error of
        the mean of the two shares.
    """
    parts, cells = [], []
    masks = subset_masks(table)
    with_close, with_distant = split_isolated(table)
    panels = {
        "close": (masks["close"], with_close),
        "distant": (masks["distant"], with_distant),
        "all": (masks["blends"], masks["isolated"]),
    }
    weight = table["weight"].to_numpy(float)
    for sigma, realisation in sets:
        labels = {
            "BlendHunter": (predictions[head_name(sigma, realisation)] >= 0.5).to_numpy(int),
            "SEP": sep_labels,
        }
        accuracies = accuracy_table(table, labels)
        wide = accuracies.pivot(index="subset", columns="method", values="accuracy")
        accuracies["relative"] = accuracies["subset"].map(wide["BlendHunter"] / wide["SEP"] - 1)
        accuracies.loc[accuracies["method"] == "SEP", "relative"] = 0.0
        accuracies.insert(0, "realisation", realisation)
        accuracies.insert(0, "noise_sigma", sigma)
        parts.append(accuracies)
        is_usable = usable(labels)
        for method, method_labels in labels.items():
            for panel, (blends, isolated) in panels.items():
                positive, error_1 = accuracy(
                    (method_labels == 1)[blends & is_usable], weight[blends & is_usable]
                )
                negative, error_0 = accuracy(
                    (method_labels == 0)[isolated & is_usable], weight[isolated & is_usable]
                )
                numbers = (int((blends & is_usable).sum()), int((isolated & is_usable).sum()))
                error = float(np.hypot(error_1, error_0) / 2)
                cells.append(
                    (sigma, realisation, method, panel, positive, negative, *numbers, error)
                )
    columns = ["noise_sigma", "realisation", "method", "panel", "true_positive", "true_negative"]
    columns += ["n_blends", "n_isolated", "error"]
    return pd.concat(parts, ignore_index=True), pd.DataFrame(cells, columns=columns)


def relative_with_isolated(confusion: pd.DataFrame, panel: str) -> pd.Series:
    """BlendHunter relative to SEP on blends and as many isolated stamps (panels of Fig. 6).

    Parameters
    ----------
    confusion : DataFrame
        From `realistic_accuracies`.
    panel : {"close", "distant", "all"}

    Returns
    -------
    Series
        Accuracy over SEP's, minus one: mean over realisations, by `noise_sigma`.
    """
    shares = confusion[confusion["panel"] == panel]
    shares = shares.assign(accuracy=(shares["true_positive"] + shares["true_negative"]) / 2)
    wide = shares.pivot(
        index=["noise_sigma", "realisation"], columns="method", values="accuracy"
    ).reindex(columns=["BlendHunter", "SEP"])
    return (wide["BlendHunter"] / wide["SEP"] - 1).groupby("noise_sigma").mean()


def largest_gain(by_distance: pd.DataFrame) -> tuple[float, float, float, int]:
    """Largest gain over SEP on close blends, of all bins of distance and noise levels.

    Accuracies are means over realisations. Bins with fewer than 20 blends in all realisations are
    excluded, since the largest of many noisy numbers is mostly noise.

    Returns
    -------
    gain, noise_sigma, distance_low_px : float
    n : int
        Number of blends in that bin. If no bin has enough blends, n is 0 and the others are NaN.
    """
    close = by_distance[by_distance["distance_high_px"] <= CLOSE_PX].dropna(subset="accuracy")
    close = close.assign(right=close["accuracy"] * close["n"])
    sums = close.groupby(["noise_sigma", "distance_low_px", "method"])[["right", "n"]].sum()
    share = (sums["right"] / sums["n"]).where(sums["n"] >= 20).unstack("method")
    share = share.reindex(columns=["BlendHunter", "SEP"]).dropna()
    if share.empty:
        return np.nan, np.nan, np.nan, 0
    gain = share["BlendHunter"] - share["SEP"]
    sigma, low = gain.idxmax()
    return float(gain.max()), float(sigma), float(low), int(sums.loc[(sigma, low, "SEP"), "n"])


def head_name(sigma: float, realisation: int) -> str:
    """Name of the head of one noise level and realisation, used for files and columns."""
    return f"sigma{sigma:g}_{realisation}"
