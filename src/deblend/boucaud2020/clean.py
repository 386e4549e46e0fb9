"""Clean parent stamps: choose galaxies, remove their neighbours, measure them.

Boucaud et al. 2020, Sect. 2.1, used galaxies of clear-cut class. They dilated the segmentation of
other objects, and replaced the pixels of these objects by random pixels of the empty background.
They excluded stamps with artefacts by eye. Here criteria do that, whose exclusions are counted, and
a table of ids that were rejected by eye.
"""

import csv
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
from deblend.boucaud2020.config import CleaningConfig
from deblend.data.stamps import Stamps
from deblend.errors import DeblendError
from deblend.photometry.sep import (
    SepError,
    background_rms,
    central_label,
    detect,
    measure_isolated,
)
from deblend.seeds import generator
from scipy.ndimage import binary_dilation
from skimage.morphology import disk

#: Reasons to exclude a galaxy, and what they mean.
EXCLUSIONS = {
    "outside": "the stamp leaves the mosaic, or there is no data",
    "bad_pixels": "the stamp has NaN or infinite pixels",
    "constant": "the stamp has no signal (all pixels are equal)",
    "magnitude": "the magnitude is missing or outside the limits",
    "radius": "the half-light radius is missing or not positive",
    "morphology": "no class is clear-cut (Sect. 2.1: probability > 0.8)",
    "rejected": "rejected by eye (boucaud2020.cleaning.rejected)",
    "not_detected": "SEP finds nothing at the centre",
    "off_centre": "the galaxy's centroid is off the central pixel",
    "touching": "a neighbour covers much of the galaxy's edge",
    "crowded": "too little empty background to replace the neighbours from",
    "still_blended": "SEP's cold mode finds more than one object on the cleaned stamp",
    "not_segmented": "SEP gives up on the stamp (too many objects overlap)",
    "not_measured": "SEP cannot measure the isolated galaxy",
    "no_partner": "no other galaxy of its split is close enough in magnitude for a blend",
}


def classify(galaxies: pd.DataFrame, threshold: float) -> np.ndarray:
    """Morphological class from class probabilities (Boucaud et al. 2020, Sect. 2.1).

    Parameters
    ----------
    galaxies : DataFrame
        `p_sph`, `p_disk`, `p_irr`, and `morphology`, which is kept where the three are NaN.
    threshold : float
        Probability that a class must exceed.

    Returns
    -------
    ndarray of str
        sph, disk, sphd (both), irr, or "" where no class exceeds the threshold, or irr and another
        one.
    """
    p = galaxies[["p_sph", "p_disk", "p_irr"]].to_numpy(float)
    sph, disk_, irr = (p > threshold).T
    morphology = np.select(
        [sph & disk_ & ~irr, sph & ~irr, disk_ & ~irr, irr & ~sph & ~disk_],
        ["sphd", "sph", "disk", "irr"],
        default="",
    )
    unknown = np.isnan(p).all(axis=1)
    return np.where(unknown, galaxies["morphology"].to_numpy(str), morphology)


