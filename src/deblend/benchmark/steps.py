"""The steps of the benchmark: files in, files out."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.benchmark.catalogue import Catalogue, Method, as_catalogue, joined
from deblend.benchmark.density import intervals
from deblend.benchmark.matching import count_sources, has_positions, match, scored, with_calls
from deblend.benchmark.pixels import image_scores, mask_scores
from deblend.benchmark.registry import method_of
from deblend.benchmark.score import score_all
from deblend.benchmark.truth import Truth, TruthFile, read_truth
from deblend.errors import UnsuitedError
from deblend.files import read_json, write_json
from deblend.scenes.scenes import Scenes, position_lists, read_scenes
from deblend.scenes.sources import match_radius_px
from deblend.tables import write_csv
from deblend.training.description import read_description

log = logging.getLogger(__name__)

#: Scenes that are measured at a time, so that the memory does not grow with their number.
CHUNK = 128

#: What is written about each galaxy and each scene.
GALAXY_COLUMNS = (
    *("set", "scene", "galaxy", "found", "n_false", "flux", "flux_error", "iou", "psnr_db"),
    *("low_68", "high_68", "low_95", "high_95", "pit", "uncertain"),
)
SCENE_COLUMNS = ("set", "scene", "n_found", "n_false", "p_blend", "is_blend")


def processor_seconds() -> float:
    """Processor time of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


def part_of(scenes: Scenes, start: int, stop: int) -> Scenes:
    """Some of the scenes, without what is known about their galaxies."""
    return replace(
        scenes,
        images=scenes.images[start:stop],
        noise_sigma=scenes.noise_sigma[start:stop],
        names=scenes.names[start:stop],
        positions=None,
        wcs=(),
        truth=None,
    )


