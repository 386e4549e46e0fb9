"""What all figures share: the style file, colours, and how they are saved."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from deblend.files import atomic
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Outputs = list[str | Path]


matplotlib.use("Agg")


# It reports each table of a font that it embeds in a PDF.
logging.getLogger("fontTools").setLevel(logging.WARNING)


STYLE_FILE = Path(__file__).with_name("paper.mplstyle")


#: Okabe & Ito's colours, which colour-blind readers can tell apart.
COLOURS = {
    "central": "#0072B2",
    "companion": "#D55E00",
    "ours": "#0072B2",
    "published": "#E69F00",
    "green": "#009E73",
    "pair_detected": "#009E73",
    "pair_missed": "#CC79A7",
    # As the paper's Figs 8 (blue, black, red) and 9 (yellow, blue, red, green, dark blue).
    "blend2flux": "#000000",
    "blend2mask2flux": "#D55E00",
    "SExtractor": "#0072B2",
    "sph": "#E69F00",
    "sphd": "#56B4E9",
    "disk": "#D55E00",
    "irr": "#009E73",
    "all": "#000000",
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The papers' style for what is drawn in the block."""
    with plt.style.context(["default", STYLE_FILE]):
        yield


def panel_note(axis: Axes, text: str) -> None:
    """Say in a panel why it is empty."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color="0.4")


def asinh_stretch(image: np.ndarray, noise_sigma: float, peak: float | None = None) -> np.ndarray:
    """Stretch an image to [0, 1]: linear in the noise, logarithmic above it.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Sky subtracted, counts/s.
    noise_sigma : float
        Noise a pixel, counts/s. Where it is 0, the image's own spread stands for it.
    peak : float, optional
        What becomes 1 (white); without one the image's brightest pixel.
    """
    if not noise_sigma > 0:
        noise_sigma = float(np.diff(np.percentile(image, [16, 84]))[0] / 2) or 1.0
    low, high = -2 * noise_sigma, float(np.max(image)) if peak is None else peak
    ends = np.arcsinh(np.array([low, max(high, 5 * noise_sigma)]) / (2 * noise_sigma))
    scaled = np.arcsinh(image / (2 * noise_sigma))
    return np.clip((scaled - ends[0]) / (ends[1] - ends[0]), 0, 1)


def save_figure(figure: Figure, outputs: list[str | Path]) -> None:
    """Save a figure under each name and close it; the same drawing gives the same bytes."""
    for path in outputs:
        # Without a date (PDF) and software version (PNG) in it, a file says only what it shows.
        metadata = {"CreationDate": None} if str(path).endswith(".pdf") else {"Software": None}
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)
