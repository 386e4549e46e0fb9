"""Clean parent stamps: choose galaxies, remove their neighbours, measure them.

Boucaud et al. 2020, Sect. 2.1, used galaxies of clear-cut class. They dilated the segmentation of
other objects, and replaced the pixels of these objects by random pixels of the empty background.
They excluded stamps with artefacts by eye. Here criteria do that, which can be switched off and
whose exclusions are counted, and a table of ids that were rejected by eye.

The authors' code (aboucaud/candels-blender, `blender/segmap.py`) differs from the text: it fills
the pixels with Gaussian noise, and adds noise to the whole stamp.
"""

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.config import CleaningConfig
from deblend.data.delimited import delimiter_of
from deblend.data.noise import noise_images
from deblend.data.stamps import CUT_AT_POSITIONS, Stamps
from deblend.data.table_files import identities, read_text
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

#: Reasons to exclude a galaxy, and what they mean.
EXCLUSIONS = {
    "no_position": "the catalogue has no position, at which a stamp could be cut",
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
    "no_background": "no empty background at all to replace the neighbours from",
    "still_blended": "SEP's cold mode finds more than one object on the cleaned stamp",
    "not_segmented": "SEP gives up on the stamp (too many objects overlap)",
    "not_measured": "SEP cannot measure the isolated galaxy",
    "no_partner": "no other galaxy of its split is close enough in magnitude for a blend",
}


#: What to look at if a reason leaves no galaxy, and if it is another one.
REMEDIES = {
    "no_position": "check the catalogue's columns of ra and dec",
    "outside": "check that the catalogue's positions are on the images, and where these have no "
    "data (NaN, or weights of 0; the log of the rule ingest_... has the numbers)",
    "bad_pixels": "check the stamps for NaN: replace pixels without data, or leave stamps out",
    "constant": "check that the images have the galaxies, and the extension or array that is read",
    "magnitude": "check the catalogue's magnitudes, and mag_min and mag_max of the data set",
    "radius": "check the catalogue's radii and their unit",
    "morphology": "check the catalogue's class probabilities, and min_class_probability under "
    "boucaud2020.cleaning",
    "rejected": "check the ids in boucaud2020.cleaning.rejected",
    "not_detected": "check that the galaxies are in the middle of the stamps and brighter than the "
    "noise",
    "off_centre": "check that the galaxies are in the middle of the stamps (recentre)",
}
REMEDY = "check the images, their segmentation maps, and the limits under boucaud2020.cleaning"


#: Reasons that can be switched off. They replace the visual inspection of Sect. 2.1.
CRITERIA = ("touching", "crowded", "still_blended", "off_centre")


#: Classes of galaxies, as in Table 1. They are unknown if the data set does not have them.
CLASSES = ("sph", "disk", "sphd", "irr", "unknown")


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
    image: np.ndarray,
    segmap: np.ndarray,
    label: int,
    rng: np.random.Generator,
    config: CleaningConfig,
    noise_correlation: np.ndarray | None = None,
) -> tuple[np.ndarray, float, float]:
    """Replace every object but one by noise of the empty background.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Background subtracted.
    segmap : ndarray of int, shape (y, x)
        0 background, 1.. objects.
    label : int
        The object to keep. Pixels of its dilated region are not replaced.
    rng : Generator
    config : CleaningConfig
        `dilation_px`: the regions of objects grow by that many pixels first, in steps along rows
        and columns. `fill`: see `deblend.boucaud2020.config.CleaningRules`.
    noise_correlation : ndarray, optional
        Of the Gaussian noise, see `deblend.data.noise.noise_images`; without it the noise is white.

    Returns
    -------
    cleaned : ndarray, shape (y, x)
    background_fraction : float
        Share of the stamp that is empty (every object dilated, the central one too); 0 means that
        nothing could be replaced.
    noise_sigma : float
        Standard deviation of the empty pixels; 0 if there are none.
    """
    objects = _dilated(segmap > 0, config.dilation_px)
    replaced = objects & ~_dilated(segmap == label, config.dilation_px)
    background = ~objects
    fraction = float(background.mean())
    sigma = float(image[background].std()) if fraction > 0 else 0.0
    cleaned = image.copy()
    if replaced.any() and fraction > 0:
        if config.fill == "gaussian":
            noise = noise_images(rng, image.shape, sigma, noise_correlation, image.dtype)
            cleaned[replaced] = noise[replaced]
        else:
            cleaned[replaced] = rng.choice(image[background], size=int(replaced.sum()))
    return cleaned, fraction, sigma


