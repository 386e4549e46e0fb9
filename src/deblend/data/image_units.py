"""Units of images, and zero points that fit them.

The stamps of a data set are in counts/s at the zero point of their band, the AB magnitude of one
count per second. The unit of an image is that of its header (BUNIT), or that of the configuration
if it names one. Images without a unit are taken to be in counts/s.
"""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from deblend.errors import DeblendError
from numpy.typing import ArrayLike

log = logging.getLogger(__name__)


#: Zero point of a flux density of 1 Jy: 0 mag is 3631 Jy (Oke & Gunn 1983, ApJ 266, 713).
JANSKY = 8.90


#: Units that say nothing, in lower case.
NO_UNIT = ("", "none", "null", "unknown", "undefined", "n/a", "dimensionless", "unitless", "1")


#: Names of units, in lower case and without spaces, as they are found in headers and tables, and as
#: astropy reads them. Units of electrons, counts and the like are in `COUNTS`.
NAMES = {
    **dict.fromkeys(("jansky", "janskys", "jy"), "Jy"),
    **dict.fromkeys(("nanojansky", "nanojanskys", "nanojy", "njy"), "nJy"),
    **dict.fromkeys(("microjansky", "microjanskys", "microjy"), "uJy"),
    **dict.fromkeys(("ujy", "mujy", "µjy", "μjy"), "uJy"),
    "mag(ab)": "mag(AB)",
    **dict.fromkeys(("millijansky", "millijanskys", "millijy"), "mJy"),
    **dict.fromkeys(("mjy/sr", "mjy/ster", "mjysr-1", "mjy.sr-1"), "MJy / sr"),
}


#: Names of what a detector counts, in lower case.
COUNTS = {
    "electron": ("e", "e-", "el", "elec", "electron", "electrons"),
    "count": ("c", "ct", "cts", "cnt", "cnts", "count", "counts"),
    "adu": ("adu", "adus", "dn", "du"),
    "photon": ("ph", "phot", "photon", "photons"),
}


#: Multiples of maggies, in lower case: zero points 0 and 22.5.
MAGGIES = {
    **dict.fromkeys(("maggy", "maggies", "mgy"), 1.0),
    **dict.fromkeys(("nanomaggy", "nanomaggies", "nanomaggie", "nmgy"), 1e-9),
}


PER_TIME = re.compile(
    r"^(.+?)(?:/|per)(?:s|sec|secs|second|seconds)$|^(.+?)[.*]?s(?:ec)?(?:\*\*|\^)?\(?-1\)?$"
)


#: Endings that say that a value is that of a pixel, as all are.
PER_PIXEL = re.compile(r"(/|per)(pix|pixel|px)$|[.*]?(pix|pixel|px)(\*\*|\^)?\(?-1\)?$")


#: Difference of SEP's AUTO zero point from that of the images, mag, from which a warning is logged,
#: and from which a run stops, if it is also this many times its error. AUTO apertures miss less
#: than 0.1 mag of most galaxies.
WARN_MAG, STOP_MAG, STOP_ERRORS = 0.3, 0.5, 3.0


#: Number of galaxies from which their scatter is half the range of the central 68 %.
ROBUST_MIN = 10


#: Smallest scatter (mag) that is assumed for fewer galaxies, about that of SEP's AUTO fluxes.
FEW_SCATTER_MAG = 0.3


#: Standard error of a median in units of that of a mean, for a normal scatter.
MEDIAN_ERROR = float(np.sqrt(np.pi / 2))


@dataclass(frozen=True)
class UnitNote:
    """What a file's unit is taken for, to be logged.

    Attributes
    ----------
    source, unit : str
        The file, and the unit ("" without one).
    level : int
        That of the log.
    text : str
        What is logged, after "is"; "" for nothing. {seconds} stands for the exposure time.
    seconds : float
    """

    source: str
    unit: str = ""
    level: int = logging.INFO
    text: str = ""
    seconds: float = 0.0