def measure_set(
    scenes: Scenes,
    truth: Truth | TruthFile,
    measure: Method,
    *,
    name: str,
    given: bool,
    subset: int | None,
    seed: int,
    chunk: int = CHUNK,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Apply a method to a set and compare what it finds with the truth.

    Parameters
    ----------
    scenes : Scenes
    truth : Truth or TruthFile
    measure : callable
        See `deblend.benchmark.catalogue`.
    name : str
        Name of the method.
    given : bool
        Whether the method gets the true positions.
    subset : int, optional
        Number of scenes for a slow method; None: all.
    seed : int
    chunk : int
        Scenes that the method gets at a time.

    Returns
    -------
    galaxies, scenes : DataFrame
        `GALAXY_COLUMNS` and `SCENE_COLUMNS` but `set`. Where positions are given, what is found and
        called a blend says nothing, and is NaN. What the method can do is decided once, by all
        scenes.
    notes : dict
        `seconds`: processor time for each scene; `positions`: true, detected or centre; `remarks`.

    Raises
    ------
    UnsuitedError
        The method does not suit these scenes.
    DeblendError
        It returns what is no catalogue.
    """
    n = len(scenes) if subset is None else min(subset, len(scenes))
    radius, seconds = match_radius_px(scenes), 0.0
    galaxy_parts, scene_parts, remarks = [], [], []
    placed = n_sources = 0
    for start in range(0, n, chunk):
        stop = min(start + chunk, n)
        part, known = part_of(scenes, start, stop), truth.of_scenes(start, stop)
        positions = position_lists(known.galaxies, len(part)) if given else None
        begin = processor_seconds()
        found = measure(part, positions=positions, seed=seed)
        seconds += processor_seconds() - begin
        catalogue = as_catalogue(found, part, name)
        rows = match(known, catalogue, radius)
        table = _of_galaxies(known, catalogue, rows)
        counts, table["n_false"] = count_sources(known, catalogue, rows, len(part))
        placed += int(has_positions(catalogue).sum())
        n_sources += len(catalogue.table)
        remarks.append(catalogue.note)
        galaxy_parts.append(table.assign(scene=table["scene"] + start))
        scene_parts.append(counts.assign(scene=counts["scene"] + start))
    # A method without a source in all scenes has looked for positions in vain.
    looks = placed > 0 or not n_sources
    galaxies = joined(galaxy_parts)
    by_role = not looks and not given
    galaxies = galaxies[scored(galaxies, by_role=by_role)].reset_index(drop=True)
    if not looks or given:
        galaxies["n_false"] = np.nan
    notes = {
        "seconds": seconds / n,
        "positions": "true" if given else "detected" if looks else "centre",
        "remarks": "; ".join(dict.fromkeys(text for text in remarks if text)),
    }
    counts = with_calls(joined(scene_parts), looks=looks and not given)
    return galaxies, counts.assign(is_blend=np.nan) if given else counts, notes


def _of_galaxies(truth: Truth, found: Catalogue, rows: np.ndarray) -> pd.DataFrame:
    """What is measured of each galaxy, from the row of the catalogue that belongs to it."""
    real = rows >= 0
    table = truth.galaxies[["scene", "galaxy"]].assign(found=real)
    for column in ("flux", "flux_error"):
        values = found.table[column].to_numpy(float)
        table[column] = np.where(real, values[rows], np.nan) if len(values) else np.nan
    table = table.assign(**intervals(truth, found, rows))
    table["iou"] = mask_scores(truth, found, rows)
    table["psnr_db"] = image_scores(truth, found, rows)
    return table


def measure_sets(
    paths: Mapping[str, tuple[str | Path, str | Path]],
    measure: Method,
    outputs: Mapping[str, str | Path],
    *,
    name: str,
    given: bool,
    subset: int | None,
    seed: int,
    trained_on: str = "",
) -> None:
    """Apply a method to all sets.

    Parameters
    ----------
    paths : dict
        Scenes and truth by the name of the set.
    measure : callable
        A set that it does not suit (`deblend.errors.UnsuitedError`) is left out, with the reason.
    outputs : dict of path
        `galaxies`, `scenes` and `notes`: `seconds`, `left_out`, `positions` and `remarks` by set,
        and `trained_on`. Positions are `true`, `detected`, or `centre`: the method knows that one
        galaxy is in the middle, and looks for no positions.
    name, given, subset, seed
        See `measure_set`.
    trained_on : str
        Data set of the method's training; empty without one.
    """
    galaxies = [pd.DataFrame(columns=list(GALAXY_COLUMNS))]
    counts = [pd.DataFrame(columns=list(SCENE_COLUMNS))]
    notes: dict[str, Any] = {"seconds": {}, "left_out": {}, "positions": {}, "remarks": {}}
    notes["trained_on"] = trained_on
    for blends, (scenes, truth) in paths.items():
        try:
            found = measure_set(
                read_scenes(scenes, on_disk=True),
                TruthFile(truth),
                measure,
                name=name,
                given=given,
                subset=subset,
                seed=seed,
            )
        except UnsuitedError as error:
            log.warning("%s is left out for %s: %s", name, blends, error)
            notes["left_out"][blends] = str(error)
            continue
        galaxies.append(found[0].assign(set=blends)[list(GALAXY_COLUMNS)])
        counts.append(found[1].assign(set=blends)[list(SCENE_COLUMNS)])
        for key, value in found[2].items():
            notes[key][blends] = value
        log.info("%s, %s: %.3g s of processor time a blend", name, blends, found[2]["seconds"])
    write_csv(outputs["galaxies"], _stacked(galaxies))
    write_csv(outputs["scenes"], _stacked(counts))
    write_json(outputs["notes"], notes)


def measure_entry(
    name: str,
    entry: Mapping[str, Any],
    kinds: Mapping[str, Method],
    files: Mapping[str, Any],
    *,
    sets: tuple[Sequence[str], Sequence[str], Sequence[str]],
    outputs: Mapping[str, str | Path],
    seed: int,
) -> None:
    """Apply the method of an entry under `benchmark > methods` to all sets.

    Parameters
    ----------
    name : str
    entry : dict
    kinds : dict
        See `deblend.benchmark.registry.method_of`.
    files : dict
        Files that the method needs; those that are empty are left out.
    sets : tuple of three sequences
        Names, scenes and truths of the sets.
    outputs, seed
        See `measure_sets`.
    """
    needed = {key: str(value) for key, value in files.items() if value}
    record = read_description(needed["description"]) if "description" in needed else {}
    measure_sets(
        {key: (scenes, truth) for key, scenes, truth in zip(*sets, strict=True)},
        method_of(entry, kinds, needed),
        outputs,
        name=name,
        given=entry.get("positions") == "true",
        subset=entry.get("subset"),
        seed=seed,
        trained_on=str(record.get("dataset", "")),
    )


def score_files(
    truths: Mapping[str, str | Path],
    methods: Sequence[str],
    galaxies: Sequence[str | Path],
    scenes: Sequence[str | Path],
    notes: Sequence[str | Path],
    **options: Any,
) -> dict[str, pd.DataFrame]:
    """Score what all methods have measured, from the files of `measure_sets`.

    Parameters
    ----------
    truths : dict of path
        By set.
    methods : sequence of str
    galaxies, scenes, notes : sequence of path
        In the order of the methods.
    **options
        Of `deblend.benchmark.score.score_all`, as the result.
    """
    return score_all(
        {name: pd.read_csv(path) for name, path in zip(methods, galaxies, strict=True)},
        {name: pd.read_csv(path) for name, path in zip(methods, scenes, strict=True)},
        {name: read_json(path) for name, path in zip(methods, notes, strict=True)},
        {name: read_truth(path, pixels=False).galaxies for name, path in truths.items()},
        **options,
    )


def _stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables as one; the first, which has only columns, where there are no others."""
    return joined(parts[1:]) if len(parts) > 1 else parts[0]
