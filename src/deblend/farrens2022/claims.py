"""What Farrens et al. 2022 claim in words, as tests on the accuracies of BlendHunter and SEP.

Accuracies are means over the realisations of a noise level, as in the paper's figures. Claims on
parametric blends are about blends alone, as Figure 3 is; those on realistic blends are about blends
with as many isolated stamps, in percentage points over SEP, as Figure 5 is.

The tables are `parametric` and `by_distance` (see
`deblend.farrens2022.metrics.parametric_accuracies`), and `realistic`, with the stamps' noise as
`realistic_noise_sigma` (see `deblend.farrens2022.metrics.realistic_accuracies`).

Errors are those of the stamps, of which those that share a galaxy are not independent. Realisations
share their galaxies, so the error of their mean is taken to be that of one.
"""
# ruff: noqa: D103 (what a claim says is in its decorator)

import numpy as np
import pandas as pd
from deblend.farrens2022 import metrics
from deblend.report.claims import (
    Claims,
    MissingResult,
    Result,
    Tables,
    listed,
    says,
    table,
)

CLAIMS = Claims()
claim = CLAIMS.add
bar = CLAIMS.add_bar

#: Largest noise (counts) that the bars call low; that of the paper's realistic stamps is 14.5.
LOW_NOISE = 15.0


def _means(tables: Tables, name: str, subset: str, value: str = "accuracy") -> pd.DataFrame:
    """Mean over realisations: one row for each noise level, one column for each method."""
    rows = table(tables, name)
    rows = rows[(rows["subset"] == subset) & rows["method"].isin(metrics.METHODS)]
    wide = rows.groupby(["noise_sigma", "method"])[value].mean().unstack("method")
    if wide.empty or set(metrics.METHODS) - set(wide.columns) or wide.isna().any(axis=None):
        raise MissingResult(f"{name} {subset}")
    return wide


def _errors(tables: Tables, name: str, subset: str) -> pd.DataFrame:
    """Errors of the accuracies of `_means`."""
    return _means(tables, name, subset, "error")


def _percent(values: pd.Series, errors: pd.Series | None = None, unit: str = "%") -> str:
    """Text of shares at each noise level in percent, with their errors if given.

    The unit is "points" for differences.
    """
    named = {f"sigma {sigma:g}": 100 * value for sigma, value in values.items()}
    if errors is None:
        return f"{listed(named)} {unit}"
    with_errors = dict(zip(named, 100 * errors[values.index], strict=True))
    return f"{listed(named, with_errors)} {unit}"


def _points(gain: pd.Series, errors: pd.Series | None = None) -> str:
    """Text of gains at each noise level in percentage points."""
    return _percent(gain, errors, unit="points")


def _nearest_noise(tables: Tables, index: pd.Index) -> float:
    """The training noise nearest to the realistic stamps', if it is within a tenth of it."""
    noise = float(table(tables, "realistic")["realistic_noise_sigma"].iloc[0])
    nearest = min(index, key=lambda sigma: abs(sigma - noise))
    if abs(nearest - noise) > 0.1 * noise:
        raise MissingResult(f"no training noise near {noise:g}")
    return nearest


def _gain(tables: Tables, name: str, subset: str) -> pd.Series:
    """BlendHunter's accuracy minus SEP's, by noise."""
    return _means(tables, name, subset, "gain")["BlendHunter"]


def _gain_errors(tables: Tables, name: str, subset: str) -> pd.Series:
    """Errors of `_gain`, of both methods' labels on the same stamps."""
    return _means(tables, name, subset, "gain_error")["BlendHunter"]


def _gains(tables: Tables, subset: str) -> tuple[pd.Series, str]:
    """BlendHunter's gain on a subset of the realistic stamps (Fig. 5), and its text."""
    gain = _gain(tables, "realistic", subset)
    return gain, _points(gain, _gain_errors(tables, "realistic", subset))


def _better_than_chance(accuracies: pd.Series) -> bool:
    """Whether accuracies are clearly above one half, which one label for all stamps would reach."""
    return bool((accuracies > 0.6).all())


def _failures(tables: Tables, name: str, bound: float) -> Result:
    """Test whether SEP fails, by the rules of Sect. 4.1, on less than a share of the stamps."""
    rows = metrics.by_rules(table(tables, name), "section_4_1")
    rows = rows[rows["subset"] == "all"]
    if rows.empty:
        raise MissingResult(f"{name} by the rules of Sect. 4.1")
    found = rows.groupby("noise_sigma")[["failed_share", "failed_error"]].max()
    shares = found["failed_share"]
    return _percent(shares, found["failed_error"]), bool((shares < bound).all())