def report_units(notes: Sequence[UnitNote], subject: str) -> None:
    """Log what the units of files are taken for, once for all with the same unit.

    Parameters
    ----------
    notes : sequence of UnitNote
        From `counts_factor`, one for each file. A warning says so if their units differ.
    subject : str
        The files in words.
    """
    same: dict[tuple[int, str], list[UnitNote]] = {}
    for note in notes:
        same.setdefault((note.level, note.text), []).append(note)
    for (level, text), group in same.items():
        if not text:
            continue
        source, seconds = group[0].source, sorted({note.seconds for note in group})
        are = f"{source} is"
        if len(notes) > 1:
            are = f"{subject}: {len(group)} of {len(notes)} files (such as {source}) are"
        exposure = " to ".join(f"{value:g}" for value in dict.fromkeys((seconds[0], seconds[-1])))
        log.log(level, "%s %s", are, text.replace("{seconds}", exposure))
    units = Counter(note.unit or "no unit" for note in notes)
    if len(units) > 1:
        counts = ", ".join(f"{n} in {unit}" for unit, n in units.items())
        log.warning("%s: the files have different units (%s): check them", subject, counts)


def counts_factor(
    header: Any,
    unit: str | None,
    *,
    zero_point: float,
    pixel_scale_arcsec: float,
    source: str | Path,
    notes: list[UnitNote] | None = None,
) -> float:
    """Factor by which pixels have to be multiplied to be counts/s at a zero point.

    Parameters
    ----------
    header : fits.Header or dict
        Of the image, see `deblend.data.image_files.Pixels`.
    unit : str, optional
        The unit by the configuration, instead of the header's.
    zero_point : float
        AB magnitude of one count per second.
    pixel_scale_arcsec : float
        For units of surface brightness.
    source : path
        The image, for messages.
    notes : list of UnitNote, optional
        Where to add what would be logged, for `report_units`.

    Returns
    -------
    float
        Rates (electrons, counts or DN per second) are taken as they are. Electrons, counts and DN
        are divided by the exposure time, EXPTIME in the header; counts and DN without one are taken
        as they are, with a warning, since surveys publish coadded images whose zero point is that
        of one count. Flux densities (nJy, uJy, Jy, nanomaggies, MJy/sr) become counts/s that have
        the same magnitude.

    Raises
    ------
    DeblendError
        The unit is not known or is no flux, or the exposure time of electrons is not.
    """
    factor, note = _converted(header, unit, zero_point, pixel_scale_arcsec, str(source))
    if notes is None:
        report_units([note], str(source))
    else:
        notes.append(note)
    return factor


def _converted(
    header: Any, unit: str | None, zero_point: float, pixel_scale_arcsec: float, source: str
) -> tuple[float, UnitNote]:
    """Factor of an image, and what is to be logged."""
    given = unit if unit is not None else header.get("BUNIT")
    text = "" if given is None else str(given).strip()
    if text.lower() in NO_UNIT:
        says = f"in {text!r}, which is no unit: taken as counts/s" if text else ""
        return 1.0, UnitNote(source, "", logging.WARNING, says)
    origin = "unit" if unit is not None else "BUNIT"
    name = PER_PIXEL.sub("", re.sub(r"\s+", "", text.lower()))
    rate = PER_TIME.match("c/s" if name == "cps" else name)
    counted = _counted((rate.group(1) or rate.group(2)).rstrip(".*") if rate else name)
    if counted and rate:
        says = f"in {text}: taken as counts/s at the zero point {zero_point:g}"
        return 1.0, UnitNote(source, text, text=says)
    if counted:
        return _per_second(header, counted, source, text, origin)
    jansky = _jansky(text, name, pixel_scale_arcsec)
    if jansky is None:
        raise DeblendError(
            f"{source} is in {text!r} ({origin}), which is not known as a unit of flux: give "
            "counts/s, electrons/s, electrons, counts, DN, nJy, uJy, Jy, MJy/sr or nanomaggies as "
            "unit, or convert the image to counts/s"
        )
    factor = jansky * 10 ** (0.4 * (zero_point - JANSKY))
    says = f"in {text}: multiplied by {factor:g} to be counts/s at the zero point {zero_point:g}"
    return float(factor), UnitNote(source, text, text=says)


