"""What Reiman & Goehre 2019 claim in words, as tests on scores, training and speed.

The paper does not compare its GAN with anything. The claims marked "ours" do, since its scores mean
little without a comparison: galaxy images are mostly black, so that for some galaxies even the
blend itself has an SSIM of 0.98.

The tables are `scores` (see `deblend.reiman2019.scores.score_methods`) and `history` (`iteration`,
`phase`, `brightness_ratio`), `speed` (see `deblend.reiman2019.scores.predict_and_score`), `rates`
and `misalignment` (see `deblend.reiman2019.failures`).
"""
# ruff: noqa: D103 (what a claim says is in its decorator)

import math

import pandas as pd
from deblend.reiman2019.metrics import GALAXIES, IN_DB, QUANTITIES, error_of_mean
from deblend.reiman2019.reproduction import (
    MIN_BRIGHTNESS_RATIO,
    MIN_BURN_IN,
    burn_in_batches,
    escape_batches,
)
from deblend.report.claims import Claims, MissingResult, Result, Tables, listed, says, table

CLAIMS = Claims()
claim = CLAIMS.add
bar = CLAIMS.add_bar

#: Errors by which a mean offset of colours has to differ from 0 to be one.
MIN_SIGNIFICANCE = 4

#: PSNR of images that differ only by rounding to 8 bits: 10 log10(12 x 255^2). Higher values, also
#: the infinite ones of perfect images, are replaced by it, so that perfect images enter the means.
CEILING_DB = 10 * math.log10(12 * 255**2)


def _scores_of(tables: Tables, method: str) -> pd.DataFrame:
    scores = table(tables, "scores")
    scores = scores[scores["method"] == method]
    if scores.empty:
        raise MissingResult(f"scores of {method}")
    scores = scores.copy()
    for column in IN_DB:
        scores[column] = scores[column].clip(upper=CEILING_DB)
    return scores


def _means(tables: Tables, method: str, quantity: str) -> pd.Series:
    """Mean score for the central galaxies and for the companions."""
    means = _scores_of(tables, method).groupby("galaxy")[quantity].mean().reindex(list(GALAXIES))
    if means.isna().any():
        raise MissingResult(f"{quantity} of {method}")
    return means


def _gains(tables: Tables, baseline: str, quantity: str) -> pd.Series:
    return _means(tables, "gan", quantity) - _means(tables, baseline, quantity)


def _errors(tables: Tables, baseline: str, quantity: str) -> dict[str, float]:
    """Standard errors of `_gains`, from the differences of each image."""
    index = ["galaxy", "blend", "frame", "other_frame"]
    ours, others = (
        _scores_of(tables, name).set_index(index)[quantity] for name in ("gan", baseline)
    )
    gains = (ours - others).dropna().reset_index()
    groups = gains.groupby("galaxy")
    return {
        str(galaxy): error_of_mean(g[quantity], g["frame"], g["other_frame"])
        for galaxy, g in groups
    }


def _share_nearer(tables: Tables) -> pd.Series:
    """Share of blends in which a branch's image is nearer to its own galaxy than to the other."""
    scores = _scores_of(tables, "gan")
    nearer = (scores["psnr_db"] > scores["crossed_psnr_db"]).groupby(scores["galaxy"]).mean()
    nearer = nearer.reindex(list(GALAXIES))
    if nearer.isna().any():
        raise MissingResult("a galaxy")
    return nearer


def _deblends(tables: Tables) -> bool:
    """Whether the GAN does more than repeat the blend or make images of arbitrary galaxies.

    A high score, in particular the maximum of thousands, does not prove that.
    """
    beats_blend = (_gains(tables, "blend", "psnr_db") > 0).all()
    return bool(beats_blend and (_share_nearer(tables) > 0.75).all())


