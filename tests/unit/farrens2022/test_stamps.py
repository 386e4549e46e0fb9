"""BlendHunter's stamps, their noise and their files."""

import galsim
import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.farrens2022.stamps import (
    check_stamps,
    draw_offset,
    draw_psf,
    draw_sample,
    expected_close_share,
    flux_scale,
    noisy_batches,
    read_sample_table,
    turned,
)

from tests.unit.farrens2022.conftest import sample_config


def draw(path, **options):
    fractions = {"train": 0, "validation": 0, "test": 1}
    draw_sample(
        path,
        sample_config(),
        "p",
        "test",
        40,
        fractions=fractions,
        seed=1,
        noise_sigma=5.0,
        **options,
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "test.h5"
    draw(path, chunk_size=40)
    return path


def test_uniform_positions_give_the_papers_share_of_close_blends():
    """Sect. 2.5: 4,838 of 40,000."""
    rng = np.random.default_rng(0)
    offsets = np.array([draw_offset(rng, 51, None)[:2] for _ in range(40000)])
    share = np.mean(np.hypot(*offsets.T) < 10)
    assert share == pytest.approx(4838 / 40000, abs=0.005)
    assert expected_close_share(51) == pytest.approx(4838 / 40000, abs=0.001)
    assert np.abs(offsets).max() <= 25.5


def test_weights_undo_the_oversampling_of_close_blends():
    rng = np.random.default_rng(1)
    drawn = [draw_offset(rng, 51, 0.5) for _ in range(20000)]
    close = np.array([np.hypot(dx, dy) < 10 for dx, dy, _ in drawn])
    weight = np.array([w for *_, w in drawn])
    assert close.mean() == pytest.approx(0.5, abs=0.02)
    assert weight.mean() == pytest.approx(1, abs=0.02)
    assert weight[close].sum() / weight.sum() == pytest.approx(expected_close_share(51), abs=0.01)


def test_flux_scale_is_that_of_galsims_catalogue(real_data):
    folder = str(real_data / "cosmos")
    name = "real_galaxy_catalog_23.5_example.fits"
    catalog = galsim.COSMOSCatalog(name, dir=folder, use_real=False, exclusion_level="none")
    # GalSim takes a collecting area in cm^2, and Hubble's as 2.4 m with 0.33 obscured.
    area = np.pi * 180**2
    hst = np.pi * 120**2 * (1 - 0.33**2)
    scaled = galsim.COSMOSCatalog(
        name, dir=folder, use_real=False, exclusion_level="none", area=area, exptime=300
    )
    ratio = scaled.makeGalaxy(3).flux / catalog.makeGalaxy(3).flux
    assert flux_scale(300, 3.6, 0.0) == pytest.approx(ratio, rel=1e-3)
    assert flux_scale(300, 3.6, 0.0) == pytest.approx(300 * area / hst)
    assert flux_scale(1, 2.4, 0.33) == pytest.approx(1)


def test_the_psf_is_as_wide_as_the_papers():
    widths = [draw_psf(np.random.default_rng(i), sample_config()).calculateFWHM() for i in range(5)]
    assert np.mean(widths) == pytest.approx(0.65, abs=0.02)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_stamps_depend_neither_on_chunks_nor_on_workers(sample, tmp_path, n_workers):
    """They are drawn in chunks, by one process or two."""
    draw(tmp_path / "chunks.h5", chunk_size=15, n_workers=n_workers)
    with h5py.File(sample) as a, h5py.File(tmp_path / "chunks.h5") as b:
        np.testing.assert_array_equal(a["images"][:], b["images"][:])
    assert read_sample_table(sample).equals(read_sample_table(tmp_path / "chunks.h5"))


def test_half_are_blends_inside_the_frame_with_the_light_of_two(sample):
    table = read_sample_table(sample)
    assert table["is_blend"].tolist() == [0, 1] * 20
    blends = table[table["is_blend"] == 1]
    assert (blends[["dx_px", "dy_px"]].abs() <= 25.5).all(axis=None)
    with h5py.File(sample) as file:
        total = file["images"][:].sum(axis=(1, 2))
    expected = 10 ** (0.4 * (25.94 - table["mag_1"])) * flux_scale(300, 3.6, 0)
    isolated = table["is_blend"] == 0
    # The frame cuts what lies beyond 4.8 arcsec.
    assert np.median(total[isolated] / expected[isolated]) == pytest.approx(1, abs=0.05)
    assert (total[isolated] < 1.01 * expected[isolated]).all()


def test_noise_is_drawn_after_padding_and_belongs_to_its_realisation(sample):
    first = np.concatenate(list(noisy_batches(sample, 20.0, 7, 1, ("p", 0), batch=16)))
    again = np.concatenate(list(noisy_batches(sample, 20.0, 7, 1, ("p", 0), batch=16)))
    other = np.concatenate(list(noisy_batches(sample, 20.0, 7, 1, ("p", 1), batch=16)))
    assert first.shape == (40, 65, 65)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.std(first[:, :7]) == pytest.approx(20, rel=0.03)


def test_each_stamp_can_have_a_noise_of_its_own(sample):
    options = {"padding": 7, "seed": 1, "item": ("p", 0), "batch": 16}
    same = np.concatenate(list(noisy_batches(sample, 20.0, **options)))
    levels = np.where(np.arange(40) < 20, 20.0, 60.0)
    mixed = np.concatenate(list(noisy_batches(sample, levels, **options)))
    # Where the level is the same, so is the noise.
    np.testing.assert_array_equal(mixed[:20], same[:20])
    np.testing.assert_allclose(mixed[20:, :7], 3 * same[20:, :7], rtol=1e-5)


def test_turned_stamps_are_in_all_eight_orientations():
    stamp = np.arange(9.0).reshape(3, 3)
    expected = {np.rot90(s, k).tobytes() for s in (stamp, stamp.T) for k in range(4)}
    found = turned(np.broadcast_to(stamp, (200, 3, 3)), np.random.default_rng(1))
    assert {image.tobytes() for image in found} == expected


def test_galaxies_have_names_of_their_own(sample):
    """Errors by galaxy need to know which stamps share one; simulated galaxies occur once."""
    table = read_sample_table(sample)
    names = [*table["galaxy_1"], *table.loc[table["is_blend"] == 1, "galaxy_2"]]
    assert len(set(names)) == len(names) == 60
    assert (table.loc[table["is_blend"] == 0, "galaxy_2"] == "").all()


def test_a_broken_sample_is_refused(sample, tmp_path):
    path = tmp_path / "half.h5"
    path.write_bytes(sample.read_bytes()[:3000])
    with pytest.raises(DeblendError, match="not a complete sample"):
        read_sample_table(path)


def test_stamps_that_cannot_be_used_are_named():
    table = pd.DataFrame(
        {"stamp": [0, 1], "is_blend": [0, 1], "dx_px": [np.nan, 3.0], "dy_px": [np.nan, 4.0]}
    ).assign(galaxy_1=["a", "b"], galaxy_2=["", "c"])
    images = np.ones((2, 51, 51), np.float32)
    assert check_stamps(images, table, "x") is images
    for change, message in (
        (0.0, r"x: stamp 1 \(galaxies b and c\) has no signal at all"),
        (np.nan, "stamp 1 .* not finite"),
    ):
        bad = images.copy()
        bad[1] = change
        with pytest.raises(DeblendError, match=message):
            check_stamps(bad, table, "x")
    with pytest.raises(DeblendError, match="second galaxy outside the frame, over 25.5 px away"):
        check_stamps(images, table.assign(dx_px=[np.nan, 26.0]), "x")
