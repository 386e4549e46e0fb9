"""The steps of the workflow for scenes: files in, files out."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.files import read_json, write_json
from deblend.scenes.catalogue import (
    FLUX_UNITS,
    catalogue_meta,
    source_table,
    wide_table,
    write_catalogue,
)
from deblend.scenes.flags import flagged
from deblend.scenes.inject import inject
from deblend.scenes.masks import Mask, read_masks
from deblend.scenes.scenes import (
    MEASURED,
    PEAK_COLUMNS,
    Scenes,
    concatenated,
    read_scenes,
    write_scenes,
)
from deblend.scenes.weights import (
    OtherImagesError,
    UnsuitedNetworkError,
    missing_bands,
    read_network,
)
from deblend.tables import read_ecsv, write_csv, write_ecsv

log = logging.getLogger(__name__)

#: Units of the columns of `deblend.scenes.scenes.MEASURED`.
UNITS = {"x_px": "pix", "y_px": "pix", "flux": "ct / s", "flux_error": "ct / s"}
UNITS |= {"mask_area_px": "pix2"}

#: What each kind of network adds, and what is said where there is none.
KINDS = {
    "blend2flux, unet, blend2mask2flux": "boucaud2020",
    "BlendHunter": "farrens2022",
    "super-resolution": "hemmati2022",
    "branched separator": "reiman2019",
}

Method = Callable[..., pd.DataFrame]


def prepare(
    scenes: Scenes, paths: Mapping[str, str | Path], n: int, injection: Mapping[str, Any], seed: int
) -> None:
    """Write scenes, and those with injected galaxies: `scenes` and `injected` of the paths."""
    write_scenes(paths["scenes"], scenes)
    write_scenes(paths["injected"], inject(scenes, n, seed, **injection))


def measure_classically(
    paths: Mapping[str, str | Path], methods: Mapping[str, Method], seed: int
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Tables of methods without networks, for scenes and injected scenes.

    Parameters
    ----------
    paths : dict
        `scenes` and `injected`.
    methods : dict
        Functions (scenes, seed=) that return a table. One that cannot be applied is left out.
    seed : int

    Returns
    -------
    tables : dict of DataFrame
        `scenes` and `injected`.
    notes : dict
        `left_out`: reason by method.
    """
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in paths}
    left_out = {}
    loaded = {name: read_scenes(path) for name, path in paths.items()}
    for method, measure in methods.items():
        for name, scenes in loaded.items():
            if not len(scenes):
                continue
            # What cannot be applied to injected galaxies is still applied to the scenes.
            what = method if name == "scenes" else f"{method}, injected galaxies"
            try:
                tables[name].append(measure(scenes, seed=seed))
            except DeblendError as error:
                log.warning("%s is left out: %s", what, error)
                left_out[what] = str(error)
    return {name: concatenated(parts) for name, parts in tables.items()}, {"left_out": left_out}


def measure_with_networks(
    paths: Mapping[str, str | Path],
    networks: Sequence[Mapping[str, Any]],
    measure: Callable[..., tuple[pd.DataFrame, Any, str]],
    seed: int,
    optional: Collection[str] = (),
) -> tuple[dict[str, pd.DataFrame], list[Any], dict[str, Any]]:
    """Tables of networks, for scenes and injected scenes.

    Parameters
    ----------
    paths : dict
        `scenes` and `injected`.
    networks : sequence of dict
        Arguments of `deblend.scenes.weights.read_network`.
    measure : callable
        `deblend.scenes.keras_networks.measure_with_masks`,
        `deblend.scenes.super_resolution.measure_with_peaks` or
        `deblend.scenes.separator.measure_with_images`.
    seed : int
    optional : collection of str
        Names of networks that are left out if the scenes do not have their band, or, if other
        networks fit, their PSF or pixels: those of a folder that may hold networks for other images
        too.

    Returns
    -------
    tables : dict of DataFrame
        `scenes` and `injected`.
    extras : list
        What `measure` returns beside the table, for the scenes, by network.
    notes : dict
        `compared`, `networks`, `left_out` and, of these, `unsuited`, by network.

    Raises
    ------
    DeblendError
        A network that is not optional does not suit the scenes.
    """
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in paths}
    extras, compared, described, left_out = [], {}, {}, {}
    unsuited: dict[str, str] = {}
    loaded = {name: read_scenes(path) for name, path in paths.items()}
    for entry in networks:
        network = read_network(**entry)
        if network is None:
            continue
        lacking = missing_bands(network, loaded["scenes"].bands)
        if lacking and network.name in optional:
            left_out[network.name] = (
                f"it was trained on {', '.join(lacking)}, and the scenes have the bands "
                f"{', '.join(loaded['scenes'].bands)}"
            )
            log.warning("%s is left out: %s", network.name, left_out[network.name])
            continue
        if network.record.get("problem"):
            log.warning("%s has not learnt: %s", network.name, network.record["problem"])
        try:
            for name, scenes in loaded.items():
                if not len(scenes):
                    continue
                table, extra, note = measure(scenes, seed=seed, network=network)
                tables[name].append(table)
                if name == "scenes":
                    extras.append(extra)
                    compared[network.name] = note
        except UnsuitedNetworkError as error:
            if network.name not in optional:
                raise
            if isinstance(error, OtherImagesError):
                log.warning("%s is left out: %s", network.name, error)
            else:
                unsuited[network.name] = str(error)
            left_out[network.name] = str(error)
            continue
        described[network.name] = network.provenance()
        log.info("%s: %s", network.name, compared[network.name])
    notes = {"compared": compared, "networks": described, "left_out": left_out}
    notes["unsuited"] = unsuited
    return {name: concatenated(parts) for name, parts in tables.items()}, extras, notes


