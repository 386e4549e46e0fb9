"""Figures 1 and 2 of Boucaud et al. 2020: galaxies before and after cleaning, and blends."""

import numpy as np
from deblend.boucaud2020.examples import CLASSES, GRID, ExampleSet
from deblend.plots.images import asinh_stretch, close_panels, image_grid, image_note, scale_bar
from deblend.plots.style import (
    ONE_COLUMN_IN,
    TWO_COLUMNS_IN,
    Outputs,
    label_line,
    panel_note,
    paper_figure,
)
from matplotlib.axes import Axes

NAMES = {"sph": "bulge", "disk": "disk", "sphd": "bulge + disk", "irr": "irregular"}


#: Space between images, as a share of their size.
SPACE = 0.02


def draw_fig1(examples: ExampleSet, outputs: Outputs, label: str = "") -> None:
    """Draw Figure 1: a galaxy of each class before and after its neighbours are removed.

    Parameters
    ----------
    examples : ExampleSet
        From `deblend.boucaud2020.examples.cleaning_examples`.
    outputs : list of path
        PDF and PNG.
    label : str
        Scale and data set.
    """
    table = examples.table
    original, cleaned = (_stretched(examples, name) for name in ("original", "cleaned"))
    with paper_figure(outputs, label_line(label, len(table)), ONE_COLUMN_IN, 4.65) as figure:
        axes = image_grid(figure, len(CLASSES), 3, ("original", "cleaned", "segmentation"))
        close_panels(figure, between_rows=0.03, space=SPACE)
        for row, name in zip(axes, CLASSES, strict=True):
            row[0].set_ylabel(NAMES[name])
            matches = np.flatnonzero(table["morphology"] == name)
            if not len(matches):
                for axis in row:
                    axis.set_box_aspect(1)
                panel_note(row[1], "no galaxy with\nneighbours replaced")
                continue
            i = int(matches[0])
            for axis, image in zip(
                row, (original[i], cleaned[i], examples.images["segmap"][i] > 0), strict=True
            ):
                axis.imshow(image, vmin=0, vmax=1)
            _note(row[0], f"{table['mag'][i]:.1f} mag")
        _scale_bar(axes, examples)


def draw_fig2(examples: ExampleSet, outputs: Outputs, label: str = "") -> None:
    """Draw Figure 2: blends by distance (down) and magnitude difference (across).

    Parameters
    ----------
    examples : ExampleSet
        From `deblend.boucaud2020.examples.blend_examples`.
    outputs : list of path
    label : str
    """
    table = examples.table
    images = _stretched(examples, "blend")
    with paper_figure(outputs, label_line(label, len(table)), TWO_COLUMNS_IN, 7.15) as figure:
        axes = image_grid(figure, *GRID)
        close_panels(figure, between_rows=0.03, space=SPACE)
        for axis in axes.flat:
            axis.set_box_aspect(1)
        for i, blend in table.iterrows():
            axis = axes[int(blend["row"]), int(blend["column"])]
            axis.imshow(images[i], vmin=0, vmax=1)
            delta = rf"|$\Delta$mag| = {abs(blend['delta_mag']):.1f}"
            _note(axis, f"D = {blend['distance_px']:.0f} px, {delta}")
        difference = r"|mag$_{\rm central}$ $-$ mag$_{\rm companion}$|"
        figure.supxlabel(rf"magnitude difference {difference} $\rightarrow$", fontsize="medium")
        figure.supylabel(r"$\leftarrow$ distance D of the galaxies", fontsize="medium")
        _scale_bar(axes, examples)


def _stretched(examples: ExampleSet, name: str) -> np.ndarray:
    """Images of a figure with one stretch, in which half of them reach white."""
    noise = float(examples.attributes["noise_sigma"])
    reference = examples.images.get("cleaned", examples.images[name])
    peaks = reference.max(axis=(1, 2)) if len(reference) else np.ones(1)
    return asinh_stretch(examples.images[name], noise, float(np.median(peaks)))


def _note(axis: Axes, text: str) -> None:
    """Write into a corner of an image, on a dark box so that it is readable on any background."""
    box = {"facecolor": "black", "alpha": 0.5, "lw": 0, "pad": 1}
    image_note(axis, text, 0.03, 0.97, va="top", fontsize="small", bbox=box)


def _scale_bar(axes: np.ndarray, examples: ExampleSet) -> None:
    """Mark one arcsecond in the first panel that has an image."""
    first = next((axis for axis in axes.flat if axis.images), None)
    if first is not None:
        scale_bar(first, float(examples.attributes["pixel_scale_arcsec"]))
