"""What all figures share: the style file, colours, and how they are saved."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .files import atomic

STYLE_FILE = Path(__file__).with_name("paper.mplstyle")
#: Okabe & Ito's colours, which colour-blind readers can tell apart.
COLOURS = {
    "central": "#0072B2",
    "companion": "#D55E00",
    "ours": "#0072B2",
    "published": "#E69F00",
    "green": "#009E73",
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The papers' style for what is drawn in the block."""
    with plt.style.context(["default", STYLE_FILE]):
        yield


def panel_note(axis: Axes, text: str) -> None:
    """Say in a panel why it is empty."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color="0.4")


def save_figure(figure: Figure, outputs: list[str | Path]) -> None:
    """Save a figure under each name and close it; the same drawing gives the same bytes."""
    for path in outputs:
        # Without a date (PDF) and software version (PNG) in it, a file says only what it shows.
        metadata = {"CreationDate": None} if str(path).endswith(".pdf") else {"Software": None}
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)
