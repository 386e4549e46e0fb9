"""What Reiman & Goehre 2019 claim in words, as tests on scores and on the course of training.

The paper compares its GAN with nothing. Claims whose place is "ours" do, since without them its
scores mean little: galaxy images are mostly black, so that even the blend, given as the answer
itself, reaches an SSIM of 0.98 for some galaxies.

The tables are `scores` (see `deblend.reiman2019.scores.score_methods`) and `history` (`iteration`,
`phase`, `brightness_ratio`).
"""
# ruff: noqa: D103 (what a claim says is in its decorator)

import math

import pandas as pd
from deblend.reiman2019.metrics import GALAXIES, error_by_frame
from deblend.reiman2019.reproduction import DARK, burn_in_batches, escape_batches
from deblend.report.claims import Claims, MissingResult, Result, Tables, listed, says, table

CLAIMS = Claims()
claim = CLAIMS.add

#: PSNR of images that differ by rounding to 8 bits only: 10 log10(12 x 255^2). What is better, or
#: perfect, counts as this, so that a baseline keeps its perfect images.
CEILING_DB = 10 * math.log10(12 * 255**2)


def _of(tables: Tables, method: str) -> pd.DataFrame:
    found = table(tables, "scores")
    found = found[found["method"] == method]
    if found.empty:
        raise MissingResult(f"scores of {method}")
    found = found.copy()
    for column in ("psnr_db", "psnr_eq6_db", "crossed_psnr_db"):
        found[column] = found[column].clip(upper=CEILING_DB)
    return found


def _means(tables: Tables, method: str, quantity: str) -> pd.Series:
    """Mean score for the central galaxies and for the companions."""
    means = _of(tables, method).groupby("galaxy")[quantity].mean().reindex(list(GALAXIES))
    if means.isna().any():
        raise MissingResult(f"{quantity} of {method}")
    return means


def _gains(tables: Tables, over: str, quantity: str) -> pd.Series:
    return _means(tables, "gan", quantity) - _means(tables, over, quantity)


def _errors(tables: Tables, over: str, quantity: str) -> dict[str, float]:
    """Errors of `_gains`: of differences image by image, by galaxy."""
    index = ["galaxy", "blend", "frame"]
    mine, theirs = (_of(tables, m).set_index(index)[quantity] for m in ("gan", over))
    gains = (mine - theirs).dropna().reset_index()
    groups = gains.groupby("galaxy")
    return {str(galaxy): error_by_frame(g[quantity], g["frame"]) for galaxy, g in groups}


def _nearer(tables: Tables) -> pd.Series:
    """Share of blends whose prediction is nearer to its own galaxy than to the other one."""
    mine = _of(tables, "gan")
    nearer = (mine["psnr_db"] > mine["crossed_psnr_db"]).groupby(mine["galaxy"]).mean()
    nearer = nearer.reindex(list(GALAXIES))
    if nearer.isna().any():
        raise MissingResult("a galaxy")
    return nearer


def _sees(tables: Tables) -> bool:
    """Whether the GAN does more than repeat the blend, or paint any two galaxies.

    Without, a high score, mostly the highest of thousands, is no skill.
    """
    better = (_gains(tables, "blend", "psnr_db") > 0).all()
    return bool(better and (_nearer(tables) > 0.75).all())


def _score(tables: Tables, statistic: str, quantity: str, bound: float) -> Result:
    """A statistic of the GAN's images reaches a bound, and it deblends (`_sees`)."""
    values = _of(tables, "gan")[quantity].dropna()
    if values.empty:
        raise MissingResult(quantity)
    value = float(values.agg(statistic))
    seen = _sees(tables)
    text = f"{value:.4g}, n = {len(values)}" + ("" if seen else "; but it does not deblend")
    return text, value >= bound and seen


def _beats_blend(tables: Tables, quantity: str, bound: float) -> Result:
    """The mean score exceeds the blend's own by more than a bound, for both galaxies."""
    gains = _gains(tables, "blend", quantity)
    text = listed(gains.to_dict(), _errors(tables, "blend", quantity))
    return text, bool((gains > bound).all() and _sees(tables))


def _history(tables: Tables) -> pd.DataFrame:
    found = table(tables, "history").dropna(subset="brightness_ratio")
    if found.empty:
        raise MissingResult("brightness")
    return found


