"""Figures 1 and 2 of Boucaud et al. 2020: galaxies before and after cleaning, and blends."""

import numpy as np
from deblend.boucaud2020.examples import CLASSES, GRID, ExampleSet
from deblend.plots.images import asinh_stretch, close_panels, image_grid, image_note
from deblend.plots.style import Outputs, panel_note, paper_figure
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
        Text in the figure: data set and scale.
    """
    noise = float(examples.attributes["noise_sigma"])
    table = examples.table
    with paper_figure(outputs, label, (3.5, 4.9)) as figure:
        axes = image_grid(figure, len(CLASSES), 3, ("original", "cleaned", "segmentation"))
        close_panels(figure, space=SPACE)
        for row, name in zip(axes, CLASSES, strict=True):
            row[0].set_ylabel(NAMES[name])
            matches = np.flatnonzero(table["morphology"] == name)
            if not len(matches):
                for axis in row:
                    axis.set_box_aspect(1)
                panel_note(row[1], "no galaxy with\nneighbours replaced")
                continue
            i = int(matches[0])
            original, cleaned = examples.images["original"][i], examples.images["cleaned"][i]
            peak = float(cleaned.max())  # both images have the same stretch
            row[0].imshow(asinh_stretch(original, noise, peak), vmin=0, vmax=1)
            row[1].imshow(asinh_stretch(cleaned, noise, peak), vmin=0, vmax=1)
            row[2].imshow(examples.images["segmap"][i] > 0, vmin=0, vmax=1)
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
    noise = float(examples.attributes["noise_sigma"])
    with paper_figure(outputs, label, (7.2, 6.4)) as figure:
        axes = image_grid(figure, *GRID)
        close_panels(figure, space=SPACE)
        for i, blend in examples.table.iterrows():
            axis = axes[int(blend["row"]), int(blend["column"])]
            image = asinh_stretch(examples.images["blend"][i], noise)
            axis.imshow(image, vmin=0, vmax=1)
            _note(axis, f"D = {blend['distance_px']:.0f} px, {blend['delta_mag']:+.1f} mag")
        figure.supxlabel(r"mag$_{\rm central}$ $-$ mag$_{\rm companion}$ $\rightarrow$", fontsize=8)
        figure.supylabel(r"$\leftarrow$ distance", fontsize=8)
        _scale_bar(axes, examples)


def _note(axis: Axes, text: str) -> None:
    """Write into a corner of an image, on a dark box so that it is readable on any background."""
    box = {"facecolor": "black", "alpha": 0.5, "lw": 0, "pad": 1}
    image_note(axis, text, 0.03, 0.97, va="top", fontsize="xx-small", bbox=box)


def _scale_bar(axes: np.ndarray, examples: ExampleSet) -> None:
    """Mark one arcsecond in the first panel that has an image."""
    for row in axes:
        if row[0].images:
            size = row[0].images[0].get_array().shape[0]
            length = 1 / float(examples.attributes["pixel_scale_arcsec"])
            x = 0.95 * size - length
            row[0].plot([x, x + length], [0.07 * size] * 2, color="white", lw=1.5)
            row[0].text(
                x + length / 2, 0.09 * size, '1"', color="white", ha="center", fontsize="xx-small"
            )
            return
