"""Hot paths against named baselines, timed in the same run: `make bench`.

Absolute times depend on the machine and on who shares it; `ratios.py` turns them into ratios.
"""

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.boucaud2020.clean import clean
from deblend.boucaud2020.render import render
from deblend.boucaud2020.sep import measure_blends
from deblend.boucaud2020.simulate import simulate_chunk
from deblend.data.priors import read_priors
from deblend.photometry.sep import background_rms, detect
from deblend.training import keras_backend as backend

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.paired import paired  # noqa: E402
from tests.conftest import COLD, HOT, simulator_config  # noqa: E402
from tests.unit.boucaud2020.test_clean import CONFIG as CLEANING  # noqa: E402

SIZE = 128
N_RENDERED = 500
N_MEASURED = 1500
BLENDING = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=True)
PUBLISHED = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False)


@pytest.fixture(scope="session")
def parents():
    priors = read_priors(ROOT / "config/priors.yaml")
    return simulate_chunk(1, "sim", 0, 150, priors, simulator_config(stamp_size=SIZE))


@pytest.fixture(scope="session")
def stamps(parents):
    return clean(parents, 1, CLEANING)[0]


def draw(stamps, n, blending=BLENDING):
    return draw_blends(
        stamps.galaxies,
        np.arange(len(stamps)),
        0,
        n,
        stamp_size=SIZE,
        seed=1,
        split="train",
        config=blending,
    )


def roll_and_add(images, blends):
    """Baseline: pad the companion, roll it, crop it and add it, with a new array for each step."""
    out = []
    half = SIZE // 2
    for row in blends.itertuples(index=False):
        padded = np.pad(images[row.companion], half)
        moved = np.roll(np.roll(padded, row.dx, axis=1), row.dy, axis=0)
        out.append(images[row.central] + moved[half:-half, half:-half])
    return np.array(out)


@pytest.mark.benchmark(group="rendering")
@pytest.mark.parametrize(
    "what", ["baseline: pad, roll, crop, add", "render", "render, galaxies flipped and turned"]
)
def test_rendering(benchmark, stamps, what):
    images = np.ascontiguousarray(stamps.images[:, 0])
    blends = draw(stamps, N_RENDERED, BLENDING if "turned" in what else PUBLISHED)
    benchmark.extra_info["items"] = N_RENDERED
    if what.startswith("render"):
        out = np.empty((N_RENDERED, SIZE, SIZE), np.float32)
        benchmark(render, images, blends, out=out)
    else:
        benchmark(roll_and_add, images, blends)


def extract_only(stamps):
    for image in stamps.images[:, 0]:
        detect(image, CLEANING.detection, background_rms(image))


@pytest.mark.benchmark(group="cleaning")
@pytest.mark.parametrize("what", ["baseline: one SEP extraction", "clean"])
def test_cleaning(benchmark, parents, what):
    benchmark.extra_info["items"] = len(parents)
    if what == "clean":
        benchmark(clean, parents, 1, CLEANING)
    else:
        benchmark(extract_only, parents)


def compiled(architecture, options, targets, n_steps):
    """A small network, its feed, and the feed's first epoch as arrays in memory."""
    backend.configure("tensorflow", 2, 0)
    import keras
    from deblend.boucaud2020.networks import build
    from deblend.boucaud2020.training import LOSSES, BlendSource, TrainingConfig

    priors = read_priors(ROOT / "config/priors.yaml")
    stamps = simulate_chunk(2, "sim", 0, 200, priors, simulator_config())
    stamps.segmaps = (stamps.images[:, 0] > 0.03).astype(np.int16)
    config = TrainingConfig(1, 64, None, n_steps, "zero", targets=targets)
    source = BlendSource(stamps, np.arange(200), BLENDING, config, 1)
    model = build(architecture, 64, options)
    model.compile(keras.optimizers.Adam(1e-4), LOSSES[targets[0]])
    images, true = source.arrays(source.epoch_rows(0))
    arrays = images, true[targets[0]]
    model.fit(*arrays, batch_size=64, verbose=0)  # compile before anything is timed
    return model, source, arrays


@pytest.fixture(scope="session")
def blend2flux():
    options = {"filters": 16, "dense_units": 128, "asinh_softening": 0.02, "flux_scale": 50.0}
    return compiled("blend2flux", {**options, "output": "exponential"}, ("fluxes",), 60)


@pytest.fixture(scope="session")
def unet():
    options = {"filters": 8, "depth": 4, "dropout": 0.0, "asinh_softening": 0.02}
    return compiled("unet", options, ("masks",), 20)


