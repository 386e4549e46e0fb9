"""Validation of super-resolution GANs."""

import tracemalloc

import numpy as np
import pytest
import torch
from deblend.hemmati2022.networks import build_generator
from deblend.hemmati2022.pairs import single_galaxies
from deblend.hemmati2022.peaks import SINGLES_PER_BLEND, calibration_halves
from deblend.hemmati2022.validation import Validation

from tests.unit.hemmati2022.conftest import (
    BLENDING,
    CPU,
    DETECTION,
    SPLITS,
    TINY,
    Oracle,
    maker_of,
)


def test_the_psf_that_detects_most_is_chosen(maker):
    single_rows, _ = calibration_halves(maker, SPLITS["calibration"])
    true = [
        maker.scaled(maker.draw(SPLITS["validation"], 0, 48, "validation", BLENDING), "validation"),
        maker.scaled(
            single_galaxies(maker.draw(single_rows, 0, 96, "epochs", BLENDING)),
            "epochs",
        ),
    ]
    true = [high for high, _ in true]
    rng = np.random.default_rng(1)
    noisy = [x + rng.normal(0, 0.3, x.shape).astype(np.float32) for x in true]
    noisy.reverse()  # single galaxies come first
    taken = []
    for widths in ((0.08,), (0.3,), (0.08, 0.3)):
        detection = DETECTION.model_copy(update={"fwhm_arcsec": widths})
        validation = Validation(maker, SPLITS, 48, BLENDING, detection, 0)
        taken.append(validation.check(Oracle(np.concatenate(noisy)[:, None]), CPU))
    narrow, wide, both = taken
    assert narrow["val_detected"] != wide["val_detected"]
    better = max(
        (narrow, wide), key=lambda x: (validation.has_reliable_threshold(x), x["val_detected"])
    )
    assert both == better


class Sharper(torch.nn.Module):
    """The low-resolution image in pixels of a third, sharpened and in another scale."""

    def forward(self, low):
        images = torch.nn.functional.interpolate(low, (64, 64), mode="bicubic")
        smooth = torch.nn.functional.avg_pool2d(images, 9, stride=1, padding=4)
        return (2 * images - smooth).clip(-1, 1)


@pytest.mark.parametrize("bands", [("f775w",), ("f606w", "f775w")])
def test_a_validation_in_parts_gives_the_same(stamps, bands):
    """All but the diversity, which is that of the first part."""
    maker = maker_of(stamps, bands)
    detection = DETECTION.model_copy(update={"fwhm_arcsec": (0.1, 0.3)})
    network, band = Sharper(), len(bands) - 1
    whole, parts = (
        Validation(maker, SPLITS, 48, BLENDING, detection, band, part=n) for n in (48, 40)
    )
    expected, found = (v.check(network, CPU) for v in (whole, parts))
    assert 0 < expected["val_detected"] < 1
    of_first = Validation(maker, SPLITS, 40, BLENDING, detection, band).check(network, CPU)
    diversities = [r.pop("diversity_ratio") for r in (expected, found, of_first)]
    assert found == pytest.approx(expected, rel=1e-5)
    assert diversities[1] == pytest.approx(diversities[2], rel=1e-5) != diversities[0]
    assert parts.check(network, CPU) == found | {"diversity_ratio": diversities[1]}
    np.testing.assert_array_equal(parts.some_high(10), whole.some_high(10))
    last = [v.final_threshold(network, CPU, 0.1, expected["val_noise"]) for v in (whole, parts)]
    assert last[0] == pytest.approx(last[1], rel=1e-5)


def test_memory_has_a_limit(stamps):
    """Of more blends only their tables are kept."""
    maker = maker_of(stamps, ("f775w",))
    network = build_generator(TINY, 1).eval()
    detection = DETECTION.model_copy(update={"false_positive_rate": 0.5})

    def peak(n):
        tracemalloc.start()
        Validation(maker, SPLITS, n, BLENDING, detection, 0, part=8).check(network, CPU)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    peak(8)  # what libraries keep
    image = 4 * 64**2
    assert peak(80) - peak(16) < 64 * image / 4


class Grid(torch.nn.Module):
    """A grid of peaks, all over the image, that are the higher the brighter the galaxies are."""

    def forward(self, low):
        images = 0.01 * torch.randn(len(low), 1, 64, 64, generator=torch.Generator().manual_seed(1))
        images[:, :, 3::6, 3::6] += 0.01 * low.sum(dim=(1, 2, 3)).clip(0)[:, None, None, None]
        return images


def test_peaks_everywhere_detect_no_blends(maker):
    """Blends are brighter than single galaxies, whose false peaks would give a low threshold."""
    detection = DETECTION.model_copy(update={"radius_px": 4.5})
    validation = Validation(maker, SPLITS, 48, BLENDING, detection, 0)
    result = validation.check(Grid(), CPU)
    assert result["val_detected"] <= 0.1


class Flat(torch.nn.Module):
    """A sky without noise, and a peak in the middle: faint for the 96 single galaxies."""

    def forward(self, low):
        images = torch.full((len(low), 1, 64, 64), -1.0)
        images[:, :, 32, 32] += 1e-3 if len(low) == 96 else 1.5
        return images


def test_a_network_without_noise_is_validated(maker):
    """As at the beginning of a training: it goes on."""
    result = Validation(maker, SPLITS, 48, BLENDING, DETECTION, 0).check(Flat(), CPU)
    assert 0 < result["val_noise"] < 1e-3
    assert result["val_detected"] == 0


@pytest.mark.parametrize("bands", [("f775w",), ("f775w", "f606w")])
def test_a_validation_that_does_not_fit_into_memory_is_said(stamps, bands, needs_memory):
    """It keeps the blends, and for each checks what a generator makes of them and of galaxies."""
    maker = maker_of(stamps, bands)

    def images(validation):
        high = validation.some_high(8)
        low = np.zeros((8, len(bands), 22, 22), np.float32)
        return (high, high, *[high] * SINGLES_PER_BLEND, low, *[low] * SINGLES_PER_BLEND)

    needs_memory(
        lambda: Validation(maker, SPLITS, 8, BLENDING, DETECTION, 0),
        images,
        "fewer blends (hemmati2022 > n_blends > validation)",
    )
