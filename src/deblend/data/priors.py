"""Priors of the simulator, fitted to the 3D-HST structural catalogue.

The catalogue (van der Wel et al. 2012; Skelton et al. 2014) has Sersic fits but not the classes,
found by a neural network, by which Boucaud et al. 2020 (Sect. 2.1) chose their galaxies. Therefore
the fit has two steps:

1. each class is represented by a structural proxy (`PROXIES`), whose Sersic index, axis ratio,
   redshift and size-magnitude relation are fitted to the catalogue;
2. the effect of selecting galaxies of unambiguous class (probability > 0.8) is fitted to the
   published sample: the shape of the number counts, and the shift and smaller scatter of the sizes.

`tools/fit_priors.py` runs the fit and writes the numbers to `config/priors.yaml`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from deblend.data.table_files import NUMBER, read_columns
from deblend.errors import DeblendError
from scipy.optimize import minimize

#: Classes of Boucaud et al. 2020, Sect. 2.1, by the names of their published catalogue.
MORPHOLOGIES = ("sph", "disk", "sphd", "irr")


#: Structural selection that represents each class, as a query of the catalogue.
PROXIES = {
    "sph": "n > 2.5 and q > 0.5 and lssfr < -10.5",
    "disk": "n < 1.5 and lmass > 9.8",
    "sphd": "n > 1.5 and n < 4 and lssfr < -10.5",
    "irr": "n < 1 and q > 0.4 and lssfr >= -10.5",
}


#: Magnitude at which the intercepts of the size-magnitude relations are given.
PIVOT_MAG = 21.5


#: Faintest magnitude of the published sample.
FAINT_MAG = 23.0


PIXEL_SCALE = 0.06  # arcsec, CANDELS F160W mosaics


#: Columns that are read of the GALFIT catalogue, and of the FAST catalogue.
GALFIT = {"id": "NUMBER", **{name: name for name in ("f", "mag", "re", "n", "q")}}

FAST = {name: name for name in ("id", "z", "lmass", "lssfr")}


def read_3dhst(galfit: str | Path, fast: str | Path) -> pd.DataFrame:
    """Join the GALFIT and FAST catalogues of a 3D-HST field.

    Returns
    -------
    DataFrame
        Galaxies with a good fit (flag 0) in the ranges of the published sample: 18 < F160W < 23 and
        z < 1.5. `r_px` is the half-light semi-major axis in pixels of 0.06".

    Raises
    ------
    DeblendError
        A table cannot be read or lacks a column, or no galaxy passes the cuts.
    """
    structure, physical = (
        # No sentinels: FAST has -99 for the logarithm of a rate of 0; the cuts leave others out.
        read_columns(path, columns, dict.fromkeys(columns, NUMBER))
        for path, columns in ((galfit, GALFIT), (fast, FAST))
    )
    joined = structure.merge(physical, on="id")
    joined["r_px"] = joined.re / PIXEL_SCALE
    keep = joined.query("f == 0 and 18 < mag < 23 and 0.8 < r_px < 60 and 0.01 < z < 1.5")
    if keep.empty:
        raise DeblendError(f"no galaxy of {galfit} is left after the cuts on flag, mag, size and z")
    return keep


def size_relation(mag: np.ndarray, r_px: np.ndarray) -> dict[str, float]:
    """Fit log10(r/px) as a linear function of magnitude, with its scatter (dex)."""
    log_r = np.log10(r_px)
    slope, intercept = np.polyfit(mag - PIVOT_MAG, log_r, 1)
    scatter = float(np.std(log_r - intercept - slope * (mag - PIVOT_MAG)))
    return {"intercept": float(intercept), "slope": float(slope), "scatter": scatter}


def log_counts(mag: np.ndarray, slope: float, curvature: float) -> np.ndarray:
    """log10 of the density of magnitudes, up to a constant.

    It is a parabola, slope * x - curvature * x**2 with x = mag - FAINT_MAG, for magnitudes brighter
    than `FAINT_MAG`. For fainter ones, which the published sample does not have, it is a straight
    line that does not decrease.
    """
    x = np.asarray(mag) - FAINT_MAG
    return np.where(x < 0, slope * x - curvature * x**2, max(slope, 0.0) * x)


def cumulative_counts(
    slope: float, curvature: float, bright: float, faint: float
) -> tuple[np.ndarray, np.ndarray]:
    """Grid of magnitudes between two limits, and the share of galaxies brighter than each."""
    grid = np.linspace(bright, faint, 2001)
    density = 10 ** log_counts(grid, slope, curvature)
    steps = (density[1:] + density[:-1]) / 2
    return grid, np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])


def fit_counts(mag: np.ndarray, bright: float, faint: float) -> dict[str, float]:
    """Maximum-likelihood slope and curvature of `log_counts` between two limits."""
    grid = np.linspace(bright, faint, 2001)

    def loss(parameters: np.ndarray) -> float:
        norm = np.log(np.mean(10 ** log_counts(grid, *parameters)))
        return float(norm - np.log(10) * np.mean(log_counts(mag, *parameters)))

    best = minimize(loss, x0=[0.3, 0.05], bounds=[(-2, 2), (0, 2)])
    return {"slope": float(best.x[0]), "curvature": float(best.x[1])}


def fit(catalogue: pd.DataFrame, published: pd.DataFrame) -> dict[str, Any]:
    """Fit the simulator's priors.

    Parameters
    ----------
    catalogue : DataFrame
        Table from `read_3dhst`.
    published : DataFrame
        The published sample: `g1_id`, `g1_mag`, `g1_rad`, `g1_type` and the same for `g2`.

    Returns
    -------
    dict
        For each class: its share, the fits to the catalogue and those to the selection.
    """
    columns = ["id", "mag", "rad", "type"]
    sample = pd.concat(
        [published[[f"{g}_{c}" for c in columns]].set_axis(columns, axis=1) for g in ("g1", "g2")]
    ).drop_duplicates("id")
    classes = {}
    for morphology in MORPHOLOGIES:
        proxy = catalogue.query(PROXIES[morphology])
        selected = sample[sample["type"] == morphology]
        relation = size_relation(proxy.mag.to_numpy(), proxy.r_px.to_numpy())
        log_r = np.log10(selected.rad.to_numpy())
        expected = relation["intercept"] + relation["slope"] * (selected.mag.to_numpy() - PIVOT_MAG)
        log_n = np.log10(proxy.n.to_numpy())
        log_z = np.log10(1 + proxy.z.to_numpy())
        classes[morphology] = {
            "share": len(selected) / len(sample),
            "catalogue": {
                "proxy": PROXIES[morphology],
                "n_galaxies": len(proxy),
                "size": relation,
                "log10_sersic_n": [float(log_n.mean()), float(log_n.std())],
                "axis_ratio": [float(proxy.q.mean()), float(proxy.q.std())],
                "log10_1_plus_z": [float(log_z.mean()), float(log_z.std())],
            },
            "selection": {
                "n_galaxies": len(selected),
                "counts": fit_counts(selected.mag.to_numpy(), 18.0, FAINT_MAG),
                "size_shift_dex": float(np.mean(log_r - expected)),
                "size_scatter_ratio": float(np.std(log_r - expected) / relation["scatter"]),
            },
        }
    return {"pivot_mag": PIVOT_MAG, "classes": classes}


def read_priors(path: str | Path) -> dict[str, Any]:
    """Read fitted priors from YAML."""
    with open(path) as file:
        return yaml.safe_load(file)