@claim("mean_psnr", "Sect. 3, Table 1", stated=30, relaxed=27)
@says("Acceptable for lossy compression: mean PSNR at least {bound:g} dB")
def mean_psnr(tables: Tables, bound: float) -> Result:
    return _score(tables, "mean", "psnr_db", bound)


@claim("mean_psnr_eq6", "Sect. 3, Table 1", stated=30, relaxed=27)
@says("The same with the PSNR of Eq. 6: at least {bound:g} dB")
def mean_psnr_eq6(tables: Tables, bound: float) -> Result:
    return _score(tables, "mean", "psnr_eq6_db", bound)


@claim("max_psnr", "Table 1", stated=30)
@says("Maximum PSNR comparable with high-quality compression: at least {bound:g} dB")
def max_psnr(tables: Tables, bound: float) -> Result:
    return _score(tables, "max", "psnr_db", bound)


@claim("max_ssim", "Fig. 5", stated=0.982, relaxed=0.95)
@says("Maximum SSIM comparable with 0.982: at least {bound:g}")
def max_ssim(tables: Tables, bound: float) -> Result:
    return _score(tables, "max", "ssim", bound)


@claim("max_ssim_authors_code", "Fig. 5", stated=0.982, relaxed=0.95)
@says("The same with the range of the authors' code: at least {bound:g}")
def max_ssim_authors_code(tables: Tables, bound: float) -> Result:
    return _score(tables, "max", "ssim_authors_code", bound)


@claim("mean_ssim", "Table 1", stated=0.928, relaxed=0.88)
@says("Mean SSIM as high as published: at least {bound:g}")
def mean_ssim(tables: Tables, bound: float) -> Result:
    return _score(tables, "mean", "ssim", bound)


@claim("mean_ssim_authors_code", "Table 1", stated=0.928, relaxed=0.88)
@says("The same with the range of the authors' code: at least {bound:g}")
def mean_ssim_authors_code(tables: Tables, bound: float) -> Result:
    return _score(tables, "mean", "ssim_authors_code", bound)


@claim("beats_blend_psnr", "ours", stated=3, relaxed=1)
@says("Mean PSNR more than {bound:g} dB above the blend's own, for central and for companion")
def beats_blend_psnr(tables: Tables, bound: float) -> Result:
    return _beats_blend(tables, "psnr_db", bound)


@claim("beats_blend_ssim", "ours", stated=0.05, relaxed=0)
@says("Mean SSIM more than {bound:g} above the blend's own, for central and for companion")
def beats_blend_ssim(tables: Tables, bound: float) -> Result:
    return _beats_blend(tables, "ssim", bound)


@claim("as_good_as_mse", "ours", stated=1, relaxed=3)
@says("Adversarial training costs at most {bound:g} dB of mean PSNR, for central and companion")
def as_good_as_mse(tables: Tables, bound: float) -> Result:
    gains = _gains(tables, "mse", "psnr_db")
    text = listed(gains.to_dict(), _errors(tables, "mse", "psnr_db"))
    return f"{text} dB", bool((gains >= -bound).all() and _sees(tables))


@claim("branches_differ", "Sect. 2.3", stated=0.95, relaxed=0.9)
@says("Each branch makes its own galaxy: nearer to it than to the other in {bound:.0%} of blends")
def branches_differ(tables: Tables, bound: float) -> Result:
    nearer = _nearer(tables)
    return listed((100 * nearer).to_dict()) + " %", bool((nearer >= bound).all())


@claim("not_black", "Sects 2.2.2, 4", stated=DARK, relaxed=0.25)
@says("Images are not black after burn-in: at least {bound:g} of the true brightness at the end")
def not_black(tables: Tables, bound: float) -> Result:
    found = _history(tables)
    found = found[found["phase"] == "gan"]
    if found.empty:
        raise MissingResult("nothing after burn-in")
    last, least = float(found["brightness_ratio"].iloc[-1]), found["brightness_ratio"].min()
    return f"{last:.3g} at the end, at least {least:.3g} before", last >= bound


@claim("escapes", "Sects 2.2.2, 4", stated=1000, relaxed=5000)
@says("Burn-in leaves the black images behind in fewer than {bound:g} batches")
def escapes(tables: Tables, bound: float) -> Result:
    found = _history(tables)
    if not burn_in_batches(found):
        raise MissingResult("no burn-in")
    batches = escape_batches(found)
    text = "never" if math.isnan(batches) else f"by {batches:g} batches"
    return text, batches < bound