@claim("close_better", "Sects 4.2, 5", stated=0)
@says("Better than SEP for close blends at every noise level, by more than {bound:.0%}")
def close_better(tables: Tables, bound: float) -> Result:
    gain = _gain(tables, "parametric", "close")
    text = _points(gain, _gain_errors(tables, "parametric", "close"))
    # Who labels each stamp as a blend has all blends right.
    is_better_than_chance = _better_than_chance(_means(tables, "parametric", "all")["BlendHunter"])
    return text, bool((gain > bound).all() and is_better_than_chance)


@claim("largest_gain", "Sect. 4.2", stated=0.8, relaxed=0.6)
@says("Gains as high as 80 % for close blends: in a bin of distance at least {bound:.0%}")
def largest_gain(tables: Tables, bound: float) -> Result:
    gain, error, sigma, low, n = metrics.largest_gain(table(tables, "by_distance"))
    if not n:
        raise MissingResult("by_distance")
    text = f"{100 * gain:.3g} ± {100 * error:.2g} % at sigma {sigma:g} from {low:g} px, n = {n}"
    return text, bool(gain >= bound)


@claim("distant_consistent", "Sect. 4.2", stated=0.03, relaxed=0.1)
@says("Consistent with SEP for distant blends at every noise level: within {bound:.0%}")
def distant_consistent(tables: Tables, bound: float) -> Result:
    gain = _gain(tables, "parametric", "distant")
    text = _points(gain, _gain_errors(tables, "parametric", "distant"))
    is_better_than_chance = _better_than_chance(_means(tables, "parametric", "all")["BlendHunter"])
    return text, bool((gain.abs() <= bound).all() and is_better_than_chance)


@claim("good_at_low_noise", "Sect. 4.2", stated=0.95, relaxed=0.9)
@says("Both almost perfect at the lowest noise: at least {bound:.0%}")
def good_at_low_noise(tables: Tables, bound: float) -> Result:
    lowest = _means(tables, "parametric", "all").sort_index().iloc[0]
    errors = _errors(tables, "parametric", "all").sort_index().iloc[0]
    text = listed((100 * lowest).to_dict(), (100 * errors).to_dict())
    return f"{text} %", bool((lowest >= bound).all())


@claim("drops_less", "Sect. 4.2", stated=0)
@says("From the lowest to the highest noise BlendHunter drops less than SEP and {bound:.0%}")
def drops_less(tables: Tables, bound: float) -> Result:
    wide = _means(tables, "parametric", "all").sort_index()
    if len(wide) < 2:
        raise MissingResult("one noise level")
    drop = 100 * (wide.iloc[0] - wide.iloc[-1])
    # As if the levels were independent: they share stamps, so that drops are rather more certain.
    ends = _errors(tables, "parametric", "all").sort_index().iloc[[0, -1]]
    error = 100 * np.sqrt((ends**2).sum())
    holds = drop["BlendHunter"] < drop["SEP"] + 100 * bound and _better_than_chance(
        wide["BlendHunter"]
    )
    return listed(drop.to_dict(), error.to_dict()) + " %", bool(holds)


@claim("transfer", "Sect. 5", stated=0.9, relaxed=0.85)
@says("More than {bound:.0%} of the realistic stamps right, trained at the nearest noise")
def transfer(tables: Tables, bound: float) -> Result:
    wide = _means(tables, "realistic", "all")["BlendHunter"]
    sigma = _nearest_noise(tables, wide.index)
    errors = _errors(tables, "realistic", "all")["BlendHunter"]
    return _percent(wide.loc[[sigma]], errors), bool(wide[sigma] > bound)


@claim("transfer_better", "Sects 4.3, 5", stated=0)
@says("Slightly better than SEP on the realistic stamps, trained at the nearest noise")
def transfer_better(tables: Tables, bound: float) -> Result:
    gain = _gain(tables, "realistic", "all")
    sigma = _nearest_noise(tables, gain.index)
    errors = _gain_errors(tables, "realistic", "all")
    return _points(gain.loc[[sigma]], errors), bool(gain[sigma] > bound)


@claim("best_matched", "Sect. 4.3", stated=0, relaxed=0.02)
@says("No other training noise does better on the realistic stamps by more than {bound:.0%}")
def best_matched(tables: Tables, bound: float) -> Result:
    gain, text = _gains(tables, "all")
    if len(gain) < 2:
        raise MissingResult("one noise level")
    best = gain[_nearest_noise(tables, gain.index)]
    is_better_than_chance = _better_than_chance(_means(tables, "realistic", "all")["BlendHunter"])
    return text, bool((gain <= best + bound).all() and is_better_than_chance)


