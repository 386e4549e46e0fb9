"""Ways to find blended galaxies without a network: stacks of bands, deconvolution, SExtractor.

A network has to be compared with the best of these, at the same rate of false peaks.
"""

import numpy as np
import pandas as pd
from deblend.hemmati2022.degrade import convolve
from deblend.hemmati2022.peaks import MIN_THRESHOLD, PEAK_COLUMNS, prominences
from deblend.photometry.sep import SepError, extract
from skimage.restoration import richardson_lucy

#: Sky (sigmas of the noise) that is added for the deconvolution, which needs positive images.
SKY = 5.0


#: Images deconvolved at once, and pixels that are added at each of their edges.
BATCH, EDGE_PX = 256, 4


#: SEP: detection threshold (sigmas of the image that is convolved with the PSF), pixels above it,
#: and number of deblending thresholds. The threshold of the peaks is set afterwards.
SEP_THRESHOLD, SEP_MIN_AREA, SEP_N_THRESHOLDS = 1.5, 3, 32


def stack_bands(images: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Sum of the bands in units of their noise, with a noise of 1.

    A galaxy whose signal-to-noise ratio is the same in all bands is measured with all of them
    sqrt(band) times better than in one.

    Parameters
    ----------
    images : ndarray, shape (n, band, y, x)
    noise : ndarray, shape (band,)
        Sigma of a pixel.

    Returns
    -------
    ndarray, shape (n, y, x), float32
    """
    weights = 1 / (np.asarray(noise, float) * np.sqrt(images.shape[1]))
    return np.einsum("nbyx,b->nyx", images, weights).astype(np.float32)


def deconvolve(images: np.ndarray, psf: np.ndarray, noise: float, iterations: int) -> np.ndarray:
    """Images sharpened by the algorithm of Richardson (1972) and Lucy (1974), of scikit-image.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Sky subtracted.
    psf : ndarray, shape (k, k)
        With a sum of 1.
    noise : float
        Sigma of a pixel.
    iterations : int

    Returns
    -------
    ndarray, shape (n, y, x), float32
        In the unit of the images.
    """
    out = np.empty(images.shape, np.float32)
    margin = ((0, 0), (EDGE_PX, EDGE_PX), (EDGE_PX, EDGE_PX))
    kernel = psf[None].astype(np.float32)
    for start in range(0, len(images), BATCH):
        part = np.maximum(images[start : start + BATCH] / noise + SKY, 0.01).astype(np.float32)
        # Mirrored edges, since light beyond them would be missing.
        part = np.pad(part, margin, mode="symmetric")
        sharp = richardson_lucy(part, kernel, num_iter=iterations, clip=False)
        inner = sharp[:, EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX]
        out[start : start + BATCH] = (inner - SKY) * noise
    return out


def sep_peaks(
    images: np.ndarray,
    psf: np.ndarray,
    contrast: float,
    noise: float,
    measure: str = "prominence",
) -> pd.DataFrame:
    """Objects that SEP, the library version of SExtractor, detects and deblends.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Sky subtracted.
    psf : ndarray, shape (k, k)
        With which SEP convolves the images.
    contrast : float
        Smallest share of the light of an object in a part that becomes an object of its own
        (DEBLEND_MINCONT).
    noise : float
        Sigma of a pixel.
    measure : {"prominence", "height"}
        What the significance is, as in `deblend.hemmati2022.peaks.find_peaks`.

    Returns
    -------
    DataFrame
        As `deblend.hemmati2022.peaks.find_peaks` has it. Positions and significance are those of
        the brightest pixel of the convolved image, in sigmas of its noise. An image on which SEP
        fails has no objects.
    """
    kernel = np.ascontiguousarray(psf / psf.sum(), dtype=np.float32)
    sigma = noise * float(np.sqrt((kernel**2).sum()))
    found = [np.empty((0, 4))]
    for stamp, image in enumerate(images):
        try:
            objects = extract(
                np.ascontiguousarray(image, dtype=np.float32),
                SEP_THRESHOLD,
                err=sigma,
                minarea=SEP_MIN_AREA,
                filter_kernel=kernel,
                filter_type="conv",
                deblend_nthresh=SEP_N_THRESHOLDS,
                deblend_cont=contrast,
            )
        except SepError:
            continue
        assert isinstance(objects, np.ndarray)  # a segmentation map was not asked for
        height = objects["cpeak"] / sigma
        x, y = objects["xcpeak"], objects["ycpeak"]
        if measure == "prominence" and len(height):
            smooth = convolve(image[None].astype(np.float32), kernel)
            height = prominences(smooth / sigma, np.zeros(len(x), int), y, x)
        columns = [np.full(len(height), stamp), x, y, height]
        found.append(np.column_stack(columns)[height > MIN_THRESHOLD])
    table = pd.DataFrame(np.concatenate(found), columns=list(PEAK_COLUMNS))
    table["stamp"] = table["stamp"].astype(int)
    order = np.lexsort((-table["significance"], table["stamp"]))
    return table.iloc[order].reset_index(drop=True)