def replace_neighbours(
    image: np.ndarray, segmap: np.ndarray, label: int, dilation_px: int, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Replace every object but one by random pixels of the empty background.

    Parameters
    ----------
    image : ndarray, shape (y, x)
    segmap : ndarray of int, shape (y, x)
        0 background, 1.. objects.
    label : int
        The object to keep; its own pixels are not replaced.
    dilation_px : int
        Radius by which the neighbours' regions grow first.
    rng : Generator

    Returns
    -------
    cleaned : ndarray, shape (y, x)
    background_fraction : float
        Share of the stamp that is empty (every object dilated, the central one too); 0 means that
        nothing could be replaced.
    """
    footprint = disk(dilation_px)
    galaxy_mask = segmap == label
    others = (segmap > 0) & ~galaxy_mask
    replaced = binary_dilation(others, footprint) & ~galaxy_mask if others.any() else others
    background = ~(replaced | binary_dilation(segmap > 0, footprint))
    fraction = float(background.mean())
    cleaned = image.copy()
    if replaced.any() and fraction > 0:
        cleaned[replaced] = rng.choice(image[background], size=int(replaced.sum()))
    return cleaned, fraction


def contact(segmap: np.ndarray, label: int) -> float:
    """Share of the ring of pixels around an object, two pixels wide, that other objects cover."""
    galaxy_mask = segmap == label
    ring = binary_dilation(galaxy_mask, iterations=2) & ~galaxy_mask
    return float((segmap[ring] > 0).mean()) if ring.any() else 0.0


def clean_stamp(
    image: np.ndarray, segmap: np.ndarray | None, rng: np.random.Generator, config: CleaningConfig
) -> tuple[str, np.ndarray, np.ndarray, dict[str, float]]:
    """Clean one stamp and measure its galaxy.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
    segmap : ndarray of int or None
        The archive's segmentation; without one (None or all 0) SEP segments the stamp.
    rng : Generator
        Generator of this galaxy only.
    config : CleaningConfig

    Returns
    -------
    reason : str
        Key of `EXCLUSIONS`, or "" for a good stamp.
    cleaned : ndarray, shape (y, x), float32
    segmap : ndarray of bool, shape (y, x)
        Mask of the galaxy: the given one, otherwise SEP's on the cleaned stamp.
    photometry : dict
        `flux_iso`, `flux_auto` (counts/s), `segmap_area_px`.
    """
    no_mask = np.zeros(image.shape, bool)
    if not np.isfinite(image).all():
        return "bad_pixels", image, no_mask, {}
    if np.ptp(image) == 0:
        return "constant", image, no_mask, {}
    image = np.ascontiguousarray(image, dtype=np.float32)
    centre = image.shape[-1] // 2
    given_segmap = segmap if segmap is not None and segmap.any() else None
    if given_segmap is None:
        objects, labels = detect(image, config.detection, background_rms(image))
        label = central_label(labels, objects)
    else:
        labels, label = given_segmap, int(given_segmap[centre, centre])
    if label == 0:
        return "not_detected", image, no_mask, {}
    if contact(labels, label) > config.max_contact:
        return "touching", image, no_mask, {}
    cleaned, background = replace_neighbours(image, labels, label, config.dilation_px, rng)
    if background < config.min_background_fraction:
        return "crowded", image, no_mask, {}
    if len(detect(cleaned, config.cold, background_rms(cleaned))[0]) > 1:
        return "still_blended", image, no_mask, {}
    flux_iso, flux_auto, galaxy_mask = measure_isolated(cleaned, config.cold, config.hot)
    if not (flux_iso > 0 and flux_auto > 0):
        return "not_measured", image, no_mask, {}
    if given_segmap is not None:
        # The authors trained their networks on the archive's own masks (Sect. 2.3).
        galaxy_mask = np.asarray(given_segmap == label)
    weights = np.where(galaxy_mask, np.maximum(cleaned, 0), 0)
    y, x = np.indices(image.shape)
    offset = np.hypot(*(np.average(c, weights=weights) - centre for c in (x, y)))
    if offset > config.max_off_centre_px:
        return "off_centre", image, no_mask, {}
    photometry = {
        "flux_iso": flux_iso,
        "flux_auto": flux_auto,
        "segmap_area_px": float(galaxy_mask.sum()),
    }
    return "", cleaned, galaxy_mask, photometry


def read_rejected(path: str | Path) -> list[str]:
    """Ids of the galaxies that were rejected by eye (Boucaud et al. 2020, Sect. 2.1).

    Parameters
    ----------
    path : path
        CSV with the columns `id` and `reason`; lines that begin with # are comments.

    Raises
    ------
    DeblendError
        The table cannot be read, has other columns, or a line without an id.
    """
    try:
        lines = [
            text for text in Path(path).read_text().splitlines() if text.strip() and text[0] != "#"
        ]
    except (OSError, ValueError) as error:
        raise DeblendError(f"cannot read the rejected galaxies {path} ({error})") from error
    # Only the first comma separates columns: further ones belong to the reason, quoted or not.
    header, *rows = [[text.strip() for text in row] for row in csv.reader(lines)] or [[]]
    if header != ["id", "reason"]:
        raise DeblendError(
            f"{path} has the header {','.join(header)!r}: the rejected galaxies need id,reason"
        )
    ids = [row[0] for row in rows]
    if not all(ids):
        raise DeblendError(f"{path} has {ids.count('')} lines without an id")
    return ids


def clean(
    parents: Stamps, seed: int, config: CleaningConfig, rejected: Collection[str] = ()
) -> tuple[Stamps, pd.DataFrame]:
    """Choose, clean and measure the galaxies of a data set.

    Parameters
    ----------
    parents : Stamps
        Of one band.
    seed : int
        With each galaxy's origin and id, it seeds the galaxy's own generator, so that the result
        depends neither on order nor on chunks.
    config : CleaningConfig
    rejected : collection of str, optional
        Ids of galaxies to exclude, rejected by eye.

    Returns
    -------
    cleaned : Stamps
        Stamps of the galaxies kept, with the photometry of the isolated galaxies.
    exclusions : DataFrame
        `id`, `reason` and `morphology` ("" where none is clear-cut) of each excluded galaxy.
    """
    rejected = frozenset(rejected)
    galaxies = parents.galaxies.copy()
    galaxies["morphology"] = classify(galaxies, config.min_class_probability)
    kept_rows, excluded, images, segmaps, photometry = [], [], [], [], []
    for i, galaxy in enumerate(galaxies.itertuples(index=False)):
        if not config.mag_min <= galaxy.mag <= config.mag_max:
            reason = "magnitude"
        elif not galaxy.half_light_radius_px > 0:
            reason = "radius"
        elif not galaxy.morphology:
            reason = "morphology"
        elif galaxy.id in rejected:
            reason = "rejected"
        else:
            reason = ""
        image = parents.images[i, 0]
        pixel_problem = "" if np.isfinite(image).all() else "bad_pixels"
        pixel_problem = "outside" if np.isnan(image).all() else pixel_problem
        reason = pixel_problem or ("constant" if np.ptp(image) == 0 else reason)
        if not reason:
            rng = generator(seed, "clean", parents.bands["name"][0], galaxy.origin, galaxy.id)
            try:
                reason, cleaned, galaxy_mask, values = clean_stamp(
                    image, parents.segmaps[i], rng, config
                )
            except SepError:
                reason = "not_segmented"
        if reason:
            excluded.append((galaxy.id, reason, galaxy.morphology))
            continue
        kept_rows.append(i)
        images.append(cleaned)
        segmaps.append(galaxy_mask)
        photometry.append(values)
    exclusions = pd.DataFrame(excluded, columns=["id", "reason", "morphology"], dtype=str)
    shape = parents.segmaps.shape[1:]
    result = Stamps(
        np.array(images, np.float32).reshape(-1, 1, *shape),
        np.array(segmaps, np.int16).reshape(-1, *shape),
        pd.concat(
            [
                galaxies.iloc[kept_rows].reset_index(drop=True),
                pd.DataFrame(photometry, columns=["flux_iso", "flux_auto", "segmap_area_px"]),
            ],
            axis=1,
        ),
        parents.bands,
        parents.psf,
        dict(parents.attributes),
        parents.noise_correlation,
    )
    return result, exclusions


def count_exclusions(exclusions: pd.DataFrame, n_parents: int) -> pd.DataFrame:
    """Table of how many galaxies were excluded, and for which reason.

    Parameters
    ----------
    exclusions : DataFrame
        From `clean`.
    n_parents : int
        Number of galaxies before cleaning.

    Returns
    -------
    DataFrame
        `reason`, `n`, `meaning`; the last row is "kept".

    Raises
    ------
    DeblendError
        No galaxy is left.
    """
    counts = exclusions["reason"].value_counts()
    rows = [(reason, int(counts.get(reason, 0)), text) for reason, text in EXCLUSIONS.items()]
    kept = n_parents - len(exclusions)
    if kept == 0:
        listed = ", ".join(f"{n} {reason}" for reason, n, _ in rows if n)
        raise DeblendError(
            f"none of the {n_parents} galaxies is left after cleaning ({listed}): check the "
            "catalogue's magnitudes and the limits under boucaud2020.cleaning"
        )
    rows.append(("kept", kept, "clean stamps"))
    return pd.DataFrame(rows, columns=["reason", "n", "meaning"])
