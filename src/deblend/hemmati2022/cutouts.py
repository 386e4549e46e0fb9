"""Cut-outs in one or several bands: selection of the galaxies, their splits, and the data set.

Source: Hemmati et al. 2022, Sect. 2, 4.2 and 5.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.data.stamps import TEXT_COLUMNS, Stamps, read_galaxies, read_stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.degrade import fwhm_from_area
from deblend.seeds import uniform

log = logging.getLogger(__name__)


#: Columns that the selection uses in addition to `deblend.data.stamps.GALAXY_COLUMNS`; NaN if
#: unknown.
EXTRA_COLUMNS = ("mag_f160w", "class_star")


#: Reasons why a galaxy is left out, in the order in which they are tested.
REASONS = {
    "no_magnitude": "no flux in the detection band",
    "faint_f160w": "too faint in F160W",
    "star": "CLASS_STAR of a star",
    "redshift": "redshift too high",
    "faint": "too faint in the detection band",
    "missing_band": "not covered, or no light at all, in a band",
    "edge": "the cut-out leaves a mosaic",
    "bad_pixels": "pixels without data",
}


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
        "south" (up to and including the limit) or "north".

    Raises
    ------
    DeblendError
        Some declinations are missing, or all galaxies are on one side of the limit.
    """
    dec = catalogue["dec"].to_numpy(float)
    missing = int(np.isnan(dec).sum())
    if missing == len(dec):
        log.warning("no declinations: the galaxies are halved at random, by id")
        draws = [uniform(seed, "hemmati2022 half", name) for name in catalogue["id"]]
        return np.where(np.array(draws) < 0.5, "south", "north")
    if missing:
        raise DeblendError(
            f"{missing} of {len(dec)} galaxies have no declination, which the split needs: "
            "complete the catalogue, or leave the column out to split by id"
        )
    limit = float(np.median(dec)) if split_dec_deg is None else split_dec_deg
    south = dec <= limit
    if south.all() or not south.any():
        raise DeblendError(
            f"split_dec_deg is {limit} and all declinations are on one side of it, from "
            f"{dec.min()} to {dec.max()}: give one in between, or null for their median"
        )
    return np.where(south, "south", "north")


def select(catalogue: pd.DataFrame, cuts: dict[str, Any], seed: int) -> pd.DataFrame:
    """Split a catalogue, and cut it (Sects 2 and 5).

    Parameters
    ----------
    catalogue : DataFrame
        id, dec, mag (detection band), redshift, and `EXTRA_COLUMNS`. Galaxies with an unknown (NaN)
        mag are left out; those with an unknown redshift, CLASS_STAR or F160W magnitude are kept.
    cuts : dict
        train and test, each with mag_max, mag_f160w_max, class_star_max, redshift_max (None for no
        limit); split_dec_deg; train_half ("south" or "north"); validation_share, the share of the
        training half that is for validation.
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

    reason = np.full(len(catalogue), "", dtype=object)
    for name, cut in (
        ("no_magnitude", ~np.isfinite(catalogue["mag"].to_numpy(float))),
        ("faint_f160w", above("mag_f160w", "mag_f160w_max")),
        ("star", above("class_star", "class_star_max")),
        ("redshift", above("redshift", "redshift_max")),
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


def keep_usable(stamps: Stamps, reasons: np.ndarray | None = None) -> tuple[Stamps, pd.DataFrame]:
    """Leave out the cut-outs that lack a band or pixels.

    Parameters
    ----------
    stamps : Stamps
    reasons : ndarray of str, optional
        One of `REASONS` for each cut-out that is already known to be unusable, else "".

    Returns
    -------
    stamps : Stamps
    excluded : DataFrame
        id and reason: the given one, else that of `rejection_reason`.
    """
    all_reasons = np.array([rejection_reason(image) for image in stamps.images], dtype=object)
    if reasons is not None:
        all_reasons = np.where(reasons != "", reasons, all_reasons)
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


def assemble_cutouts(
    parts: Sequence[str | Path],
    exclusions: pd.DataFrame,
    selected: pd.DataFrame,
    detection_band: str,
) -> tuple[Stamps, pd.DataFrame, pd.DataFrame]:
    """Assemble the data set of cut-outs from its chunks, and list the galaxies that it lacks.

    Parameters
    ----------
    parts : sequence of path
        Chunks of usable cut-outs.
    exclusions : DataFrame
        id and reason of the cut-outs that are not usable.
    selected : DataFrame
        From `select`.
    detection_band : str

    Returns
    -------
    stamps : Stamps
        Their galaxy table has the columns split and fwhm_px (from the catalogue, else measured by
        `deblend.hemmati2022.degrade.fwhm_from_area` in the detection band).
    split : DataFrame
        id and split of every galaxy of the catalogue, see `select`.
    excluded : DataFrame
        id and reason of the galaxies in the split none.

    Raises
    ------
    DeblendError
        A split is empty, the detection band is not among the bands, or the chunks do not have the
        selected galaxies.
    """
    by_id = selected.set_index("id")
    reason = by_id["reason"].copy()
    reason[exclusions["id"]] = exclusions["reason"].to_numpy(str)
    split = by_id["split"].where(reason == "", "none")
    counts, reasons = split.value_counts(), reason[reason != ""].value_counts()
    log.info("splits: %s; left out: %s", counts.to_dict(), reasons.to_dict())
    empty = [name for name in ("train", "test") if not counts.get(name)]
    if empty:
        raise DeblendError(
            f"of {len(selected)} galaxies none is left for the split {' and '.join(empty)} (left "
            f"out: {reasons.to_dict() or 'none'}): give more galaxies or wider cuts"
        )
    stamps = _join(parts)
    if stamps.galaxies["id"].tolist() != reason.index[reason == ""].tolist():
        raise DeblendError(
            f"the chunks hold {len(stamps)} galaxies, not the {int((split != 'none').sum())} "
            "selected ones in their order: delete the chunks and run the workflow again"
        )
    bands = stamps.bands["name"].tolist()
    if detection_band not in bands:
        raise DeblendError(
            f"detection_band is {detection_band!r}, but the cut-outs have {', '.join(bands)}: name "
            "one of these"
        )
    stamps.galaxies["split"] = split[split != "none"].to_numpy(str)
    fwhm_px = fwhm_from_area(stamps.images[:, bands.index(detection_band)])
    if "fwhm_px" in stamps.galaxies:
        fwhm_px = stamps.galaxies["fwhm_px"].fillna(pd.Series(fwhm_px)).to_numpy()
    stamps.galaxies["fwhm_px"] = fwhm_px
    return stamps, split.reset_index(), reason[reason != ""].reset_index()


def _join(parts: Sequence[str | Path]) -> Stamps:
    """Join all chunks without copies, since seven bands of thousands of galaxies are gigabytes."""
    tables = [read_galaxies(part) for part in parts]
    filled = [(part, len(table)) for part, table in zip(parts, tables, strict=True) if len(table)]
    first = read_stamps(filled[0][0])
    total = sum(n for _, n in filled)
    images = np.empty((total, *first.images.shape[1:]), np.float32)
    segmaps = np.empty((total, *first.segmaps.shape[1:]), np.int16)
    start = 0
    for part, n in filled:
        stamps = read_stamps(part)
        images[start : start + n] = stamps.images
        segmaps[start : start + n] = stamps.segmaps
        start += n
    galaxies = pd.concat([table for table in tables if len(table)], ignore_index=True)
    return Stamps(images, segmaps, galaxies, first.bands, first.psf, dict(first.attributes))
