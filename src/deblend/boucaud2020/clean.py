"""From parent stamps to clean ones: choose galaxies, remove neighbours, measure (Sect. 2.1).

Boucaud et al. 2020, Sect. 2.1: galaxies of clear-cut class; other objects' segmentation is dilated
and their pixels are replaced by random ones of the empty background. What they did by eye, leaving
out stamps with artefacts, is done here by criteria that are counted, and by a table of ids that
were rejected by eye.
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

#: Why a galaxy is left out, in the order in which the reasons are tried.
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
        `p_sph`, `p_disk`, `p_irr`, and `morphology`, which stands where the three are NaN.
    threshold : float
        Probability that a class must exceed.

    Returns
    -------
    ndarray of str
        sph, disk, sphd (both), irr, or "" where nothing or too much exceeds it.
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
        The object to keep; its own pixels are never touched.
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
    mine = segmap == label
    others = (segmap > 0) & ~mine
    replaced = binary_dilation(others, footprint) & ~mine if others.any() else others
    background = ~(replaced | binary_dilation(segmap > 0, footprint))
    fraction = float(background.mean())
    cleaned = image.copy()
    if replaced.any() and fraction > 0:
        cleaned[replaced] = rng.choice(image[background], size=int(replaced.sum()))
    return cleaned, fraction


def contact(segmap: np.ndarray, label: int) -> float:
    """Share of the pixels around an object, two deep, that other objects hold."""
    mine = segmap == label
    ring = binary_dilation(mine, iterations=2) & ~mine
    return float((segmap[ring] > 0).mean()) if ring.any() else 0.0


def clean_stamp(
    image: np.ndarray, segmap: np.ndarray | None, rng: np.random.Generator, config: CleaningConfig
) -> tuple[str, np.ndarray, np.ndarray, dict[str, float]]:
    """Clean one stamp and measure its galaxy.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
    segmap : ndarray of int or None
        The archive's segmentation; without one (None or all 0) SEP makes it.
    rng : Generator
        The galaxy's own.
    config : CleaningConfig

    Returns
    -------
    reason : str
        Key of `EXCLUSIONS`, or "" for a good stamp.
    cleaned : ndarray, shape (y, x), float32
    segmap : ndarray of bool, shape (y, x)
        Of the galaxy: as given, else SEP's on the cleaned stamp.
    photometry : dict
        `flux_iso`, `flux_auto` (counts/s), `segmap_area_px`.
    """
    nothing = np.zeros(image.shape, bool)
    if not np.isfinite(image).all():
        return "bad_pixels", image, nothing, {}
    if np.ptp(image) == 0:
        return "constant", image, nothing, {}
    image = np.ascontiguousarray(image, dtype=np.float32)
    centre = image.shape[-1] // 2
    given = segmap if segmap is not None and segmap.any() else None
    if given is None:
        objects, labels = detect(image, config.detection, background_rms(image))
        label = central_label(labels, objects)
    else:
        labels, label = given, int(given[centre, centre])
    if label == 0:
        return "not_detected", image, nothing, {}
    if contact(labels, label) > config.max_contact:
        return "touching", image, nothing, {}
    cleaned, background = replace_neighbours(image, labels, label, config.dilation_px, rng)
    if background < config.min_background_fraction:
        return "crowded", image, nothing, {}
    if len(detect(cleaned, config.cold, background_rms(cleaned))[0]) > 1:
        return "still_blended", image, nothing, {}
    flux_iso, flux_auto, mine = measure_isolated(cleaned, config.cold, config.hot)
    if not (flux_iso > 0 and flux_auto > 0):
        return "not_measured", image, nothing, {}
    if given is not None:
        # The archive's own masks are what the authors' networks learnt (Sect. 2.3).
        mine = np.asarray(given == label)
    weights = np.where(mine, np.maximum(cleaned, 0), 0)
    y, x = np.indices(image.shape)
    offset = np.hypot(*(np.average(c, weights=weights) - centre for c in (x, y)))
    if offset > config.max_off_centre_px:
        return "off_centre", image, nothing, {}
    photometry = {
        "flux_iso": flux_iso,
        "flux_auto": flux_auto,
        "segmap_area_px": float(mine.sum()),
    }
    return "", cleaned, mine, photometry


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
        lines = [x for x in Path(path).read_text().splitlines() if x.strip() and x[0] != "#"]
    except (OSError, ValueError) as error:
        raise DeblendError(f"cannot read the rejected galaxies {path} ({error})") from error
    # Commas after the first are the reason's own, quoted or not.
    header, *rows = [[x.strip() for x in row] for row in csv.reader(lines)] or [[]]
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
        With each galaxy's origin and id, it seeds the galaxy's own generator, so that neither
        order nor chunks matter.
    config : CleaningConfig
    rejected : collection of str, optional
        Ids of galaxies to leave out, rejected by eye.

    Returns
    -------
    cleaned : Stamps
        Stamps of the galaxies kept, with the photometry of the isolated galaxies.
    exclusions : DataFrame
        `id`, `reason` and `morphology` ("" where none is clear-cut) of each galaxy left out.
    """
    rejected = frozenset(rejected)
    galaxies = parents.galaxies.copy()
    galaxies["morphology"] = classify(galaxies, config.min_class_probability)
    keep, excluded, images, segmaps, photometry = [], [], [], [], []
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
        pixels = "" if np.isfinite(image).all() else "bad_pixels"
        pixels = "outside" if np.isnan(image).all() else pixels
        reason = pixels or ("constant" if np.ptp(image) == 0 else reason)
        if not reason:
            rng = generator(seed, "clean", parents.bands["name"][0], galaxy.origin, galaxy.id)
            try:
                reason, cleaned, mine, values = clean_stamp(image, parents.segmaps[i], rng, config)
            except SepError:
                reason = "not_segmented"
        if reason:
            excluded.append((galaxy.id, reason, galaxy.morphology))
            continue
        keep.append(i)
        images.append(cleaned)
        segmaps.append(mine)
        photometry.append(values)
    exclusions = pd.DataFrame(excluded, columns=["id", "reason", "morphology"], dtype=str)
    shape = parents.segmaps.shape[1:]
    result = Stamps(
        np.array(images, np.float32).reshape(-1, 1, *shape),
        np.array(segmaps, np.int16).reshape(-1, *shape),
        pd.concat(
            [
                galaxies.iloc[keep].reset_index(drop=True),
                pd.DataFrame(photometry, columns=["flux_iso", "flux_auto", "segmap_area_px"]),
            ],
            axis=1,
        ),
        parents.bands,
        parents.psf,
        dict(parents.attributes),
    )
    return result, exclusions


def count_exclusions(exclusions: pd.DataFrame, n_parents: int) -> pd.DataFrame:
    """Table of how many galaxies were left out, and why.

    Parameters
    ----------
    exclusions : DataFrame
        From `clean`.
    n_parents : int
        Number of galaxies before cleaning.

    Returns
    -------
    DataFrame
        `reason`, `n`, `meaning`; last a row "kept".

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
