"""Accuracies of ablations beside the paper's heads, on the same stamps with the same noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from deblend.farrens2022.roc import calibration, roc, value_and_error
from deblend.farrens2022.subsets import N_RESAMPLES, Subset, subsets

#: Name of the paper's head in the table.
PAPER = "paper"

#: Subsets of stamps in the table, see `deblend.farrens2022.subsets.subset_weights`.
SUBSETS = ("all", "close_with_isolated", "distant_with_isolated")


@dataclass(frozen=True)
class Test:
    """A set of test stamps, and what the paper's head says of them.

    Attributes
    ----------
    sample : str
    noise_sigma : float
        Noise of the stamps, counts.
    paper : ndarray, shape (n,)
        Probability of a blend by the head with which ablations are compared.
    realisations : tuple of ndarray, shape (n,)
        Those by the paper's heads of all realisations of its training noise, each with the noise on
        which it is tested; the first can be left out with all others.
    """

    sample: str
    noise_sigma: float
    paper: np.ndarray
    realisations: tuple[np.ndarray, ...] = ()


def settings_text(settings: Mapping[str, object], defaults: Mapping[str, object]) -> str:
    """What of an ablation differs from the paper's head, such as "scaling asinh, noise all"."""
    return ", ".join(f"{k} {v}" for k, v in settings.items() if v != defaults[k])


def ablation_table(
    samples: Mapping[str, pd.DataFrame],
    tests: Mapping[str, Test],
    ablations: Mapping[str, pd.DataFrame],
    settings: Mapping[str, str],
    problems: Mapping[str, str | None] | None = None,
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> pd.DataFrame:
    """Accuracy of each ablation on each of its test sets, and how it differs from the paper's head.

    Parameters
    ----------
    samples : dict
        Names of samples to tables of their test stamps.
    tests : dict
        Names of test sets to what they are.
    ablations : dict
        Names to tables of `test`, `stamp` and `probability`.
    settings : dict
        Names to texts.
    problems : dict, optional
        Names to reasons why a network has learnt nothing; None or no name if it has.
    seed, n_resamples : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `ablation` ("paper" for the head), `settings`, `problem`, `sample`, `noise_sigma`,
        `subset` (of `SUBSETS`), `n` stamps, `accuracy` and `difference` from the head's; of
        all stamps also the `area` under the ROC, the completeness at up to 1 % false positives on
        these stamps (`completeness_1`, NaN if that is less than one) and the `brier` score.
        `problem` says why a network has learnt nothing.

        Errors, in `..._error`, are those of the stamps alone, by galaxy; that of a difference is of
        the same stamps. There is one training of each ablation, which would come out differently
        with another seed: by how much, the paper's heads say. `paper_std` is the standard deviation
        (of the sample) of their accuracies over realisations, NaN where there is only one.
    """
    rows: list[dict[str, object]] = []
    parts = {
        name: subsets(table, seed=seed, n_resamples=n_resamples) for name, table in samples.items()
    }
    for test, what in tests.items():
        truth = samples[what.sample]["is_blend"].to_numpy()
        scatter = realisations_std(what.realisations, truth, parts[what.sample])
        heads = {PAPER: what.paper}
        for name, table in ablations.items():
            chosen = table[table["test"] == test]
            if len(chosen):
                heads[name] = chosen.sort_values("stamp")["probability"].to_numpy()
        for name, probability in heads.items():
            start = {
                "ablation": name,
                "settings": settings.get(name, ""),
                "problem": (problems or {}).get(name) or "",
                "sample": what.sample,
                "noise_sigma": what.noise_sigma,
            }
            found = head_scores(probability, what.paper, truth, parts[what.sample])
            for scores in found:
                std = scatter[str(scores["subset"])]
                rows.append({**start, **scores, "paper_std": std})
    table = pd.DataFrame(rows)
    is_paper = table["ablation"] == PAPER
    table.loc[is_paper, ["difference", "difference_error"]] = np.nan
    order = {name: place for place, name in enumerate((PAPER, *ablations))}
    return table.sort_values(
        "ablation", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def realisations_std(
    realisations: Sequence[np.ndarray], truth: np.ndarray, parts: Mapping[str, Subset]
) -> dict[str, float]:
    """Standard deviation of accuracies over realisations by subset; NaN for fewer than two."""
    if len(realisations) < 2:
        return dict.fromkeys(SUBSETS, np.nan)
    correct = np.column_stack([(p >= 0.5) == (truth == 1) for p in realisations])
    return {name: float(parts[name].means(correct)[0].std(ddof=1)) for name in SUBSETS}


def head_scores(
    probability: np.ndarray, paper: np.ndarray, truth: np.ndarray, parts: Mapping[str, Subset]
) -> Sequence[dict[str, object]]:
    """Rows of `ablation_table` of one head on one test set, without its name.

    Parameters
    ----------
    probability, paper : ndarray, shape (n,)
        Of this head and of the paper's.
    truth : ndarray, shape (n,)
        1 for blends.
    parts : dict
        From `deblend.farrens2022.subsets.subsets`.
    """
    correct, reference = ((p >= 0.5) == (truth == 1) for p in (probability, paper))
    values = np.column_stack([correct, correct.astype(float) - reference])
    rows: list[dict[str, object]] = []
    for name in SUBSETS:
        means, errors = parts[name].means(values)
        row: dict[str, object] = {"subset": name, "n": len(parts[name].rows)}
        for k, column in enumerate(("accuracy", "difference")):
            row |= {column: means[k], f"{column}_error": errors[k]}
        if name == "all" and len(parts["blends"].rows) and len(parts["isolated"].rows):
            curve = roc(probability, parts["blends"], parts["isolated"])
            whole = calibration(probability, truth, parts["all"]).iloc[-1]
            resamples = parts["isolated"].resamples
            row |= value_and_error("area", curve.area(), resamples)
            row |= value_and_error("completeness_1", curve.within(0.01)[2], resamples)
            row |= {key: whole[key] for key in ("brier", "brier_error")}
        rows.append(row)
    return rows