def _score_reaches(tables: Tables, statistic: str, quantity: str, bound: float) -> Result:
    """A statistic of the GAN's scores reaches a bound, and the GAN deblends (`_deblends`)."""
    values = _scores_of(tables, "gan")[quantity].dropna()
    if values.empty:
        raise MissingResult(quantity)
    value = float(values.agg(statistic))
    deblends = _deblends(tables)
    text = f"{value:.4g}, n = {len(values)}" + ("" if deblends else "; but it does not deblend")
    return text, value >= bound and deblends


def _mean_reaches(tables: Tables, galaxy: str, quantity: str, bound: float) -> Result:
    """The GAN's mean score of one of the galaxies reaches a bound, and the GAN deblends."""
    mean = float(_means(tables, "gan", quantity)[galaxy])
    scores = _scores_of(tables, "gan")
    scores = scores[scores["galaxy"] == galaxy].dropna(subset=quantity)
    error = error_of_mean(scores[quantity], scores["frame"], scores["other_frame"])
    text = listed({galaxy: mean}, {galaxy: error}) + f", n = {len(scores)}"
    return text, mean >= bound and _deblends(tables)


def _beats_blend(tables: Tables, quantity: str, bound: float) -> Result:
    """The mean score exceeds that of the blend itself by more than a bound, for both galaxies."""
    gains = _gains(tables, "blend", quantity)
    text = listed(gains.to_dict(), _errors(tables, "blend", quantity))
    text += f", n = {len(_scores_of(tables, 'gan')) // 2}"
    return text, bool((gains > bound).all() and _deblends(tables))


def _history(tables: Tables) -> pd.DataFrame:
    """The course of a training whose burn-in is long enough to end, or not, black images."""
    history = table(tables, "history").dropna(subset="brightness_ratio")
    if history.empty:
        raise MissingResult("brightness")
    if 0 < burn_in_batches(history) < MIN_BURN_IN:
        raise MissingResult(f"{MIN_BURN_IN} batches of burn-in")
    return history


@claim("mean_psnr", "Sect. 3, Table 1", stated=30, relaxed=27)
@says("Acceptable for lossy compression: mean PSNR at least {bound:g} dB")
def mean_psnr(tables: Tables, bound: float) -> Result:
    return _score_reaches(tables, "mean", "psnr_db", bound)


@claim("mean_psnr_eq6", "Sect. 3, Table 1", stated=30, relaxed=27)
@says("The same with the PSNR of Eq. 6: at least {bound:g} dB")
def mean_psnr_eq6(tables: Tables, bound: float) -> Result:
    return _score_reaches(tables, "mean", "psnr_eq6_db", bound)


@claim("max_psnr", "Table 1", stated=30)
@says("Maximum PSNR comparable with high-quality compression: at least {bound:g} dB")
def max_psnr(tables: Tables, bound: float) -> Result:
    return _score_reaches(tables, "max", "psnr_db", bound)


@claim("max_ssim", "Fig. 5", stated=0.982, relaxed=0.95)
@says("Maximum SSIM comparable with 0.982: at least {bound:g}")
def max_ssim(tables: Tables, bound: float) -> Result:
    return _score_reaches(tables, "max", "ssim_authors_code", bound)


@claim("mean_ssim", "Table 1", stated=0.928, relaxed=0.88)
@says("Mean SSIM as high as published: at least {bound:g}")
def mean_ssim(tables: Tables, bound: float) -> Result:
    return _score_reaches(tables, "mean", "ssim_authors_code", bound)


@claim("beats_blend_psnr", "ours", stated=3, relaxed=1)
@says("Mean PSNR more than {bound:g} dB above the blend's own, for central and for companion")
def beats_blend_psnr(tables: Tables, bound: float) -> Result:
    return _beats_blend(tables, "psnr_db", bound)


@claim("beats_blend_ssim", "ours", stated=0.05, relaxed=0)
@says("Mean SSIM more than {bound:g} above the blend's own, for central and for companion")
def beats_blend_ssim(tables: Tables, bound: float) -> Result:
    return _beats_blend(tables, "ssim_authors_code", bound)