@claim("realistic_close", "Sect. 4.3", stated=0)
@says("Better than SEP on realistic close blends and as many isolated, whatever the training noise")
def realistic_close(tables: Tables, bound: float) -> Result:
    gain, text = _gains(tables, "close_with_isolated")
    return text, bool((gain > bound).all())


@claim("close_gain_range", "Sect. 5", stated=1, relaxed=2)
@says("Better than SEP on realistic close blends by 5 to 15 points, within a factor of {bound:g}")
def close_gain_range(tables: Tables, bound: float) -> Result:
    gain, text = _gains(tables, "close_with_isolated")
    return text, bool(gain.between(0.05 / bound, 0.15 * bound).all())


@claim("distant_matched", "Sect. 4.3", stated=0.01, relaxed=0.03)
@says("Matches SEP on realistic distant blends at the nearest noise: within {bound:.0%}")
def distant_matched(tables: Tables, bound: float) -> Result:
    gain = _gain(tables, "realistic", "distant_with_isolated")
    sigma = _nearest_noise(tables, gain.index)
    errors = _gain_errors(tables, "realistic", "distant_with_isolated")
    return _points(gain.loc[[sigma]], errors), bool(abs(gain[sigma]) <= bound)


@claim("distant_deficit", "Sect. 4.3", stated=0.05, relaxed=0.1)
@says("Below SEP on realistic distant blends by at most {bound:.0%} at any training noise")
def distant_deficit(tables: Tables, bound: float) -> Result:
    gain, text = _gains(tables, "distant_with_isolated")
    return text, bool((gain >= -bound).all())


@claim("more_true_positives", "Sect. 4.3", stated=0)
@says("More realistic blends found than by SEP, close and all, whatever the training noise")
def more_true_positives(tables: Tables, bound: float) -> Result:
    parts, holds = [], True
    for panel in ("close", "all"):
        subset = metrics.PANELS[panel][0]
        gain, text = _gains(tables, subset)
        parts.append(f"{panel}: {text}")
        holds &= bool((gain > bound).all())
    return "; ".join(parts), holds


@claim("fewer_true_negatives", "Sect. 4.3", stated=0)
@says("Fewer isolated stamps right than SEP's, and fewer still above the realistic noise")
def fewer_true_negatives(tables: Tables, bound: float) -> Result:
    wide = _means(tables, "realistic", "isolated").sort_index()
    errors = _errors(tables, "realistic", "isolated").sort_index()
    below = wide["BlendHunter"] < wide["SEP"]
    sep, sep_error = 100 * wide["SEP"].iloc[0], 100 * errors["SEP"].iloc[0]
    text = _percent(wide["BlendHunter"], errors["BlendHunter"])
    text += f" (SEP {sep:.4g} ± {sep_error:.2g} %)"
    above = wide["BlendHunter"].loc[_nearest_noise(tables, wide.index) :]
    if len(above) < 2:
        raise MissingResult("no noise level above the realistic stamps'")
    return text, bool(below.all() and above.iloc[-1] < above.iloc[0])


@claim("sep_failures_parametric", "Sect. 4.1", stated=0.01, relaxed=0.05)
@says("SEP fails on less than {bound:.0%} of the parametric stamps")
def sep_failures_parametric(tables: Tables, bound: float) -> Result:
    return _failures(tables, "parametric", bound)


@claim("sep_failures_realistic", "Sect. 4.1", stated=0.01, relaxed=0.05)
@says("SEP fails on less than {bound:.0%} of the realistic stamps")
def sep_failures_realistic(tables: Tables, bound: float) -> Result:
    return _failures(tables, "realistic", bound)


def _at_noise(values: pd.Series | pd.DataFrame, low: bool) -> pd.Series | pd.DataFrame:
    """The rows of the noise levels up to `LOW_NOISE`, or above it."""
    chosen = values[(values.index <= LOW_NOISE) == low]
    if chosen.empty:
        raise MissingResult(f"noise {'up to' if low else 'above'} {LOW_NOISE:g}")
    return chosen


def _n(tables: Tables, subset: str) -> int:
    """Number of parametric stamps of a subset, in one realisation."""
    rows = table(tables, "parametric")
    return int(rows.loc[rows["subset"] == subset, "n"].max())


