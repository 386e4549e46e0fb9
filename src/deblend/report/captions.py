"""Numbers of a run for the captions of its figures, from the tables that belong to the figures.

`NUMBERS` says for each figure which rows and columns of its table its caption has, or how they are
summed up. Figures are named by paper and file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
from deblend.report.pages import columns_of, html_table, readable

#: Columns of errors of magnitudes in the panels of Boucaud et al. 2020.
PANEL = ("n", "mean_dmag", "sigma_mag", "outliers_percent", "mape_flux_percent")


@dataclass(frozen=True)
class Numbers:
    """What of a table is in a caption.

    Attributes
    ----------
    columns : tuple of str
        Columns that are shown; those of intervals and errors come with them.
    where : dict
        Values of columns that select rows: one, or a tuple of them.
    by : tuple of str
        Columns whose values the rows are grouped by, for `how`.
    how : {"rows", "sum", "weighted", "median of |x|", "range"}
        The rows as they are; or of each group the number of rows and the sum; the mean weighted by
        the column `n`, and the sum of that; the median of absolute values, and their number; the
        smallest and the largest value.
    """

    columns: tuple[str, ...]
    where: Mapping[str, object] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    how: str = "rows"


def parameters(*by: str) -> Numbers:
    """Layers and parameters of networks that a figure draws."""
    return Numbers(("n_parameters",), by=by, how="sum")


EXAMPLES = Numbers(("blend", "galaxy", "psnr_db", "ssim"))
DISTRIBUTIONS = Numbers(("quantity", "method", "n", "mean", "sigma"))
HEADS = Numbers(
    ("noise_sigma", "method", "false_positives", "completeness", "area"),
    {"blends": "all", "point": "label", "realisation": 0},
)
DETECTED = Numbers(
    ("fraction",), {"quantity": "separation_over_fwhm_sum"}, ("resolution",), "weighted"
)
NUMBERS = {
    "boucaud2020/fig1": Numbers(("morphology", "mag", "half_light_radius_px", "replaced_px")),
    "boucaud2020/fig2": Numbers(("distance_px", "delta_mag"), how="range"),
    "boucaud2020/fig3": parameters(),
    "boucaud2020/fig4": parameters(),
    "boucaud2020/fig5": Numbers(("method", "galaxy", *PANEL)),
    "boucaud2020/fig5_baselines": Numbers(("method", "galaxy", *PANEL)),
    "boucaud2020/fig6": Numbers(("method", "pair", *PANEL)),
    "boucaud2020/fig7": Numbers(("method", "galaxy", "n", "median", "sigma_mag"), {"bin": "all"}),
    "boucaud2020/fig8": Numbers(("method", "n", "median", "sigma_mag"), {"bin": "all"}),
    "boucaud2020/fig8_predicted": Numbers(
        ("method", "galaxy", "n", "median", "sigma_mag"), {"bin": "all", "binned_by": "true"}
    ),
    "boucaud2020/fig9": Numbers(("method", "type", "n", "median", "sigma_mag"), {"bin": "all"}),
    "boucaud2020/fig10": Numbers(("blend", "galaxy", "iou")),
    "boucaud2020/fig11": Numbers(("network", "blend", "galaxy", "iou")),
    "boucaud2020/fig12": Numbers(("network", "n", "mean_iou"), {"pair": "all"}),
    "farrens2022/fig1": parameters(),
    "farrens2022/fig3": Numbers(("accuracy",), by=("noise_sigma", "method"), how="weighted"),
    "farrens2022/fig4": Numbers(
        ("noise_sigma", "method", "subset", "n", "mean"),
        {"subset": ("all", "close"), "method": ("BlendHunter", "SEP")},
    ),
    "farrens2022/fig5": Numbers(
        ("noise_sigma", "subset", "n", "mean"),
        {"subset": ("all", "close_with_isolated", "distant_with_isolated")},
    ),
    "farrens2022/fig5_magnitudes": Numbers(
        ("accuracy",),
        {"against": "fainter_mag"},
        ("kind", "method", "noise_sigma"),
        "weighted",
    ),
    "farrens2022/fig6": Numbers(
        ("noise_sigma", "method", "n_blends", "n_isolated", "true_positive", "true_negative"),
        {"panel": "all", "realisation": 0},
    ),
    "farrens2022/roc_parametric": HEADS,
    "farrens2022/roc_realistic": HEADS,
    "reiman2019/fig1": parameters("group"),
    "reiman2019/fig2": parameters("group"),
    "reiman2019/fig3": EXAMPLES,
    "reiman2019/fig4": DISTRIBUTIONS,
    "reiman2019/fig5": DISTRIBUTIONS,
    "reiman2019/fig6": EXAMPLES,
    "reiman2019/failures": Numbers(
        ("method", "galaxy", "n", "percent"),
        {"by": "all", "kind": "any"},
    ),
    "reiman2019/science": Numbers(
        ("quantity", "method", "galaxy", "n", "failures", "median", "nmad"), {"by": "all"}
    ),
    "hemmati2022/fig1": parameters("network", "part"),
    "hemmati2022/fig5": DETECTED,
    "hemmati2022/fig6": Numbers(
        ("detected_high", "detected_low", "detected_gan", "detected_gan_multi"), how="weighted"
    ),
    "hemmati2022/fig7": Numbers(("flux_error",), by=("position",), how="median of |x|"),
    "hemmati2022/fig9": DETECTED,
    "hemmati2022/ladder_curves": Numbers(("Peaks in", "n", "Detected (%)", "Purity (%)")),
}


def caption_table(table: pd.DataFrame, numbers: Numbers) -> pd.DataFrame:
    """Numbers of a caption, as text.

    Parameters
    ----------
    table : DataFrame
        The table of the figure.
    numbers : Numbers

    Returns
    -------
    DataFrame of str
    """
    for column, value in numbers.where.items():
        table = table[table[column].isin(value if isinstance(value, tuple) else (value,))]
    columns = list(numbers.columns)
    if numbers.how == "rows":
        ends = [end for c in columns for found in columns_of(c, table) for end in found]
        return readable(table[list(dict.fromkeys([*columns, *ends]))].drop_duplicates())
    if numbers.how == "range":
        ranges = table[columns].agg(["min", "max"]).rename({"min": "smallest", "max": "largest"})
        return readable(ranges.T.rename_axis("quantity").reset_index())
    groups = table.groupby(list(numbers.by), sort=False) if numbers.by else [((), table)]
    rows = []
    for key, part in groups:
        row = dict(zip(numbers.by, key, strict=True))
        if numbers.how == "sum":
            row |= {"layers": len(part), **part[columns].sum()}
        elif numbers.how == "weighted":
            total = part["n"].sum()
            row |= {"n": total, **part[columns].mul(part["n"], axis=0).sum() / total}
        else:
            row |= {"n": len(part)}
            row |= {f"median |{c}|": part[c].abs().median() for c in columns}
        rows.append(row)
    return readable(pd.DataFrame(rows))


def caption_html(figure: str, table: pd.DataFrame) -> str:
    """Numbers of a figure's caption in HTML; nothing if `NUMBERS` has none for it.

    Parameters
    ----------
    figure : str
        Paper and name, such as "boucaud2020/fig5".
    table : DataFrame
        The table of the figure.
    """
    numbers = NUMBERS.get(figure)
    shown = pd.DataFrame() if numbers is None else caption_table(table, numbers)
    return f"<p>Numbers of this run:</p>\n{html_table(shown)}" if len(shown) else ""
