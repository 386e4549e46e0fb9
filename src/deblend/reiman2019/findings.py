"""What the reproduction found about Reiman & Goehre 2019 itself.

The tables are `starts` (see `deblend.reiman2019.starts.starts_table`), which is made only if the
configuration asks for it, and `scores` (see `deblend.reiman2019.scores.score_methods`).
"""
# ruff: noqa: D103 (what was found is in the decorator)

import pandas as pd
from deblend.reiman2019.tables import METHOD_NAMES
from deblend.report.claims import MissingResult, Result, Tables, says, table
from deblend.report.findings import Findings

FINDINGS = Findings()
finding = FINDINGS.add

SHORT_TRAININGS = "short trainings of this run, with other seeds"

TEST_IMAGES = "test images of this run"

#: Batches that "the first few hundred thousand" means at least.
BLACK_BATCHES = 100_000


#: Starts from other initial weights that a finding needs: what one training does can be chance.
MIN_STARTS = 2


def _starts(tables: Tables, *, burn_in: bool) -> pd.DataFrame:
    """Short trainings with or without burn-in; none where none were made."""
    try:
        rows = table(tables, "starts")
    except MissingResult:
        return pd.DataFrame()
    return rows[(rows["burn_in_batches"] > 0) == burn_in]


def _listed(rows: pd.DataFrame) -> str:
    """When the images of each training showed galaxies."""
    ordered = rows["lit_after"].sort_values()
    batches = ["never" if pd.isna(value) else f"{value:,.0f}" for value in ordered]
    return f"{', '.join(batches)} of {rows['batches'].max():,} batches ({len(rows)} starts)"


@finding(
    "black_without_burn_in",
    "Sects 2.2.2, 4",
    says="Without burn-in images are entirely black for the first few hundred thousand batches.",
    of=SHORT_TRAININGS,
)
@says("They show galaxies after far fewer batches, from each of the initial weights tried.")
def black_without_burn_in(tables: Tables) -> Result:
    without, with_burn_in = (_starts(tables, burn_in=value) for value in (False, True))
    if len(without) < MIN_STARTS:
        return "", None
    text = f"without burn-in, images show galaxies after {_listed(without)}"
    if len(with_burn_in):
        text += f"; with burn-in after {_listed(with_burn_in)}"
    if without["lit_after"].notna().all():
        return text, bool((without["lit_after"] < BLACK_BATCHES).all())
    # A training that ends in the dark must be that long to contradict it.
    return text, False if without["batches"].max() >= BLACK_BATCHES else None


@finding(
    "ssim_range",
    "Sect. 3, eq. 7",
    says="SSIM has c1 = 0.01 and c2 = 0.03.",
    of=TEST_IMAGES,
)
@says(
    "The authors' code calls scikit-image with its default data range, 2, for pixels in [0, 1]: "
    "the constants are four times those of the range of the pixels, and the score is higher, for "
    "any answer."
)
def ssim_range(tables: Tables) -> Result:
    means = table(tables, "scores").groupby("method")[["ssim_authors_code", "ssim"]].mean()
    text = "; ".join(
        f"{name}: {means.loc[method, 'ssim_authors_code']:.3f} instead of "
        f"{means.loc[method, 'ssim']:.3f}"
        for method, name in METHOD_NAMES.items()
        if method in means.index
    )
    return text, bool((means["ssim_authors_code"] > means["ssim"]).all())
