"""The GANs' loops, timed against the same with their data on the device: `make bench`."""

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.hemmati2022.som import learn_som
from deblend.reiman2019.batches import PairSource
from deblend.reiman2019.config import GanConfig, PerturbConfig
from deblend.reiman2019.gan import Trainer
from deblend.reiman2019.networks import Generator
from deblend.reiman2019.predict import predict
from deblend.training import torch_backend

from benchmarks.paired import paired

N_FRAMES, N_ITERATIONS, N_IMAGES = 400, 12, 48
PAIRS = PerturbConfig(
    order="authors",
    shift_px=(10, 50),
    log_scale=(-1.0, 0.5),
    blending="max",
    crop_px=240,
    reduce_by=3,
)
# config/small.yaml's.
CONFIG = GanConfig(
    root_blocks=4,
    branch_blocks=3,
    filters=16,
    coordinates=True,
    discriminator_filters=8,
    discriminator_units=256,
    adversarial_weight=1e-3,
    adversarial="non_saturating",
    burn_in_iterations=0,
    vgg_input_px=48,
    iterations=N_ITERATIONS,
    learning_rate=1e-3,
    discriminator_learning_rate=1e-4,
    drop_factor=0.1,
    drop_iteration=N_ITERATIONS,
    batch_size=8,
    precision="float32",
    trace_interval=100,
    checkpoint_interval=100,
)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Frames on disk, memory-mapped as in training."""
    path = tmp_path_factory.mktemp("frames") / "frames.npy"
    rng = np.random.default_rng(1)
    np.save(path, rng.integers(0, 256, (N_FRAMES, 141, 141, 3), dtype=np.uint8))
    frames = np.load(path, mmap_mode="r")
    return PairSource(frames, np.arange(N_FRAMES), PAIRS, seed=1, batch_size=CONFIG.batch_size)


@pytest.mark.parametrize("what", ["fed from disk"])
@pytest.mark.benchmark(group="training the branched GAN")
def test_training(benchmark, source, what):
    """Reading, perturbing, cropping and blending included, against batches that are there."""
    device, _ = torch_backend.configure(2, 1)
    trainer = Trainer(CONFIG, PAIRS.side, device, None)
    ready = list(source.batches(0, N_ITERATIONS, device))

    def loop(batches):
        for iteration, (blends, truth) in enumerate(batches):
            trainer.step(iteration, blends, truth)

    paired(
        benchmark,
        "data on the device",
        lambda: loop(ready),
        lambda: loop(source.batches(0, N_ITERATIONS, device)),
        items=N_ITERATIONS,
    )


@pytest.mark.parametrize("what", ["baseline: one image a call", "batched"])
@pytest.mark.benchmark(group="inference of the branched GAN")
def test_inference(benchmark, what):
    """The paper's whole generator."""
    device, _ = torch_backend.configure(2, 1)
    generator = Generator(10, 6, 64)
    images = torch.rand(N_IMAGES, 3, 80, 80)
    benchmark.extra_info["items"] = N_IMAGES

    def run():
        for part in images.split(1 if "baseline" in what else N_IMAGES):
            predict(generator, part, device)

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("what", ["baseline: SOMPY", "learn_som"])
@pytest.mark.benchmark(group="self-organising map")
def test_som(benchmark, what):
    """Errors, cells and checks included, against SOMPY's training alone."""
    from deblend.hemmati2022.som import _train

    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(5000, 4)), columns=list("abcd"))
    benchmark.extra_info["items"] = len(table)
    normalised = ((table - table.mean()) / table.std(ddof=0)).to_numpy()
    run = (
        (lambda: _train(normalised, (32, 24), 1))
        if "baseline" in what
        else (lambda: learn_som(table, list("abcd"), seed=1))
    )
    benchmark.pedantic(run, rounds=2, warmup_rounds=0)
