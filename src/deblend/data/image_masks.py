"""Maps of an image, and which pixels have no data by them: weights, variances and flags of masks.

Each bit of a mask or data-quality plane stands for a property of the pixel. Some mean that there is
no value, or a wrong one; others that the pixel belongs to an object, or was corrected well.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from deblend.errors import DeblendError

log = logging.getLogger(__name__)


#: Names of weight maps.
WEIGHT_NAMES = ("WHT", "WGT", "WEIGHT", "WEIGHTS", "IVAR", "INVVAR")


#: Kinds of maps that say where there are no data, by the names of their extensions.
MAP_KINDS = {
    **{"MASK": "mask", "MSK": "mask", "BPM": "mask", "DQ": "dq"},
    **dict.fromkeys(WEIGHT_NAMES, "weight"),
    **dict.fromkeys(("VARIANCE", "VAR"), "variance"),
}


#: Names of other extensions that belong to an image, and are none.
OTHER_MAPS = (
    *("ERR", "ERROR", "RMS", "SIGMA", "STDDEV", "UNCERT", "CTX", "CON", "SAMP", "TIME", "EXP"),
    *("NIMAGE", "SEG", "SEGM", "SEGMAP", "PSF"),
)


#: Flags in a plane DQ of Hubble's instruments that mean no value or a wrong one (ACS and WFC3 Data
#: Handbooks, tables of data-quality flags): data lost (1) or filled in (2), bad detector pixel (4),
#: masked or unstable (8), hot (16), bad in the bias (128), saturated (256), cosmic ray by
#: AstroDrizzle (4096) or calacs and calwf3 (8192). Not those that are corrected or harmless: warm
#: pixels (32, 64), the flat field's blobs (512), charge traps (1024), signal in the zero read
#: (2048), crosstalk (16384).
HST_BAD = (1, 2, 4, 8, 16, 128, 256, 4096, 8192)


#: Of other telescopes (TELESCOP of the primary header): JWST's DO_NOT_USE sums up its others.
BAD_BY_TELESCOPE = {"JWST": (1,)}


#: Planes of HSC's and Rubin's masks with pixels without data: the first one that there is.
NO_DATA_PLANES = ("NO_DATA", "BAD")


#: Beginning of the keywords that have the number of a plane's bit, as HSC and Rubin write them.
PLANE_PREFIX = "MP_"


def bad_bits(
    kind: str, header: Any, telescope: str, chosen: Sequence[int | str] | None, where: str | Path
) -> int | None:
    """The bits that mark pixels without data.

    Parameters
    ----------
    kind : {"mask", "dq"}
        A plane MASK or DQ.
    header : fits.Header or dict
        Of the plane.
    telescope : str
        TELESCOP of the file, or "".
    chosen : sequence of int and str, optional
        Flags by the configuration: their values (powers of 2, or sums of them), or the names that
        the header has for planes (MP_...). None: of a mask with such names NO_DATA, or else BAD; of
        another mask any; of DQ those of `HST_BAD`, or of `BAD_BY_TELESCOPE`.
    where : path
        The file, for messages.

    Returns
    -------
    int or None
        Sum of the bits' values; None: any bit. A warning is logged if none of a mask's names is
        known.

    Raises
    ------
    DeblendError
        The header has no plane of a chosen name, or a plane that is no number of a bit.
    """
    planes = {
        name[len(PLANE_PREFIX) :]: 1 << _bit(name, header[name], where)
        for name in header
        if name.startswith(PLANE_PREFIX)
    }
    if chosen is None:
        if kind == "dq":
            chosen = BAD_BY_TELESCOPE.get(telescope.strip().upper(), HST_BAD)
        elif not planes:
            return None
        else:
            chosen = [name for name in NO_DATA_PLANES if name in planes][:1]
            if not chosen:
                log.warning(
                    "the mask of %s has the planes %s, and none of %s: no pixel is taken to have "
                    "no data by it; name those that mean so as mask_bits",
                    *(where, ", ".join(sorted(planes)), " and ".join(NO_DATA_PLANES)),
                )
    total = 0
    for flag in chosen:
        if isinstance(flag, str) and flag not in planes:
            raise DeblendError(
                f"mask_bits names {flag}, and the mask of {where} has "
                f"{', '.join(sorted(planes)) or 'no names of its bits, but numbers'}: give one of "
                "these, or the value of a flag"
            )
        total |= planes[flag] if isinstance(flag, str) else flag
    return total


def _bit(name: str, value: Any, where: str | Path) -> int:
    """Number of the bit of a plane."""
    if not (isinstance(value, int) and 0 <= value < 63):
        raise DeblendError(
            f"the mask of {where} has {value!r} as {name} in its header: it has to be the number "
            "of a bit, 0 to 62"
        )
    return value


def tells_all(kind: str, bits: int | None) -> bool:
    """Whether a map says of all pixels whether they have data.

    Data-quality planes do not: they can be 0 where no exposure reached. A mask without a flag that
    means no data does not either.
    """
    return kind in ("weight", "variance") or (kind == "mask" and bits != 0)


def lacks_data(kind: str, values: np.ndarray, bits: int | None) -> np.ndarray:
    """Which pixels have no data by a map of some kind of `MAP_KINDS`; `bits` as of `bad_bits`."""
    if kind in ("weight", "variance"):
        return ~(values > 0) | ~np.isfinite(values)
    return flagged(values, bits)


def flagged(values: np.ndarray, bits: int | None) -> np.ndarray:
    """Which pixels of a plane have one of the bits (None: any), or no value themselves."""
    unknown = ~np.isfinite(values)
    if bits is None:
        return unknown | (values != 0)
    numbers = np.where(unknown, 0, values).astype(np.int64)
    return unknown | ((numbers & bits) != 0)
