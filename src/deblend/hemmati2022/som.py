"""Self-organising map of blends, by SOMPY, the library that Hemmati et al. 2022 used.

Source: Hemmati et al. 2022, Sect. 4 and Fig. 6: 32 x 24 cells on separation, flux ratio, sum of the
sizes and redshift difference.
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

#: Fig. 6.
SHAPE = (32, 24)


@dataclass(frozen=True)
class SelfOrganisingMap:
    """A trained map and the samples on it.

    Attributes
    ----------
    columns : tuple of str
        What it was trained on.
    shape : tuple of int
        Rows, columns of cells.
    codebook : ndarray, shape (rows, columns, len(columns))
        Each cell's values, in the columns' own units.
    cell : ndarray of int, shape (n,)
        Best-matching cell of each sample: row times the number of columns, plus column.
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
    columns : sequence of str
        At least two. Each is brought to mean 0 and standard deviation 1.
    shape : tuple of int
        Rows and columns of cells, at least 2.
    seed : int
        For the principal components that the map starts from.

    Returns
    -------
    SelfOrganisingMap
        The same for the same table and seed.

    Raises
    ------
    DeblendError
        A column is missing, has values that are not finite or one value only, or there are fewer
        samples than cells.
    """
    missing = [c for c in columns if c not in table]
    if missing:
        raise DeblendError(f"the table of samples lacks the columns {', '.join(missing)}")
    if len(columns) < 2 or min(shape) < 2:
        raise DeblendError(
            f"a map of {shape[0]} x {shape[1]} cells on {len(columns)} columns has no two "
            "dimensions: give at least 2 x 2 cells and two columns"
        )
    data = table[list(columns)].to_numpy(float)
    if len(data) < shape[0] * shape[1]:
        # SOMPY's training grows longer with fewer samples a cell, up to minutes.
        raise DeblendError(
            f"{len(data)} samples are too few for {shape[0]} x {shape[1]} cells: give a smaller "
            "shape; the paper has 6 a cell"
        )
    for name, values in zip(columns, data.T, strict=True):
        bad = int((~np.isfinite(values)).sum())
        if bad:
            raise DeblendError(
                f"{bad} of {len(values)} values of {name} are not finite: leave these rows out"
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
    steps = np.abs(np.diff(row)) + np.abs(np.diff(column))
    return SelfOrganisingMap(
        tuple(columns),
        (shape[0], shape[1]),
        (codebook * sigma + mean).reshape(*shape, len(columns)),
        best[:, 0],
        float(distance[:, 0].mean()),
        float((steps != 1).mean()),
    )


def cell_means(som: SelfOrganisingMap, values: np.ndarray) -> np.ndarray:
    """Mean over the samples of each cell, such as of a column or of detections.

    Parameters
    ----------
    som : SelfOrganisingMap
    values : ndarray, shape (n,)
        Of the samples it was trained on; true and false give fractions.

    Returns
    -------
    ndarray, shape `som.shape`
        Means of samples, not the codebook's values: Fig. 6 shows "the average parameter of the
        objects in each cell". NaN where a cell has none.

    Raises
    ------
    DeblendError
        There is another number of values than of samples.
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
    """The map in numbers.

    Parameters
    ----------
    som : SelfOrganisingMap

    Returns
    -------
    dict
        n_samples; mean, median and dispersion (standard deviation) of the samples in a cell
        (Sect. 4: about 6, 6 and 3); empty_fraction; quantisation_error; topographic_error.
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
    """SOMPY's codebook of normalised samples (n, d), shape (cells, d)."""
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]

    sompy = _import_sompy()
    codebook = importlib.import_module("sompy.codebook")
    with (
        _quiet(),
        # Its randomised principal components draw from numpy's global state.
        _replaced(codebook, "PCA", functools.partial(PCA, random_state=seed)),
        # Roots of -1e-16 and, in cells that no sample reaches, 0/0: the caller looks at these.
        np.errstate(invalid="ignore", divide="ignore"),
    ):
        som = sompy.SOMFactory.build(normalised, mapsize=list(shape), normalization=None)
        som.train(n_job=1, verbose=None)
    return np.asarray(som.codebook.matrix)


def _import_sompy() -> Any:
    """SOMPY, without what its import does to numpy 2 and to everybody's logging."""
    with (
        _replaced(np, "Inf", np.inf),  # numpy 2 calls it inf
        _replaced(logging.config, "dictConfig", lambda _: None),
    ):
        return importlib.import_module("sompy")


@contextlib.contextmanager
def _replaced(module: Any, name: str, value: object) -> Iterator[None]:
    """Another value of a module's attribute for a while."""
    there = name in vars(module)
    before = vars(module).get(name)
    setattr(module, name, value)
    try:
        yield
    finally:
        if there:
            setattr(module, name, before)
        else:
            delattr(module, name)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without SOMPY's messages, and the root logger's level, which it sets, as it was."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.root.setLevel(level)


def map_of_blends(
    table: pd.DataFrame, columns: Sequence[str], shape: tuple[int, int], seed: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The map of the test blends, as a table of its cells and numbers of its quality.

    Parameters
    ----------
    table : DataFrame
        Of `deblend.hemmati2022.detection.detect`. Galaxies without a redshift have no place on the
        map's fourth axis: a column without any value is left out, else blends that lack one.
    columns : sequence of str
        What the map is learnt from.
    shape : (int, int)
    seed : int

    Returns
    -------
    cells : DataFrame
        `row`, `column`, `n` blends, and the means of the blends mapped to a cell.
    numbers : dict
        See `summary`; `shape`, `columns`.
    """
    used = [c for c in columns if table[c].notna().any()]
    table = table.dropna(subset=used)
    som = learn_som(table, used, shape, seed=seed)
    rows, places = np.indices(som.shape)
    cells = {"row": rows.ravel(), "column": places.ravel(), "n": occupancy(som).ravel()}
    shown = [*columns, "separation_arcsec", "delta_mag"]
    for name in dict.fromkeys([*shown, *(c for c in table if c.startswith("detected_"))]):
        cells[name] = cell_means(som, table[name].to_numpy(float)).ravel()
    numbers = {
        f"{k}_occupancy" if k in ("mean", "median") else k: v for k, v in summary(som).items()
    }
    return pd.DataFrame(cells), numbers | {"shape": list(som.shape), "columns": used}
