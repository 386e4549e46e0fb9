from dataclasses import replace

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.scenes import forced_fit, sep_photometry
from deblend.scenes.inject import RECOVERY_COLUMNS, inject, recovery
from deblend.scenes.scenes import concatenated


def test_the_fit_recovers_what_was_injected(placed):
    injected = inject(placed, 12, seed=1, mag_min=20.0, mag_max=22.0)
    assert len(injected) == 12
    assert injected.truth["mag"].between(20.0, 22.0).all()
    measured = concatenated([sep_photometry.measure(injected), forced_fit.measure(injected)])
    table = recovery(injected, measured)
    assert list(table.columns) == list(RECOVERY_COLUMNS)
    fit = table[(table["method"] == "forced_fit") & (table["selection"] == "all")].iloc[0]
    assert fit["n_injected"] == 24
    assert abs(fit["bias_mag"]) < max(3 * fit["bias_error_mag"], 0.05)
    assert fit["scatter_mag"] < 0.2


def test_the_same_seed_injects_the_same(placed):
    first, second = (inject(placed, 3, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.images, second.images)
    assert not np.array_equal(first.images, inject(placed, 3, seed=5).images)


def test_sources_are_replaced_by_noise_or_stay(placed):
    faint = {"mag_min": 27.0, "mag_max": 28.0}
    replaced = inject(placed, 6, seed=1, **faint)
    kept = inject(placed, 6, seed=1, keep_sources=True, **faint)
    assert replaced.images.max() < 0.1 < kept.images.max()
    assert [len(p) for p in kept.positions] == [4] * 6
    assert (kept.truth["other_sources"] == 2).all()


def test_positions_are_detected_if_those_of_the_scenes_are(scenes):
    assert inject(scenes, 2, seed=1).positions is None


def test_what_injection_needs(placed):
    with pytest.raises(DeblendError, match="needs the PSF"):
        inject(replace(placed, psf=None), 3, seed=1)
    empty = np.random.default_rng(0).normal(0, 0.006, placed.images.shape).astype(np.float32)
    with pytest.raises(DeblendError, match="SEP finds no source"):
        inject(replace(placed, images=empty, positions=None), 3, seed=1)


def test_nothing_is_injected_without_a_psf_if_none_is_asked_for(placed):
    assert len(inject(replace(placed, psf=None), 0, seed=1)) == 0
