"""Examples of galaxies and blends for Figures 1 and 2 of Boucaud et al. 2020.

They are stored in one file for each figure, so that the figures can be redrawn without stamps::

    <name>            (n, y, x), the images
    table/<column>    (n,), properties of each image
    attributes        properties of the data set
"""

from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from deblend.boucaud2020.render import galaxies_of, render
from deblend.data.stamps import Stamps
from deblend.errors import DeblendError
from deblend.hdf5 import new_file, open_file, read_attributes, write_array, write_attributes
from deblend.photometry.config import Detection
from deblend.photometry.sep import SepError, background_rms, detect
from scipy.ndimage import distance_transform_edt
from scipy.optimize import linear_sum_assignment

#: Rows of Figure 1.
CLASSES = ("sph", "disk", "sphd", "irr")


#: Figure 1 shows replaced neighbours that are closer than this to a galaxy's segmentation, pixels.
NEAR_PX = 12


#: Pixels that cleaning changed by more than this count as replaced, standard deviations of the
#: noise: cleaning may also add noise to the whole stamp.
REPLACED_SIGMA = 5.0


#: Rows (distance) and columns (magnitude difference) of Figure 2.
GRID = (4, 4)


#: Detection of what cleaning left in a stamp. It goes deeper than the cold and the hot mode, and
#: separates faint neighbours from the outskirts of bright galaxies.
LEFT_OVER = Detection(threshold=1.5, min_area=8, contrast=0.0005, n_thresholds=32)


@dataclass
class ExampleSet:
    """A few images and their properties.

    Attributes
    ----------
    images : dict of ndarray, shape (n, y, x)
    table : DataFrame, n rows
    attributes : dict
        Properties of the data set.
    """

    images: dict[str, np.ndarray]
    table: pd.DataFrame
    attributes: dict[str, str | int | float] = field(default_factory=dict)


def write_examples(path: str | Path, examples: ExampleSet) -> None:
    """Write examples as HDF5; the file appears only when it is complete."""
    with new_file(path) as file:
        # HDF5 does not keep the order of the columns.
        columns = ",".join(map(str, examples.table))
        write_attributes(file, {**examples.attributes, "columns": columns})
        for name, images in examples.images.items():
            write_array(file, name, images, compression="gzip")
        for column in examples.table:
            values = examples.table[column].to_numpy()
            if not pd.api.types.is_numeric_dtype(values.dtype):
                values = values.astype(object)
            write_array(file, f"table/{column}", values)


def read_examples(path: str | Path) -> ExampleSet:
    """Read examples.

    Raises
    ------
    DeblendError
        The file is missing, truncated or of another layout.
    """
    with open_file(path, "a complete file of examples") as file:
        attributes = read_attributes(file)
        columns = attributes.pop("columns").split(",")
        stored = {column: file[f"table/{column}"] for column in columns}
        table = {
            column: values.asstr()[:] if h5py.check_string_dtype(values.dtype) else values[:]
            for column, values in stored.items()
        }
        images = {name: file[name][:] for name in file if name != "table"}
        return ExampleSet(images, pd.DataFrame(table), attributes)


def is_alone(image: np.ndarray) -> bool:
    """Whether nothing but its galaxy is seen on a clean stamp, not even a bright clump of it.

    Parameters
    ----------
    image : ndarray, shape (y, x)
    """
    try:
        return len(detect(image, LEFT_OVER, background_rms(image))[0]) <= 1
    except SepError:
        return False


def cleaning_examples(parents: Stamps, cleaned: Stamps) -> ExampleSet:
    """Of each class, the galaxy next to which most pixels were replaced (Figure 1).

    It is one of the brighter half of the galaxies whose neighbours were replaced without remains.

    Parameters
    ----------
    parents, cleaned : Stamps
        Of the same chunk, before and after cleaning.

    Returns
    -------
    ExampleSet
        `original`, `cleaned` (counts/s) and `segmap` (1 on the galaxy); `morphology`, `id`, `mag`,
        `half_light_radius_px`, and `replaced_px`, the number of pixels that were replaced within
        `NEAR_PX` of the galaxy's segmentation. Classes without such a galaxy are absent.
    """
    row_of = {name: i for i, name in enumerate(parents.galaxies["id"])}
    rows = np.array([row_of[name] for name in cleaned.galaxies["id"]], int)
    original = parents.images[rows, 0]
    near = [distance_transform_edt(segmap == 0) <= NEAR_PX for segmap in cleaned.segmaps]
    change = np.abs(original - cleaned.images[:, 0])
    replaced = ((change > REPLACED_SIGMA * parents.noise()[0]) & near).sum(axis=(1, 2))
    table = cleaned.galaxies[["morphology", "id", "mag", "half_light_radius_px"]]
    table = table.assign(replaced_px=replaced)
    shown_rows = []
    for name in CLASSES:
        found = table[(table["morphology"] == name) & (table["replaced_px"] > 0)]
        bright = found[found["mag"] <= found["mag"].median()]
        ranked = bright.sort_values(["replaced_px", "mag", "id"], ascending=[False, True, True])
        shown_rows += [i for i in ranked.index if is_alone(cleaned.images[i, 0])][:1]
    band = cleaned.bands.iloc[0]
    return ExampleSet(
        {
            "original": original[shown_rows],
            "cleaned": cleaned.images[shown_rows, 0],
            "segmap": cleaned.segmaps[shown_rows],
        },
        table.loc[shown_rows].reset_index(drop=True),
        {
            "noise_sigma": float(band["noise_sigma"]),
            "pixel_scale_arcsec": float(band["pixel_scale_arcsec"]),
        },
    )


