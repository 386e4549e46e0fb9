"""What the reproduction found about Farrens et al. 2022 itself.

The only table is `published`: the values of config/published.yaml that contradict the text, from
figures, the authors' notebooks and Sect. 2.5 (see `published_table`).
"""
# ruff: noqa: D103 (what was found is in the decorator)

from typing import Any

import pandas as pd
from deblend.farrens2022.published import curves
from deblend.report.claims import MissingResult, Result, Tables, says, table
from deblend.report.findings import Findings

FINDINGS = Findings()
finding = FINDINGS.add

#: Where the values of Figure 6 and the numbers of stamps are from.
NOTEBOOKS = "the authors' notebooks (CosmoStat/BlendHunter, commit a679ad6), in published.yaml"

FIGURE_5 = "values read off Figure 5, +-0.3, in published.yaml"


def published_table(published: dict[str, Any]) -> pd.DataFrame:
    """Published values that the findings are computed from.

    Parameters
    ----------
    published : dict
        `farrens2022` of config/published.yaml.

    Returns
    -------
    DataFrame
        Rows of `deblend.farrens2022.published.curves` with the number of their `figure`; and
        `figure` 0, with `subset` n_text and n_figures, the numbers of distant blends as `mean`, and
        sep_all, sep_close and sep_distant, SEP's shares of Sect. 4.3.
    """
    values = {name: float(n) for name, n in published["distant_blends"].items()}
    for name, percent in published["sep_accuracy_percent"].items():
        values[f"sep_{name}"] = percent / 100
    numbers = pd.DataFrame({"subset": list(values), "mean": list(values.values())})
    parts = {0: numbers} | curves(published)
    return pd.concat([part.assign(figure=n) for n, part in parts.items()], ignore_index=True)


def _figure(tables: Tables, n: int) -> pd.DataFrame:
    rows = table(tables, "published")
    rows = rows[rows["figure"] == n]
    if rows.empty:
        raise MissingResult(f"published values of Figure {n}")
    return rows


def _right(tables: Tables, kind: str) -> pd.DataFrame:
    """Shares of all blends (positive) or isolated stamps (negative) that are right in Figure 6.

    By the noise of the training: BlendHunter's share, its error, and SEP's.
    """
    rows = _figure(tables, 6)
    rows = rows[(rows["panel"] == "all") & (rows["kind"] == kind)]
    wide = rows.pivot(index="noise_sigma", columns="method", values=["mean", "error"])
    # Half of the stamps are blends.
    columns = {
        "share": wide["mean"]["BlendHunter"],
        "error": wide["error"]["BlendHunter"],
        "sep": wide["mean"]["SEP"],
    }
    return 2 * pd.DataFrame(columns)


def _at_lowest_noise(tables: Tables, kind: str, stamps: str) -> Result:
    """Test whether Figure 6 contradicts the text at the lowest noise of the training.

    By the text BlendHunter has more of the blends (positive) right than SEP at all noise levels,
    and fewer of the isolated stamps (negative).
    """
    shares = _right(tables, kind)
    as_text = (shares["share"] - shares["sep"]) * (1 if kind == "positive" else -1)
    lowest = shares.index.min()
    share, error, sep = 100 * shares.loc[lowest]
    text = (
        f"training noise {lowest:g}: {share:.1f} ± {error:.1f} % of the {stamps}, SEP {sep:.1f} %; "
        f"{'above' if kind == 'positive' else 'below'} SEP at {int((as_text > 0).sum())} of "
        f"{len(shares)} noise levels"
    )
    return text, bool(100 * as_text[lowest] < -error)


def _gains(tables: Tables, subset: str) -> pd.DataFrame:
    """Gain over SEP in Figure 5, `mean`, and its `error`, by the noise of the training."""
    rows = _figure(tables, 5)
    return rows[rows["subset"] == subset].set_index("noise_sigma")[["mean", "error"]]


