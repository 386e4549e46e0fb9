"""Table 1 of Reiman & Goehre 2019, and the same for other methods and other readings."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from deblend.reiman2019.metrics import GALAXIES, STATISTICS, summary

#: For each quantity of the paper: its name in Table 1, and the published row with which it is
#: compared. The paper's scores are those of its code.
ROWS = {"psnr_db": ("PSNR (dB)", "psnr_db"), "ssim_authors_code": ("SSIM", "ssim")}


#: Names of all scores.
NAMES = {
    "psnr_db": "PSNR (dB)",
    "ssim_authors_code": "SSIM, authors' code",
    "psnr_eq6_db": "PSNR of Eq. 6 (dB)",
    "ssim": "SSIM on [0, 1], range 1",
    "ssim_signed": "SSIM on [-1, 1], range 2",
    "spectrum_dex": "Power spectrum (dex)",
}


#: For each method its name in the tables; "batch": with statistics of batches of test blends.
METHOD_NAMES = {
    "gan": "GAN",
    "mse": "MSE only",
    "copy_gate": "Copy gate",
    "residual_branches": "Residual branches",
    "gan_batch": "GAN (batch)",
    "mse_batch": "MSE only (batch)",
    "residual_branches_batch": "Residual branches (batch)",
    "sep": "SEP",
    "blend": "Blend itself",
    "black": "Black image",
    "sky": "Constant sky",
}


#: Columns of Table 1, by statistic.
COLUMNS = {"mean": "Mean", "median": "Median", "max": "Max", "min": "Min", "variance": "Var"}


def table1(scores: pd.DataFrame) -> pd.DataFrame:
    """Statistics of the GAN's scores of all test images, in the shape of Table 1.

    Parameters
    ----------
    scores : DataFrame
        See `deblend.reiman2019.scores.score_methods`.

    Returns
    -------
    DataFrame
        `Imaging Metrics` (PSNR and SSIM) and the five `COLUMNS`.
    """
    statistics = summary(scores).set_index(["method", "galaxy", "quantity"])
    rows = []
    for quantity, (name, _) in ROWS.items():
        ours = statistics.loc[("gan", "both", quantity)]
        row = {"Imaging Metrics": name}
        rows.append(row | {column: ours[statistic] for statistic, column in COLUMNS.items()})
    return pd.DataFrame(rows)


def all_scores_table(
    scores: pd.DataFrame, published: Mapping[str, Mapping[str, float | None]]
) -> pd.DataFrame:
    """Statistics of every score of every method, with the published ones.

    Parameters
    ----------
    scores : DataFrame
        See `deblend.reiman2019.scores.score_methods`.
    published : dict
        Statistics of `psnr_db` and `ssim`; None for those that the paper does not give.

    Returns
    -------
    DataFrame
        `Score`, `Galaxies` (both, central, companion), `Method`, `Mean`, `Error`, and the other
        `COLUMNS`; `Nearer (%)`, the share of images that are nearer to the truth than the blend
        itself is; `n`, and `Perfect`, the number of images of infinite PSNR, which are not in `n`.
    """
    statistics = summary(scores)
    rows = []
    for quantity, name in NAMES.items():
        for galaxy in ("both", *GALAXIES):
            if galaxy == "both" and quantity in ROWS:
                row = {"Score": name, "Galaxies": galaxy, "Method": "Published"}
                theirs = published[ROWS[quantity][1]]
                values = {COLUMNS[s]: theirs.get(s) for s in STATISTICS}
                rows.append(row | {c: np.nan if v is None else v for c, v in values.items()})
            of_galaxy = (statistics["quantity"] == quantity) & (statistics["galaxy"] == galaxy)
            ours = statistics[of_galaxy].set_index("method")
            for method in sorted(ours.index, key=_place):
                found = ours.loc[method]
                row = {"Score": name, "Galaxies": galaxy}
                row |= {"Method": METHOD_NAMES.get(method, method)}
                row |= {column: found[statistic] for statistic, column in COLUMNS.items()}
                row |= {"Error": found["error of mean"], "Nearer (%)": found["nearer_percent"]}
                rows.append(row | {"n": found["n"], "Perfect": found["n_infinite"]})
    columns = ["Score", "Galaxies", "Method", "Mean", "Error", *list(COLUMNS.values())[1:]]
    table = pd.DataFrame(rows)[[*columns, "Nearer (%)", "n", "Perfect"]]
    return table.astype({"n": "Int64", "Perfect": "Int64"})


def blending_table(
    scores: Mapping[str, pd.DataFrame],
    published: Mapping[str, Mapping[str, float | None]],
    trained: str,
) -> pd.DataFrame:
    """Scores of the same blends with either blending (Sect. 4: maximum against sum).

    Parameters
    ----------
    scores : dict of DataFrame
        By blending, max and sum.
    published : dict
        See `all_scores_table`.
    trained : {"max", "sum"}
        Blending that the networks were trained on, which is the paper's if it is max.

    Returns
    -------
    DataFrame
        `Blending`, `Trained on it`, and the columns of `all_scores_table`.
    """
    parts = []
    for name, table in scores.items():
        part = all_scores_table(table, published)
        if name != "max":
            part = part[part["Method"] != "Published"]
        part.insert(0, "Blending", name)
        part.insert(1, "Trained on it", name == trained)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _place(method: str) -> int:
    """Place of a method in the tables; methods without a name come last."""
    names = list(METHOD_NAMES)
    return names.index(method) if method in names else len(names)
