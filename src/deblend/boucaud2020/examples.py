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
from deblend.boucaud2020.render import render
from deblend.data.stamps import Stamps
from deblend.errors import DeblendError
from deblend.files import atomic
from scipy.optimize import linear_sum_assignment

#: Rows of Figure 1.
CLASSES = ("sph", "disk", "sphd", "irr")


#: Rows (distance) and columns (magnitude difference) of Figure 2.
GRID = (5, 6)


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
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update(examples.attributes)
        file.attrs["columns"] = ",".join(map(str, examples.table))  # HDF5 does not keep their order
        for name, images in examples.images.items():
            file.create_dataset(name, data=images, compression="gzip")
        for column in examples.table:
            values = examples.table[column].to_numpy()
            if not pd.api.types.is_numeric_dtype(values.dtype):
                values = values.astype(object)
            text = h5py.string_dtype("utf-8") if values.dtype == object else None
            file.create_dataset(f"table/{column}", data=values, dtype=text)


def read_examples(path: str | Path) -> ExampleSet:
    """Read examples.

    Raises
    ------
    DeblendError
        The file is missing, truncated or of another layout.
    """
    try:
        with h5py.File(path, "r") as file:
            attributes = dict(file.attrs)
            columns = attributes.pop("columns").split(",")
            stored = {column: file[f"table/{column}"] for column in columns}
            table = {
                column: values.asstr()[:] if h5py.check_string_dtype(values.dtype) else values[:]
                for column, values in stored.items()
            }
            images = {name: file[name][:] for name in file if name != "table"}
            return ExampleSet(images, pd.DataFrame(table), attributes)
    except (OSError, KeyError) as error:
        raise DeblendError(
            f"{path} is not a complete file of examples ({error}): delete it and run again"
        ) from error


def cleaning_examples(parents: Stamps, cleaned: Stamps) -> ExampleSet:
    """Of each class, the brightest galaxy whose neighbours were replaced (Figure 1).

    Parameters
    ----------
    parents, cleaned : Stamps
        Of the same chunk, before and after cleaning.

    Returns
    -------
    ExampleSet
        `original`, `cleaned` (counts/s) and `segmap` (1 on the galaxy); `morphology`, `id`, `mag`,
        `half_light_radius_px`, and `replaced_px`, the number of pixels that were replaced. Classes
        without such a galaxy are absent.
    """
    row_of = {name: i for i, name in enumerate(parents.galaxies["id"])}
    rows = np.array([row_of[name] for name in cleaned.galaxies["id"]], int)
    original = parents.images[rows, 0]
    replaced = (original != cleaned.images[:, 0]).sum(axis=(1, 2))
    table = cleaned.galaxies[["morphology", "id", "mag", "half_light_radius_px"]]
    table = table.assign(replaced_px=replaced)
    ranked = table[table["replaced_px"] > 0].sort_values(["mag", "id"])
    brightest = ranked.groupby("morphology").head(1).set_index("morphology", drop=False)
    shown = brightest.loc[[name for name in CLASSES if name in brightest.index]]
    shown_rows = [list(cleaned.galaxies["id"]).index(name) for name in shown["id"]]
    band = cleaned.bands.iloc[0]
    return ExampleSet(
        {
            "original": original[shown_rows],
            "cleaned": cleaned.images[shown_rows, 0],
            "segmap": cleaned.segmaps[shown_rows],
        },
        shown.reset_index(drop=True),
        {
            "noise_sigma": float(band["noise_sigma"]),
            "pixel_scale_arcsec": float(band["pixel_scale_arcsec"]),
        },
    )


def blend_examples(stamps: Stamps, blends: pd.DataFrame, *, companion_edge: str) -> ExampleSet:
    """Blends nearest to the points of a grid in distance and magnitude difference (Figure 2).

    The grid spans the 5th to the 95th percentile of the blends in each direction; no blend
    is shown twice.

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
        `distance_grid_px`, `delta_mag_grid`: the point of the grid.

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
    mag = stamps.galaxies["mag"].to_numpy()
    ids = stamps.galaxies["id"].to_numpy()
    central, companion = blends["central"].to_numpy(), blends["companion"].to_numpy()
    distance = np.hypot(blends["dx"], blends["dy"]).to_numpy()
    delta_mag = mag[central] - mag[companion]
    axes = []
    for values, n in zip((distance, delta_mag), GRID, strict=True):
        low, high = np.percentile(values, [5, 95])
        axes.append(np.linspace(float(low), float(high), n))
    grid_distance, grid_delta = (g.ravel() for g in np.meshgrid(*axes, indexing="ij"))
    steps = [max(float(np.ptp(axis)), 1e-6) / (len(axis) - 1) for axis in axes]
    cost = ((grid_distance[:, None] - distance) / steps[0]) ** 2
    cost += ((grid_delta[:, None] - delta_mag) / steps[1]) ** 2
    chosen = linear_sum_assignment(cost)[1]
    row, column = np.divmod(np.arange(n_rows * n_columns), n_columns)
    band = stamps.bands.iloc[0]
    image = render(
        stamps.images[:, 0],
        blends.iloc[chosen],
        companion_edge=companion_edge,
        noise_sigma=float(band["noise_sigma"]),
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
            "distance_grid_px": grid_distance,
            "delta_mag_grid": grid_delta,
        }
    )
    attributes: dict[str, str | int | float] = {
        "noise_sigma": float(band["noise_sigma"]),
        "pixel_scale_arcsec": float(band["pixel_scale_arcsec"]),
        "n_blends": len(blends),
    }
    return ExampleSet({"blend": image}, table, attributes)
