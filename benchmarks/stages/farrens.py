"""Stages of Farrens et al. 2022."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.stages.common import KEPT, Stage


def _write_features(n: int, folder: Path):
    from deblend.farrens2022.training import cached_features

    def compute():
        for number in range(n // 1000):
            values = np.random.default_rng(number).random((1000, 2048), np.float32)
            yield np.where(values > 0.9, values, 0).astype(np.float16)

    return cached_features(folder / "features.hdf5", "benchmark", n, compute, kept_bytes=KEPT)[0]


def _head(n: int, folder: Path) -> None:
    from deblend.farrens2022.training import train_head
    from deblend.training.config import SteeringConfig
    from deblend.training.keras_checkpoint import Checkpoint

    features = _write_features(n, folder)
    labels = (np.arange(n) % 2).astype(np.float32)
    train_head(
        (features, labels),
        (features, labels),
        seed=1,
        batch_size=250,
        dropout=0.1,
        adam_epsilon=1e-8,
        steering_config=SteeringConfig(epochs=1, learning_rate=1e-3, min_delta=0.001),
        checkpoint=Checkpoint(folder / "head.npz", {}),
    )


def _draw_stamps(n: int, folder: Path) -> None:
    from deblend.farrens2022.config import SampleConfig
    from deblend.farrens2022.stamps import draw_sample

    draw_sample(
        folder / f"sample_{n}.hdf5",
        SampleConfig(kind="parametric", mag_min=18.0, mag_max=23.5),
        "parametric",
        "test",
        n,
        fractions={},
        seed=1,
        chunk_size=50,
        noise_sigma=5.0,
    )


def _write_sample(n: int, folder: Path) -> None:
    """Write a sample of stamps with a galaxy in the middle."""
    from deblend.farrens2022.stamps import TABLE_COLUMNS, write_sample

    y, x = np.mgrid[:51, :51] - 25.0
    galaxy = (2e3 * np.exp(-(x**2 + y**2) / 8)).astype(np.float32)

    def parts():
        for start in range(0, n, 100):
            table = pd.DataFrame({name: np.zeros(100) for name in TABLE_COLUMNS})
            table = table.assign(stamp=start + np.arange(100), galaxy_1="a", galaxy_2="")
            yield np.repeat(galaxy[None], 100, axis=0), table

    write_sample(folder / "sample.hdf5", parts(), n)


SETTINGS = {
    **{"threshold": 1.5, "min_area": 5, "n_thresholds": 32, "contrast": 0.005},
    "background_box_px": 64,
}


def _label_stamps(n: int, folder: Path) -> None:
    from deblend.farrens2022.sep import label_sample

    label_sample(
        folder / "sample.hdf5",
        noise_sigma=5.0,
        item=("benchmark",),
        seed=1,
        settings=SETTINGS,
        padding=7,
        tolerance_px=5.0,
    )


def _roc(n: int, folder: Path) -> None:
    from deblend import scratch
    from deblend.farrens2022.roc import detection_quality

    scratch.KEPT_BYTES = KEPT
    rng = np.random.default_rng(1)
    ends = rng.integers(0, n // 2, (2, n)).astype(str)
    table = pd.DataFrame({"is_blend": rng.integers(0, 2, n), "weight": 1.0})
    table = table.assign(distance_px=rng.uniform(2, 30, n), galaxy_1=ends[0], galaxy_2=ends[1])
    probability = np.clip(0.3 * table["is_blend"].to_numpy() + rng.uniform(0, 0.7, n), 0, 1)
    labels = (probability > 0.5).astype(int)
    detection_quality(table, {(5.0, 0): probability}, {(5.0, 0): labels}, {"hsc": 0.3})


STAGES = {
    # GalSim keeps tables of some profiles: more for 1,400 stamps than for 700, then no more.
    "farrens_draw": Stage("Farrens: stamps drawn", "stamps", (1_400, 2_800), _draw_stamps),
    "farrens_sep": Stage(
        "Farrens: labels of SEP", "stamps", (1_000, 6_000), _label_stamps, _write_sample
    ),
    "head": Stage(
        "Farrens: features written, training of a head",
        "stamps, trained on and labelled",
        (3_000, 12_000),
        _head,
        first=1000,
        keras=True,
    ),
    "roc": Stage(
        "Farrens: ROC and calibration of a head", "test stamps", (4_000, 16_000), _roc, first=1_000
    ),
}
