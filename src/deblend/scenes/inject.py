"""Known galaxies in the user's own images: what each method makes of blends there.

Blends of two Sersic galaxies are put into the images, with their PSF, noise and pixels. The sizes
are those that SEP measures of the images' own sources, by magnitude. What stands in the images is
replaced by noise like theirs, or stays (`keep_sources`).
"""

import logging
from typing import Any

import galsim
import numpy as np
import pandas as pd
from deblend.data.image_units import FEW_SCATTER_MAG, MEDIAN_ERROR, ROBUST_MIN
from deblend.data.noise import noise_images
from deblend.data.profiles import AXIS_RATIO_RANGE, SERSIC_RANGE
from deblend.errors import DeblendError
from deblend.scenes.flags import bit
from deblend.scenes.networks import intrinsic_radius_arcsec
from deblend.scenes.scenes import TRUTH, Scenes
from deblend.scenes.sources import (
    detected,
    find_sources,
    image_of,
    match_radius_px,
    matched,
    psf_fwhm,
)
from deblend.seeds import generator
from deblend.units import flux_from_mag, mag_from_flux
from scipy.ndimage import binary_dilation, binary_propagation, gaussian_filter

log = logging.getLogger(__name__)

#: Side of what is cut out of larger images, px.
SIDE_PX = 192

#: Pixels around the pixels of a source that are replaced too.
GROWTH_PX = 5

#: The wings of a source are what is brighter than this in the smoothed image beside it, in sigmas.
SMOOTHING_PX, WING_SIGMA = 3.0, 2.0

#: Magnitudes of the injected galaxies are between these percentiles of those of the sources.
PERCENTILES = (5, 95)

#: Sources of nearest magnitude of which one gives a galaxy its size.
NEAREST = 10

#: The companion's magnitude differs by this at most, as in Boucaud et al. 2020.
DELTA_MAG_MAX = 2.0

#: Logarithm of the Sersic indices: mean and scatter. Most galaxies are disks.
LOG_SERSIC = (0.2, 0.2)

#: Distance between the two galaxies of a blend, in widths of the PSF (FWHM).
SEPARATION_FWHM = (1.0, 4.0)

#: Places that are tried before an image without enough data is given up.
TRIES = 50

#: Statistics of `recovery`.
RECOVERY_COLUMNS = (
    *("method", "band", "selection", "n_injected", "n_selected", "n_measured", "share_measured"),
    *("share_merged", "bias_mag", "bias_error_mag", "scatter_mag", "mean_mag", "outliers_percent"),
    *("flux_ratio", "pull_scatter"),
)

#: Errors of flux beyond this are outliers, mag.
OUTLIER_MAG = 0.75