def write_tables(
    outputs: Mapping[str, str | Path], tables: Mapping[str, pd.DataFrame], notes: Mapping[str, Any]
) -> None:
    """Write the tables of a job (`table`, `injected`) and its notes (`notes`)."""
    write_csv(outputs["table"], tables["scenes"])
    write_csv(outputs["injected"], tables["injected"])
    write_json(outputs["notes"], notes)


def read_tables(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Tables of several jobs as one."""
    parts = [
        pd.read_csv(
            path, keep_default_na=False, na_values={c: [""] for c in NUMBERS}, dtype=TEXT_COLUMNS
        )
        for path in paths
    ]
    return concatenated(parts)


#: Columns of `MEASURED` that can be empty numbers.
NUMBERS = ("flux", "flux_error", "p_blend", "mask_area_px")

#: Texts, which can look like numbers: a band can be called 814.
TEXT_COLUMNS = {"band": str, "method": str, "role": str}


def write_all(
    outputs: Mapping[str, str | Path],
    scenes: str | Path,
    injected: str | Path,
    tables: Sequence[str | Path],
    tables_injected: Sequence[str | Path],
    notes: Sequence[str | Path],
    *,
    data: Mapping[str, Any],
    code: Mapping[str, Any],
) -> None:
    """Join the tables of all jobs: the catalogue, the measurements in long form, the recovery.

    Parameters
    ----------
    outputs : dict of path
        `catalogue`, `measurements` and `injections`.
    scenes, injected : path
    tables, tables_injected, notes : sequence of path
        Of all jobs.
    data : dict
        The entry of the configuration, for the header.
    code : dict
        Commit of the code.

    Raises
    ------
    DeblendError
        There are networks, and none of any job fits.
    """
    all_scenes, all_injected = read_scenes(scenes), read_scenes(injected)
    measured = read_tables(tables)
    measured["flags"] |= flagged("stretched", all_scenes.stretched)
    joined: dict[str, dict[str, Any]] = {"left_out": {}, "compared": {}, "networks": {}}
    joined["unsuited"] = {}
    for path in notes:
        for key, values in read_json(path).items():
            joined[key] |= values
    if joined["unsuited"] and not joined["networks"]:
        raise DeblendError(next(iter(joined["unsuited"].values())))
    for name, reason in joined["unsuited"].items():
        log.warning("%s is left out: %s", name, reason)
    papers = {network["paper"] for network in joined["networks"].values()}
    for what, paper in KINDS.items():
        if paper not in papers:
            joined["left_out"][what] = (
                "no such network is given, or none for these bands: see networks and weights"
            )
    sources = source_table(all_scenes)
    meta, found = catalogue_meta(
        all_scenes,
        all_injected if len(all_injected) else None,
        read_tables(tables_injected),
        sources=sources,
        data=data,
        networks=joined["networks"],
        notes=joined["compared"],
        left_out=joined["left_out"],
        code=code,
    )
    write_catalogue(outputs["catalogue"], wide_table(all_scenes, sources, measured), meta)
    zero_points = dict(zip(all_scenes.bands, all_scenes.zero_points.tolist(), strict=True))
    # Sums of pixels of pictures have no unit.
    units = {k: v for k, v in UNITS.items() if not (all_scenes.stretched and v in FLUX_UNITS)}
    write_ecsv(outputs["measurements"], measured[list(MEASURED)], units, zero_points=zero_points)
    write_csv(outputs["injections"], found)
    for row in found[found["selection"] == "both_found"].itertuples(index=False):
        log.info(
            "injected galaxies, %s, %s: %d of %d measured in blends of which both are found (%.0f "
            "%% are merged), bias %.3f +- %.3f mag, scatter %.3f mag",
            *(row.method, row.band, row.n_measured, row.n_injected, 100 * row.share_merged),
            *(row.bias_mag, row.bias_error_mag, row.scatter_mag),
        )


def named_networks(
    names: Sequence[str],
    weights: Sequence[str | Path],
    descriptions: Sequence[str | Path],
    vgg: Sequence[str | Path] = (),
    vgg_numbers: Sequence[int | None] = (),
) -> list[dict[str, Any]]:
    """Arguments of `deblend.scenes.weights.read_network` for each network.

    Parameters
    ----------
    names : sequence of str
    weights, descriptions : sequence of path
        In the order of the names.
    vgg : sequence of path
    vgg_numbers : sequence of int or None, optional
        Which of these each network needs; by default none.
    """
    numbers = vgg_numbers or [None] * len(names)
    return [
        {
            "name": name,
            "weights": file,
            "description": description,
            "vgg": None if number is None else vgg[number],
        }
        for name, file, description, number in zip(
            names, weights, descriptions, numbers, strict=True
        )
    ]


def write_peaks(path: str | Path, peaks: Sequence[pd.DataFrame]) -> None:
    """Write the peaks of all networks as ECSV."""
    parts = [table for table in peaks if len(table)]
    empty = pd.DataFrame(columns=list(PEAK_COLUMNS))
    table = pd.concat(parts, ignore_index=True) if parts else empty
    units = {"x_px": "pix", "y_px": "pix"}
    write_ecsv(path, table.reset_index(drop=True), units, significance="sigmas of the noise")


def read_peaks(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Peaks of all jobs; none without any."""
    empty = pd.DataFrame({name: np.zeros(0) for name in ("scene", "x_px", "y_px")})
    return pd.concat([empty, *(read_ecsv(path) for path in paths)], ignore_index=True)


def read_all_masks(paths: Sequence[str | Path]) -> list[Mask]:
    """Masks of all jobs."""
    return [mask for path in paths for mask in read_masks(path)]
