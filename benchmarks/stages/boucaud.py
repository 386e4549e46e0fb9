"""Stages of Boucaud et al. 2020."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.stages.common import (
    KEPT,
    PIXEL_SCALE,
    RECORDED,
    SIDE,
    STEERING,
    ZERO_POINT,
    Stage,
    data_set,
    files_of,
    write_chunks,
)


def _assemble(n: int, folder: Path) -> None:
    from deblend.boucaud2020.dataset import assemble
    from deblend.data.stamps import open_stamps, write_stamps

    empty = pd.DataFrame({name: [] for name in ("id", "reason", "morphology", "failed")}, dtype=str)
    kept, *_ = assemble(
        [open_stamps(path, kept_bytes=0) for path in sorted(folder.glob("*.h5"))],
        empty,
        fractions={"train": 0.6, "validation": 0.2, "test": 0.2},
        delta_mag_max=2.0,
        seed=1,
    )
    write_stamps(folder / "stamps.hdf5", kept)


def _sep(n: int, folder: Path) -> None:
    from deblend.boucaud2020.blends import draw_blends
    from deblend.boucaud2020.config import BlendConfig
    from deblend.boucaud2020.sep import measure_blends
    from deblend.data.stamps import open_stamps
    from deblend.photometry.config import Detection

    stamps = open_stamps(folder / "all.hdf5", segmaps=False, kept_bytes=KEPT)
    detection = Detection(threshold=5.0, min_area=4, contrast=0.01, n_thresholds=32)
    rules = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False)
    draw = {"stamp_size": 64, "seed": 1, "split": "test", "config": rules}
    blends = draw_blends(stamps.galaxies, np.arange(n), 0, n, **draw)
    measure_blends(stamps, blends, detection, detection, "zero")


def _blends(stamps: Any, n: int, side: int, split: str = "test") -> pd.DataFrame:
    from deblend.boucaud2020.blends import draw_blends
    from deblend.boucaud2020.config import BlendConfig

    rules = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False)
    draw = {"stamp_size": side, "seed": 1, "split": split, "config": rules}
    return draw_blends(stamps.galaxies, np.arange(len(stamps)), 0, n, **draw)


def _write_blends(n: int, folder: Path) -> None:
    """Write a data set of n galaxies and n blends of them."""
    from deblend.data.stamps import open_stamps
    from deblend.tables import write_ecsv

    write_chunks(folder, n, SIDE, 1)
    write_ecsv(folder / "blends.ecsv", _blends(open_stamps(folder / "all.hdf5"), n, SIDE))


def _predict(architecture: str, n: int, folder: Path) -> None:
    from deblend.boucaud2020 import networks
    from deblend.boucaud2020.predict import predict_fluxes, predict_masks
    from deblend.data.stamps import open_stamps
    from deblend.tables import read_ecsv, write_csv

    options: dict[str, Any] = {"filters": 2, "asinh_softening": 0.02}
    if architecture == "blend2flux":
        options |= {"dense_units": 4, "flux_scale": 50.0}
    else:
        options |= {"depth": 2, "dropout": 0.0}
    record = {"architecture": architecture, "stamp_size": SIDE, "options": options}
    record |= {"pixel_scale_arcsec": PIXEL_SCALE, "zero_point": ZERO_POINT}
    model = networks.build(architecture, SIDE, options)
    stamps = open_stamps(folder / "all.hdf5", kept_bytes=KEPT)
    given = (model, record, stamps, read_ecsv(folder / "blends.ecsv"))
    if architecture == "blend2flux":
        table = predict_fluxes(*given, method=architecture, companion_edge="zero")
    else:
        table, _ = predict_masks(*given, method=architecture, companion_edge="zero")
    write_csv(folder / "table.csv", table)


def _write_training(n: int, folder: Path) -> None:
    """Write a data set of n galaxies, its splits and validation blends."""
    from deblend.data.stamps import open_stamps
    from deblend.tables import write_ecsv

    write_chunks(folder, n, SIDE, 1)
    stamps = open_stamps(folder / "all.hdf5")
    split = np.where(np.arange(n) % 5 == 4, "validation", "train")
    write_ecsv(folder / "galaxies.ecsv", stamps.galaxies.assign(split=split)[["id", "split"]])
    write_ecsv(folder / "blends.ecsv", _blends(stamps, 64, SIDE, "validation"))


def _train_blend2flux(n: int, folder: Path) -> None:
    from deblend.boucaud2020 import training

    training.KEPT_BYTES = KEPT
    network = STEERING | {
        **{"architecture": "blend2flux", "dataset": "benchmark", "augment": True},
        **{"batch_size": 32, "n_train_blends": None, "steps_per_epoch": 20, "adam_epsilon": 1e-7},
        **{"filters": 2, "dense_units": 4, "asinh_softening": 0.02, "flux_scale": 50.0},
        **{"flip_blends": False, "output": "linear"},
    }
    training.train_and_write(
        files_of(folder),
        folder / "all.hdf5",
        folder / "galaxies.ecsv",
        folder / "blends.ecsv",
        network,
        {"delta_mag_max": 2.0, "shift_rule": "authors", "companion_edge": "zero"},
        unet=[],
        seed=1,
        checkpoint=folder / "checkpoint.npz",
        code="benchmark",
        recorded=RECORDED,
    )


STAGES = {
    "assemble": Stage(
        "Boucaud: chunks joined to a data set",
        "galaxies",
        (1_000, 10_000),
        _assemble,
        data_set(32, 1),
    ),
    "sep": Stage("Boucaud: SEP", "galaxies, and blends", (512, 2_000), _sep, data_set(64, 1)),
    "boucaud_train": Stage(
        "Boucaud: training of blend2flux",
        "galaxies",
        (2_000, 8_000),
        _train_blend2flux,
        _write_training,
        keras=True,
    ),
    "boucaud_fluxes": Stage(
        "Boucaud: fluxes by blend2flux",
        "galaxies, and blends",
        (2_000, 8_000),
        partial(_predict, "blend2flux"),
        _write_blends,
        keras=True,
    ),
    "boucaud_masks": Stage(
        "Boucaud: masks by a U-Net",
        "galaxies, and blends",
        (2_000, 8_000),
        partial(_predict, "unet"),
        _write_blends,
        keras=True,
    ),
}
