"""What Reiman & Goehre 2019 claim in words, as tests on scores and on the course of training.

The paper compares its GAN with nothing. Claims whose place is "ours" do, since without them its
scores mean little: galaxy images are mostly black, so that even the blend, given as the answer
itself, reaches an SSIM of 0.98 for some galaxies.
"""

import math
from collections.abc import Callable

import pandas as pd
from deblend.reiman2019.metrics import GALAXIES, error_by_frame
from deblend.reiman2019.reproduction import DARK, burn_in_batches, escape_batches
from deblend.report.claims import Claim, NotThere, Result, Tables, listed, table

#: PSNR of images that differ by rounding to 8 bits only: 10 log10(12 x 255^2). What is better, or
#: perfect, counts as this, so that a baseline keeps its perfect images.
CEILING_DB = 10 * math.log10(12 * 255**2)


NONE = ("",)


def _of(tables: Tables, method: str) -> pd.DataFrame:
    found = table(tables, "scores")
    found = found[found["method"] == method]
    if found.empty:
        raise NotThere(f"scores of {method}")
    found = found.copy()
    for column in ("psnr_db", "psnr_eq6_db", "crossed_psnr_db"):
        found[column] = found[column].clip(upper=CEILING_DB)
    return found


def _means(tables: Tables, method: str, quantity: str) -> pd.Series:
    """Mean score for the central galaxies and for the companions."""
    means = _of(tables, method).groupby("galaxy")[quantity].mean().reindex(list(GALAXIES))
    if means.isna().any():
        raise NotThere(f"{quantity} of {method}")
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
        raise NotThere("a galaxy")
    return nearer


def _sees(tables: Tables) -> bool:
    """Whether the GAN does more than repeat the blend, or paint any two galaxies.

    Without, a high score, mostly the highest of thousands, is no skill.
    """
    better = (_gains(tables, "blend", "psnr_db") > 0).all()
    return bool(better and (_nearer(tables) > 0.75).all())


def _score(statistic: str, quantity: str) -> Callable[..., Result]:
    """A statistic of the GAN's images reaches a bound, and it deblends (`_sees`)."""

    def test(tables: Tables, network: str, bound: float) -> Result:
        values = _of(tables, "gan")[quantity].dropna()
        if values.empty:
            raise NotThere(quantity)
        value = float(values.agg(statistic))
        seen = _sees(tables)
        text = f"{value:.4g}, n = {len(values)}" + ("" if seen else "; but it does not deblend")
        return text, value >= bound and seen

    return test


def _beats(over: str, quantity: str) -> Callable[..., Result]:
    """The mean score exceeds another method's by more than a bound, for both galaxies."""

    def test(tables: Tables, network: str, bound: float) -> Result:
        gains = _gains(tables, over, quantity)
        text = listed(gains.to_dict(), _errors(tables, over, quantity))
        return text, bool((gains > bound).all() and _sees(tables))

    return test


def _as_good_as_mse(tables: Tables, network: str, bound: float) -> Result:
    gains = _gains(tables, "mse", "psnr_db")
    text = listed(gains.to_dict(), _errors(tables, "mse", "psnr_db"))
    return f"{text} dB", bool((gains >= -bound).all() and _sees(tables))


def _branches_differ(tables: Tables, network: str, bound: float) -> Result:
    nearer = _nearer(tables)
    return listed((100 * nearer).to_dict()) + " %", bool((nearer >= bound).all())


def _history(tables: Tables) -> pd.DataFrame:
    found = table(tables, "history").dropna(subset="brightness_ratio")
    if found.empty:
        raise NotThere("brightness")
    return found


def _not_black(tables: Tables, network: str, bound: float) -> Result:
    found = _history(tables)
    found = found[found["phase"] == "gan"]
    if found.empty:
        raise NotThere("nothing after burn-in")
    last, least = float(found["brightness_ratio"].iloc[-1]), found["brightness_ratio"].min()
    return f"{last:.3g} at the end, at least {least:.3g} before", last >= bound


def _escapes(tables: Tables, network: str, bound: float) -> Result:
    found = _history(tables)
    if not burn_in_batches(found):
        raise NotThere("no burn-in")
    batches = escape_batches(found)
    text = "never" if math.isnan(batches) else f"by {batches:g} batches"
    return text, batches < bound


CLAIMS = (
    Claim(
        "mean_psnr",
        "Sect. 3, Table 1",
        "Acceptable for lossy compression: mean PSNR at least {bound:g} dB",
        *(_score("mean", "psnr_db"), 30, 27, NONE),
    ),
    Claim(
        "mean_psnr_eq6",
        "Sect. 3, Table 1",
        "The same with the PSNR of Eq. 6: at least {bound:g} dB",
        *(_score("mean", "psnr_eq6_db"), 30, 27, NONE),
    ),
    Claim(
        "max_psnr",
        "Table 1",
        "Maximum PSNR comparable with high-quality compression: at least {bound:g} dB",
        *(_score("max", "psnr_db"), 30, None, NONE),
    ),
    Claim(
        "max_ssim",
        "Fig. 5",
        "Maximum SSIM comparable with 0.982: at least {bound:g}",
        *(_score("max", "ssim"), 0.982, 0.95, NONE),
    ),
    Claim(
        "max_ssim_authors_code",
        "Fig. 5",
        "The same with the range of the authors' code: at least {bound:g}",
        *(_score("max", "ssim_authors_code"), 0.982, 0.95, NONE),
    ),
    Claim(
        "mean_ssim",
        "Table 1",
        "Mean SSIM as high as published: at least {bound:g}",
        *(_score("mean", "ssim"), 0.928, 0.88, NONE),
    ),
    Claim(
        "mean_ssim_authors_code",
        "Table 1",
        "The same with the range of the authors' code: at least {bound:g}",
        *(_score("mean", "ssim_authors_code"), 0.928, 0.88, NONE),
    ),
    Claim(
        "beats_blend_psnr",
        "ours",
        "Mean PSNR more than {bound:g} dB above the blend's own, for central and for companion",
        *(_beats("blend", "psnr_db"), 3, 1, NONE),
    ),
    Claim(
        "beats_blend_ssim",
        "ours",
        "Mean SSIM more than {bound:g} above the blend's own, for central and for companion",
        *(_beats("blend", "ssim"), 0.05, 0, NONE),
    ),
    Claim(
        "as_good_as_mse",
        "ours",
        "Adversarial training costs at most {bound:g} dB of mean PSNR, for central and companion",
        *(_as_good_as_mse, 1, 3, NONE),
    ),
    Claim(
        "branches_differ",
        "Sect. 2.3",
        "Each branch makes its own galaxy: nearer to it than to the other in {bound:.0%} of blends",
        *(_branches_differ, 0.95, 0.9, NONE),
    ),
    Claim(
        "not_black",
        "Sects 2.2.2, 4",
        "Images are not black after burn-in: at least {bound:g} of the true brightness at the end",
        *(_not_black, DARK, 0.25, NONE),
    ),
    Claim(
        "escapes",
        "Sects 2.2.2, 4",
        "Burn-in leaves the black images behind in fewer than {bound:g} batches",
        *(_escapes, 1000, 5000, NONE),
    ),
)
