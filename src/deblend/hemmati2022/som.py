"""Self-organising map of blends, with SOMPY, the library that Hemmati et al. 2022 used.

Source: Hemmati et al. 2022, Sect. 4 and Fig. 6. The map has 32 x 24 cells; it is trained on
separation, flux ratio, sum of the sizes and redshift difference.
"""

import contextlib
import functools
import importlib
import logging
import logging.config
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from scipy.spatial import cKDTree

#: Rows and columns of cells (Fig. 6).
SHAPE = (32, 24)


@dataclass(frozen=True)
class SelfOrganisingMap:
    """A trained map, and the cells of its samples.

    Attributes
    ----------
    columns : tuple of str
        Columns on which it was trained.
    shape : tuple of int
        Rows, columns of cells.
    codebook : ndarray, shape (rows, columns, len(columns))
        Values of each cell, in the units of the columns.
    cell : ndarray of int, shape (n,)
        Best-matching cell of each sample, as row times the number of cell columns, plus column.
    quantisation_error : float
        Mean distance of a sample from its cell, in standard deviations of the columns.
    topographic_error : float
        Share of samples whose two best cells do not share an edge.
    """

    columns: tuple[str, ...]
    shape: tuple[int, int]
    codebook: np.ndarray
    cell: np.ndarray
    quantisation_error: float
    topographic_error: float


def learn_som(
    table: pd.DataFrame, columns: Sequence[str], shape: tuple[int, int] = SHAPE, *, seed: int
) -> SelfOrganisingMap:
    """Train a map on a sample.

    Parameters
    ----------
    table : DataFrame, n rows
        One row per sample.
    columns : sequence of str
        At least two. Each column is scaled to mean 0 and standard deviation 1.
    shape : tuple of int
        Rows and columns of cells, at least 2 each.
    seed : int
        Seed for the principal components from which the map starts.

    Returns
    -------
    SelfOrganisingMap
        It depends on the table and the seed only.

    Raises
    ------
    DeblendError
        A column is missing, has values that are not finite, or has one value only; there are fewer
        than two columns, 2 x 2 cells, or one sample per cell; or the samples do not reach all
        cells.
    """
    missing = [c for c in columns if c not in table]
    if missing:
        raise DeblendError(f"the table of samples lacks the columns {', '.join(missing)}")
    if len(columns) < 2 or min(shape) < 2:
        raise DeblendError(
            f"a map of {shape[0]} x {shape[1]} cells on {len(columns)} columns does not have "
            "two dimensions: give at least 2 x 2 cells and two columns"
        )
    data = table[list(columns)].to_numpy(float)
    if len(data) < shape[0] * shape[1]:
        # With fewer samples per cell, SOMPY trains longer, up to minutes.
        raise DeblendError(
            f"{len(data)} samples are too few for {shape[0]} x {shape[1]} cells: give a smaller "
            "shape; the paper has 6 per cell"
        )
    for name, values in zip(columns, data.T, strict=True):
        n_bad = int((~np.isfinite(values)).sum())
        if n_bad:
            raise DeblendError(
                f"{n_bad} of {len(values)} values of {name} are not finite: leave these rows out"
            )
        if not np.ptp(values) > 0:
            raise DeblendError(f"{name} has one value only: leave the column out of the map")
    mean, sigma = data.mean(0), data.std(0)
    normalised = (data - mean) / sigma
    codebook = _train(normalised, shape, seed)
    if not np.isfinite(codebook).all():
        raise DeblendError(
            f"the samples do not reach all of the {shape[0]} x {shape[1]} cells: give a smaller "
            "shape"
        )
    distance, best = cKDTree(codebook).query(normalised, k=2)
    row, column = np.divmod(best, shape[1])
    cell_distance = np.abs(np.diff(row)) + np.abs(np.diff(column))
    return SelfOrganisingMap(
        tuple(columns),
        (shape[0], shape[1]),
        (codebook * sigma + mean).reshape(*shape, len(columns)),
        best[:, 0],
        float(distance[:, 0].mean()),
        float((cell_distance != 1).mean()),
    )


def cell_means(som: SelfOrganisingMap, values: np.ndarray) -> np.ndarray:
    """Mean of a quantity over the samples of each cell.

    Parameters
    ----------
    som : SelfOrganisingMap
    values : ndarray, shape (n,)
        Values for the samples on which the map was trained; true and false give fractions.

    Returns
    -------
    ndarray, shape `som.shape`
        Means of samples, not the values of the codebook: Fig. 6 shows "the average parameter of the
        objects in each cell". NaN if a cell has no samples.

    Raises
    ------
    DeblendError
        The number of values differs from the number of samples.
    """
    if len(values) != len(som.cell):
        raise DeblendError(f"{len(values)} values do not belong to {len(som.cell)} samples")
    count = occupancy(som)
    total = np.bincount(som.cell, np.asarray(values, float), count.size).reshape(som.shape)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def occupancy(som: SelfOrganisingMap) -> np.ndarray:
    """Number of samples in each cell, shape `som.shape`."""
    return np.bincount(som.cell, minlength=som.shape[0] * som.shape[1]).reshape(som.shape)


