"""What all figures share: the style file, colours, how they are titled and how they are saved."""

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
    "pink": "#CC79A7",
    "light blue": "#56B4E9",
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The papers' style for what is drawn in the block."""
    with plt.style.context(["default", STYLE_FILE]):
        yield


@contextlib.contextmanager
def paper_figure(
    outputs: Outputs, label: str, size: tuple[float, float], label_size: str = "small"
) -> Iterator[Figure]:
    """A figure to draw on in the block; at the block's end it is titled, saved and closed.

    Parameters
    ----------
    outputs : list of path
        See `save_figure`.
    label : str
        The title: what data and scale the figure is of. Without one the figure has no title.
    size : (float, float)
        Width and height, inches.
    label_size : str
        Size of the title's font: small, or x-small in narrow figures.
    """
    with style():
        figure = plt.figure(figsize=size, layout="constrained")
        yield figure
        if label:
            figure.suptitle(label, fontsize=label_size)
        save_figure(figure, outputs)


def panel_note(axis: Axes, text: str) -> None:
    """Say in a panel why it is empty."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color="0.4")


def save_figure(figure: Figure, outputs: Outputs) -> None:
    """Save a figure under each name and close it; the same drawing gives the same bytes.

    Parameters
    ----------
    figure : Figure
    outputs : list of path
        A file each, in the format that its ending names (PDF, PNG).
    """
    for path in outputs:
        # Without a date (PDF) and software version (PNG) in it, a file says only what it shows.
        metadata = {"CreationDate": None} if str(path).endswith(".pdf") else {"Software": None}
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)