@bar("bar_close_low_noise")
@says("BlendHunter finds more close blends than SEP, by over {bound:.0%}, at noise up to 15")
def bar_close_low_noise(tables: Tables, bound: float) -> Result:
    gain = _at_noise(_gain(tables, "parametric", "close"), low=True)
    text = (
        f"{_points(gain, _gain_errors(tables, 'parametric', 'close'))}, n = {_n(tables, 'close')}"
    )
    return text, bool((gain > bound).all())


@bar("bar_close_high_noise")
@says("It finds as many as SEP, within {bound:g} standard errors, at noise above 15")
def bar_close_high_noise(tables: Tables, bound: float) -> Result:
    gain, errors = (
        _at_noise(_gain(tables, "parametric", "close"), low=False),
        _gain_errors(tables, "parametric", "close"),
    )
    text = f"{_points(gain, errors)}, n = {_n(tables, 'close')}"
    return text, bool((gain >= -bound * errors[gain.index]).all())


@bar("bar_all_low_noise")
@says("BlendHunter labels at least {bound:.0%} of all stamps rightly at noise up to 15")
def bar_all_low_noise(tables: Tables, bound: float) -> Result:
    shares = _at_noise(_means(tables, "parametric", "all")["BlendHunter"], low=True)
    errors = _errors(tables, "parametric", "all")["BlendHunter"]
    text = f"{_percent(shares, errors)}, n = {_n(tables, 'all')}"
    return text, bool((shares >= bound).all())


def _published(tables: Tables, figure: int, column: str, name: str) -> pd.Series:
    """A published curve, as shares by noise level; see `deblend.farrens2022.findings`."""
    rows = table(tables, "published")
    rows = rows[(rows["figure"] == figure) & (rows[column] == name)]
    if rows.empty:
        raise MissingResult(f"published values of {name}")
    return rows.set_index("noise_sigma")["mean"]


def _close_to_published(
    ours: dict[str, pd.Series], theirs: dict[str, pd.Series], bound: float
) -> Result:
    """Whether curves are within a bound of the published ones, at the noise levels of both."""
    parts, holds = [], True
    for name, values in ours.items():
        difference = (values - theirs[name]).dropna()
        if difference.empty:
            raise MissingResult(f"{name} at a noise level of the paper")
        parts.append(f"{name}: {_points(difference)}")
        holds &= bool((difference.abs() <= bound).all())
    return "; ".join(parts), holds


@bar("bar_sep_published")
@says("SEP on realistic stamps, all, close and distant: within {bound:.0%} of the published shares")
def bar_sep_published(tables: Tables, bound: float) -> Result:
    text, holds = {}, True
    for name in ("all", "close", "distant"):
        subset = "all" if name == "all" else f"{name}_with_isolated"
        # SEP's labels do not depend on the training noise.
        share = _means(tables, "realistic", subset)["SEP"].iloc[0]
        error = _errors(tables, "realistic", subset)["SEP"].iloc[0]
        difference = share - _published(tables, 0, "subset", f"sep_{name}").iloc[0]
        text[name] = (100 * difference, 100 * error)
        holds &= bool(abs(difference) <= bound)
    values, errors = ({name: pair[i] for name, pair in text.items()} for i in (0, 1))
    return f"{listed(values, errors)} points", holds


@bar("bar_fig4_published")
@says("Both methods on parametric stamps (SEP is fitted): within {bound:.0%} of Figure 4")
def bar_fig4_published(tables: Tables, bound: float) -> Result:
    ours = _means(tables, "parametric", "all")
    theirs = {name: _published(tables, 4, "method", name) for name in metrics.METHODS}
    return _close_to_published({name: ours[name] for name in theirs}, theirs, bound)


def _gains_beside_published(tables: Tables, subsets: tuple[str, ...], bound: float) -> Result:
    ours = {subset: _gain(tables, "realistic", subset) for subset in subsets}
    theirs = {subset: _published(tables, 5, "subset", subset) for subset in subsets}
    return _close_to_published(ours, theirs, bound)


@bar("bar_fig5_close_published")
@says("Gain over SEP on close blends with isolated stamps: within {bound:.0%} of Figure 5")
def bar_fig5_close_published(tables: Tables, bound: float) -> Result:
    return _gains_beside_published(tables, ("close_with_isolated",), bound)


@bar("bar_fig5_published")
@says("Gain over SEP on all realistic stamps and on distant blends: within {bound:.0%} of Figure 5")
def bar_fig5_published(tables: Tables, bound: float) -> Result:
    return _gains_beside_published(tables, ("all", "distant_with_isolated"), bound)
