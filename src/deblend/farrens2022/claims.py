"""What Farrens et al. 2022 claim in words, as tests on the accuracies of BlendHunter and SEP.

Accuracies are means over the realisations of a noise level, as in the paper's figures.
"""

from collections.abc import Callable
from functools import partial

import pandas as pd
from deblend.farrens2022.metrics import largest_gain, relative_with_isolated
from deblend.report.claims import Claim, NotThere, Result, Tables, listed, table

METHODS = ("BlendHunter", "SEP")


NONE = ("",)


def means(tables: Tables, name: str, subset: str, value: str = "accuracy") -> pd.DataFrame:
    """Mean over realisations: a row a noise level, a column a method."""
    found = table(tables, name)
    found = found[found["subset"] == subset]
    wide = found.groupby(["noise_sigma", "method"])[value].mean().unstack("method")
    if wide.empty or set(METHODS) - set(wide.columns) or wide.isna().any(axis=None):
        raise NotThere(f"{name} {subset}")
    return wide


def _errors(tables: Tables, name: str, subset: str) -> pd.DataFrame:
    """Binomial errors as `means` has accuracies.

    Realisations share their galaxies, so that their mean is taken to be as uncertain as one.
    """
    return means(tables, name, subset, "error")


def _percent(values: pd.Series, errors: pd.Series | None = None) -> str:
    """Shares at each noise level in percent, with their errors where these are given."""
    named = {f"sigma {sigma:g}": 100 * value for sigma, value in values.items()}
    if errors is None:
        return listed(named) + " %"
    return listed(named, dict(zip(named, 100 * errors[values.index], strict=True))) + " %"


def matched(tables: Tables, index: pd.Index) -> float:
    """The training noise that is the realistic stamps', within a tenth."""
    noise = float(table(tables, "realistic")["realistic_noise_sigma"].iloc[0])
    nearest = min(index, key=lambda sigma: abs(sigma - noise))
    if abs(nearest - noise) > 0.1 * noise:
        raise NotThere(f"no training noise near {noise:g}")
    return nearest


def _gain(tables: Tables, subset: str, isolated: bool = False) -> pd.Series:
    """BlendHunter's accuracy less SEP's: of blends, or with as many isolated stamps."""
    wide = means(tables, "parametric", subset)
    if isolated:
        wide = (wide + means(tables, "parametric", "isolated")) / 2
    return wide["BlendHunter"] - wide["SEP"]


def _gain_errors(tables: Tables, subset: str, isolated: bool = False) -> pd.Series:
    """Binomial errors of `_gain`, the methods' taken as independent."""
    squares = _errors(tables, "parametric", subset) ** 2
    if isolated:
        squares = (squares + _errors(tables, "parametric", "isolated") ** 2) / 4
    return squares.sum(axis=1) ** 0.5


def _relative(tables: Tables, subset: str, isolated: bool = False) -> pd.Series:
    """BlendHunter's accuracy over SEP's, less one: of blends, or with as many isolated stamps."""
    if not isolated:
        return means(tables, "realistic", subset, "relative")["BlendHunter"]
    found = relative_with_isolated(table(tables, "confusion"), subset)
    if found.empty or found.isna().any():
        raise NotThere(f"confusion {subset}")
    return found


def _close_better(tables: Tables, network: str, bound: float, isolated: bool = False) -> Result:
    gain = _gain(tables, "close", isolated)
    text = _percent(gain, _gain_errors(tables, "close", isolated))
    return text, bool((gain > bound).all())


def _largest_gain(tables: Tables, network: str, bound: float) -> Result:
    gain, sigma, low, n = largest_gain(table(tables, "by_distance"))
    if not n:
        raise NotThere("by_distance")
    return f"{100 * gain:.3g} % at sigma {sigma:g} from {low:g} px, n = {n}", bool(gain >= bound)


def _distant_consistent(
    tables: Tables, network: str, bound: float, isolated: bool = False
) -> Result:
    gain = _gain(tables, "distant", isolated)
    text = _percent(gain, _gain_errors(tables, "distant", isolated))
    return text, bool((gain.abs() <= bound).all())


