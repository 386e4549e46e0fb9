"""Contact sheets of clean stamps, to inspect as in Sect. 2.1 of Boucaud et al. 2020."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from deblend.data.stamps import read_galaxies, read_stamps
from deblend.files import atomic
from deblend.plots.images import asinh_stretch
from deblend.plots.style import style
from matplotlib.backends.backend_pdf import PdfPages

COLUMNS, ROWS = 8, 10


#: Free space around a stamp, and space below it for its name, as shares of its side.
GAP, CAPTION = 0.04, 0.26


def draw_contact_sheets(path: str | Path, output: str | Path, label: str = "") -> int:
    """Draw all stamps of a data set, 80 on a page, sorted by class and magnitude.

    Parameters
    ----------
    path : path
        The data set (`deblend.data.stamps`); the stamps of one page are in memory at a time.
    output : path
        PDF; the same stamps give the same bytes.
    label : str
        Shown on each page.

    Returns
    -------
    int
        Number of pages.
    """
    galaxies = read_galaxies(path)
    order = galaxies.sort_values(["morphology", "mag", "id"]).index.to_numpy()
    pages = [order[i : i + ROWS * COLUMNS] for i in range(0, len(order), ROWS * COLUMNS)]
    no_date = {"CreationDate": None}  # a date would make each file different
    with style(), atomic(output) as temporary, PdfPages(temporary, metadata=no_date) as pdf:
        for number, rows in enumerate(pages, 1):
            _draw_page(pdf, path, rows, f"{label}, page {number} of {len(pages)}".lstrip(", "))
    return len(pages)


def _draw_page(pdf: PdfPages, path: str | Path, rows: np.ndarray, title: str) -> None:
    stamps = read_stamps(path, np.sort(rows))
    order_on_page = np.argsort(np.argsort(rows))
    noise = float(stamps.bands["noise_sigma"][0])
    figure = plt.figure(figsize=(8.27, 11.69))
    # One set of axes for the page: one for each stamp would take minutes.
    axis = figure.add_axes((0.03, 0.02, 0.94, 0.94))
    axis.axis("off")
    axis.set_title(title)
    for position, i in enumerate(order_on_page):
        row, column = divmod(position, COLUMNS)
        top = row * (1 + CAPTION)
        axis.imshow(
            asinh_stretch(stamps.images[i, 0], noise),
            extent=(column + GAP, column + 1 - GAP, top + 1 - GAP, top + GAP),
            vmin=0,
            vmax=1,
            interpolation="nearest",
        )
        galaxy = stamps.galaxies.iloc[i]
        axis.text(
            column + 0.5,
            top + 1,
            f"{galaxy['id']}\n{galaxy['mag']:.2f} {galaxy['morphology']}",
            ha="center",
            va="top",
            fontsize="small",
        )
    axis.set(xlim=(0, COLUMNS), ylim=(ROWS * (1 + CAPTION), 0), aspect="equal")
    pdf.savefig(figure)
    plt.close(figure)
