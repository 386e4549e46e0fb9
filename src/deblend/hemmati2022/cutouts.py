"""Cut-outs in one or several bands: selection of the galaxies, their splits, and the data set.

Source: Hemmati et al. 2022, Sect. 2, 4.2 and 5.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.data.stamps import TEXT_COLUMNS, Stamps, write_parts
from deblend.errors import DeblendError
from deblend.hemmati2022.degrade import fwhm_from_area
from deblend.seeds import uniform

log = logging.getLogger(__name__)


#: Columns that the selection uses in addition to `deblend.data.stamps.GALAXY_COLUMNS`; NaN if
#: unknown.
EXTRA_COLUMNS = ("mag_f160w", "class_star")


#: Reasons why a galaxy is left out, in the order in which they are tested.
REASONS = {
    "no_position": "no coordinates, though others of the catalogue have some",
    "no_magnitude": "no magnitude in the detection band, or none that a galaxy can have",
    "faint_f160w": "too faint in F160W",
    "star": "CLASS_STAR of a star",
    "redshift": "redshift too low or too high",
    "size": "FWHM too small or too large",
    "faint": "too faint in the detection band",
    "missing_band": "not covered, or no light at all, in a band",
    "edge": "the cut-out leaves a mosaic",
    "bad_pixels": "pixels without data",
    "off_centre": "something brighter beside the galaxy in the detection band",
}


#: Side (px) of the middle of a cut-out in which the galaxy has to be the brightest. The authors'
#: code has 80 px for the first galaxy of a blend and 140 px for the second.
BRIGHTEST_PX = 80


def halves(catalogue: pd.DataFrame, split_dec_deg: float | None, seed: int) -> np.ndarray:
    """The half of the field that each galaxy is in (Sect. 2: "cut in half by declination").

    Parameters
    ----------
    catalogue : DataFrame
        id and dec (deg).
    split_dec_deg : float, optional
        Declination between the halves; the median declination by default.
    seed : int
        Seed for a catalogue without declinations, whose galaxies are halved at random, by id.

    Returns
    -------
    ndarray of str
        "south" (up to and including the limit) or "north", also where only this galaxy has no
        declination: `select` leaves it out.

    Raises
    ------
    DeblendError
        All galaxies are on one side of the limit.
    """
    dec = catalogue["dec"].to_numpy(float)
    known = dec[np.isfinite(dec)]
    if not len(known):
        log.warning("no declinations: the galaxies are halved at random, by id")
        draws = [uniform(seed, "hemmati2022 half", name) for name in catalogue["id"]]
        return np.where(np.array(draws) < 0.5, "south", "north")
    limit = float(np.median(known)) if split_dec_deg is None else split_dec_deg
    south = dec <= limit
    if (known <= limit).all() or not south.any():
        raise DeblendError(
            f"split_dec_deg is {limit} and all declinations are on one side of it, from "
            f"{known.min()} to {known.max()}: give one in between, or null for their median"
        )
    return np.where(south, "south", "north")


def select(catalogue: pd.DataFrame, cuts: dict[str, Any], seed: int) -> pd.DataFrame:
    """Split a catalogue, and cut it (Sects 2 and 5).

    Parameters
    ----------
    catalogue : DataFrame
        id, ra, dec, mag (detection band), redshift, `EXTRA_COLUMNS`, and perhaps fwhm_px. Galaxies
        with an unknown (NaN) mag are left out, and those without coordinates if others have them;
        those with an unknown redshift, CLASS_STAR, F160W magnitude or FWHM are kept.
    cuts : dict
        train and test, each with mag_max, mag_f160w_max, class_star_max, redshift_max;
        redshift_min, fwhm_min_px and fwhm_max_px for both (None for no limit); split_dec_deg;
        train_half ("south" or "north"); validation_share, the share of the training half that is
        for validation.
    seed : int

    Returns
    -------
    DataFrame
        The catalogue with the columns split and reason (one of `REASONS`; "" for galaxies that are
        kept). The split is "train", "validation" or "test"; "calibration" for galaxies of the
        training half that only the limits of the test keep, on which no network is trained but
        detection thresholds are set; "none" for galaxies that are left out.

    Raises
    ------
    DeblendError
        See `halves`; also if ids are not unique.
    """
    repeated = catalogue["id"][catalogue["id"].duplicated()]
    if len(repeated):
        raise DeblendError(
            f"{len(repeated)} ids occur more than once (the first: {repeated.iloc[0]}): make the "
            "ids of the catalogue unique"
        )
    sizes = [f"{name} {cuts[name]}" for name in ("fwhm_min_px", "fwhm_max_px") if cuts[name]]
    if sizes and ("fwhm_px" not in catalogue or catalogue["fwhm_px"].isna().all()):
        log.warning(
            "the catalogue has no FWHM: %s leave out no galaxy (null: no limit)", ", ".join(sizes)
        )
    training = halves(catalogue, cuts["split_dec_deg"], seed) == cuts["train_half"]
    validation = [
        uniform(seed, "hemmati2022 validation", name) < cuts["validation_share"]
        for name in catalogue["id"]
    ]
    split = np.where(training, np.where(validation, "validation", "train"), "test")
    # Validation galaxies have the limits of the test galaxies.
    reason = _reasons(catalogue, cuts, split == "train")
    by_test_limits = _reasons(catalogue, cuts, np.zeros(len(catalogue), bool))
    spare = (split == "train") & (reason != "") & (by_test_limits == "")
    split, reason = np.where(spare, "calibration", split), np.where(spare, "", reason)
    split = np.where(reason == "", split, "none")
    return catalogue.assign(split=split.astype(str), reason=reason.astype(str))


def _reasons(catalogue: pd.DataFrame, cuts: dict[str, Any], by_train: np.ndarray) -> np.ndarray:
    """Why galaxies are left out, by the limits for training or by those for the test."""

    def above(column: str, cut: str) -> np.ndarray:
        limits = [np.inf if cuts[s][cut] is None else cuts[s][cut] for s in ("train", "test")]
        return catalogue[column].to_numpy(float) >= np.where(by_train, *limits)

    def outside(column: str, low: str, high: str | None = None) -> np.ndarray:
        if column not in catalogue:
            return np.zeros(len(catalogue), bool)
        values = catalogue[column].to_numpy(float)
        least = -np.inf if cuts[low] is None else cuts[low]
        most = np.inf if high is None or cuts[high] is None else cuts[high]
        return (values <= least) | (values >= most)

    # The split needs declinations, and mosaics both coordinates.
    unplaced = np.zeros(len(catalogue), bool)
    for coordinate in ("ra", "dec"):
        unknown = ~np.isfinite(catalogue[coordinate].to_numpy(float))
        unplaced |= unknown & ~unknown.all()
    reason = np.full(len(catalogue), "", dtype=object)
    for name, cut in (
        ("no_position", unplaced),
        ("no_magnitude", ~np.isfinite(catalogue["mag"].to_numpy(float))),
        ("faint_f160w", above("mag_f160w", "mag_f160w_max")),
        ("star", above("class_star", "class_star_max")),
        ("redshift", above("redshift", "redshift_max") | outside("redshift", "redshift_min")),
        ("size", outside("fwhm_px", "fwhm_min_px", "fwhm_max_px")),
        ("faint", above("mag", "mag_max")),
    ):
        reason[cut & (reason == "")] = name
    return reason


def read_selected(path: str | Path) -> pd.DataFrame:
    """Read a table from `select`, written as CSV."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    numbers = [c for c in table if c not in (*TEXT_COLUMNS, "reason")]
    return table.assign(**table[numbers].replace("", "nan").astype(float))


