"""Style, colours, titles and saving of all figures."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from deblend.files import atomic
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Outputs = list[str | Path]


matplotlib.use("Agg")


# fontTools logs every table of each font that it embeds in a PDF.
logging.getLogger("fontTools").setLevel(logging.WARNING)


STYLE_FILE = Path(__file__).with_name("paper.mplstyle")


#: Colours of Okabe & Ito, which colour-blind readers can distinguish.
COLOURS = {
    "central": "#0072B2",
    "companion": "#D55E00",
    "ours": "#0072B2",
    "published": "#E69F00",
    "green": "#009E73",
    "pink": "#CC79A7",
    "light blue": "#56B4E9",
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Use the style file for figures that are drawn in the block."""
    with plt.style.context(["default", STYLE_FILE]):
        yield


@contextlib.contextmanager
def paper_figure(
    outputs: Outputs, label: str, size: tuple[float, float], label_size: str = "small"
) -> Iterator[Figure]:
    """Create a figure; at the end of the block it gets its title, is saved and closed.

    Parameters
    ----------
    outputs : list of path
        See `save_figure`.
    label : str
        Title of the figure, with its data and scale; "" for none.
    size : (float, float)
        Width and height, inches.
    label_size : str
        Font size of the title: small, or x-small for narrow figures.
    """
    with style():
        figure = plt.figure(figsize=size, layout="constrained")
        yield figure
        if label:
            figure.suptitle(label, fontsize=label_size)
        save_figure(figure, outputs)


def panel_note(axis: Axes, text: str) -> None:
    """Write into a panel why it is empty."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color="0.4")


def save_figure(figure: Figure, outputs: Outputs) -> None:
    """Save a figure to each path and close it; equal drawings give files with equal bytes.

    Parameters
    ----------
    figure : Figure
    outputs : list of path
        The suffix of each path determines the format (PDF or PNG).
    """
    for path in outputs:
        # The date (PDF) and the software version (PNG) are left out, so that the bytes are
        # reproducible.
        metadata = {"CreationDate": None} if str(path).endswith(".pdf") else {"Software": None}
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)
