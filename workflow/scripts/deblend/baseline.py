"""The classical baseline: SEP in cold and hot mode, with zero points fitted on isolated stamps.

Boucaud et al. 2020, Sect. 3.3. Isophotal fluxes are what the authors used; AUTO fluxes give the
baseline its best chance. Each has its own zero point, fitted on isolated validation stamps.
"""

import numpy as np
import pandas as pd

from .errors import DeblendError
from .photometry import Detection, measure_blend
from .predictions import prediction_table
from .render import render
from .stamps import Stamps
from .units import mag_from_flux

#: Methods and the isolated photometry that each corresponds to.
METHODS = {"sep_iso": "flux_iso", "sep_auto": "flux_auto"}
BATCH = 256


def fit_zero_points(galaxies: pd.DataFrame, split: np.ndarray, zero_point: float) -> pd.DataFrame:
    """Fit SEP's zero points on isolated validation stamps and check them on test ones.

    Parameters
    ----------
    galaxies : DataFrame
        With `mag`, `flux_iso`, `flux_auto`.
    split : ndarray of str
        Of each galaxy.
    zero_point : float
        The images' zero point, for comparison only.

    Returns
    -------
    DataFrame
        A row a method: `zero_point` (median over validation), `n_validation`, `n_test`,
        `bias_test_mag` (median of measured minus true magnitude), `scatter_test_mag` (half the
        16-84 percentile range).

    Raises
    ------
    DeblendError
        There is no isolated validation stamp.
    """
    rows = []
    for method, column in METHODS.items():
        offset = galaxies["mag"] + 2.5 * np.log10(galaxies[column])
        fitted = float(offset[split == "validation"].median())
        if not np.isfinite(fitted):
            raise DeblendError(
                "the zero points of SEP are fitted on isolated validation galaxies, and there are "
                f"{int((split == 'validation').sum())}: give the data set a validation split"
            )
        error = (mag_from_flux(galaxies[column], fitted) - galaxies["mag"])[split == "test"]
        low, median, high = np.percentile(error, [16, 50, 84])
        rows.append(
            {
                "method": method,
                "zero_point": fitted,
                "images_zero_point": zero_point,
                "n_validation": int((split == "validation").sum()),
                "n_test": int((split == "test").sum()),
                "bias_test_mag": median,
                "scatter_test_mag": (high - low) / 2,
            }
        )
    return pd.DataFrame(rows)


def measure_blends(
    stamps: Stamps,
    blends: pd.DataFrame,
    cold: Detection,
    hot: Detection,
    companion_edge: str,
) -> pd.DataFrame:
    """Run SEP on blends.

    Parameters
    ----------
    stamps : Stamps
    blends : DataFrame
    cold, hot : Detection
        Table 3.
    companion_edge : str
        See `deblend.render.render`.

    Returns
    -------
    DataFrame
        A row a blend: `blend`, `detection`, `mode`, and for each galaxy `flux_iso_*`,
        `flux_auto_*` (counts/s, NaN where not found), `flags_*`.
    """
    images = np.ascontiguousarray(stamps.images[:, 0])
    radius = stamps.galaxies["half_light_radius_px"].to_numpy(float)
    noise = float(stamps.bands.noise_sigma[0])
    rows = []
    for start in range(0, len(blends), BATCH):
        batch = blends.iloc[start : start + BATCH]
        rendered = render(images, batch, companion_edge=companion_edge, noise_sigma=noise)
        for image, blend in zip(rendered, batch.itertuples(index=False), strict=True):
            found = measure_blend(image, radius[blend.central], cold, hot)
            rows.append(
                (
                    blend.blend,
                    found.detection,
                    found.mode,
                    *found.flux_iso,
                    *found.flux_auto,
                    *found.flags,
                )
            )
    columns = ["blend", "detection", "mode"] + [
        f"{quantity}_{galaxy}"
        for quantity in ("flux_iso", "flux_auto", "flags")
        for galaxy in ("central", "companion")
    ]
    return pd.DataFrame(rows, columns=columns)


def to_predictions(measured: pd.DataFrame, zero_points: pd.DataFrame) -> pd.DataFrame:
    """SEP's measurements in the form of all predictions, a method for each kind of flux."""
    fitted = zero_points.set_index("method")["zero_point"]
    parts = []
    for method, column in METHODS.items():
        flux = measured[[f"{column}_central", f"{column}_companion"]].to_numpy(float)
        flags = measured[["flags_central", "flags_companion"]].to_numpy(int)
        parts.append(
            prediction_table(
                measured["blend"].to_numpy(), flux, method, np.full((1, 2), fitted[method]), flags
            )
        )
    return pd.concat(parts, ignore_index=True)