def chunk_rows(selected: pd.DataFrame, chunk: int, chunk_size: int) -> np.ndarray:
    """Rows of the galaxies that are kept in one chunk of the catalogue."""
    rows = np.arange(chunk * chunk_size, min((chunk + 1) * chunk_size, len(selected)))
    return rows[(selected["reason"] == "").to_numpy()[rows]]


def keep_usable(
    stamps: Stamps,
    reasons: np.ndarray | None = None,
    *,
    detection_band: str = "",
    max_off_centre_px: float | None = None,
) -> tuple[Stamps, pd.DataFrame]:
    """Leave out the cut-outs that lack a band or pixels, or have something brighter beside.

    Parameters
    ----------
    stamps : Stamps
    reasons : ndarray of str, optional
        One of `REASONS` for each cut-out that is already known to be unusable, else "".
    detection_band : str
        Used with max_off_centre_px only.
    max_off_centre_px : float, optional
        Largest distance along each axis of the brightest pixel of the detection band from the
        galaxy's; no limit by default.

    Returns
    -------
    stamps : Stamps
    excluded : DataFrame
        id and reason: the given one, that of `rejection_reason`, or "off_centre".
    """
    all_reasons = np.array([rejection_reason(image) for image in stamps.images], dtype=object)
    if reasons is not None:
        all_reasons = np.where(reasons != "", reasons, all_reasons)
    if max_off_centre_px is not None:
        band = stamps.bands["name"].tolist().index(detection_band)
        offsets = brightest_offsets(stamps.images[:, band], BRIGHTEST_PX)
        off_centre = np.abs(offsets).max(axis=1) > max_off_centre_px
        all_reasons[(all_reasons == "") & off_centre] = "off_centre"
    excluded = pd.DataFrame({"id": stamps.galaxies["id"].to_numpy(), "reason": all_reasons})
    kept = all_reasons == ""
    # Seven bands of thousands of galaxies are gigabytes: avoid a copy if all cut-outs are kept.
    return stamps if kept.all() else stamps.take(np.flatnonzero(kept)), excluded[~kept]