def summary(som: SelfOrganisingMap) -> dict[str, float]:
    """Numbers that describe the map.

    Parameters
    ----------
    som : SelfOrganisingMap

    Returns
    -------
    dict
        n_samples; mean, median and dispersion (standard deviation) of the number of samples in a
        cell (Sect. 4: about 6, 6 and 3); empty_fraction; quantisation_error; topographic_error.
    """
    count = occupancy(som)
    return {
        "n_samples": float(count.sum()),
        "mean": float(count.mean()),
        "median": float(np.median(count)),
        "dispersion": float(count.std()),
        "empty_fraction": float((count == 0).mean()),
        "quantisation_error": som.quantisation_error,
        "topographic_error": som.topographic_error,
    }


def _train(normalised: np.ndarray, shape: tuple[int, int], seed: int) -> np.ndarray:
    """Train SOMPY on normalised samples (n, d); return its codebook, shape (cells, d)."""
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]

    sompy = _import_sompy()
    codebook = importlib.import_module("sompy.codebook")
    with (
        _silenced(),
        # SOMPY's randomised principal components use the global random state of numpy.
        _temporarily(codebook, "PCA", functools.partial(PCA, random_state=seed)),
        # SOMPY takes roots of about -1e-16, and divides 0 by 0 in cells that no sample reaches; the
        # caller checks for the latter.
        np.errstate(invalid="ignore", divide="ignore"),
    ):
        som = sompy.SOMFactory.build(normalised, mapsize=list(shape), normalization=None)
        som.train(n_job=1, verbose=None)
    return np.asarray(som.codebook.matrix)


def _import_sompy() -> Any:
    """Import SOMPY, which fails with numpy 2 and changes the configuration of logging otherwise."""
    with (
        _temporarily(np, "Inf", np.inf),  # removed in numpy 2
        _temporarily(logging.config, "dictConfig", lambda _: None),
    ):
        return importlib.import_module("sompy")


@contextlib.contextmanager
def _temporarily(module: Any, name: str, value: object) -> Iterator[None]:
    """Temporarily replace an attribute of a module."""
    existed = name in vars(module)
    original = vars(module).get(name)
    setattr(module, name, value)
    try:
        yield
    finally:
        if existed:
            setattr(module, name, original)
        else:
            delattr(module, name)


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Suppress the messages of SOMPY, and restore the level of the root logger that it changes."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.root.setLevel(level)


def map_of_blends(
    table: pd.DataFrame, columns: Sequence[str], shape: tuple[int, int], seed: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Train the map of the test blends; return a table of its cells and numbers that describe it.

    Parameters
    ----------
    table : DataFrame
        Detections from `deblend.hemmati2022.detection.detect`. If a column has no values at all,
        such as the redshift difference without redshifts, the column is left out; otherwise blends
        without a value are left out.
    columns : sequence of str
        Columns on which the map is trained.
    shape : (int, int)
    seed : int

    Returns
    -------
    cells : DataFrame
        `row`, `column`, the number `n` of blends in the cell, and their means; for each
        `n_peaks_...` the share of blends without any peak, `none_...`.
    numbers : dict
        See `summary`; also `shape` and `columns`.
    """
    used = [c for c in columns if table[c].notna().any()]
    table = table.dropna(subset=used)
    som = learn_som(table, used, shape, seed=seed)
    rows, columns_of_cells = np.indices(som.shape)
    cells = {"row": rows.ravel(), "column": columns_of_cells.ravel(), "n": occupancy(som).ravel()}
    averaged = [*columns, "separation_arcsec", "delta_mag"]
    for name in dict.fromkeys([*averaged, *(c for c in table if c.startswith("detected_"))]):
        cells[name] = cell_means(som, table[name].to_numpy(float)).ravel()
    # Blends that are not detected have one peak or none: Figure 6 tells these apart.
    for name in (c for c in table if c.startswith("n_peaks_")):
        none = (table[name] == 0).to_numpy(float)
        cells[name.replace("n_peaks_", "none_")] = cell_means(som, none).ravel()
    numbers = {
        f"{k}_occupancy" if k in ("mean", "median") else k: v for k, v in summary(som).items()
    }
    return pd.DataFrame(cells), numbers | {"shape": list(som.shape), "columns": used}
