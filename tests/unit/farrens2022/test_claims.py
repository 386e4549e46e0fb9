"""The claims of Farrens et al. 2022 on made-up accuracies."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.claims import CLAIMS
from deblend.farrens2022.findings import published_table
from deblend.report.claims import claims_table

from tests.unit.farrens2022.conftest import PUBLISHED, accuracies

#: Bounds of the bars.
BARS = {"bar_close_low_noise": 0.0, "bar_close_high_noise": 2.0, "bar_all_low_noise": 0.8}


def holds(tables, bound="as stated"):
    """Whether each claim holds with a bound, and whether each bar does."""
    found = claims_table(tables, "test", CLAIMS, "farrens2022", bars=BARS)
    assert set(found["paper"]) == {"farrens2022"}
    assert not found.duplicated(["claim", "bound"]).any()
    return found[found["bound"].isin([bound, "bar"])].set_index("claim")["holds"].to_dict()


STANDING = (
    "close_better",
    "distant_consistent",
    "good_at_low_noise",
    "drops_less",
    "transfer",
    "realistic_close",
    "distant_matched",
    "distant_deficit",
    "sep_failures_parametric",
    "sep_failures_realistic",
    *BARS,
)


def test_claims_hold_where_they_should(tables):
    found = holds(tables)
    for name in STANDING:
        assert found[name] is True, name
    assert holds(tables, "relaxed")["close_gain_range"] is True
    assert found["largest_gain"] is False  # the gain is 45 points, not 80


def test_swapped_methods_turn_claims_false(tables):
    swap = {"BlendHunter": "SEP", "SEP": "BlendHunter"}
    other = {
        name: table.assign(method=table["method"].map(swap)) if "method" in table else table
        for name, table in tables.items()
    }
    keys = ["noise_sigma", "realisation"]
    for name, part in (("parametric", "subset"), ("realistic", "subset"), ("by_distance", None)):
        columns = [*keys, part or "distance_low_px"]
        before = tables[name][tables[name]["method"] == "BlendHunter"].set_index(columns)
        places = pd.MultiIndex.from_frame(other[name][columns])
        # What was SEP's gain of zero is what BlendHunter loses now.
        for column, sign in (("gain", -1), ("gain_error", 1)):
            gained = sign * before[column].reindex(places).to_numpy()
            is_hunter = other[name]["method"] == "BlendHunter"
            other[name] = other[name].assign(**{column: np.where(is_hunter, gained, 0.0)})
    found = holds(other)
    names = ("close_better", "drops_less", "fewer_true_negatives", "more_true_positives")
    for name in (*names, "bar_close_low_noise", "bar_close_high_noise"):
        assert found[name] is False, name


def test_errors_of_gains_are_those_of_paired_stamps(tables):
    """The gain is of the same stamps: its error is that of the mean of differences of labels."""
    found = tables["parametric"].query("subset == 'close' and noise_sigma == 5")
    share = found.groupby("method")["accuracy"].mean()[["BlendHunter", "SEP"]]
    gain = share["BlendHunter"] - share["SEP"]
    # Made-up labels of the two methods are independent, as are the 250 stamps.
    error = 100 * np.sqrt((share * (1 - share) / 250).sum())
    table = claims_table(tables, "test", CLAIMS, "farrens2022").set_index(["claim", "bound"])
    first = table.loc[("close_better", "as stated"), "numbers"].split(";")[0]
    name, value, error_given = first.split(" ")[1], *map(float, first.split(" ")[2::2])
    assert name == "5"
    assert value == pytest.approx(100 * gain, rel=1e-3)
    assert error_given == pytest.approx(error, rel=0.15)


def test_claims_on_realistic_blends_count_isolated_stamps(tables):
    """A network that labels each stamp as a blend is wrong on all isolated stamps."""
    always = accuracies(lambda labels, rng: np.ones_like(labels))
    found = holds(always)
    for name in ("realistic_close", "close_gain_range", "distant_matched", "distant_deficit"):
        assert found[name] is False, name
    text = claims_table(tables, "test", CLAIMS, "farrens2022").set_index(["claim", "bound"])
    numbers = text.loc[("realistic_close", "as stated"), "numbers"]
    # Half of 78 - 45 points on blends, and half of 94.5 - 0.2 sigma - 93 on isolated stamps.
    assert float(numbers.split(" ")[2]) == pytest.approx((33 + 0.5) / 2, abs=3)
    assert numbers.endswith("points")


#: Claims that BlendHunter recognises blends.
OF_SKILL = (
    "close_better",
    "distant_consistent",
    "good_at_low_noise",
    "drops_less",
    "transfer",
    "transfer_better",
    "best_matched",
    "realistic_close",
    "close_gain_range",
    "distant_matched",
    "distant_deficit",
    "bar_all_low_noise",
)


@pytest.mark.parametrize(
    "mutate",
    [
        pytest.param(lambda labels, rng: rng.permutation(labels), id="permuted"),
        pytest.param(lambda labels, rng: np.ones_like(labels), id="always a blend"),
        pytest.param(lambda labels, rng: np.zeros_like(labels), id="never a blend"),
    ],
)
def test_a_network_that_ignores_the_stamps_fulfils_no_claim_of_skill(mutate):
    tables = accuracies(mutate)
    for bound in ("as stated", "relaxed"):
        found = holds(tables, bound)
        for name in OF_SKILL:
            assert found.get(name, False) is False, name


def test_matched_noise_is_within_a_tenth(tables):
    far = {
        name: table[table["noise_sigma"] != 15]
        for name, table in tables.items()
        if "noise_sigma" in table
    }
    found = holds(far)
    for name in ("transfer", "transfer_better", "best_matched", "distant_matched"):
        assert found[name] is None


def test_sep_failures_are_seen(tables):
    by_text = tables["parametric"]["sep_labels"] == "section_4_1"
    for rules, holding in ((by_text, False), (~by_text, True)):
        failed = tables["parametric"].assign(failed_share=0.1 * rules, failed_error=0.02 * rules)
        failing = tables | {"parametric": failed}
        assert holds(failing)["sep_failures_parametric"] is holding


def test_claims_without_tables_are_not_tested():
    found = claims_table({}, "test", CLAIMS, "farrens2022")
    assert found["holds"].isna().all()
    assert (found["numbers"] == "").all()


def test_one_noise_level_says_nothing_of_a_trend(tables):
    one = {
        name: table[table["noise_sigma"] == 15]
        for name, table in tables.items()
        if "noise_sigma" in table
    }
    found = holds(one)
    assert found["drops_less"] is None
    assert found["best_matched"] is None
    assert found["close_better"] is True


def with_gain(tables, sigma, n_errors):
    """The tables with BlendHunter's share of close blends at a noise level near SEP's.

    It is `n_errors` standard errors of the difference above SEP's.
    """
    found = tables["parametric"].copy()
    at_noise = (found["noise_sigma"] == sigma) & (found["subset"] == "close")
    sep = found[at_noise & (found["method"] == "SEP")]
    hunter = at_noise & (found["method"] == "BlendHunter")
    error = found.loc[hunter, "gain_error"].mean()
    found.loc[hunter, "accuracy"] = sep["accuracy"].mean() + n_errors * error
    found.loc[hunter, "gain"] = n_errors * error
    return tables | {"parametric": found}


def test_bars_tell_low_from_high_noise(tables):
    """A noise of 15 is low: there BlendHunter has to be better, above it only as good as SEP."""
    for sigma, n_errors, low, high in (
        (5, 0.5, True, True),
        (15, 0.5, True, True),
        (15, -0.5, False, True),
        (35, 0.5, True, True),
        (35, -1.9, True, True),
        (35, -2.1, True, False),
    ):
        found = holds(with_gain(tables, sigma, n_errors))
        assert found["bar_close_low_noise"] is low, (sigma, n_errors)
        assert found["bar_close_high_noise"] is high, (sigma, n_errors)


def test_bars_need_their_noise_levels(tables):
    for low in (True, False):
        parametric = tables["parametric"]
        rows = parametric[(parametric["noise_sigma"] <= 15) == low]
        found = holds(tables | {"parametric": rows})
        assert found["bar_close_low_noise"] is (True if low else None)
        assert found["bar_all_low_noise"] is (True if low else None)
        assert found["bar_close_high_noise"] is (None if low else True)


#: Bounds of the bars beside the published values.
PUBLISHED_BARS = {
    "bar_sep_published": 0.03,
    "bar_fig4_published": 0.04,
    "bar_fig5_close_published": 0.05,
    "bar_fig5_published": 0.04,
}


def as_published(shift=0.0, *, method="SEP", subset="all", sample="parametric", noise=15):
    """Tables with the published accuracies, one of which is shifted."""
    fig4, fig5 = PUBLISHED["fig4"], PUBLISHED["fig5"]
    sep = PUBLISHED["sep_accuracy_percent"]
    rows = {"parametric": [], "realistic": []}
    for i, sigma in enumerate(fig4["noise_sigma"]):
        for name in ("BlendHunter", "SEP"):
            rows["parametric"].append((sigma, name, "all", fig4[name][i] / 100, np.nan))
            for part, percent in sep.items():
                whole = part if part == "all" else f"{part}_with_isolated"
                gain = fig5[whole][i] / 100 if name == "BlendHunter" else 0.0
                rows["realistic"].append((sigma, name, whole, percent / 100 + gain, gain))
    columns = ["noise_sigma", "method", "subset", "accuracy", "gain"]
    found = {"published": published_table(PUBLISHED)}
    for name, parts in rows.items():
        table = pd.DataFrame(parts, columns=columns).assign(error=0.01, gain_error=0.01)
        if name == sample:
            chosen = (table["method"] == method) & (table["subset"] == subset)
            chosen &= table["noise_sigma"] == noise
            assert chosen.sum() == 1
            table.loc[chosen, ["accuracy", "gain"]] += shift
        # A level that the paper does not have cannot be compared.
        other = table[table["noise_sigma"] == 35].assign(noise_sigma=40.0, accuracy=0.5, gain=0.5)
        found[name] = pd.concat([table[table["noise_sigma"].isin([5, 15, 35])], other])
        found[name] = found[name].assign(realistic_noise_sigma=14.5, sep_labels="", n=100)
    return found


def published_bars(tables):
    bars = [claim for claim in CLAIMS if claim.is_bar]
    found = claims_table(tables, "small", bars, "farrens2022", bars=PUBLISHED_BARS)
    return found[found["bound"] == "bar"].set_index("claim")[["holds", "numbers"]]


def test_bars_compare_each_curve_with_the_published_one():
    assert published_bars(as_published())["holds"].tolist() == [True] * 4
    realistic = {"sample": "realistic", "method": "BlendHunter"}
    for bar, limit, where in (
        ("bar_sep_published", 0.03, {"sample": "realistic", "subset": "all", "noise": 5}),
        ("bar_fig4_published", 0.04, {"method": "SEP"}),
        ("bar_fig4_published", 0.04, {"method": "BlendHunter", "noise": 35}),
        ("bar_fig5_close_published", 0.05, realistic | {"subset": "close_with_isolated"}),
        ("bar_fig5_published", 0.04, realistic | {"subset": "all"}),
        ("bar_fig5_published", 0.04, realistic | {"subset": "distant_with_isolated"}),
    ):
        for sign in (-1, 1):
            inside = published_bars(as_published(sign * (limit - 0.002), **where))["holds"]
            assert inside.all(), (bar, where)
            outside = published_bars(as_published(sign * (limit + 0.002), **where))["holds"]
            assert outside[outside == False].index.tolist() == [bar]  # noqa: E712


def test_published_bars_need_a_level_of_the_paper():
    tables = as_published()
    for name in ("parametric", "realistic"):
        tables[name] = tables[name][tables[name]["noise_sigma"] == 40]
    found = published_bars(tables)["holds"]
    assert found.drop("bar_sep_published").isna().all()
    assert published_bars({})["holds"].isna().all()
