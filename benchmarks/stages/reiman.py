"""Stages of Reiman & Goehre 2019."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.stages.common import RECORDED, Stage, files_of


def _write_jpegs(n: int, folder: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(1)
    images = folder / "jpegs"
    images.mkdir()
    for number in range(n):
        pixels = rng.integers(0, 255, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(images / f"{number:06d}.jpg", quality=50)


SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def _reduce_images(n: int, folder: Path) -> None:
    from deblend.reiman2019.images import build_frames

    made = [folder / name for name in ("made.npy", "index.csv", "excluded.csv")]
    grid = {"frame_px": 64, "crop_px": 48, "reduce_by": 1}
    build_frames([folder / "jpegs"], *made, seed=1, split=SHARES, **grid)


PERTURBATION = {
    **{"order": "authors", "shift_px": (3, 8), "log_scale": (-1.0, 0.5), "blending": "max"},
    **{"crop_px": 48, "reduce_by": 3},
}


GENERATOR = {"root_blocks": 1, "branch_blocks": 1, "filters": 2, "coordinates": False}


def _write_frames(n: int, folder: Path) -> None:
    rng = np.random.default_rng(1)
    shape = (n, 64, 64, 3)
    frames = np.lib.format.open_memmap(folder / "frames.npy", "w+", np.uint8, shape)
    for number in range(n):
        frames[number] = rng.integers(0, 255, shape[1:], np.uint8)
    split = np.repeat(["train", "validation", "test"], [n - 20, 10, 10])
    index = pd.DataFrame({"row": range(n), "id": [f"g{i}" for i in range(n)], "split": split})
    index.to_csv(folder / "index.csv", index=False)


def _train_gan(n: int, folder: Path) -> None:
    import torch
    from deblend.reiman2019.training import train_and_write

    network = GENERATOR | {
        **{"discriminator_filters": 2, "discriminator_units": 4, "adversarial_weight": 1e-3},
        **{"adversarial": "non_saturating", "burn_in_iterations": 0, "vgg_input_px": 16},
        **{"iterations": 20, "learning_rate": 1e-3, "discriminator_learning_rate": 1e-3},
        **{"drop_factor": 0.1, "drop_iteration": 20, "batch_size": 8, "precision": "float32"},
        **{"trace_interval": 10, "checkpoint_interval": 10},
    }
    torch.set_num_threads(1)
    train_and_write(
        files_of(folder, "panels"),
        folder / "frames.npy",
        folder / "index.csv",
        network,
        PERTURBATION,
        images="benchmark",
        n_validation_blends=8,
        seed=1,
        vgg=("random", None),
        layers=(folder / "generator.csv", folder / "discriminator.csv"),
        device=torch.device("cpu"),
        checkpoint=folder / "checkpoint.pt",
        code="benchmark",
        recorded=RECORDED,
    )


def _deblend_images(n: int, folder: Path) -> None:
    import torch
    from deblend.reiman2019.networks import Generator
    from deblend.reiman2019.scores import predict_and_score
    from deblend.training.torch_checkpoint import write_weights

    torch.set_num_threads(1)
    write_weights(folder / "gan.h5", Generator(1, 1, 2))
    (folder / "gan.json").write_text(json.dumps(GENERATOR | {"precision": "float32"}))
    predict_and_score(
        folder / "frames.npy",
        folder / "index.csv",
        {"gan": (folder / "gan.h5", folder / "gan.json", folder / "images.h5")},
        PERTURBATION,
        images="benchmark",
        n_blends=n,
        n_examples={"success": 2, "failure": 2},
        seed=1,
        device=torch.device("cpu"),
        attributes={},
        examples=folder / "examples.h5",
    )


STAGES = {
    "reiman_frames": Stage(
        "Reiman: JPEGs reduced to frames", "images", (500, 8_000), _reduce_images, _write_jpegs
    ),
    "reiman_train": Stage(
        "Reiman: training of the GAN", "images", (500, 4_000), _train_gan, _write_frames
    ),
    "reiman_predict": Stage(
        "Reiman: deblended images and scores",
        "test blends",
        (256, 1_536),
        _deblend_images,
        lambda n, folder: _write_frames(200, folder),
    ),
}