@finding(
    "better_at_true_blends",
    "Sect. 4.3",
    says="BlendHunter is significantly better at identifying true blends than SEP regardless of "
    "the noise level used for training.",
    of=NOTEBOOKS,
)
@says("Trained at the lowest noise it identifies fewer blends than SEP, in the same Figure 6.")
def better_at_true_blends(tables: Tables) -> Result:
    return _at_lowest_noise(tables, "positive", "blends")


@finding(
    "fewer_isolated_right",
    "Sect. 4.3",
    says="BlendHunter also produces more incorrect labels for isolated sources.",
    of=NOTEBOOKS,
)
@says("Trained at the lowest noise it produces fewer than SEP, in the same Figure 6.")
def fewer_isolated_right(tables: Tables) -> Result:
    return _at_lowest_noise(tables, "negative", "isolated stamps right")


@finding(
    "close_gain_range",
    "Sect. 5",
    says="BlendHunter outperforms SEP by 5 to 15 % for close blends.",
    of=FIGURE_5,
)
@says(
    "The curve of Figure 5 goes beyond 15; its values are percentage points, of close blends "
    "together with as many isolated stamps, which the text does not say."
)
def close_gain_range(tables: Tables) -> Result:
    rows = _gains(tables, "close_with_isolated")
    low, high = 100 * rows["mean"].min(), 100 * rows["mean"].max()
    above = int((rows["mean"] - rows["error"] > 0.15).sum())
    text = f"{low:+.1f} to {high:+.1f} points; above 15 at {above} of {len(rows)} noise levels"
    return text, above > 0


@finding(
    "close_gain_at_any_noise",
    "abstract",
    says="BlendHunter outperforms SEP by ~15 % for close blends regardless of the noise level used "
    "for training.",
    of=FIGURE_5,
)
@says("Trained at the lowest noise the gain in Figure 5 is less than half of that.")
def close_gain_at_any_noise(tables: Tables) -> Result:
    rows = _gains(tables, "close_with_isolated").sort_index()
    lowest, others = rows.iloc[0], 100 * rows["mean"].iloc[1:]
    text = (
        f"training noise {rows.index[0]:g}: {100 * lowest['mean']:+.1f} points; "
        f"above it {others.min():+.1f} to {others.max():+.1f}"
    )
    return text, bool(lowest["mean"] + lowest["error"] < 0.075)


@finding(
    "distant_deficit",
    "Sect. 4.3",
    says="For distant blends BlendHunter under-performs by a maximum of 5 %.",
    of=FIGURE_5,
)
@says(
    "Borderline: the curve of Figure 5 goes beyond 5 points, by no more than the error of its "
    "reading, which is no contradiction."
)
def distant_deficit(tables: Tables) -> Result:
    rows = _gains(tables, "distant_with_isolated")
    beyond = rows[rows["mean"] < -0.05]
    values = ", ".join(f"{100 * mean:.1f} at {sigma:g}" for sigma, mean in beyond["mean"].items())
    text = f"beyond 5 points: {values or 'none'}; errors of {100 * rows['error'].max():.1f}"
    # Differences of floats that are equal in all their published decimals.
    within = (beyond["mean"] + beyond["error"]).round(6) >= -0.05
    return text, bool(len(beyond) and within.all())


@finding(
    "distant_blends",
    "Sects 2.5, 4.3",
    says="35,162 of the realistic blends are distant ones.",
    of=NOTEBOOKS,
)
@says("Figures 5 and 6 have fewer distant blends: with the close ones they are not all blends.")
def distant_blends(tables: Tables) -> Result:
    numbers = _figure(tables, 0).set_index("subset")["mean"]
    in_text, in_figures = int(numbers["n_text"]), int(numbers["n_figures"])
    text = f"{in_text:,} in the text, {in_figures:,} in the figures, {in_text - in_figures} fewer"
    return text, in_figures < in_text
