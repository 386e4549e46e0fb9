"""The classical baseline: SEP in cold and hot mode, with zero points fitted on isolated stamps.

Boucaud et al. 2020, Sect. 3.3. The authors used isophotal fluxes. AUTO fluxes are measured too, so
that the networks are also compared with a stronger baseline. Each kind of flux has its own zero
point, fitted on isolated validation stamps.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.metrics import photometry_statistics
from deblend.boucaud2020.predictions import prediction_table
from deblend.boucaud2020.render import galaxies_of, render
from deblend.data.image_units import check_zero_point
from deblend.data.noise import noise_images
from deblend.data.stamps import Stamps, open_stamps
from deblend.errors import DeblendError
from deblend.photometry.sep import Detection, SepError, measure_blend, measure_isolated
from deblend.seeds import generator
from deblend.tables import read_ecsv
from deblend.units import mag_from_flux
from deblend.workers import in_order

log = logging.getLogger(__name__)

#: Methods, and the kind of flux of each.
METHODS = {"sep_iso": "flux_iso", "sep_auto": "flux_auto"}


#: Modes of detection; the hot one where the cold one finds too little.
MODES = ("cold", "hot")


#: Centroids of both galaxies, px from the centre of the stamp's corner pixel.
POSITIONS = ("y_central", "x_central", "y_companion", "x_companion")


BATCH = 256


#: Standard error of the median of n normal numbers, times sqrt(n) / sigma.
MEDIAN_ERROR = np.sqrt(np.pi / 2)


def measure_isolated_galaxies(
    stamps: Stamps, cold: Detection, hot: Detection, seed: int
) -> pd.DataFrame:
    """Photometry of isolated galaxies, with the noise of two stamps as blends have it.

    The size of an isophote depends on the noise. With the noise of one stamp isophotes would be
    larger than on blends, and their zero point would be wrong by about 0.06 mag.

    Parameters
    ----------
    stamps : Stamps
        Cleaned stamps. Background noise is added to each, as much as it already has and with the
        same correlation.
    cold, hot : Detection
        Table 3. Both are measured, since a blend may have been measured in either.
    seed : int
        Seed of the noise, together with the galaxy's origin and id.

    Returns
    -------
    DataFrame
        `galaxy` (row in the data set), `mag`, `split`, and fluxes of the validation and test
        galaxies: `flux_iso_cold`, `flux_auto_cold`, `flux_iso_hot`, `flux_auto_hot`, NaN where SEP
        found nothing in that mode, and `flux_iso`, `flux_auto`, those of the cold mode, or of the
        hot mode where the cold mode found nothing.
    """
    sigma, correlation = stamps.noise()
    rows = []
    for i, galaxy in enumerate(stamps.galaxies.itertuples(index=False)):
        if galaxy.split == "train":
            continue
        rng = generator(seed, "second stamp", stamps.bands["name"][0], galaxy.origin, galaxy.id)
        image = stamps.images[i, 0]
        image = image + noise_images(rng, image.shape, sigma, correlation)
        row = {"galaxy": i, "mag": galaxy.mag, "split": galaxy.split}
        for mode, settings in zip(MODES, (cold, hot), strict=True):
            try:
                fluxes = measure_isolated(image, settings, settings)[:2]
            except SepError:
                fluxes = (np.nan, np.nan)
            row |= {column_in(mode, c): f for c, f in zip(METHODS.values(), fluxes, strict=True)}
        rows.append(row)
    columns = [column_in(mode, column) for mode in MODES for column in METHODS.values()]
    table = pd.DataFrame(rows, columns=["galaxy", "mag", "split", *columns])
    for column in METHODS.values():
        first, second = (table[column_in(mode, column)] for mode in MODES)
        table[column] = first.fillna(second)
    return table


def column_in(mode: str, column: str) -> str:
    """Name of the column of a kind of flux in the cold or hot mode."""
    return f"{column}_{mode}"


def fit_zero_points(galaxies: pd.DataFrame, zero_point: float) -> pd.DataFrame:
    """Fit SEP's zero points on isolated validation stamps and check them on test ones.

    What an isophote misses depends on the galaxy's surface brightness. On simulated galaxies the
    median error of isophotal fluxes rises from -0.11 mag for the brightest sixth to 0.50 mag for
    the faintest one; that of AUTO fluxes changes by 0.05 mag with the magnitude. So the bias of
    isophotal fluxes, a difference of the medians of two samples, is not known better than
    `bias_error_mag`: 0.03 mag for 200 galaxies each, whose surface brightnesses differ by chance.
    A bias of 0.02 mag can be seen in AUTO fluxes only. The errors are also skewed: their mean is
    0.1 mag above their median, so that a zero point from the mean would be another by that much.

    Parameters
    ----------
    galaxies : DataFrame
        From `measure_isolated_galaxies`.
    zero_point : float
        The images' zero point: that of AUTO fluxes has to be near to it, see
        `deblend.data.image_units.check_zero_point`.

    Returns
    -------
    DataFrame
        A row for each method: `zero_point` (median over validation), `n_validation`, `n_test`
        (galaxies that SEP found), `bias_test_mag` (median of measured minus true magnitude),
        `scatter_test_mag` (half the 16-84 percentile range), `bias_error_mag` (standard error of
        the bias from both medians, for a normal scatter), and the mean, the standard deviation and
        the NMAD of the same errors: `mean_test_mag`, `std_test_mag`, `nmad_test_mag`; NaN without
        test galaxies.

    Raises
    ------
    DeblendError
        There is no isolated validation stamp, or the zero point of AUTO fluxes is not that of the
        images.
    """
    rows = []
    for method, column in METHODS.items():
        measured = galaxies[galaxies[column] > 0]
        validation, test = (measured[measured["split"] == name] for name in ("validation", "test"))
        n_v, n_t = len(validation), len(test)
        fitted_zero_point = float((validation["mag"] + 2.5 * np.log10(validation[column])).median())
        if not np.isfinite(fitted_zero_point):
            raise DeblendError(
                "the zero points of SEP are fitted on isolated validation galaxies, and there are "
                f"{n_v}: give the data set a validation split"
            )
        if method == "sep_auto":
            check_zero_point(validation["mag"] + 2.5 * np.log10(validation[column]), zero_point)
        errors = mag_from_flux(test[column], fitted_zero_point) - test["mag"]
        median = errors.median()
        statistics = photometry_statistics(10 ** (-0.4 * errors), test["mag"])
        scatter = statistics["half_68_mag"]
        rows.append(
            {
                "method": method,
                "zero_point": fitted_zero_point,
                "images_zero_point": zero_point,
                "n_validation": n_v,
                "n_test": n_t,
                "bias_test_mag": median,
                "scatter_test_mag": scatter,
                "bias_error_mag": scatter * MEDIAN_ERROR * np.sqrt(1 / n_v + 1 / n_t)
                if n_t
                else np.nan,
                "mean_test_mag": statistics["mean_dmag"],
                "std_test_mag": statistics["sigma_mag"],
                "nmad_test_mag": statistics["nmad_mag"],
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
        See `deblend.boucaud2020.render.render`.

    Returns
    -------
    DataFrame
        A row for each blend: `blend`, `detection`, `mode`, and for each galaxy `flux_iso_*`,
        `flux_auto_*` (counts/s, NaN where not found), `flags_*`, and its centroid `y_*`, `x_*`
        (`POSITIONS`).
    """
    radius = stamps.galaxies["half_light_radius_px"].to_numpy(float)
    sigma, correlation = stamps.noise()
    rows = []
    for start in range(0, len(blends), BATCH):
        batch = blends.iloc[start : start + BATCH]
        rendered = render(
            *galaxies_of(stamps, batch),
            companion_edge=companion_edge,
            noise_sigma=sigma,
            noise_correlation=correlation,
        )
        for image, blend in zip(rendered, batch.itertuples(index=False), strict=True):
            measurement = measure_blend(image, radius[blend.central], cold, hot)
            rows.append(
                (
                    blend.blend,
                    measurement.detection,
                    measurement.mode,
                    *measurement.flux_iso,
                    *measurement.flux_auto,
                    *measurement.flags,
                    *measurement.positions.ravel(),
                )
            )
    columns = ["blend", "detection", "mode"] + [
        f"{quantity}_{galaxy}"
        for quantity in ("flux_iso", "flux_auto", "flags")
        for galaxy in ("central", "companion")
    ]
    return pd.DataFrame(rows, columns=[*columns, *POSITIONS])


