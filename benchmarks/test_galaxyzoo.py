"""Galaxy Zoo images: preparing and simulating them, timed in the same run: `make bench`."""

import io

import numpy as np
import pytest
from deblend.reiman2019.images import build_frames
from deblend.reiman2019.simulate import simulate_chunk, simulate_image
from PIL import Image

N_IMAGES = 300
N_SIMULATED = 40
SPLIT = {"train": 0.8, "validation": 0.1, "test": 0.1}


@pytest.fixture(scope="session")
def jpegs(tmp_path_factory):
    """A few simulated images, each many times."""
    folder = tmp_path_factory.mktemp("bench") / "jpegs"
    simulate_chunk(1, "bench", 0, 30, folder)
    for number, file in enumerate(sorted(folder.iterdir())):
        for copy in range(N_IMAGES // 30 - 1):
            (folder / f"{number}_{copy}.jpg").write_bytes(file.read_bytes())
    return folder


@pytest.mark.parametrize("what", ["baseline: decoding the JPEGs", "build_frames", "two threads"])
@pytest.mark.benchmark(group="Galaxy Zoo's images")
def test_preparing(benchmark, jpegs, tmp_path, what):
    """From the folder of JPEGs to the file of reduced frames: checks, index and split included."""
    benchmark.extra_info["items"] = N_IMAGES
    files = sorted(jpegs.iterdir())

    def decode():
        for file in files:
            np.asarray(Image.open(io.BytesIO(file.read_bytes())))

    def build():
        out = [tmp_path / name for name in ("frames.npy", "index.csv", "excluded.csv")]
        threads = 2 if what == "two threads" else 1
        build_frames([jpegs], *out, seed=1, split=SPLIT, threads=threads)

    benchmark.pedantic(decode if "baseline" in what else build, rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("what", ["baseline: images in memory", "simulate_chunk"])
@pytest.mark.benchmark(group="simulated Galaxy Zoo images")
def test_simulating(benchmark, tmp_path, what):
    """With JPEGs on disk against without."""
    benchmark.extra_info["items"] = N_SIMULATED
    rounds = iter(range(100))
    if "baseline" in what:
        run = lambda: [simulate_image(1, "bench", n) for n in range(N_SIMULATED)]  # noqa: E731
    else:
        run = lambda: simulate_chunk(  # noqa: E731
            1, "bench", 0, N_SIMULATED, tmp_path / str(next(rounds))
        )
    benchmark.pedantic(run, rounds=5, warmup_rounds=1)
