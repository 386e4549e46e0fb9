"""Cut-outs in several bands from the mosaics of a survey (Hemmati et al. 2022, Sect. 2)."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
import pandas as pd
from astropy.wcs import WCS
from deblend.data.coordinates import celestial_wcs, check_positions, to_pixels
from deblend.data.image_files import OpenImage, open_image
from deblend.data.stamps import Stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import with_neighbours
from deblend.hemmati2022.cutout_config import Band, CutoutConfig
from deblend.hemmati2022.cutouts import brightest_offsets
from deblend.hemmati2022.ingest import BATCH, band_factor, band_noise, batches, cutout_stamps
from scipy.spatial import cKDTree

log = logging.getLogger(__name__)


#: Sources nearer than this (px along both axes) are the same.
SAME_PX = 1e-3


#: The brightest pixel of a galaxy is searched for in the middle of its cut-out (side, px). If the
#: median distance from the catalogue's positions is larger than the limit (px), they and the mosaic
#: have different origins. It is not measured on fewer cut-outs.
CHECK_PX, MAX_OFFSET_PX, MIN_CHECKED = 64, 1.5, 20


def archive_cutouts(
    selected: pd.DataFrame,
    config: CutoutConfig,
    neighbour_mag_max: float | None = None,
    offset_arcsec: Sequence[float] = (0.0, 0.0),
) -> Iterator[tuple[Stamps, np.ndarray]]:
    """Cut-outs from the mosaics of the bands, `BATCH` at a time.

    Only the needed rows of the mosaics are read.

    Parameters
    ----------
    selected : DataFrame
        From `deblend.hemmati2022.cutouts.select`, with ra and dec (deg): the whole catalogue.
    config : CutoutConfig
    neighbour_mag_max : float, optional
        Faintest magnitude in the detection band of the sources that count as neighbours; all by
        default.
    offset_arcsec : sequence of two floats
        Added to ra (in the coordinate, not in the angle on the sky) and dec.

    Yields
    ------
    stamps : Stamps
        Cut-outs of the galaxies that are kept (without a reason). The galaxy's position is in pixel
        parent_px // 2. Their table has the other sources of the catalogue in each cut-out
        (`deblend.hemmati2022.blends.with_neighbours`).
    reasons : ndarray of str
        Why a cut-out cannot be used: "missing_band", the position is outside a mosaic, or the
        mosaic has no data at all there (see `deblend.data.image_files`); "edge", the cut-out
        extends beyond a mosaic; "bad_pixels", some pixels have no data; "" if it can be used.

    Raises
    ------
    DeblendError
        A mosaic is missing or broken, has another pixel scale, an unknown unit or no celestial
        coordinates, or covers none of the galaxies; or galaxies are beside their positions, see
        `check_centres` and `deblend.data.coordinates.check_positions`.
    """
    galaxies = selected[selected["reason"] == ""].reset_index(drop=True)
    size, names = config.parent_px, [band.name for band in config.bands]
    detection = names.index(config.detection_band)
    systems, factors, on_all = [], [], np.ones(len(galaxies), bool)
    for band in config.bands:
        with _mosaic(band) as image:
            wcs = celestial_wcs(
                image,
                subject=f"band {band.name}",
                pixel_scale_arcsec=config.pixel_scale_arcsec,
                apply_sip=band.apply_sip,
            )
            systems.append(wcs)
            factors.append(band_factor(image.header, band, config, band.mosaic))
            x, y = _pixels(galaxies, wcs, offset_arcsec).T
            ny, nx = image.shape
            inside = (x >= -0.5) & (x < nx - 0.5) & (y >= -0.5) & (y < ny - 0.5)
            on_all &= inside
            if not inside.any():
                raise DeblendError(
                    f"band {band.name}: none of the {len(galaxies)} selected galaxies is on the "
                    f"mosaic {band.mosaic}: check its address and the columns of ra and dec "
                    "(degrees)"
                )
    sources = selected[np.isfinite(selected[["ra", "dec"]].to_numpy(float)).all(axis=1)]
    if neighbour_mag_max is not None:
        sources = sources[(sources["mag"] <= neighbour_mag_max) | (sources["reason"] == "")]
    around = neighbours_in(
        _pixels(galaxies, systems[detection], offset_arcsec),
        _pixels(sources, systems[detection], offset_arcsec),
        sources["mag"].to_numpy(float),
        size,
    )

    def cut(part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Cut-outs of some galaxies in all bands, and reasons."""
        images = np.full((len(part), len(config.bands), size, size), np.nan, np.float32)
        reasons = np.full(len(part), "", dtype=object)
        for b, band in enumerate(config.bands):
            positions = _pixels(part, systems[b], offset_arcsec)
            with _mosaic(band) as image:
                found = _cut_band(image, positions, images[:, b], factors[b])
            log.info("%s: %s", band.name, pd.Series(found).value_counts().to_dict())
            reasons = _more_severe(reasons, found)
        return images, reasons

    # The noise is that of galaxies at equal steps through all: depths differ within a mosaic.
    rows, noise = np.flatnonzero(on_all), list[float]()
    if len(rows):
        images, reasons = cut(galaxies.iloc[rows[:: -(-len(rows) // BATCH)]])
        noise = band_noise(images[reasons == ""], config) if (reasons == "").any() else []
    for rows in batches(np.arange(len(galaxies))):
        part = galaxies.iloc[rows]
        images, reasons = cut(part)
        usable = reasons == ""
        # None of those could be used: then it is that of the first cut-outs that can.
        noise = noise or (band_noise(images[usable], config) if usable.any() else [])
        check_centres(
            images[usable, detection],
            part[usable],
            systems[detection],
            config.detection_band,
            offset_arcsec,
        )
        centres = _pixels(part[usable], systems[detection], offset_arcsec)
        # The few cut-outs of a last batch can be faint by chance.
        if rows[0] == 0 or len(centres) >= MIN_CHECKED:
            check_positions(
                images[usable, detection],
                centres - np.round(centres) + size // 2,
                part["mag"].to_numpy(float)[usable],
                subject=f"band {config.detection_band}",
                catalog="the catalogue",
                remedy="check the columns of ra and dec, the coordinates in the header of "
                f"{config.bands[detection].mosaic}, and offset_arcsec",
            )
        table = with_neighbours(part, [around[row] for row in rows])
        yield cutout_stamps(images, table, config, noise or [np.nan] * len(names)), reasons


def check_centres(
    images: np.ndarray,
    galaxies: pd.DataFrame,
    wcs: WCS,
    band: str,
    offset_arcsec: Sequence[float],
) -> None:
    """Check that the galaxies are in the middle of their cut-outs.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Cut-outs in the detection band.
    galaxies : DataFrame, n rows
        ra and dec (deg).
    wcs : WCS
        Of the mosaic.
    band : str
        Name of the band.
    offset_arcsec : sequence of two floats
        That of the configuration, see `archive_cutouts`.

    Raises
    ------
    DeblendError
        The median distance of the brightest pixels from the central ones is larger than
        `MAX_OFFSET_PX`: the message has the offset that is needed.
    """
    if len(images) < MIN_CHECKED:
        return
    dx, dy = np.median(brightest_offsets(images, CHECK_PX), axis=0)
    if np.hypot(dx, dy) <= MAX_OFFSET_PX:
        return
    xy = _pixels(galaxies, wcs, offset_arcsec)
    there = np.column_stack(wcs.pixel_to_world_values(*(xy + [dx, dy]).T))
    needed = np.median(there - galaxies[["ra", "dec"]].to_numpy(float), axis=0) * 3600
    raise DeblendError(
        f"the brightest pixels of {len(images)} cut-outs in {band} are {dx:+.1f} px in x and "
        f"{dy:+.1f} px in y from the catalogue's positions (median), with offset_arcsec "
        f"{[float(o) for o in offset_arcsec]}: set it to [{needed[0]:.3f}, {needed[1]:.3f}]"
    )


def _pixels(table: pd.DataFrame, wcs: WCS, offset_arcsec: Sequence[float]) -> np.ndarray:
    """x, y on a mosaic, shape (n, 2)."""
    sky = table[["ra", "dec"]].to_numpy(float) + np.asarray(offset_arcsec, float) / 3600
    return to_pixels(wcs, *sky.T)


def neighbours_in(
    galaxies: np.ndarray, sources: np.ndarray, mags: np.ndarray, size: int
) -> list[np.ndarray]:
    """Other sources in the cut-out of each galaxy.

    Parameters
    ----------
    galaxies, sources : ndarray, shapes (n, 2) and (m, 2)
        x, y on a mosaic. A source at the position of the galaxy is the galaxy.
    mags : ndarray, shape (m,)
        Magnitudes of the sources.
    size : int
        Side of the cut-outs, whose pixel size // 2 is the nearest to the galaxy.

    Returns
    -------
    list of n ndarrays, shape (k, 3)
        dx and dy from that pixel, and the magnitude.
    """
    if not len(galaxies) or not len(sources):
        return [np.empty((0, 3))] * len(galaxies)
    middle = np.round(galaxies)
    near = cKDTree(sources).query_ball_point(middle, size / 2 + 1, p=np.inf, return_sorted=True)
    found = []
    for galaxy, centre, rows in zip(galaxies, middle, near, strict=True):
        offset = sources[rows] - centre
        inside = ((offset >= -(size // 2) - 0.5) & (offset < size - size // 2 - 0.5)).all(axis=1)
        inside &= (np.abs(sources[rows] - galaxy) > SAME_PX).any(axis=1)
        found.append(np.column_stack([offset, mags[rows]])[inside])
    return found


def _more_severe(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The more severe of two reasons, for each galaxy."""
    by_severity: Sequence[str] = ("missing_band", "edge", "bad_pixels", "")
    rank = {name: i for i, name in enumerate(by_severity)}
    return np.array(
        [min(pair, key=rank.__getitem__) for pair in zip(one, other, strict=True)], dtype=object
    )


@contextmanager
def _mosaic(band: Band) -> Iterator[OpenImage]:
    """The image of a band."""
    if band.mosaic is None:
        raise DeblendError(f"band {band.name} has no mosaic: give its path or address")
    problem = (
        f"band {band.name}: cannot read extension {band.extension} of the mosaic {band.mosaic}"
    )
    remedy = "give a FITS image, or leave the band out"
    with ExitStack() as stack:
        try:
            opened = open_image(
                band.mosaic,
                band.extension,
                weight=band.weight,
                mask_bits=band.mask_bits,
                what="the mosaic ",
            )
            image = stack.enter_context(opened)
        except DeblendError as error:
            raise DeblendError(f"band {band.name}: {error}, or leave the band out") from error
        if len(image.shape) != 2:
            raise DeblendError(f"{problem} (it has {len(image.shape)} axes): {remedy}")
        yield image


def _cut_band(
    image: OpenImage, positions: np.ndarray, out: np.ndarray, factor: float
) -> np.ndarray:
    """Fill the cut-outs (n, y, x) of one band; return the reasons why cut-outs cannot be used."""
    size = out.shape[-1]
    reasons = np.full(len(positions), "", dtype=object)
    ny, nx = image.shape
    x, y = np.round(positions.T)
    inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny)
    for i in range(len(positions)):
        if not inside[i]:
            reasons[i] = "missing_band"
            continue
        x0, y0 = int(x[i]) - size // 2, int(y[i]) - size // 2
        if x0 < 0 or y0 < 0 or x0 + size > nx or y0 + size > ny:
            reasons[i] = "edge"
            continue
        pixels = image.cut(y0, x0, size)
        has_data = np.isfinite(pixels)
        if has_data.all():
            out[i] = pixels * np.float32(factor)
        else:
            reasons[i] = "bad_pixels" if has_data.any() else "missing_band"
    return reasons
