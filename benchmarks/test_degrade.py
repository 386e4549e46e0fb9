"""Hot paths of super-resolution against named baselines, timed in the same run: `make bench`."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.render import orient
from deblend.hemmati2022.blends import HemmatiBlendConfig, draw_blends, render_blends
from deblend.hemmati2022.degrade import add_noise, degrade, matching_kernel, psf_image
from deblend.hemmati2022.peaks import find_peaks, find_peaks_photutils
from scipy.signal import fftconvolve

N = 500
N_GALAXIES = 200


@pytest.fixture(scope="module")
def kernel():
    return matching_kernel(psf_image(0.08, 2.5, 0.06), psf_image(0.6, 3.0, 0.06))


@pytest.fixture(scope="module")
def stamps():
    return np.random.default_rng(0).random((N, 66, 66), np.float32)


@pytest.mark.parametrize("what", ["baseline: loop of scipy.signal.fftconvolve", "degrade"])
@pytest.mark.benchmark(group="degrading to HSC")
def test_degrading(benchmark, stamps, kernel, what):
    """With noise in both; the loop adds its own at once."""
    benchmark.extra_info["items"] = N

    def loop():
        rng = np.random.default_rng(0)
        for stamp in stamps:
            low = fftconvolve(stamp, kernel, mode="same").reshape(22, 3, 22, 3).sum((1, 3))
            low += rng.normal(0, 0.1, low.shape)

    def ours():
        add_noise(degrade(stamps, kernel), 0.1, 1, ("bench",), np.arange(N))

    benchmark.pedantic(loop if "loop" in what else ours, rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("what", ["baseline: roll, crop and add", "render_blends"])
@pytest.mark.benchmark(group="blends for super-resolution")
def test_rendering(benchmark, what):
    """Blends of 66 px from parents of 128 px, the baseline an array for each step."""
    benchmark.extra_info["items"] = N
    rng = np.random.default_rng(0)
    images = rng.random((N_GALAXIES, 1, 128, 128), np.float32)
    galaxies = pd.DataFrame(
        {"mag": rng.uniform(20, 25, N_GALAXIES), "redshift": 1.0, "fwhm_px": 5.0}
    )
    config = HemmatiBlendConfig(separation_sigma_px=8.0, max_shift_px=25, any_angle=False)
    rows = draw_blends(galaxies, np.arange(N_GALAXIES), 0, N, seed=1, split="test", config=config)

    def loop():
        for row in rows.to_dict("records"):
            total = np.zeros((66, 66), np.float32)
            for k in (0, 1):
                image = orient(images[row[f"galaxy_{k}"], 0], row[f"orientation_{k}"])
                moved = np.roll(image, (row[f"dy_{k}"], row[f"dx_{k}"]), axis=(0, 1))
                total += moved[31:97, 31:97]

    run = loop if "roll" in what else lambda: render_blends(images, rows)
    benchmark.pedantic(run, rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("what", ["baseline: photutils, image after image", "find_peaks"])
@pytest.mark.benchmark(group="peaks in low resolution")
def test_peaks(benchmark, what):
    benchmark.extra_info["items"] = N
    images = np.random.default_rng(0).normal(size=(N, 22, 22)).astype(np.float32)
    psf = psf_image(0.6, 3.0, 0.18, size=23)
    find = find_peaks_photutils if "photutils" in what else find_peaks
    benchmark.pedantic(lambda: find(images, psf), rounds=5, warmup_rounds=1)
