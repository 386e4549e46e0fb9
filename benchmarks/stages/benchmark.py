"""Stages of the benchmark."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.stages.common import (
    FULL_SIDE,
    PIXEL_SCALE,
    ROOT,
    SIDE,
    SIGMA,
    ZERO_POINT,
    Stage,
    data_set,
)


def _set_options():
    from deblend.benchmark.sets import options_of
    from deblend.data.noise import read_correlation
    from deblend.data.priors import read_priors

    cold = {"threshold": 5.0, "min_area": 10, "contrast": 0.01, "n_thresholds": 64}
    return options_of(
        {
            **{"band": "b0", "pixel_scale_arcsec": PIXEL_SCALE, "zero_point": ZERO_POINT},
            **{"noise_sigma": SIGMA, "stamp_size": 48, "mag_min": 20.0, "mag_max": 22.0},
            **{"psf_fwhm_arcsec": 0.17, "psf_moffat_beta": 2.5, "n_neighbours_mean": 0.0},
        },
        {"delta_mag_max": 2.0, "shift_rule": "authors", "companion_edge": "zero"},
        {"cold": cold, "hot": cold | {"threshold": 4.0, "min_area": 6, "contrast": 0.0001}},
        {"psf_fwhm_arcsec": 0.6, "psf_beta": 3.0, "depth_mag": 26.2, "band": "b0"},
        extra_noise=False,
        priors=read_priors(ROOT / "config" / "priors.yaml"),
        correlation=read_correlation(ROOT / "config" / "noise.yaml"),
        seed=1,
    )


def _simulate_set(n: int, folder: Path) -> None:
    from deblend.benchmark.sets import write_set

    files = {name: folder / f"{name}_{n}.hdf5" for name in ("scenes", "truth")}
    write_set("simulated", n, _set_options(), **files)


def _real_set(n: int, folder: Path) -> None:
    from deblend.benchmark.real_sets import write_real_set
    from deblend.benchmark.sets import blend_rules

    write_real_set(
        folder / "all.hdf5",
        n,
        blend_rules({"delta_mag_max": 2.0, "shift_rule": "authors"}),
        companion_edge="zero",
        seed=1,
        split="test",
        scenes=folder / "scenes.hdf5",
        truth=folder / "truth.hdf5",
    )


def _truth_table(n: int) -> pd.DataFrame:
    """The two galaxies of each of n scenes."""
    from deblend.benchmark.truth import COLUMNS

    table = pd.DataFrame({name: np.ones(2 * n) for name in COLUMNS})
    table = table.assign(scene=np.repeat(np.arange(n), 2), galaxy=np.tile([0, 1], n))
    table["id"] = [f"g{i}" for i in range(2 * n)]
    table["x_px"] = np.where(table["galaxy"] == 0, SIDE // 2, SIDE // 2 + 8.0)
    table["y_px"], table["flux"], table["mag"] = float(SIDE // 2), 5.0, 24.0
    return table


def _write_scenes(n: int, folder: Path) -> None:
    """Write scenes of two galaxies, and their truth."""
    from deblend.benchmark.truth import new_truth
    from deblend.scenes.scenes import Scenes, write_scenes

    y, x = np.mgrid[:SIDE, :SIDE]
    spots = [np.exp(-((x - x0) ** 2 + (y - SIDE // 2) ** 2) / 8) for x0 in (SIDE // 2, 24)]
    alone = np.array(spots, np.float32) / 5
    scenes = Scenes(
        np.broadcast_to(np.float32(0), (n, 1, SIDE, SIDE)),
        ("b0",),
        pixel_scale_arcsec=PIXEL_SCALE,
        zero_points=np.array([ZERO_POINT]),
        noise_sigma=np.full((n, 1), SIGMA),
    )
    rng = np.random.default_rng(1)
    images = (alone.sum(0) + rng.normal(0, SIGMA, (100, 1, SIDE, SIDE)) for _ in range(0, n, 100))
    write_scenes(folder / "scenes.hdf5", scenes, images)
    with new_truth(folder / "truth.hdf5", (2 * n, SIDE, SIDE)) as file:
        for _ in range(0, n, 100):
            file.add(np.tile(alone, (100, 1, 1)), np.tile(alone > 0.02, (100, 1, 1)))
        file.finish(_truth_table(n))


def _measure_set(n: int, folder: Path) -> None:
    from deblend.benchmark.methods.sep_photometry import measure_default
    from deblend.benchmark.steps import measure_sets

    measure_sets(
        {"simulated": (folder / "scenes.hdf5", folder / "truth.hdf5")},
        measure_default,
        {name: folder / f"made_{name}" for name in ("galaxies", "scenes", "notes")},
        name="sep",
        given=False,
        subset=None,
        seed=1,
    )


def _write_measured(n: int, folder: Path) -> None:
    """Write what two methods have measured on n scenes, and the truth."""
    from deblend.benchmark.steps import GALAXY_COLUMNS, SCENE_COLUMNS
    from deblend.benchmark.truth import Truth, write_truth
    from deblend.files import write_json
    from deblend.tables import write_csv

    truth = _truth_table(n)
    empty = np.broadcast_to(np.uint8(0), (2 * n, 1, 1))
    write_truth(folder / "truth.hdf5", Truth(truth, empty, empty))
    rng = np.random.default_rng(1)
    for method in ("first", "second"):
        galaxies = pd.DataFrame({name: np.ones(2 * n) for name in GALAXY_COLUMNS})
        galaxies = galaxies.assign(set="simulated", scene=truth["scene"], galaxy=truth["galaxy"])
        galaxies["flux"] = rng.normal(5, 0.5, 2 * n)
        write_csv(folder / f"{method}_galaxies", galaxies.assign(found=True))
        scenes = pd.DataFrame({name: np.ones(n) for name in SCENE_COLUMNS})
        scenes = scenes.assign(set="simulated", scene=np.arange(n))
        write_csv(folder / f"{method}_scenes", scenes)
        notes: dict[str, Any] = {"left_out": {}, "remarks": {}, "trained_on": ""}
        notes |= {"seconds": {"simulated": 1.0}, "positions": {"simulated": "detected"}}
        write_json(folder / f"{method}_notes", notes)


def _score(n: int, folder: Path) -> None:
    from deblend.benchmark.steps import score_files

    methods = ("first", "second")
    files = ([folder / f"{m}_{what}" for m in methods] for what in ("galaxies", "scenes", "notes"))
    bins = {"snr": [0.5]}
    truths = {"simulated": folder / "truth.hdf5"}
    score_files(truths, methods, *files, bins=bins, n_resamples=50, seed=1)


STAGES = {
    "set": Stage("benchmark: a set simulated", "galaxies", (128, 768), _simulate_set, first=64),
    "real_set": Stage(
        "benchmark: a set of real galaxies",
        "galaxies, and blends",
        (500, 4_000),
        _real_set,
        data_set(SIDE, 1),
        scale=(FULL_SIDE / SIDE) ** 2,
    ),
    "measure": Stage(
        "benchmark: a set measured by SEP", "scenes", (3_000, 12_000), _measure_set, _write_scenes
    ),
    "score": Stage(
        "benchmark: scores of two methods", "scenes", (1_000, 10_000), _score, _write_measured
    ),
}