@claim("beats_blend_every_score", "ours", stated=0)
@says("Mean PSNR and SSIM above the blend's own in every reading, for central and companion")
def beats_blend_every_score(tables: Tables, bound: float) -> Result:
    # The power spectrum says whether an image looks natural, as the blend does.
    names = [name for name, is_higher_better in QUANTITIES.items() if is_higher_better]
    behind = []
    for quantity in names:
        gains = _gains(tables, "blend", quantity)
        behind += [f"{quantity} ({galaxy})" for galaxy in gains.index[~(gains > bound)]]
    text = f"not in {', '.join(behind)}" if behind else f"in {len(names)} scores"
    return text, not behind and _deblends(tables)


@claim("nearer_than_blend", "ours", stated=0.95, relaxed=0.8)
@says("Nearer to the truth than the blend itself, in PSNR, in {bound:.0%} of the images of both")
def nearer_than_blend(tables: Tables, bound: float) -> Result:
    index = ["blend", "galaxy"]
    ours, theirs = (
        _scores_of(tables, method).set_index(index)["psnr_db"] for method in ("gan", "blend")
    )
    # An image that is as near as the blend is not nearer.
    share = (ours > theirs.reindex(ours.index)).groupby("galaxy").mean().reindex(list(GALAXIES))
    if share.isna().any():
        raise MissingResult("a galaxy")
    return listed((100 * share).to_dict()) + " %", bool(
        (share >= bound).all() and _deblends(tables)
    )


@claim("as_good_as_mse", "ours", stated=0.5, relaxed=3)
@says("Adversarial training costs at most {bound:g} dB of mean PSNR, for central and companion")
def as_good_as_mse(tables: Tables, bound: float) -> Result:
    gains = _gains(tables, "mse", "psnr_db")
    text = listed(gains.to_dict(), _errors(tables, "mse", "psnr_db"))
    return f"{text} dB", bool((gains >= -bound).all() and _deblends(tables))


@claim("branches_differ", "Sect. 2.3", stated=0.95, relaxed=0.9)
@says("Each branch makes its own galaxy: nearer to it than to the other in {bound:.0%} of blends")
def branches_differ(tables: Tables, bound: float) -> Result:
    nearer = _share_nearer(tables)
    return listed((100 * nearer).to_dict()) + " %", bool((nearer >= bound).all())


@claim("not_black", "Sects 2.2.2, 4", stated=MIN_BRIGHTNESS_RATIO, relaxed=0.25)
@says("Images are not black after burn-in: at least {bound:g} of the true brightness at the end")
def not_black(tables: Tables, bound: float) -> Result:
    history = _history(tables)
    history = history[history["phase"] == "gan"]
    if history.empty:
        raise MissingResult("nothing after burn-in")
    last, lowest = float(history["brightness_ratio"].iloc[-1]), history["brightness_ratio"].min()
    return f"{last:.3g} at the end, at least {lowest:.3g} before", last >= bound


@claim("escapes", "Sects 2.2.2, 4", stated=1000, relaxed=5000)
@says("Burn-in leaves the black images behind in fewer than {bound:g} batches")
def escapes(tables: Tables, bound: float) -> Result:
    history = _history(tables)
    if not burn_in_batches(history):
        raise MissingResult("no burn-in")
    batches = escape_batches(history)
    n = burn_in_batches(history)
    if math.isnan(batches) and n < bound:
        return f"not by {n:g} batches, when the burn-in ends", None
    text = "never" if math.isnan(batches) else f"by {batches:g} batches"
    return text, batches < bound


@claim("odd_colours", "Fig. 6", stated=0.01, relaxed=0.05)
@says("Patches of unnatural colour in a handful of predictions: at most {bound:.0%} of the images")
def odd_colours(tables: Tables, bound: float) -> Result:
    rates = table(tables, "rates")
    rates = rates[
        (rates["method"] == "gan") & (rates["by"] == "all") & (rates["kind"] == "odd_colour")
    ]
    if rates.empty:
        raise MissingResult("failures of gan")
    failed, n = int(rates["n_failed"].sum()), int(rates["n"].sum())
    share = failed / n
    return f"{100 * share:.3g} % ({failed} of {n})", bool(share <= bound and _deblends(tables))