def measure_file(
    stamps: str | Path,
    blends: str | Path,
    cold: Detection,
    hot: Detection,
    companion_edge: str,
    *,
    chunk_size: int,
    n_workers: int = 1,
) -> pd.DataFrame:
    """Run SEP on the blends of a file, in several processes.

    Parameters
    ----------
    stamps, blends : path
        A data set and its blends.
    cold, hot, companion_edge
        See `measure_blends`.
    chunk_size : int
        Blends that a process measures at a time.
    n_workers : int

    Returns
    -------
    DataFrame
        See `measure_blends`. It depends neither on `chunk_size` nor on `n_workers`.
    """
    table = read_ecsv(blends)
    chunks = [table.iloc[i : i + chunk_size] for i in range(0, len(table), chunk_size)]
    settings = (cold, hot, companion_edge)
    parts = in_order(_measure_chunk, chunks, n_workers, _load_shared, (str(stamps), settings))
    measured = pd.concat(parts, ignore_index=True)
    failed = int((measured["mode"] == "failed").sum())
    if failed:
        log.warning("SEP failed on %d of %d blends: they have no detections", failed, len(measured))
    return measured


#: What a worker process has loaded: the data set and the settings.
_shared: dict[str, Any] = {}


def _load_shared(stamps: str, settings: tuple[Detection, Detection, str]) -> None:
    _shared.update(stamps=open_stamps(stamps, segmaps=False), settings=settings)


def _measure_chunk(blends: pd.DataFrame) -> pd.DataFrame:
    return measure_blends(_shared["stamps"], blends, *_shared["settings"])


def to_predictions(measured: pd.DataFrame, zero_points: pd.DataFrame) -> pd.DataFrame:
    """SEP's measurements in the form of all predictions: one method for each kind of flux."""
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
