"""Tables 1 and 2 of Farrens et al. 2022."""

from typing import Any

import pandas as pd

QUANTITIES = {
    "n_isolated": "Isolated stamps",
    "n_blended": "Blended stamps",
    "noise_sigma": "Noise (counts)",
    "n_realisations": "Realisations of each noise",
}


def table1(
    samples: dict[str, list[pd.DataFrame]],
    noise: dict[str, tuple[list[float], int]],
    published: dict[str, dict[str, Any]],
) -> pd.DataFrame:
    """Numbers of stamps and noise of both samples, and the published numbers.

    Parameters
    ----------
    samples : dict
        "parametric" and "realistic" to the tables of their splits, with `is_blend`.
    noise : dict
        Each sample to its noise levels and number of realisations.
    published : dict
        Each sample to the published values, by the keys of `QUANTITIES`.

    Returns
    -------
    DataFrame
        `Quantity`, and for each sample our value and the published one, as texts.
    """
    columns: dict[str, list[str]] = {"Quantity": list(QUANTITIES.values())}
    for name, parts in samples.items():
        blend = pd.concat(parts)["is_blend"]
        levels, realisations = noise[name]
        ours = {
            "n_isolated": (blend == 0).sum(),
            "n_blended": (blend == 1).sum(),
            "noise_sigma": ", ".join(f"{level:g}" for level in levels),
            "n_realisations": realisations,
        }
        columns[name] = [str(ours[key]) for key in QUANTITIES]
        columns[f"{name} (published)"] = [str(published[name][key]) for key in QUANTITIES]
    return pd.DataFrame(columns)


def table2(settings: dict[str, str], published: dict[str, Any]) -> pd.DataFrame:
    """SEP's settings and the published ones.

    Parameters
    ----------
    settings : dict
        As they ran, from `deblend.farrens2022.sep.used_settings`.
    published : dict
        By the same names.

    Returns
    -------
    DataFrame
        `Parameter`, `Value`, `Published`: texts, since a column has words and numbers.
    """
    return pd.DataFrame(
        {
            "Parameter": list(settings),
            "Value": list(settings.values()),
            "Published": [str(published[name]) for name in settings],
        }
    )