def _dilated(mask: np.ndarray, steps: int) -> np.ndarray:
    """Dilate a mask several times by a cross of 3 x 3 pixels, as the authors' code does."""
    # With iterations=0, SciPy would repeat the dilation until nothing changes.
    return binary_dilation(mask, iterations=steps) if steps else mask


def contact(segmap: np.ndarray, label: int) -> float:
    """Share of the ring of pixels around an object, two pixels wide, that other objects cover."""
    galaxy_mask = segmap == label
    ring = binary_dilation(galaxy_mask, iterations=2) & ~galaxy_mask
    return float((segmap[ring] > 0).mean()) if ring.any() else 0.0


@dataclass(frozen=True)
class CleanStamp:
    """A cleaned stamp, and what speaks against it.

    Attributes
    ----------
    image : ndarray, shape (y, x), float32
    failed : tuple of str
        Keys of `EXCLUSIONS`, in the order of the tests: all criteria that the stamp fails, those
        that are switched off too.
    segmap : ndarray of bool, shape (y, x)
        Mask of the galaxy: the given one, otherwise SEP's on the cleaned stamp.
    photometry : dict
        `flux_iso`, `flux_auto` (counts/s), `segmap_area_px`. This and the mask are None if the
        galaxy could not be measured.
    """

    image: np.ndarray
    failed: tuple[str, ...] = ()
    segmap: np.ndarray | None = None
    photometry: dict[str, float] | None = None


def clean_stamp(
    image: np.ndarray,
    segmap: np.ndarray | None,
    rng: np.random.Generator,
    config: CleaningConfig,
    noise_correlation: np.ndarray | None = None,
) -> CleanStamp:
    """Clean one stamp and measure its galaxy.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
        All pixels are finite.
    segmap : ndarray of int or None
        The archive's segmentation; without one (None or all 0) SEP segments the stamp.
    rng : Generator
        Generator of this galaxy only.
    config : CleaningConfig
    noise_correlation : ndarray, optional
        Of the noise that is added, see `deblend.data.noise.noise_images`.
    """
    image = np.ascontiguousarray(image, dtype=np.float32)
    centre = image.shape[-1] // 2
    given_segmap = segmap if segmap is not None and segmap.any() else None
    if given_segmap is None:
        try:
            box = config.detection.background_box_px
            objects, labels = detect(image, config.detection, background_rms(image, box))
        except SepError:
            return CleanStamp(image, ("not_segmented",))
        label = central_label(labels, objects)
    else:
        labels, label = given_segmap, int(given_segmap[centre, centre])
    if label == 0:
        return CleanStamp(image, ("not_detected",))
    failed = []
    if contact(labels, label) > config.max_contact:
        failed.append("touching")
    cleaned, background, sigma = replace_neighbours(
        image, labels, label, rng, config, noise_correlation
    )
    if background < config.min_background_fraction:
        failed.append("crowded")
    if background == 0:
        return CleanStamp(image, (*failed, "no_background"))
    try:
        rms = background_rms(cleaned, config.cold.background_box_px)
        if len(detect(cleaned, config.cold, rms)[0]) > 1:
            failed.append("still_blended")
        flux_iso, flux_auto, galaxy_mask = measure_isolated(cleaned, config.cold, config.hot)
    except SepError:
        return CleanStamp(image, (*failed, "not_segmented"))
    if not (flux_iso > 0 and flux_auto > 0):
        return CleanStamp(image, (*failed, "not_measured"))
    if given_segmap is not None:
        # The authors trained their networks on the archive's own masks (Sect. 2.3).
        galaxy_mask = np.asarray(given_segmap == label)
    weights = np.where(galaxy_mask, np.maximum(cleaned, 0), 0)
    y, x = np.indices(image.shape)
    offset = np.hypot(*(np.average(c, weights=weights) - centre for c in (x, y)))
    if offset > config.max_off_centre_px:
        failed.append("off_centre")
    photometry = {
        "flux_iso": flux_iso,
        "flux_auto": flux_auto,
        "segmap_area_px": float(galaxy_mask.sum()),
    }
    if config.extra_noise:
        # After the measurements: they are to be those of the galaxy in its own noise.
        cleaned = cleaned + noise_images(rng, image.shape, sigma, noise_correlation)
    return CleanStamp(cleaned, tuple(failed), galaxy_mask, photometry)