def inject(
    scenes: Scenes,
    n: int,
    seed: int,
    *,
    mag_min: float | None = None,
    mag_max: float | None = None,
    keep_sources: bool = False,
) -> Scenes:
    """Scenes with blends of two known galaxies.

    Parameters
    ----------
    scenes : Scenes
    n : int
        Number of blends; each is in a scene of its own, a copy of an image or of a part of it.
    seed : int
    mag_min, mag_max : float, optional
        AB magnitudes; by default `PERCENTILES` of those of the sources that SEP finds.
    keep_sources : bool
        See `deblend.scenes.config.Injection`.

    Returns
    -------
    Scenes
        With `truth`. Positions are those of the galaxies if the scenes have any, else they have to
        be detected. The magnitude of a galaxy is the same in all bands. There are fewer than `n`,
        which is logged, if images have too few pixels with data for two galaxies.

    Raises
    ------
    DeblendError
        The scenes have no PSF, no source that says how large galaxies are, or no place with data
        for a blend.
    """
    if n == 0:
        return scenes.part(
            [],
            images=scenes.images[:0],
            names=(),
            positions=None if scenes.positions is None else (),
            wcs=(),
            truth=pd.DataFrame({column: np.zeros(0) for column in TRUTH}),
        )
    known = [scenes.psf_of(band) for band in range(len(scenes.bands))]
    if any(psf is None for psf in known):
        raise DeblendError("inject needs the PSF of each band: give psf or psf_fwhm_arcsec")
    sizes = _sizes(scenes)
    low, high = np.percentile(sizes["mag"], PERCENTILES)
    low, high = (low if mag_min is None else mag_min), (high if mag_max is None else mag_max)
    if not low < high:
        raise DeblendError(
            f"galaxies would be injected from {low:.2f} to {high:.2f} mag: give mag_min and mag_max"
        )
    psfs = [
        galsim.InterpolatedImage(
            galsim.Image(np.ascontiguousarray(psf)), scale=scenes.pixel_scale_arcsec, flux=1.0
        )
        for psf in known
    ]
    own = find_sources(scenes)
    empty = (
        {} if keep_sources else {i: _without_sources(scenes, i, seed) for i in range(len(scenes))}
    )
    images: list[np.ndarray] = []
    origins, rows, positions = [], [], []
    for number in range(n):
        rng = generator(seed, "inject", number)
        scene = int(rng.integers(len(scenes)))
        source = scenes.images[scene] if keep_sources else empty[scene]
        corner, image = _part(source, rng)
        galaxies = _draw_pair(scenes, image, sizes, (low, high), rng)
        if galaxies is None:
            continue
        for galaxy in galaxies:
            for band, psf in enumerate(psfs):
                _add(image[band], galaxy, psf, scenes, band)
        others = _others(own, scene, corner, image.shape[1:]) if keep_sources else np.zeros((0, 2))
        places = [[g["y_px"], g["x_px"]] for g in galaxies]
        rows += [
            {"scene": len(images), "source": k, "other_sources": len(others), **g}
            for k, g in enumerate(galaxies)
        ]
        images.append(image)
        origins.append(scene)
        positions.append(np.concatenate([places, others]))
    if not images:
        raise DeblendError(
            "no image has room with data for two galaxies, so that none can be injected: give "
            "larger images, or set inject to 0"
        )
    if len(images) < n:
        log.warning(
            "%d of %d blends are left out, since their images have no room with data for two "
            "galaxies",
            *(n - len(images), n),
        )
    truth = pd.DataFrame(rows, columns=[*TRUTH, "sersic_n", "axis_ratio", "angle"])
    return scenes.part(
        origins,
        images=np.stack(images),
        names=tuple(f"{i}:{scenes.names[k]}" for i, k in enumerate(origins)),
        positions=None if scenes.positions is None else tuple(positions),
        wcs=(),
        truth=truth[list(TRUTH)],
    )


def _sizes(scenes: Scenes) -> pd.DataFrame:
    """Magnitudes and half-light radii (arcsec, without the PSF) of the scenes' own sources."""
    band = scenes.detection_band
    sources = find_sources(scenes)
    mag = mag_from_flux(
        sources[f"flux_auto_{band}"].to_numpy(float), float(scenes.zero_points[band])
    )
    radius = intrinsic_radius_arcsec(scenes, band, sources["radius_px"].to_numpy(float))
    good = np.isfinite(mag) & np.isfinite(radius)
    if not good.any():
        raise DeblendError(
            "SEP finds no source in the images, whose magnitudes and sizes those of injected "
            "galaxies follow: lower detection > threshold, or set inject to 0"
        )
    return pd.DataFrame({"mag": mag[good], "radius": radius[good]}).sort_values(
        "mag", ignore_index=True
    )


