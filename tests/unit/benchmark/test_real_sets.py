import numpy as np
import pandas as pd
import pytest
from deblend.benchmark.real_sets import real_set, write_real_set
from deblend.benchmark.truth import read_truth
from deblend.boucaud2020.config import BlendConfig
from deblend.data.stamps import GALAXY_COLUMNS, Stamps, band_table, write_stamps
from deblend.scenes.scenes import read_scenes

RULES = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=True)
NOISE = {"companion_edge": "noise", "seed": 1}


@pytest.fixture
def stamps():
    """Stamps of four galaxies of each of two splits."""
    rng = np.random.default_rng(0)
    galaxies = pd.DataFrame({name: np.full(8, np.nan) for name in GALAXY_COLUMNS})
    galaxies = galaxies.assign(
        id=[f"r{i}" for i in range(8)], origin="o", morphology="disk", mag=21.0,
        half_light_radius_px=4.0, split=["validation"] * 4 + ["test"] * 4,
    )  # fmt: skip
    segmaps = np.zeros((8, 32, 32), np.int16)
    segmaps[:, 12:20, 10:22] = 1
    return Stamps(
        rng.normal(1, 0.1, (8, 1, 32, 32)).astype(np.float32),
        segmaps,
        galaxies,
        band_table("f160w", 0.06, 25.96, 0.1),
    )


def test_real_galaxies_are_those_of_one_split(stamps):
    options = {"companion_edge": "zero", "seed": 1}
    scenes, truth = real_set(stamps, 10, RULES, **options).in_memory()
    assert set(truth.galaxies["id"]) <= {"r4", "r5", "r6", "r7"}
    assert len(scenes) == 10
    _, others = real_set(stamps, 10, RULES, **options, split="validation").in_memory()
    assert set(others.galaxies["id"]) <= {"r0", "r1", "r2", "r3"}
    sums = truth.images.reshape(10, 2, 32, 32).sum(axis=1)
    np.testing.assert_allclose(scenes.images[:, 0], sums, atol=1e-5)
    np.testing.assert_allclose(truth.galaxies["flux"], 10 ** (0.4 * 4.96))


def test_masks_lie_where_the_galaxies_are(stamps):
    _, truth = real_set(stamps, 10, RULES, **NOISE).in_memory()
    inside = np.indices((32, 32))
    for row, mask in zip(truth.galaxies.itertuples(), truth.masks, strict=True):
        y, x = (axis[mask > 0] for axis in inside)
        whole = 96 * (row.galaxy == 0)
        assert whole <= len(x) <= 96
        if len(x) == 96:
            assert abs(x.mean() - row.x_px) <= 1 and abs(y.mean() - row.y_px) <= 1


def test_sets_do_not_depend_on_their_batches(stamps):
    whole, parts = (real_set(stamps, 10, RULES, **NOISE, batch=n).in_memory() for n in (64, 3))
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(whole[1].masks, parts[1].masks)
    pd.testing.assert_frame_equal(whole[1].galaxies, parts[1].galaxies)


def test_a_set_is_written_as_it_is_in_memory(stamps, tmp_path):
    write_stamps(tmp_path / "stamps.h5", stamps)
    files = {name: tmp_path / f"{name}.hdf5" for name in ("scenes", "truth")}
    write_real_set(tmp_path / "stamps.h5", 70, RULES, **NOISE, split="test", **files)
    scenes, truth = real_set(stamps, 70, RULES, **NOISE).in_memory()
    np.testing.assert_array_equal(read_scenes(files["scenes"]).images, scenes.images)
    written = read_truth(files["truth"])
    np.testing.assert_array_equal(written.images, truth.images)
    np.testing.assert_array_equal(written.masks, truth.masks)
    pd.testing.assert_frame_equal(written.galaxies, truth.galaxies)