def rejection_reason(image: np.ndarray) -> str:
    """Why a cut-out (band, y, x) cannot be used: one of `REASONS`, or "" if it can be used.

    The reason is "missing_band" if a band has only zeros and NaN, or "bad_pixels" if any pixel is
    NaN.
    """
    finite = np.isfinite(image)
    if not ((image != 0) & finite).any(axis=(1, 2)).all():
        return "missing_band"
    return "" if finite.all() else "bad_pixels"


def brightest_offsets(images: np.ndarray, side: int) -> np.ndarray:
    """Where the brightest pixel in the middle of each image is.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        NaN for pixels without data.
    side : int
        Side of the middle, pixels.

    Returns
    -------
    ndarray of int, shape (n, 2)
        dx and dy from the central pixel (size // 2).
    """
    cy, cx = (size // 2 for size in images.shape[1:])
    y0, x0 = max(cy - side // 2, 0), max(cx - side // 2, 0)
    middle = images[:, y0 : cy + side // 2, x0 : cx + side // 2]
    light = np.where(np.isfinite(middle), middle, -np.inf)
    y, x = np.unravel_index(light.reshape(len(light), -1).argmax(axis=1), light.shape[1:])
    return np.stack([x + x0 - cx, y + y0 - cy], axis=1)


def write_cutouts(
    path: str | Path,
    parts: Iterable[tuple[Stamps, pd.DataFrame]],
    selected: pd.DataFrame,
    detection_band: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write the data set of cut-outs part by part, and list the galaxies that it lacks.

    Parameters
    ----------
    path : path
        Its galaxy table has the columns split and fwhm_px (from the catalogue, else measured by
        `deblend.hemmati2022.degrade.fwhm_from_area` in the detection band).
    parts : iterable of (Stamps, DataFrame)
        From `keep_usable`: usable cut-outs in the order of `selected`, and id and reason of those
        that are not usable. Only one part is in memory at a time.
    selected : DataFrame
        From `select`.
    detection_band : str

    Returns
    -------
    split : DataFrame
        id and split of every galaxy of the catalogue, see `select`.
    excluded : DataFrame
        id and reason of the galaxies in the split none.

    Raises
    ------
    DeblendError
        A split is empty, the detection band is not among the bands, or the parts do not have the
        selected galaxies.
    """
    by_id = selected.set_index("id")
    reason, split = by_id["reason"].copy(), by_id["split"].copy()

    def checked() -> Iterator[Stamps]:
        ids: list[str] = []
        for stamps, exclusions in parts:
            reason[exclusions["id"]] = exclusions["reason"].to_numpy(str)
            split[exclusions["id"]] = "none"
            if len(stamps):
                ids += stamps.galaxies["id"].tolist()
                yield _completed(stamps, split, detection_band)
        counts, reasons = split.value_counts(), reason[reason != ""].value_counts()
        log.info("splits: %s; left out: %s", counts.to_dict(), reasons.to_dict())
        empty = [name for name in ("train", "test") if not counts.get(name)]
        if empty:
            raise DeblendError(
                f"of {len(selected)} galaxies none is left for the split {' and '.join(empty)} "
                f"(left out: {reasons.to_dict() or 'none'}): {_remedy(reasons)}"
            )
        if ids != reason.index[reason == ""].tolist():
            raise DeblendError(
                f"the chunks hold {len(ids)} galaxies, not the {int((split != 'none').sum())} "
                "selected ones in their order: delete the chunks and run the workflow again"
            )

    write_parts(path, checked())
    return split.reset_index(), reason[reason != ""].reset_index()


def _remedy(reasons: pd.Series) -> str:
    """What to do if too few galaxies are left, from how often each reason was given."""
    if len(reasons) and reasons.idxmax() in ("missing_band", "edge", "bad_pixels"):
        return (
            "most cut-outs lack pixels: check that the columns of ra and dec (degrees) are those "
            "of the images' coordinates, and that all bands have data there"
        )
    return "give more galaxies or wider cuts"


def _completed(stamps: Stamps, split: pd.Series, detection_band: str) -> Stamps:
    """Cut-outs with the columns split and fwhm_px."""
    bands = stamps.bands["name"].tolist()
    if detection_band not in bands:
        raise DeblendError(
            f"detection_band is {detection_band!r}, but the cut-outs have {', '.join(bands)}: name "
            "one of these"
        )
    galaxies = stamps.galaxies
    fwhm_px = fwhm_from_area(stamps.images[:, bands.index(detection_band)])
    if "fwhm_px" in galaxies:
        known = galaxies["fwhm_px"].to_numpy(float)
        fwhm_px = np.where(np.isfinite(known), known, fwhm_px)
    galaxies["split"] = split[galaxies["id"]].to_numpy(str)
    galaxies["fwhm_px"] = fwhm_px
    return stamps