def _good_at_low_noise(tables: Tables, network: str, bound: float) -> Result:
    lowest = means(tables, "parametric", "all").sort_index().iloc[0]
    errors = _errors(tables, "parametric", "all").sort_index().iloc[0]
    text = listed((100 * lowest).to_dict(), (100 * errors).to_dict())
    return f"{text} %", bool((lowest >= bound).all())


def _sees(accuracies: pd.Series) -> bool:
    """Whether labels are better than a coin's, or one label's for all, by a margin."""
    return bool((accuracies > 0.6).all())


def _drops_less(tables: Tables, network: str, bound: float) -> Result:
    wide = means(tables, "parametric", "all").sort_index()
    if len(wide) < 2:
        raise NotThere("one noise level")
    drop = 100 * (wide.iloc[0] - wide.iloc[-1])
    holds = drop["BlendHunter"] < drop["SEP"] + 100 * bound and _sees(wide["BlendHunter"])
    return listed(drop.to_dict()) + " %", bool(holds)


def _transfer(tables: Tables, network: str, bound: float) -> Result:
    wide = means(tables, "realistic", "all")["BlendHunter"]
    sigma = matched(tables, wide.index)
    errors = _errors(tables, "realistic", "all")["BlendHunter"]
    return _percent(wide.loc[[sigma]], errors), bool(wide[sigma] > bound)


def _transfer_better(tables: Tables, network: str, bound: float) -> Result:
    relative = _relative(tables, "all")
    sigma = matched(tables, relative.index)
    return _percent(relative.loc[[sigma]]), bool(relative[sigma] > bound)


def _best_matched(tables: Tables, network: str, bound: float) -> Result:
    relative = _relative(tables, "all")
    if len(relative) < 2:
        raise NotThere("one noise level")
    best = relative[matched(tables, relative.index)]
    seen = _sees(means(tables, "realistic", "all")["BlendHunter"])
    return _percent(relative), bool((relative <= best + bound).all() and seen)


def _realistic_close(tables: Tables, network: str, bound: float, isolated: bool = False) -> Result:
    relative = _relative(tables, "close", isolated)
    return _percent(relative), bool((relative > bound).all())


def _close_gain_range(tables: Tables, network: str, bound: float, isolated: bool = False) -> Result:
    relative = _relative(tables, "close", isolated)
    return _percent(relative), bool(relative.between(0.05 / bound, 0.15 * bound).all())


def _distant_matched(tables: Tables, network: str, bound: float, isolated: bool = False) -> Result:
    relative = _relative(tables, "distant", isolated)
    sigma = matched(tables, relative.index)
    return _percent(relative.loc[[sigma]]), bool(abs(relative[sigma]) <= bound)


def _distant_deficit(tables: Tables, network: str, bound: float, isolated: bool = False) -> Result:
    relative = _relative(tables, "distant", isolated)
    return _percent(relative), bool((relative >= -bound).all())


def _confusion(tables: Tables, column: str, panel: str) -> pd.DataFrame:
    found = table(tables, "confusion")
    found = found[found["panel"] == panel]
    return found.groupby(["noise_sigma", "method"])[column].mean().unstack("method")


def _more_true_positives(tables: Tables, network: str, bound: float) -> Result:
    gains = {}
    for panel in ("close", "all"):
        wide = _confusion(tables, "true_positive", panel)
        gains[panel] = wide["BlendHunter"] - wide["SEP"]
    text = "; ".join(f"{panel}: {_percent(gain)}" for panel, gain in gains.items())
    return text, all(bool((gain > bound).all()) for gain in gains.values())


def _fewer_true_negatives(tables: Tables, network: str, bound: float) -> Result:
    wide = _confusion(tables, "true_negative", "all").sort_index()
    below = wide["BlendHunter"] < wide["SEP"]
    text = _percent(wide["BlendHunter"]) + f" (SEP {100 * wide['SEP'].iloc[0]:.4g} %)"
    above = wide["BlendHunter"].loc[matched(tables, wide.index) :]
    if len(above) < 2:
        raise NotThere("no noise level above the realistic stamps'")
    return text, bool(below.all() and above.iloc[-1] < above.iloc[0])


def _failures(name: str) -> Callable[..., Result]:
    def test(tables: Tables, network: str, bound: float) -> Result:
        found = table(tables, name)
        found = found[(found["method"] == "SEP") & (found["subset"] == "all")]
        failed = found["n_failed"] / (found["n"] + found["n_failed"])
        shares = failed.groupby(found["noise_sigma"]).max()
        return _percent(shares), bool((shares < bound).all())

    return test


