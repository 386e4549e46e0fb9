"""Figures 4 and 5 of Reiman & Goehre 2019: distributions of PSNR and SSIM."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from deblend.plots.style import COLOURS, TWO_COLUMNS_IN, Outputs, label_line, paper_figure
from deblend.reiman2019.config import METHODS as NETWORKS
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

#: For each method its name in the figures, colour and line; the GAN's histogram is also filled.
#: Those that a run does not have are not drawn.
METHODS = {
    "gan": ("GAN", COLOURS["ours"], "-"),
    "mse": ("MSE alone", COLOURS["companion"], "-"),
    "copy_gate": ("copy gate", COLOURS["green"], "-."),
    "residual_branches": ("residual branches", COLOURS["pink"], "-."),
    "blend": ("blend itself", "black", "--"),
}


#: For each quantity the label of its axis.
AXIS_LABELS = {
    "psnr_db": "PSNR, range of the data (dB)",
    "psnr_eq6_db": "PSNR, Eq. 6 (dB)",
    "ssim_authors_code": "SSIM, authors' code",
    "ssim": "SSIM on [0, 1], range 1",
    "ssim_signed": "SSIM on [−1, 1], range 2",
}


FIG4 = ("psnr_db", "psnr_eq6_db")


FIG5 = ("ssim_authors_code", "ssim", "ssim_signed")


#: Number of bins in the tables. Of fewer images, several bins are drawn as one.
N_BINS = 40


def distributions(scores: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """Histograms of scores, and their means and standard deviations (Figs 4, 5).

    Parameters
    ----------
    scores : DataFrame
        See `deblend.reiman2019.scores.score_methods`.
    quantities : list of str

    Returns
    -------
    DataFrame
        `quantity`, `method`, `low`, `high`, `share` (of the images that are in the bin), `mean`,
        `sigma` (of the population), `n`, `n_infinite` (perfect images, which the other columns do
        not include).
    """
    parts = []
    for quantity in quantities:
        finite = {}
        for method in _present(scores):
            values = scores.loc[scores["method"] == method, quantity].to_numpy(float)
            finite[method] = (values[np.isfinite(values)], int(np.isinf(values).sum()))
        all_values = np.concatenate([values for values, _ in finite.values()])
        low, high = (all_values.min(), all_values.max()) if len(all_values) else (0.0, 1.0)
        edges = np.linspace(low, high if high > low else low + 1, N_BINS + 1)
        for method, (values, n_infinite) in finite.items():
            n = len(values)
            counts = np.histogram(values, edges)[0]
            part = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "share": counts / max(n, 1)})
            part["mean"] = values.mean() if n else np.nan
            part["sigma"] = values.std() if n else np.nan
            parts.append(part.assign(quantity=quantity, method=method, n=n, n_infinite=n_infinite))
    columns = ["quantity", "method", "low", "high", "share", "mean", "sigma", "n", "n_infinite"]
    return pd.concat(parts, ignore_index=True)[columns]


def draw_distributions(
    table: pd.DataFrame, published: Mapping[str, float], outputs: Outputs, label: str
) -> None:
    """Draw Figure 4 or 5: distributions of the GAN's scores, and outlines for other methods.

    Parameters
    ----------
    table : DataFrame
        From `distributions`; one panel per quantity.
    published : dict
        `mean` and `sigma`. They are marked in the first panel, whose score is that of the
        authors' code.
    outputs : list of path
    label : str
        Scale and data.
    """
    quantities = list(table["quantity"].unique())
    methods = _present(table)
    networks = [name for name, method in NETWORKS.items() if method in methods]
    listed = " and ".join([", ".join(networks[:-1]), networks[-1]])
    line = label_line(label, listed, int(table["n"].max()))
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 2.9) as figure:
        axes = figure.subplots(1, len(quantities), sharey=True, squeeze=False)
        for axis, quantity in zip(axes.flat, quantities, strict=True):
            rows = table[table["quantity"] == quantity]
            for method in methods:
                _, colour, style = METHODS[method]
                shares, edges = _drawn_bins(rows[rows["method"] == method])
                if method == "gan":
                    axis.stairs(shares, edges, fill=True, color=colour, alpha=0.3)
                axis.stairs(shares, edges, color=colour, lw=1.0, ls=style)
            axis.set_xlabel(AXIS_LABELS[quantity])
            axis.set_title(_panel_title(rows), fontsize="small")
        mean, sigma = published["mean"], published["sigma"]
        axes[0, 0].axvspan(mean - sigma, mean + sigma, color="0.9", lw=0, zorder=0)
        axes[0, 0].axvline(mean, color="0.5", lw=0.8, ls=":", zorder=0.5)
        axes[0, 0].set_ylabel("share of the images")
        handles: list[Rectangle] = []
        for method in methods:
            _, colour, style = METHODS[method]
            face = to_rgba(colour, 0.3) if not handles else "none"
            handles.append(Rectangle((0, 0), 1, 1, facecolor=face, edgecolor=colour, ls=style))
        handles.append(Rectangle((0, 0), 1, 1, color="0.9"))
        names = [METHODS[method][0] for method in methods]
        names.append(rf"published: {mean:g}, $\sigma$ = {sigma:g}")
        figure.legend(handles, names, loc="outside lower center", ncols=3)


def _present(table: pd.DataFrame) -> list[str]:
    """Methods of `METHODS` that a table has."""
    return [method for method in METHODS if method in set(table["method"])]


def _drawn_bins(histogram: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Shares and edges of the bins to draw: groups of the table's, if there are few images."""
    n = histogram["n"].max()
    group = 1 if n >= 1000 else 2 if n >= 200 else 4
    shares = histogram["share"].to_numpy().reshape(-1, group).sum(axis=1)
    return shares, np.append(histogram["low"].iloc[::group], histogram["high"].iloc[-1])


def _panel_title(table: pd.DataFrame) -> str:
    """Title of a panel: mean and sigma of each method."""
    lines = []
    for row in table.drop_duplicates("method").itertuples():
        digits = 2 if str(row.quantity).endswith("_db") else 3
        numbers = rf"mean {row.mean:.{digits}f}, $\sigma$ = {row.sigma:.{digits}f}"
        perfect = f" ({row.n_infinite} perfect apart)" if row.n_infinite else ""
        lines.append(f"{METHODS[row.method][0]}: {numbers}{perfect}")
    return "\n".join(lines)
