"""Table 3 of Boucaud et al. 2020: settings of the SExtractor baseline."""

import pandas as pd

#: Parameter in the configuration to its name in the paper.
PARAMETERS = {
    "threshold": "Detection threshold",
    "min_area": "Minimum pixel area per object",
    "contrast": "Minimum contrast ratio",
    "n_thresholds": "Number of thresholds for deblending",
}


def table3(
    hot: dict[str, float], cold: dict[str, float], published: dict[str, dict[str, float]]
) -> pd.DataFrame:
    """SEP's settings beside the published ones.

    Parameters
    ----------
    hot, cold : dict
        Settings of the two modes, keys of `PARAMETERS`.
    published : dict
        The same, under `hot` and `cold`.

    Returns
    -------
    DataFrame
        `Parameter`, `Hot`, `Cold`, `Hot (published)`, `Cold (published)`: numbers as texts, since
        whole ones stand beside fractions.
    """
    modes = {
        "Hot": hot,
        "Cold": cold,
        "Hot (published)": published["hot"],
        "Cold (published)": published["cold"],
    }
    return pd.DataFrame(
        {"Parameter": list(PARAMETERS.values())}
        | {name: [f"{values[key]:g}" for key in PARAMETERS] for name, values in modes.items()}
    )