def blend_examples(stamps: Stamps, blends: pd.DataFrame, *, companion_edge: str) -> ExampleSet:
    """Blends nearest to the points of a grid in distance and magnitude difference (Figure 2).

    The grid spans the 5th to the 95th percentile of the blends in each direction; no blend
    is shown twice, and none with a galaxy on whose clean stamp something else is left.

    Parameters
    ----------
    stamps : Stamps
    blends : DataFrame
        `deblend.boucaud2020.blends.COLUMNS`.
    companion_edge : {"zero", "noise"}
        See `deblend.boucaud2020.render.render`.

    Returns
    -------
    ExampleSet
        `blend` (counts/s); `row`, `column` of the grid, `blend`, `central_id`, `companion_id`,
        `distance_px`, `delta_mag` (central minus companion), `mag_central`, `mag_companion`, and
        `distance_grid_px`, `delta_mag_grid`: the point of the grid (the latter without sign). There
        are fewer blends than points of the grid if too few are without other objects.

    Raises
    ------
    DeblendError
        There are fewer blends than points of the grid.
    """
    n_rows, n_columns = GRID
    if len(blends) < n_rows * n_columns:
        raise DeblendError(
            f"there are {len(blends)} test blends and Figure 2 shows {n_rows * n_columns}: raise "
            "boucaud2020.blending.n_blends.test"
        )
    galaxies = np.unique(blends[["central", "companion"]])
    alone = galaxies[[is_alone(stamps.images[i, 0]) for i in galaxies]]
    blends = blends[blends[["central", "companion"]].isin(alone).all(axis=1)]
    mag = stamps.galaxies["mag"].to_numpy()
    ids = stamps.galaxies["id"].to_numpy()
    central, companion = blends["central"].to_numpy(), blends["companion"].to_numpy()
    distance = np.hypot(blends["dx"], blends["dy"]).to_numpy()
    delta_mag = mag[central] - mag[companion]
    axes = []
    for values, n in zip((distance, np.abs(delta_mag)), GRID, strict=True):
        low, high = np.percentile(values, [5, 95]) if len(values) else (0.0, 1.0)
        axes.append(np.linspace(float(low), float(high), n))
    grid_distance, grid_delta = (g.ravel() for g in np.meshgrid(*axes, indexing="ij"))
    steps = [max(float(np.ptp(axis)), 1e-6) / (len(axis) - 1) for axis in axes]
    cost = ((grid_distance[:, None] - distance) / steps[0]) ** 2
    cost += ((grid_delta[:, None] - np.abs(delta_mag)) / steps[1]) ** 2
    points, chosen = linear_sum_assignment(cost)
    row, column = np.divmod(points, n_columns)
    band = stamps.bands.iloc[0]
    sigma, correlation = stamps.noise()
    image = render(
        *galaxies_of(stamps, blends.iloc[chosen]),
        companion_edge=companion_edge,
        noise_sigma=sigma,
        noise_correlation=correlation,
    )
    table = pd.DataFrame(
        {
            "row": row,
            "column": column,
            "blend": blends["blend"].to_numpy()[chosen],
            "central_id": ids[central[chosen]],
            "companion_id": ids[companion[chosen]],
            "distance_px": distance[chosen],
            "delta_mag": delta_mag[chosen],
            "mag_central": mag[central[chosen]],
            "mag_companion": mag[companion[chosen]],
            "distance_grid_px": grid_distance[points],
            "delta_mag_grid": grid_delta[points],
        }
    )
    attributes: dict[str, str | int | float] = {
        "noise_sigma": sigma * np.sqrt(2),  # a blend has the noise of two stamps
        "pixel_scale_arcsec": float(band["pixel_scale_arcsec"]),
    }
    return ExampleSet({"blend": image}, table, attributes)
