"""Positions of the galaxies of scenes, from a table."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from deblend.data.coordinates import (
    CHECKED_MAX,
    CHECKED_MIN,
    DOUBTFUL_SHARE,
    REFUSED_SHARE,
    TOO_FEW,
)
from deblend.data.listing import PICTURE_SUFFIXES, without_suffix
from deblend.data.table_files import NUMBER, read_columns
from deblend.errors import DeblendError
from deblend.scenes.scenes import Scenes
from deblend.scenes.sources import find_sources

log = logging.getLogger(__name__)


def name_of_file(path: str | Path) -> str:
    """Name of a scene: that of its file without the suffix."""
    name = Path(path).name
    short = _without_suffix(name)
    return short if short != name else Path(name).stem


def _without_suffix(name: str) -> str:
    for suffix in PICTURE_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return without_suffix(name)


def read_positions(
    path: str,
    columns: Mapping[Any, str],
    first_pixel: int,
    names: Sequence[str],
    shapes: Sequence[tuple[int, int]],
) -> list[np.ndarray]:
    """Y and x of the galaxies of each scene.

    Parameters
    ----------
    path : str
        A table of any format, see `deblend.data.table_files.open_table`.
    columns : dict
        Names of its columns for `scene`, `x` and `y`, if they are others.
    first_pixel : {0, 1}
        Coordinates of the centre of the first pixel.
    names : sequence of str
        Of the scenes.
    shapes : sequence of (int, int)
        Rows and columns of the image of each scene.

    Returns
    -------
    list of ndarray, shape (k, 2)
        From 0, by scene.

    Raises
    ------
    DeblendError
        A column is missing, a number is no number, a scene is not known, or a position is outside
        its image.
    """
    theirs = {"scene": "scene", "x": "x", "y": "y"} | dict(columns)
    optional = ["scene"] if len(names) == 1 else []
    quantities = {"scene": None, "x": NUMBER, "y": NUMBER}
    table = read_columns(path, theirs, quantities, optional)
    yx = table[["y", "x"]].to_numpy(float) - first_pixel
    unknown = np.flatnonzero(np.isnan(yx).any(axis=1))
    if len(unknown):
        raise DeblendError(
            f"{path} has no position in {len(unknown)} rows (the first: row {unknown[0] + 1}): "
            "leave them out"
        )
    scene = np.zeros(len(table), int)
    if "scene" in table:
        scene = scene_numbers(table["scene"].tolist(), names, path)
    _check_inside(path, scene, yx, names, shapes)
    return [yx[scene == i] for i in range(len(names))]


def scene_numbers(labels: Sequence[str], names: Sequence[str], where: str) -> np.ndarray:
    """Number of the scene of each label.

    Labels are names of scenes, or of their files, or all are numbers from 0.

    Parameters
    ----------
    labels, names : sequence of str
    where : str
        The table, for messages.

    Raises
    ------
    DeblendError
        A label is neither, or labels can be read as names and as numbers, which differ.
    """
    by_name = {name: i for i, name in enumerate(names)}
    by_number = {str(i): i for i in range(len(names))}
    readings = []
    for found in (
        [by_name.get(label, by_name.get(_without_suffix(label))) for label in labels],
        [by_number.get(label) for label in labels],
    ):
        if None not in found:
            readings.append(np.array(found, int))
    if len(readings) == 2 and (readings[0] != readings[1]).any():
        raise DeblendError(
            f"the scenes in {where} ({labels[0]} ...) can be names of files or numbers from 0, "
            f"which are other images: give the names with their suffix, such as {names[0]}.fits"
        )
    if readings:
        return readings[0]
    lacking = next(
        (v for v in labels if v not in by_name and _without_suffix(v) not in by_name), labels[0]
    )
    raise DeblendError(
        f"{where} has positions of the scene {lacking!r}; scenes are "
        f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}, or all numbers from 0 to "
        f"{len(names) - 1}"
    )


def _check_inside(
    path: str,
    scene: np.ndarray,
    yx: np.ndarray,
    names: Sequence[str],
    shapes: Sequence[tuple[int, int]],
) -> None:
    sides = np.array(shapes)[scene]
    outside = ~((yx > -0.5) & (yx < sides - 0.5)).all(axis=1)
    if outside.any():
        k = int(np.argmax(outside))
        raise DeblendError(
            f"{path} has a position outside its image: scene {names[scene[k]]}, x = {yx[k, 1]:g}, "
            f"y = {yx[k, 0]:g} in {sides[k, 1]} x {sides[k, 0]} px (from 0): correct it, or "
            "first_pixel"
        )


def check_positions(scenes: Scenes, path: str) -> None:
    """Check that there are galaxies at the positions that are given.

    Parameters
    ----------
    scenes : Scenes
        With positions.
    path : str
        Their table, for messages.

    Raises
    ------
    DeblendError
        SEP finds too few sources at the brightest of the positions: `REFUSED_SHARE`.
    """
    sources = find_sources(scenes)
    n = int(np.clip(len(sources) // 4, CHECKED_MIN, CHECKED_MAX))
    brightest = sources.sort_values("brightness", ascending=False, kind="stable").iloc[:n]
    if len(brightest) < TOO_FEW:
        return
    # A companion can be one object with its neighbour, which has its pixel.
    share = float((brightest["found"] | brightest["on_object"]).mean())
    text = (
        f"SEP finds a source at {share:.0%} of the {len(brightest)} brightest positions of {path}"
    )
    remedy = "check first_pixel, and whether x and y are swapped or belong to other images"
    if share < REFUSED_SHARE:
        raise DeblendError(
            f"{text}: {remedy}; if the galaxies are that faint, lower detection > threshold"
        )
    if share < DOUBTFUL_SHARE:
        log.warning("%s: %s", text, remedy)
