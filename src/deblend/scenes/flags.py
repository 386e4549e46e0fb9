"""Bits of the flags of all methods, which are added, and what each means."""

import numpy as np

#: Bit, and its meaning, by name.
FLAGS: dict[str, tuple[int, str]] = {
    "not_found": (1, "the method finds no galaxy at this position: it has no flux"),
    "not_positive": (2, "the flux is not positive: it has no magnitude"),
    "no_data": (4, "pixels without data, or beyond the image's edge, within what was measured"),
    "fit": (8, "the fit has not converged, was stopped by a bound or is of round galaxies"),
    "deblended": (16, "SEP: the aperture has pixels of others, or the object was divided"),
    "single": (32, "the network expects two galaxies, and there is one within its stamp"),
    "crowded": (64, "more than two sources within the stamp or the window of the fit"),
    "magnitude": (128, "a magnitude outside the training's range: the network's own, or SEP's"),
    "size": (256, "a half-light radius outside the training's range, by SEP"),
    "noise": (512, "the noise is not like that of the training"),
    "psf": (1024, "the PSF differs from the training's by more than 5 %, or one is unknown"),
    "sky": (2048, "the sky level around the galaxies is not 0, or could not be measured"),
    "resampled": (4096, "the stamp was resampled to the pixel scale of the training"),
    "range_unknown": (8192, "the network's description lacks a range, which is not compared"),
    "clipped": (16384, "pixels brighter than the network's scale are clipped"),
    "more_peaks": (32768, "the network's image has more peaks than galaxies that are measured"),
    "sep_failed": (65536, "SEP failed on the image, so that it finds none of its sources"),
    "stretched": (131072, "pixels of pictures: the flux is in no unit, and has no magnitude"),
}


def bit(name: str) -> int:
    """The bit of a flag."""
    return FLAGS[name][0]


def flagged(name: str, where: np.ndarray | bool) -> np.ndarray:
    """The bit of a flag where it is set, else 0."""
    return np.where(where, bit(name), 0)


def names_of(flags: int) -> list[str]:
    """Names of the bits that are set."""
    return [name for name, (value, _) in FLAGS.items() if flags & value]