def _without_sources(scenes: Scenes, scene: int, seed: int) -> np.ndarray:
    """An image with noise in place of its sources, shape (band, y, x)."""
    image = scenes.images[scene].copy()
    band = scenes.detection_band
    sigma = float(scenes.noise_sigma[scene, band])
    _, segmap = detected(scenes, scene)
    ball = np.hypot(*np.indices((2 * GROWTH_PX + 1,) * 2) - GROWTH_PX) <= GROWTH_PX
    # The wings of a source reach beyond the pixels that SEP gives it.
    smooth = gaussian_filter(image_of(scenes, scene, band).astype(float), SMOOTHING_PX)
    noise_sigma = sigma / (2 * np.sqrt(np.pi) * SMOOTHING_PX)
    if scenes.noise_correlation is not None:
        noise_sigma *= np.sqrt(max(float(scenes.noise_correlation[band].sum()), 1.0))
    bright = smooth > WING_SIGMA * noise_sigma
    where = binary_dilation(binary_propagation(segmap > 0, mask=bright | (segmap > 0)), ball)
    for b in range(len(image)):
        rng = generator(seed, "in place of sources", scene, b)
        correlation = scenes.noise_correlation
        noise = noise_images(
            rng,
            image.shape[1:],
            float(scenes.noise_sigma[scene, b]),
            None if correlation is None else correlation[b],
        )
        replaced = where & ~np.isnan(image[b])
        image[b, replaced] = noise[replaced]
    return image


def _data(image: np.ndarray) -> np.ndarray:
    """Where an image (band, y, x) has data in all bands but those that have none at all."""
    data = ~np.isnan(image)
    return data[data.any(axis=(1, 2))].all(axis=0)


