"""BlendHunter's hot paths against named baselines, timed in the same run: `make bench`."""

import subprocess
import sys
from pathlib import Path

import galsim
import numpy as np
import pytest
import sep
from deblend.farrens2022.sep import label_sample
from deblend.farrens2022.stamps import (
    SampleConfig,
    SimulatedGalaxies,
    draw_chunk,
    draw_psf,
    noisy_batches,
    write_sample,
)
from deblend.seeds import generator
from deblend.training import keras_backend as backend

from benchmarks.paired import paired

ROOT = Path(__file__).parents[1]
#: The paper's survey, and its SEP settings (config/config.yaml).
CONFIG = SampleConfig(kind="parametric")
SEP = {
    "threshold": 1.5,
    "min_area": 5,
    "contrast": 0.005,
    "n_thresholds": 32,
    "background_box_px": 64,
}
N_DRAWN = 200
N_STAMPS = 1000
N_FEATURES = 256
NOISE = {"noise_sigma": 15.0, "padding": 7, "seed": 1, "item": ("parametric", "test", 15.0, 0)}


def plain_loop(n):
    """Baseline: GalSim as its tutorials use it, pair and single drawn one after the other."""
    galaxies = SimulatedGalaxies(CONFIG, "bench", 1)
    for stamp in range(n):
        rng = generator(1, "bench", stamp)
        psf = draw_psf(rng, CONFIG)
        image = galsim.ImageF(51, 51, scale=0.187)
        for which in range(1 + stamp % 2):
            profile, _, _ = galaxies(rng, stamp, which)
            position = galsim.PositionD(*rng.uniform(-25.5, 25.5, 2) * which * 0.187)
            scene = galsim.Convolve(profile, psf).shift(position)
            scene.drawImage(image, add_to_image=True)


@pytest.mark.parametrize("what", ["baseline: plain GalSim loop", "draw_chunk"])
@pytest.mark.benchmark(group="BlendHunter's stamps")
def test_drawing(benchmark, what):
    benchmark.extra_info["items"] = N_DRAWN
    galaxies = SimulatedGalaxies(CONFIG, "bench", 1)
    if "plain" in what:
        run = lambda: plain_loop(N_DRAWN)  # noqa: E731
    else:
        run = lambda: draw_chunk(CONFIG, galaxies, "bench", 0, N_DRAWN, 1)  # noqa: E731
    benchmark.pedantic(run, rounds=5, warmup_rounds=1)


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "test.h5"
    galaxies = SimulatedGalaxies(CONFIG, "bench", 1)
    write_sample(path, [draw_chunk(CONFIG, galaxies, "bench", 0, N_STAMPS, 1)], N_STAMPS)
    return path


@pytest.mark.parametrize("what", ["baseline: sep.extract of arrays in memory", "label_sample"])
@pytest.mark.benchmark(group="BlendHunter's SEP")
def test_labelling(benchmark, sample, what):
    """Labels from the file of noiseless stamps: reading, noise, background and rules included."""
    benchmark.extra_info["items"] = N_STAMPS
    images = np.concatenate(list(noisy_batches(sample, *NOISE.values())))

    def extract():
        for image in images:
            sep.extract(
                image, SEP["threshold"], err=15.0, minarea=SEP["min_area"],
                deblend_nthresh=SEP["n_thresholds"], deblend_cont=SEP["contrast"],
            )  # fmt: skip

    run = extract
    if what == "label_sample":
        run = lambda: label_sample(sample, **NOISE, settings=SEP, tolerance_px=2.0)  # noqa: E731
    benchmark.pedantic(run, rounds=5, warmup_rounds=1)


@pytest.fixture(scope="session")
def extractor():
    backend.configure("tensorflow", 2, 1)
    from deblend.training.vgg import random_weights
    from deblend.training.vgg_keras import feature_extractor

    return feature_extractor(65, random_weights(1))


@pytest.mark.parametrize("what", ["features"])
@pytest.mark.benchmark(group="BlendHunter's features")
def test_features(benchmark, extractor, tmp_path, what):
    """From the file of noiseless stamps: noise, augmentation and eight bits included."""
    from deblend.farrens2022.features import extract_features, to_eight_bits

    galaxies = SimulatedGalaxies(CONFIG, "bench", 1)
    path = tmp_path / "some.h5"
    write_sample(path, [draw_chunk(CONFIG, galaxies, "bench", 0, N_FEATURES, 1)], N_FEATURES)
    images = np.concatenate(list(noisy_batches(path, *NOISE.values())))
    images = (to_eight_bits(images) / np.float32(255))[..., None]
    paired(
        benchmark,
        "model.predict of arrays in memory",
        lambda: extractor.predict(images, batch_size=64, verbose=0),
        lambda: list(extract_features(extractor, path, **NOISE, augmented=True)),
        items=N_FEATURES,
    )


MEMORY = """
import sys
import numpy as np
sys.path.insert(0, {root!r} + "/src")
from deblend.training import keras_backend as backend
backend.configure("tensorflow", 2, 1)
from pathlib import Path
from deblend.farrens2022.training import train_head
from deblend.training.config import SteeringConfig
from deblend.training.keras_checkpoint import Checkpoint
rng = np.random.default_rng(0)
split = lambda n: (rng.random((n, 2048), np.float32), (np.arange(n) % 2).astype(np.float32))
steering = SteeringConfig(epochs=1, learning_rate=1e-3, min_delta=0.001)
checkpoint = Checkpoint(Path({folder!r}) / "head.npz", {{}})
train_head(split({n}), split({n}), seed=1, batch_size=250, dropout=0.1, adam_epsilon=1e-8,
           steering_config=steering, checkpoint=checkpoint)
status = open("/proc/self/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.parametrize("n", [4_000, 36_000])
@pytest.mark.benchmark(group="memory of a head")
def test_memory_of_a_head(benchmark, tmp_path, n):
    """Peak memory of training a head on n stamps' features, with as many for validation."""

    def run():
        script = MEMORY.format(root=str(ROOT), n=n, folder=str(tmp_path))
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
        )
        return int(done.stdout.split()[-1])

    benchmark.extra_info["items"] = n
    benchmark.extra_info["peak_mib"] = benchmark.pedantic(run, rounds=1)