def _counted(name: str) -> str | None:
    """What a unit counts, one of `COUNTS`; None if it is another unit."""
    return next((kind for kind, names in COUNTS.items() if name in names), None)


def _per_second(
    header: Any, counted: str, source: str, text: str, origin: str
) -> tuple[float, UnitNote]:
    """Factor of images in electrons or counts, by the exposure time of the header."""
    says = f"in {text} ({origin})"
    for keyword in ("EXPTIME", "TEXPTIME"):
        seconds = header.get(keyword)
        if isinstance(seconds, int | float) and np.isfinite(seconds) and seconds > 0:
            says += (
                f": divided by {keyword} = {{seconds}} s to be per second, as the zero point is; "
                "if that is the magnitude of one of these counts, set unit to counts/s"
            )
            return 1 / float(seconds), UnitNote(source, text, logging.WARNING, says, float(seconds))
    if counted in ("electron", "photon"):
        raise DeblendError(
            f"{source} is {says}, not per second, and its header has no EXPTIME: divide it by the "
            "exposure time, or, if zero_point is the magnitude of one of these, set unit to "
            "counts/s"
        )
    says += (
        ", not per second, without EXPTIME in the header: zero_point is taken as the magnitude of "
        "one of these counts; set unit to counts/s if that is so, else divide by the exposure time"
    )
    return 1.0, UnitNote(source, text, logging.WARNING, says)


def _jansky(text: str, name: str, pixel_scale_arcsec: float) -> float | None:
    """Flux density of a pixel of the value 1, Jy; None if the unit is no flux density."""
    if name in MAGGIES:
        return MAGGIES[name] * 10 ** (0.4 * JANSKY)
    area = (pixel_scale_arcsec * u.arcsec) ** 2
    # As it stands first, since mJy and MJy differ in case only.
    for spelling in (text, NAMES.get(name)):
        if spelling is None:
            continue
        try:
            unit = u.Unit(spelling)
        except (ValueError, TypeError):
            continue
        if not isinstance(unit, u.UnitBase):
            return None  # magnitudes
        for quantity in (1 * unit, 1 * unit * area, 1 * unit * u.pix):
            try:
                return float(quantity.to_value(u.Jy))
            except u.UnitConversionError:
                continue
    return None


def check_zero_point(of_galaxies: ArrayLike, of_images: float) -> None:
    """Compare SEP's AUTO zero point, from isolated galaxies, with that of the images.

    Parameters
    ----------
    of_galaxies : array of float, shape (n,)
        The zero point at which each galaxy's AUTO flux has the catalogue's magnitude. The zero
        point is their median.
    of_images : float
        The zero point that the configuration gives.

    Raises
    ------
    DeblendError
        They differ by more than `STOP_MAG`, and by `STOP_ERRORS` standard errors of the median.
    """
    values = np.asarray(of_galaxies, float)
    fitted, n = float(np.median(values)), len(values)
    difference = fitted - of_images
    if not abs(difference) > WARN_MAG:
        return
    # A few galaxies say little about the scatter; percentiles would make it too small.
    low, high = np.percentile(values, (16, 84))
    if n >= ROBUST_MIN:
        scatter = (high - low) / 2
    else:
        scatter = max(float(np.std(values, ddof=1)), FEW_SCATTER_MAG) if n > 1 else np.inf
    error = scatter * MEDIAN_ERROR / np.sqrt(n)
    text = (
        f"SEP's AUTO fluxes of {n} isolated galaxies have the catalogue's magnitudes at the zero "
        f"point {fitted:.2f}, and that of the images is {of_images:g}: the pixels are "
        f"{10 ** (0.4 * difference):.3g} times as bright as zero_point says (difference "
        f"{difference:+.2f} +- {error:.2f} mag)"
    )
    remedy = (
        "the images may be in another unit than counts/s (electrons, nJy ...), or zero_point or "
        "the catalogue's magnitudes those of another band or system: correct unit or zero_point, "
        "and noise_sigma with it"
    )
    if abs(difference) > STOP_MAG and abs(difference) > STOP_ERRORS * error:
        raise DeblendError(f"{text}: {remedy}")
    log.warning("%s: %s", text, remedy)