def _part(image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A copy of an image, or of a random part with data of a larger one, and its corner."""
    data = _data(image)
    rows, columns = np.flatnonzero(data.any(axis=1)), np.flatnonzero(data.any(axis=0))
    if not len(rows):
        return np.zeros(2, int), image.copy()
    # Images that are smaller than others have no data beyond their edges.
    low = np.array([rows[0], columns[0]])
    size = np.array([rows[-1], columns[-1]]) + 1 - low
    side = np.array([min(n, SIDE_PX) for n in image.shape[1:]])
    corner = low
    for _ in range(TRIES):
        corner = low + [rng.integers(0, max(n - s, 0) + 1) for n, s in zip(size, side, strict=True)]
        corner = np.minimum(corner, np.array(image.shape[1:]) - side)
        y, x = corner
        if data[y : y + side[0], x : x + side[1]].any():
            break
    y, x = corner
    return corner, image[:, y : y + side[0], x : x + side[1]].copy()


def _draw_pair(
    scenes: Scenes,
    image: np.ndarray,
    sizes: pd.DataFrame,
    mag_range: tuple[float, float],
    rng: np.random.Generator,
) -> list[dict[str, Any]] | None:
    """Two galaxies and their places in an image; None if no place that is tried has data."""
    low, high = mag_range
    first = float(rng.uniform(low, high))
    # The brighter one is the central galaxy.
    second = float(rng.uniform(first, max(first, min(first + DELTA_MAG_MAX, high))))
    galaxies = [_draw_galaxy(mag, sizes, scenes.pixel_scale_arcsec, rng) for mag in (first, second)]
    fwhm = (psf_fwhm(scenes, scenes.detection_band) or 0) / scenes.pixel_scale_arcsec
    data = _data(image)
    rows, columns = np.flatnonzero(data.any(axis=1)), np.flatnonzero(data.any(axis=0))
    if not len(rows):
        return None
    for _ in range(TRIES):
        # In the middle half, so that as much as possible of a stamp has data.
        centre = np.array([rng.uniform(*np.percentile(axis, (25, 75))) for axis in (rows, columns)])
        distance, angle = fwhm * rng.uniform(*SEPARATION_FWHM), rng.uniform(0, 2 * np.pi)
        companion = centre + distance * np.array([np.sin(angle), np.cos(angle)])
        if _has_data(data, centre) and _has_data(data, companion):
            for galaxy, (y, x) in zip(galaxies, (centre, companion), strict=True):
                galaxy |= {"y_px": float(y), "x_px": float(x)}
            return galaxies
    return None


def _has_data(data: np.ndarray, place: np.ndarray) -> bool:
    """Whether the pixels around a place have data."""
    y, x = np.round(place).astype(int)
    if not (3 <= y < data.shape[0] - 3 and 3 <= x < data.shape[1] - 3):
        return False
    return bool(data[y - 3 : y + 4, x - 3 : x + 4].all())


def _draw_galaxy(
    mag: float, sizes: pd.DataFrame, pixel_scale_arcsec: float, rng: np.random.Generator
) -> dict[str, Any]:
    """Properties of a galaxy."""
    order = np.argsort(np.abs(sizes["mag"].to_numpy() - mag), kind="stable")[:NEAREST]
    radius = float(sizes["radius"].to_numpy()[rng.choice(order)]) / pixel_scale_arcsec
    return {
        "mag": mag,
        "half_light_radius_px": max(radius, 0.5),
        # In steps, since GalSim computes a new table for each index.
        "sersic_n": round(float(np.clip(10 ** rng.normal(*LOG_SERSIC), *SERSIC_RANGE)), 1),
        "axis_ratio": float(rng.uniform(max(0.3, AXIS_RATIO_RANGE[0]), 1.0)),
        "angle": float(rng.uniform(0, np.pi)),
    }


def _add(
    image: np.ndarray, galaxy: dict[str, Any], psf: galsim.GSObject, scenes: Scenes, band: int
) -> None:
    """Add a galaxy to an image; pixels without data stay so."""
    scale = scenes.pixel_scale_arcsec
    flux = float(flux_from_mag(galaxy["mag"], float(scenes.zero_points[band])))
    profile = galsim.Sersic(
        n=galaxy["sersic_n"], half_light_radius=galaxy["half_light_radius_px"] * scale, flux=flux
    ).shear(q=galaxy["axis_ratio"], beta=galaxy["angle"] * galsim.radians)
    ny, nx = image.shape
    drawn = galsim.ImageD(nx, ny, scale=scale)
    centre = galsim.PositionD(galaxy["x_px"] + 1, galaxy["y_px"] + 1)
    galsim.Convolve(profile, psf).drawImage(drawn, center=centre, method="no_pixel")
    image += drawn.array


def _others(
    own: pd.DataFrame, scene: int, corner: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """Places of the sources that were in the part of a scene."""
    yx = own.loc[own["scene"] == scene, ["y_px", "x_px"]].to_numpy(float) - corner
    return yx[((yx > -0.5) & (yx < np.array(shape) - 0.5)).all(axis=1)]


def match_truth(scenes: Scenes, measured: pd.DataFrame) -> pd.DataFrame:
    """The injected galaxy that each row of a method's table is of.

    Returns
    -------
    DataFrame
        A row for each injected galaxy, method and band: the truth's columns, then those measured,
        NaN where no source is within the matching radius. `n_found` is the number of galaxies of
        the blend that have a flux: where it is 1, that flux is likely that of both.
    """
    assert scenes.truth is not None
    radius = match_radius_px(scenes)
    places = measured[["scene", "source", "x_px", "y_px"]].drop_duplicates(["scene", "source"])
    of_scene = dict(list(places.groupby("scene")))
    parts = []
    for scene, galaxies in scenes.truth.groupby("scene", sort=False):
        own = of_scene.get(scene, places.iloc[:0])
        # Each source belongs to one galaxy, so that the distances are the smallest together.
        rows = matched(
            galaxies[["y_px", "x_px"]].to_numpy(float),
            own[["y_px", "x_px"]].to_numpy(float),
            radius,
        )
        numbers = np.append(own["source"].to_numpy(float), np.nan)
        parts.append(galaxies.assign(matched=numbers[rows]))
    truth = pd.concat(parts, ignore_index=True) if parts else scenes.truth.assign(matched=np.nan)
    values = ["scene", "source", "method", "band", "flux", "flux_error", "p_blend", "flags"]
    tables = []
    for (method, band), rows in measured.groupby(["method", "band"], sort=False):
        table = truth.merge(
            rows[values].rename(columns={"source": "matched"}), on=["scene", "matched"], how="left"
        ).assign(method=method, band=band)
        table["n_found"] = table.groupby("scene")["flux"].transform("count")
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else truth.iloc[:0]


def recovery(scenes: Scenes, measured: pd.DataFrame) -> pd.DataFrame:
    """Bias and scatter of each method on the injected galaxies.

    Parameters
    ----------
    scenes : Scenes
        From `inject`.
    measured : DataFrame
        Tables of all methods for these scenes.

    Returns
    -------
    DataFrame
        `RECOVERY_COLUMNS`. Selections are `both_found`: galaxies of blends of which both have a
        flux, whose bias is that of the method; `unflagged`: those of them without a flag but
        `resampled`; `merged`: blends of which one galaxy has a flux, a row for each, compared with
        the light of both; `all`. `n_injected` are all galaxies (blends for `merged`), `n_selected`
        those of the selection and `n_measured` those of them that have a positive flux, whose share
        of all is `share_measured`; `share_merged` is that of the blends that are merged. Of the
        errors of magnitude (measured minus true): the median with its standard error, half the
        range of the central 68 %, the mean, and the share beyond `OUTLIER_MAG`; the median ratio of
        fluxes; half the range of the central 68 % of the errors of flux in units of the stated
        ones. Of fewer than `ROBUST_MIN` galaxies the scatter is that of a few, and no less than
        `FEW_SCATTER_MAG`.
    """
    table = match_truth(scenes, measured)
    rows = []
    for (method, band), part in table.groupby(["method", "band"], sort=False):
        if not part["flux"].notna().any():
            continue
        zero_point = float(scenes.zero_points[scenes.bands.index(band)])
        part = part.assign(true=flux_from_mag(part["mag"].to_numpy(), zero_point))
        both = part[part["n_found"] == 2]
        clean = (both["flags"].fillna(1).astype(int) & ~bit("resampled")) == 0
        # Light of both galaxies, beside the one that has the flux.
        pairs = part.assign(true=part.groupby("scene")["true"].transform("sum"))
        merged = pairs[(pairs["n_found"] == 1) & pairs["flux"].notna()]
        n_blends = part["scene"].nunique()
        for selection, chosen, n in (
            ("both_found", both, len(part)),
            ("unflagged", both[clean], len(part)),
            ("merged", merged, n_blends),
            ("all", part, len(part)),
        ):
            rows.append(
                {"method": method, "band": band, "selection": selection}
                | {"share_merged": len(merged) / n_blends}
                | _statistics(chosen, n)
            )
    return pd.DataFrame(rows, columns=list(RECOVERY_COLUMNS))


def _statistics(table: pd.DataFrame, n_injected: int) -> dict[str, float]:
    """Statistics of a selection, whose `flux` is compared with `true`."""
    good = table[table["flux"] > 0]
    n = len(good)
    found: dict[str, float] = {"n_injected": n_injected, "n_selected": len(table), "n_measured": n}
    found["share_measured"] = n / n_injected
    if not n:
        return found
    true, flux = (good[c].to_numpy(float) for c in ("true", "flux"))
    error = -2.5 * np.log10(flux / true)
    low, high = np.percentile(error, (16, 84))
    scatter = (high - low) / 2
    if n < ROBUST_MIN:
        # A few galaxies say little about the scatter; percentiles would make it too small.
        scatter = max(float(np.std(error, ddof=1)), FEW_SCATTER_MAG) if n > 1 else np.nan
    pull = (flux - true) / good["flux_error"].to_numpy(float)
    pull = pull[np.isfinite(pull)]
    return found | {
        "bias_mag": float(np.median(error)),
        "bias_error_mag": float(scatter * MEDIAN_ERROR / np.sqrt(n)),
        "scatter_mag": float(scatter),
        "mean_mag": float(np.mean(error)),
        "outliers_percent": float(100 * np.mean(np.abs(error) > OUTLIER_MAG)),
        "flux_ratio": float(np.median(flux / true)),
        "pull_scatter": (
            float(np.diff(np.percentile(pull, (16, 84)))[0] / 2) if len(pull) else np.nan
        ),
    }