@claim("misalignment", "Sect. 4", stated=0.5, relaxed=0.8)
@says(
    "Reproduces the misalignment of the colours: mean offsets within {bound:.0%} of the true ones"
)
def misalignment(tables: Tables, bound: float) -> Result:
    rows = table(tables, "misalignment")
    rows = rows[rows["method"] == "gan"].set_index("offset")
    if rows.empty:
        raise MissingResult("offsets of gan")
    text = "; ".join(
        f"{name} {row['mean_px']:.3f} ± {row['error_px']:.3f} (true {row['true_mean_px']:.3f})"
        for name, row in rows.iterrows()
    )
    # Images whose colours are aligned show nothing.
    real = rows[rows["true_mean_px"].abs() > MIN_SIGNIFICANCE * rows["true_error_px"]]
    if real.empty:
        return f"{text} px: no misalignment", None
    wrong = (real["mean_px"] - real["true_mean_px"]).abs() > bound * real["true_mean_px"].abs()
    return f"{text} px", bool(not wrong.any() and _deblends(tables))


@claim("instantaneous", "Abstract, Sects 1, 4", stated=1, relaxed=0.1)
@says("Blends are separated near-instantaneously on a laptop: at least {bound:g} a second")
def instantaneous(tables: Tables, bound: float) -> Result:
    speed = table(tables, "speed").set_index("method")
    if "gan" not in speed.index:
        raise MissingResult("speed of gan")
    row = speed.loc["gan"]
    # Not the rate itself, which differs from run to run.
    where = f"{row['threads']} threads of a CPU" if row["device"] == "cpu" else row["device"]
    if row["orientations"] > 1:
        where += f", {row['orientations']} orientations of each"
    return f"on {where}; see benchmarks/prediction", bool(row["blends_per_second"] >= bound)


@bar("bar_beats_blend")
@says("Mean PSNR more than {bound:g} dB above the blend's own, for central and for companion")
def bar_beats_blend(tables: Tables, bound: float) -> Result:
    return _beats_blend(tables, "psnr_db", bound)


@bar("bar_psnr_central")
@says("Mean PSNR of the central galaxies at least {bound:g} dB")
def bar_psnr_central(tables: Tables, bound: float) -> Result:
    return _mean_reaches(tables, "central", "psnr_db", bound)


@bar("bar_psnr_companion")
@says("Mean PSNR of the companions at least {bound:g} dB")
def bar_psnr_companion(tables: Tables, bound: float) -> Result:
    return _mean_reaches(tables, "companion", "psnr_db", bound)


@bar("bar_ssim_central")
@says("Mean SSIM of the central galaxies, as the authors' code computes it, at least {bound:g}")
def bar_ssim_central(tables: Tables, bound: float) -> Result:
    return _mean_reaches(tables, "central", "ssim_authors_code", bound)


@bar("bar_ssim_companion")
@says("Mean SSIM of the companions, as the authors' code computes it, at least {bound:g}")
def bar_ssim_companion(tables: Tables, bound: float) -> Result:
    return _mean_reaches(tables, "companion", "ssim_authors_code", bound)


@bar("bar_beats_blend_every_score")
@says("Mean PSNR and SSIM more than {bound:g} above the blend's in every reading, for both")
def bar_beats_blend_every_score(tables: Tables, bound: float) -> Result:
    return beats_blend_every_score(tables, bound)


@bar("bar_adversary_cost")
@says("Adversarial training costs at most {bound:g} dB of mean PSNR, for central and companion")
def bar_adversary_cost(tables: Tables, bound: float) -> Result:
    return as_good_as_mse(tables, bound)
