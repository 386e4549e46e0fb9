"""SEP's fluxes of the sources of scenes, isophotal and AUTO."""

import numpy as np
import pandas as pd
from deblend.photometry.sep import FLAG_FAILED
from deblend.scenes.flags import flagged
from deblend.scenes.scenes import Scenes, concatenated, measured_table
from deblend.scenes.sources import find_sources

#: Methods, with the columns of their fluxes and errors.
METHODS = {"sep_iso": ("flux_iso", "error_iso"), "sep_auto": ("flux_auto", "error_auto")}

#: Pixels around a position that SEP finds nothing at, which are looked at for missing data.
NEAR_PX = 5


def measure(
    scenes: Scenes, positions: tuple[np.ndarray, ...] | None = None, seed: int = 0
) -> pd.DataFrame:
    """SEP's isophotal and AUTO fluxes in all bands.

    Apertures of all bands are those of the objects that are detected in the detection band; a Kron
    radius is each band's own.

    Parameters
    ----------
    scenes : Scenes
    positions : tuple of ndarray, optional
        See `deblend.scenes.sources.find_sources`. SEP's fluxes are those of the objects that it
        detects itself near to these.
    seed : int
        Not used.

    Returns
    -------
    DataFrame
        `deblend.scenes.scenes.MEASURED`. Errors are of the noise of the image alone.
    """
    sources = find_sources(scenes, positions)
    parts = []
    for method, (flux, error) in METHODS.items():
        for number, band in enumerate(scenes.bands):
            rows = sources[["scene", "source", "x_px", "y_px"]].assign(
                band=band,
                flux=sources[f"{flux}_{number}"] if len(sources) else [],
                flux_error=sources[f"{error}_{number}"] if len(sources) else [],
            )
            found = sources["found"].to_numpy(bool)
            rows["flags"] = (
                flagged("not_found", ~found)
                | flagged("not_positive", rows["flux"].to_numpy(float) <= 0)
                | flagged("deblended", (sources["sep_flags"].to_numpy(int) & 3) > 0)
                | flagged("sep_failed", (sources["sep_flags"].to_numpy(int) & FLAG_FAILED) > 0)
                | flagged("sky", scenes.lacks_sky(sources["scene"].to_numpy(int), number))
                | flagged("no_data", lacks_data(scenes, sources, number))
            )
            parts.append(measured_table(rows, method))
    return concatenated(parts)


def lacks_data(scenes: Scenes, sources: pd.DataFrame, band: int) -> np.ndarray:
    """Whether the apertures of sources have pixels without data, or beyond the edge.

    Of sources that SEP does not find, a square of `NEAR_PX` pixels on each side.
    """
    found = sources["found"].to_numpy(bool)
    # Not known of sources that are not found.
    of_aperture = sources[f"no_data_{band}"].fillna(False).to_numpy(bool)
    return np.where(found, of_aperture, touches_no_data(scenes, sources, band, NEAR_PX))


def touches_no_data(scenes: Scenes, sources: pd.DataFrame, band: int, radius_px: int) -> np.ndarray:
    """Whether pixels without data, or the edge, are within a radius of sources."""
    ny, nx = scenes.images.shape[2:]
    found = np.zeros(len(sources), bool)
    for k, row in enumerate(sources.itertuples(index=False)):
        y, x = round(row.y_px), round(row.x_px)
        y0, x0 = max(y - radius_px, 0), max(x - radius_px, 0)
        part = scenes.images[row.scene, band, y0 : y + radius_px + 1, x0 : x + radius_px + 1]
        inside = y >= radius_px and x >= radius_px and y < ny - radius_px and x < nx - radius_px
        found[k] = not inside or bool(np.isnan(part).any())
    return found