def fit(benchmark, network):
    """On demand, the drawing of the epoch's rows included, and the same from memory, in turn."""
    from deblend.boucaud2020.training import BlendBatches

    model, source, arrays = network
    paired(
        benchmark,
        "model.fit on arrays in memory",
        lambda: model.fit(*arrays, batch_size=64, shuffle=False, verbose=0),
        lambda: model.fit(BlendBatches(source, 0), shuffle=False, verbose=0),
        items=len(arrays[0]),
    )


@pytest.mark.parametrize("what", ["on demand"])
@pytest.mark.benchmark(group="training blend2flux")
def test_training_blend2flux(benchmark, blend2flux, what):
    fit(benchmark, blend2flux)


@pytest.mark.parametrize("what", ["on demand"])
@pytest.mark.benchmark(group="training U-Net")
def test_training_unet(benchmark, unet, what):
    fit(benchmark, unet)


@pytest.mark.parametrize("what", ["baseline: one by one", "in batches of 256"])
@pytest.mark.benchmark(group="inference")
def test_inference(benchmark, blend2flux, what):
    """From blends as rows to fluxes, rendering included."""
    from deblend.boucaud2020.predict import predict_fluxes

    model, source, _ = blend2flux
    stamps = simulate_chunk(
        2, "sim", 0, 200, read_priors(ROOT / "config/priors.yaml"), simulator_config()
    )
    size = 1 if "one" in what else 256
    n = 64 if size == 1 else 2048
    record = {
        "architecture": "blend2flux",
        "stamp_size": 64,
        "pixel_scale_arcsec": 0.06,
        "zero_point": 25.96,
    }
    call = {"method": "net", "companion_edge": "zero", "batch_size": size}
    benchmark.extra_info["items"] = n
    rows = source.draw(0, n)
    run = lambda: predict_fluxes(model, record, stamps, rows, **call)  # noqa: E731
    benchmark.pedantic(run, rounds=5, warmup_rounds=1)


def measure(stamps):
    """One chunk; the stamps are given once, as a job reads them once."""
    if stamps is not None:
        measure.stamps = stamps
    measure_blends(measure.stamps, draw(measure.stamps, N_MEASURED), COLD, HOT, "zero")


def arithmetic(_):
    """Control: work that shares nothing; its efficiency is what the machine gives."""
    total = 0
    for i in range(30_000_000):
        total += i * i


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    "work",
    [
        pytest.param(arithmetic, marks=pytest.mark.benchmark(group="control: two cores")),
        pytest.param(measure, marks=pytest.mark.benchmark(group="SEP baseline")),
    ],
)
def test_parallel_efficiency(benchmark, stamps, work, processes):
    """As many chunks as processes: perfect scaling takes the same time."""
    if processes > (os.cpu_count() or 1):
        pytest.skip("this machine has one core")
    benchmark.extra_info["items"] = N_MEASURED * processes
    # Fresh processes, as Snakemake's jobs are, each with one worker of its own.
    context = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(1, mp_context=context) for _ in range(processes)]

    def run(data=None):
        for future in [pool.submit(work, data) for pool in pools]:
            future.result()

    try:
        run(stamps)
        benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    finally:
        for pool in pools:
            pool.shutdown()


MEMORY = """
import sys
import numpy as np
sys.path[:0] = [{root!r}, {root!r} + "/src"]
from benchmarks.test_speed import BLENDING
from deblend.boucaud2020.render import render
from deblend.data.priors import read_priors
from deblend.boucaud2020.simulate import simulate_chunk
from tests.conftest import simulator_config
priors = read_priors({root!r} + "/config/priors.yaml")
data = simulate_chunk(1, "sim", 0, 50, priors, simulator_config(stamp_size=64))
images = np.ascontiguousarray(data.images[:, 0])
out = np.empty((256, 64, 64), np.float32)
from deblend.boucaud2020.blends import draw_blends
for start in range(0, {n}, 256):
    stop = min(start + 256, {n})
    rows = draw_blends(data.galaxies, np.arange(50), start, stop, stamp_size=64, seed=1,
                       split="train", config=BLENDING)
    render(images, rows, out=out[: stop - start])
# Not getrusage: a child starts with its parent's peak there.
status = open("/proc/self/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.benchmark(group="memory")
@pytest.mark.parametrize("n", [1_000, 10_000, 100_000])
def test_memory_is_flat(benchmark, n):
    """Peak memory of a process that draws and renders n blends in batches."""

    def run():
        done = subprocess.run(
            [sys.executable, "-c", MEMORY.format(root=str(ROOT), n=n)],
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        return int(done.stdout.split()[-1])

    benchmark.extra_info["items"] = n
    benchmark.extra_info["peak_mib"] = benchmark.pedantic(run, rounds=1)
