"""Style, colours, titles and saving of all figures."""

import contextlib
import logging
import textwrap
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


#: Widths of figures: one and two columns of a journal (A&A, MNRAS, ApJ), inches.
ONE_COLUMN_IN, TWO_COLUMNS_IN = 3.3, 6.9


#: Mean width of a character of the label line, inches.
LABEL_CHARACTER_IN = 0.053


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
def paper_figure(outputs: Outputs, label: str, width: float, height: float) -> Iterator[Figure]:
    """Create a figure; at the end of the block it gets its label line, is saved and closed.

    Parameters
    ----------
    outputs : list of path
        See `save_figure`.
    label : str
        See `label_line`; it stands at the top left of every figure. "" for none.
    width : float
        `ONE_COLUMN_IN` or `TWO_COLUMNS_IN`, inches.
    height : float
        Inches.

    Raises
    ------
    ValueError
        The width is not that of one or two columns.
    """
    if width not in (ONE_COLUMN_IN, TWO_COLUMNS_IN):
        raise ValueError(
            f"width is {width} inches: figures are {ONE_COLUMN_IN} or {TWO_COLUMNS_IN} inches wide"
        )
    with style():
        figure = plt.figure(figsize=(width, height), layout="constrained")
        yield figure
        if label:
            lines = textwrap.fill(label, int(width / LABEL_CHARACTER_IN))
            figure.suptitle(lines, x=0.01, ha="left", fontsize="small", color="0.35")
        save_figure(figure, outputs)


def label_line(*parts: str | int | None) -> str:
    """The label of a figure: what was run, at which scale, on which data, and how many.

    Parameters
    ----------
    *parts : str, int or None
        Scale, data, network, number of objects, in this order, and warnings; a number becomes
        "n = 1,000", and parts that are empty or None are left out.

    Returns
    -------
    str
        Such as "toy scale, simulated, blend2flux, n = 600".
    """
    texts = [f"n = {part:,}" if isinstance(part, int) else part for part in parts]
    return ", ".join(text for text in texts if text)


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
        # The other formats get the same layout, which takes a third of the time.
        figure.set_layout_engine("none")
    plt.close(figure)