def read_rejected(path: str | Path) -> list[str]:
    """Ids of the galaxies that were rejected by eye (Boucaud et al. 2020, Sect. 2.1).

    Parameters
    ----------
    path : path
        Text with the columns `id` and `reason`, separated by a comma, semicolon or tabulator; lines
        that begin with # are comments.

    Raises
    ------
    DeblendError
        The table cannot be read, has other columns, or an id is missing or there twice.
    """
    try:
        content = read_text(path)
    except DeblendError as error:
        raise DeblendError(f"the galaxies rejected by eye: {error}") from error
    lines = [text for text in content.splitlines() if text.strip() and text[0] != "#"]
    # Only the first one separates columns: further ones belong to the reason, quoted or not.
    table = csv.reader(lines, delimiter=delimiter_of(lines, Path(path)) or ",")
    header, *rows = [[text.strip() for text in row] for row in table] or [[]]
    if header != ["id", "reason"]:
        raise DeblendError(
            f"{path} has the header {','.join(header)!r}: the rejected galaxies need id,reason"
        )
    ids = np.array([row[0] for row in rows], str)
    return identities(ids, f"column id of {path}").tolist()


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
        Stamps of the galaxies kept, with the photometry of the isolated galaxies. With extra noise,
        the noise of their band is higher by the square root of 2.
    exclusions : DataFrame
        `id`, `reason`, `morphology` ("" where none is clear-cut) and `failed` of each excluded
        galaxy, and of those that are kept (reason "") but fail a criterion that is switched off.
        `failed` has all reasons that apply to the stamp, separated by spaces.
    """
    rejected = frozenset(rejected)
    galaxies = parents.galaxies.copy()
    galaxies["morphology"] = classify(galaxies, config.min_class_probability)
    switched_off = [name for name in CRITERIA if not getattr(config, name)]
    correlation = parents.noise()[1]
    cut_at_positions = bool(parents.attributes.get(CUT_AT_POSITIONS))
    unplaced = galaxies[["ra", "dec"]].isna().any(axis=1).to_numpy() & cut_at_positions
    kept_rows, listed, stamps = [], [], []
    for i, galaxy in enumerate(galaxies.itertuples(index=False)):
        image = parents.images[i, 0]
        reason = _reason_against(galaxy, image, rejected, config)
        if reason == "outside" and unplaced[i]:
            reason = "no_position"
        if reason:
            listed.append((galaxy.id, reason, galaxy.morphology, reason))
            continue
        rng = generator(seed, "clean", parents.bands["name"][0], galaxy.origin, galaxy.id)
        stamp = clean_stamp(image, parents.segmaps[i], rng, config, correlation)
        reason = next((name for name in stamp.failed if name not in switched_off), "")
        if stamp.failed:
            listed.append((galaxy.id, reason, galaxy.morphology, " ".join(stamp.failed)))
        if not reason:
            kept_rows.append(i)
            stamps.append(stamp)
    columns = ["id", "reason", "morphology", "failed"]
    exclusions = pd.DataFrame(listed, columns=columns, dtype=str)
    photometry = [stamp.photometry for stamp in stamps]
    shape = parents.segmaps.shape[1:]
    bands = parents.bands
    if config.extra_noise:
        bands = bands.assign(noise_sigma=bands["noise_sigma"] * np.sqrt(2))
    result = Stamps(
        np.array([stamp.image for stamp in stamps], np.float32).reshape(-1, 1, *shape),
        np.array([stamp.segmap for stamp in stamps], np.int16).reshape(-1, *shape),
        pd.concat(
            [
                galaxies.iloc[kept_rows].reset_index(drop=True),
                pd.DataFrame(photometry, columns=["flux_iso", "flux_auto", "segmap_area_px"]),
            ],
            axis=1,
        ),
        bands,
        parents.psf,
        dict(parents.attributes),
        parents.noise_correlation,
    )
    return result, exclusions


def _reason_against(
    galaxy: Any, image: np.ndarray, rejected: Collection[str], config: CleaningConfig
) -> str:
    """Reason to exclude a galaxy before its stamp is cleaned, "" if there is none."""
    if np.isnan(image).all():
        return "outside"
    if not np.isfinite(image).all():
        return "bad_pixels"
    if np.ptp(image) == 0:
        return "constant"
    if not config.mag_min <= galaxy.mag <= config.mag_max:
        return "magnitude"
    if not galaxy.half_light_radius_px > 0:
        return "radius"
    if not galaxy.morphology:
        return "morphology"
    return "rejected" if galaxy.id in rejected else ""


def count_exclusions(exclusions: pd.DataFrame, kept: Sequence[str] | pd.Series) -> pd.DataFrame:
    """Table of how many galaxies were excluded, and for which reason.

    Parameters
    ----------
    exclusions : DataFrame
        `reason` and `morphology`, from `clean`.
    kept : sequence of str
        Class of each galaxy that was kept.

    Returns
    -------
    DataFrame
        `reason`, `n`, the numbers of each of the `CLASSES` and of galaxies without a clear-cut
        class (`unclear`), `meaning`; the last row is "kept".

    Raises
    ------
    DeblendError
        No galaxy is left.
    """
    excluded = exclusions[exclusions["reason"] != ""]
    if len(kept) == 0:
        counts = excluded["reason"].value_counts()
        listed = ", ".join(
            f"{counts[reason]} {reason}" for reason in EXCLUSIONS if reason in counts
        )
        most = str(counts.idxmax()) if len(counts) else ""
        raise DeblendError(
            f"none of the {len(excluded)} galaxies is left after cleaning ({listed}; most: "
            f"{EXCLUSIONS.get(most, 'there are none')}): {REMEDIES.get(most, REMEDY)}"
        )
    rows = []
    for reason, meaning in {**EXCLUSIONS, "kept": "clean stamps"}.items():
        rest = excluded.loc[excluded["reason"] == reason, "morphology"]
        classes = pd.Series(kept if reason == "kept" else rest, dtype=str)
        numbers = {name: int((classes == name).sum()) for name in CLASSES}
        numbers["unclear"] = int((classes == "").sum())
        rows.append({"reason": reason, "n": len(classes), **numbers, "meaning": meaning})
    return pd.DataFrame(rows)


def criteria_table(
    exclusions: pd.DataFrame, kept: Sequence[str] | pd.Series, applied: Collection[str]
) -> pd.DataFrame:
    """Numbers of galaxies with and without each of the `CRITERIA`, by class.

    Parameters
    ----------
    exclusions : DataFrame
        From `clean`.
    kept : sequence of str
        Class of each galaxy that cleaning kept.
    applied : collection of str
        Criteria that are switched on.

    Returns
    -------
    DataFrame
        A row for each criterion and class, and for all classes together (`total`): `criterion`,
        `applied`, `morphology`, `n`: galaxies whose stamps could be judged, `failing`: those that
        fail this criterion, whether or not they fail others, and the numbers that are kept with
        this criterion switched on (`kept_with`) and off (`kept_without`), the others being as they
        are.
    """
    flagged = exclusions.assign(failed=[frozenset(text.split()) for text in exclusions["failed"]])
    judged = [bool(reasons & set(CRITERIA)) for reasons in flagged["failed"]]
    flagged = flagged[np.array(judged, bool)]
    kept = pd.Series(kept, dtype=str)
    rows = []
    for criterion in CRITERIA:
        ignored = set(CRITERIA) - set(applied)
        for name in (*CLASSES, "total"):
            mine = flagged if name == "total" else flagged[flagged["morphology"] == name]
            n_kept = len(kept) if name == "total" else int((kept == name).sum())
            n_spotless = n_kept - int((mine["reason"] == "").sum())
            rows.append(
                {
                    "criterion": criterion,
                    "applied": criterion in applied,
                    "morphology": name,
                    "n": n_spotless + len(mine),
                    "failing": sum(criterion in reasons for reasons in mine["failed"]),
                    "kept_with": n_spotless
                    + sum(reasons <= ignored - {criterion} for reasons in mine["failed"]),
                    "kept_without": n_spotless
                    + sum(reasons <= ignored | {criterion} for reasons in mine["failed"]),
                }
            )
    return pd.DataFrame(rows)
