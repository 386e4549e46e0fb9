"""Accuracies of ablations beside the paper's head, of made-up probabilities."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.ablation_scores import Test as Stamps  # pytest collects names in Test
from deblend.farrens2022.ablation_scores import ablation_table, settings_text
from deblend.farrens2022.config import Ablation

from tests.unit.farrens2022.conftest import stamps


def labels_as_probability(truth, right):
    return np.where(right, truth, 1 - truth) * 0.8 + 0.1


def of(name, probability):
    return pd.DataFrame(
        {"test": name, "stamp": range(len(probability)), "probability": probability}
    )


def test_differences_are_paired_with_the_papers_head():
    rng = np.random.default_rng(0)
    table = stamps(4000, rng)
    truth = table["is_blend"].to_numpy()
    right = rng.uniform(size=len(table)) < 0.8
    worse = right & (rng.uniform(size=len(table)) < 0.95)
    paper = labels_as_probability(truth, right)
    others = tuple(labels_as_probability(truth, np.arange(4000) < n) for n in (3000, 3200, 3400))
    tests = {
        "sigma5_0": Stamps("parametric", 5.0, paper, others),
        "sigma15_0": Stamps("parametric", 15.0, paper),
        "realistic": Stamps("realistic", 14.5, paper),
    }
    alone = of("sigma15_0", labels_as_probability(truth, worse))
    every = pd.concat([of(name, paper) for name in tests])
    found = ablation_table(
        {"parametric": table, "realistic": table},
        tests,
        {"alone": alone.sample(frac=1, random_state=1), "every": every},
        {"alone": "optimizer sgd"},
        {"alone": "it is no better than chance", "every": None},
    )
    assert list(dict.fromkeys(found["ablation"])) == ["paper", "alone", "every"]
    counts = found.groupby("ablation")["noise_sigma"].nunique().to_dict()
    assert counts == {"paper": 3, "alone": 1, "every": 3}
    overall = found[found["subset"] == "all"].set_index(["ablation", "noise_sigma"])
    row = overall.loc[("alone", 15.0)]
    assert row["accuracy"] == pytest.approx(worse.mean())
    assert row["difference"] == pytest.approx(worse.mean() - right.mean())
    # Of the same stamps: that of a share of 4 %, which is wrong only now.
    lost = right.mean() - worse.mean()
    assert row["difference_error"] == pytest.approx(np.sqrt(lost * (1 - lost) / 4000), rel=0.2)
    assert row["accuracy_error"] > 1.5 * row["difference_error"]
    assert row["settings"] == "optimizer sgd"
    assert row["problem"] == "it is no better than chance"
    assert overall.loc[("every", 5.0), "problem"] == ""
    # Two values of the probability: the area is that of a triangle and a trapezium.
    blend, isolated = worse[truth == 1].mean(), worse[truth == 0].mean()
    assert row["area"] == pytest.approx((blend + isolated) / 2)
    # Either all stamps or more than 1 % of the isolated ones are above a threshold.
    assert np.isnan(row["completeness_1"])
    assert row["brier"] == pytest.approx(0.01 * worse.mean() + 0.81 * (1 - worse.mean()))
    assert (overall.loc["every", "difference"] == 0).all()
    # Of shares of 0.75, 0.8 and 0.85; the other heads have a single realisation.
    assert overall["paper_std"].dropna().tolist() == pytest.approx([0.05, 0.05])
    assert overall["paper_std"].notna()["every"].tolist() == [True, False, False]
    assert overall.loc["paper", "difference"].isna().all()
    close = found[(found["subset"] == "close_with_isolated") & (found["ablation"] == "paper")]
    assert (close["n"] == 500).all() and close["area"].isna().all()


def test_settings_are_what_differs_from_the_head():
    defaults = Ablation().model_dump()
    entry = Ablation(noise="all", scaling="asinh").model_dump()
    assert settings_text(entry, defaults) == "scaling asinh, noise all"
    assert settings_text(defaults, defaults) == ""
