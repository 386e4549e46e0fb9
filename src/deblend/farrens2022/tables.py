"""Tables 1 and 2 of Farrens et al. 2022."""

from typing import Any

import pandas as pd

#: Settings in the configuration, and their names in Table 2.
PARAMETERS = {
    "threshold": "DETECT_THRESH",
    "min_area": "DETECT_MINAREA",
    "n_thresholds": "DEBLEND_NTHRESH",
    "contrast": "DEBLEND_MINCONT",
}


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


def table2(
    settings: dict[str, float], constants: dict[str, str], published: dict[str, Any]
) -> pd.DataFrame:
    """SEP's settings and the published ones.

    Parameters
    ----------
    settings : dict
        By the keys of `PARAMETERS`.
    constants : dict
        Settings that the configuration does not have, as they ran: from
        `deblend.farrens2022.sep.constants`.
    published : dict
        By the same keys as both.

    Returns
    -------
    DataFrame
        `Parameter`, `Value`, `Published`: texts, since a column has integers and fractions.
    """
    return pd.DataFrame(
        {
            "Parameter": [*constants, *PARAMETERS.values()],
            "Value": [*constants.values(), *(f"{settings[key]:g}" for key in PARAMETERS)],
            "Published": [
                *(str(published[key]) for key in constants),
                *(f"{published[key]:g}" for key in PARAMETERS),
            ],
        }
    )