def _two_readings(
    name: str,
    where: str,
    statement: str,
    test: Callable[..., Result],
    stated: float,
    relaxed: float | None,
) -> tuple[Claim, Claim]:
    """A claim on blends alone, and on blends with as many isolated stamps (Fig. 6's panels).

    The paper does not say which of the two its words are about.
    """
    bounds = (stated, relaxed, NONE)
    both = statement.replace(" blends", " blends with as many isolated stamps")
    return (
        Claim(name, where, statement, test, *bounds),
        Claim(f"{name}_with_isolated", where, both, partial(test, isolated=True), *bounds),
    )


CLAIMS = (
    *_two_readings(
        "close_better",
        "Sects 4.2, 5",
        "Better than SEP for close blends at every noise level, by more than {bound:.0%}",
        *(_close_better, 0, None),
    ),
    Claim(
        "largest_gain",
        "Sect. 4.2",
        "Gains as high as 80 % for close blends: in a bin of distance at least {bound:.0%}",
        *(_largest_gain, 0.8, 0.6, NONE),
    ),
    *_two_readings(
        "distant_consistent",
        "Sect. 4.2",
        "Consistent with SEP for distant blends at every noise level: within {bound:.0%}",
        *(_distant_consistent, 0.03, 0.1),
    ),
    Claim(
        "good_at_low_noise",
        "Sect. 4.2",
        "Both almost perfect at the lowest noise: at least {bound:.0%}",
        *(_good_at_low_noise, 0.95, 0.9, NONE),
    ),
    Claim(
        "drops_less",
        "Sect. 4.2",
        "From the lowest to the highest noise BlendHunter drops less than SEP and {bound:.0%}",
        *(_drops_less, 0, None, NONE),
    ),
    Claim(
        "transfer",
        "Sect. 5",
        "More than {bound:.0%} of the realistic stamps right, trained at the nearest noise",
        *(_transfer, 0.9, 0.85, NONE),
    ),
    Claim(
        "transfer_better",
        "Sects 4.3, 5",
        "Slightly better than SEP on the realistic stamps, trained at the nearest noise",
        *(_transfer_better, 0, None, NONE),
    ),
    Claim(
        "best_matched",
        "Sect. 4.3",
        "No other training noise does better on the realistic stamps by more than {bound:.0%}",
        *(_best_matched, 0, 0.02, NONE),
    ),
    *_two_readings(
        "realistic_close",
        "Sect. 4.3",
        "Better than SEP on realistic close blends whatever the training noise",
        *(_realistic_close, 0, None),
    ),
    *_two_readings(
        "close_gain_range",
        "Sect. 5",
        "Better than SEP on realistic close blends by 5 to 15 %, within a factor of {bound:g}",
        *(_close_gain_range, 1, 2),
    ),
    *_two_readings(
        "distant_matched",
        "Sect. 4.3",
        "Matches SEP on realistic distant blends at the nearest noise: within {bound:.0%}",
        *(_distant_matched, 0.01, 0.03),
    ),
    *_two_readings(
        "distant_deficit",
        "Sect. 4.3",
        "Below SEP on realistic distant blends by at most {bound:.0%} at any training noise",
        *(_distant_deficit, 0.05, 0.1),
    ),
    Claim(
        "more_true_positives",
        "Sect. 4.3",
        "More realistic blends found than by SEP, close and all, whatever the training noise",
        *(_more_true_positives, 0, None, NONE),
    ),
    Claim(
        "fewer_true_negatives",
        "Sect. 4.3",
        "Fewer isolated stamps right than SEP's, and fewer still above the realistic noise",
        *(_fewer_true_negatives, 0, None, NONE),
    ),
    Claim(
        "sep_failures_parametric",
        "Sect. 4.1",
        "SEP fails on less than {bound:.0%} of the parametric stamps",
        *(_failures("parametric"), 0.01, 0.05, NONE),
    ),
    Claim(
        "sep_failures_realistic",
        "Sect. 4.1",
        "SEP fails on less than {bound:.0%} of the realistic stamps",
        *(_failures("realistic"), 0.01, 0.05, NONE),
    ),
)
