"""Flux, colour, size and shape of deblended galaxies, measured in analytic profiles."""

import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.photometry.config import Detection
from deblend.reiman2019.blends import draw_pairs
from deblend.reiman2019.science import (
    BINNED_BY,
    QUANTITIES,
    differences,
    measure,
    petrosian_radii,
    science_errors,
    science_of_test_blends,
    science_table,
    sep_images,
)

from tests.unit.reiman2019.conftest import PAIRS

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE, CENTRE = 80, (39.5, 39.5)
COLOURS = np.array([1.0, 0.8, 0.5])
SEP = Detection(threshold=1.5, min_area=5, contrast=0.001, n_thresholds=32)


def galaxy(kind="gaussian", scale=3.0, q=1.0, angle=0.6, centre=CENTRE, peak=0.8):
    """Light (y, x) of a Gaussian of a given sigma, or an exponential of a given scale length."""
    y, x = np.mgrid[:SIDE, :SIDE] - np.reshape(centre, (2, 1, 1))
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    radius = np.sqrt(along**2 * q + across**2 / q) / scale
    return peak * (np.exp(-(radius**2) / 2) if kind == "gaussian" else np.exp(-radius))


def coloured(light, sky=0.0):
    return light[..., None] * COLOURS + sky


@pytest.mark.parametrize("sky", [0, [0.03, 0.02, 0.05]])
@pytest.mark.parametrize(
    ("kind", "half_light", "scale"),
    [("gaussian", 1.17741, 2), ("gaussian", 1.17741, 6), ("exponential", 1.67835, 3)],
)
def test_flux_colour_and_half_light_radius_are_those_of_the_profile(kind, half_light, scale, sky):
    found = measure(coloured(galaxy(kind, scale), sky)[None], CENTRE, 36)
    assert found["half_light_radius_px"] == pytest.approx(half_light * scale, rel=0.01)
    full = 2 * np.pi * scale**2 * 0.8 * COLOURS.mean()
    assert found["flux"] == pytest.approx(full, rel=0.005)
    assert found["colour_mag"] == pytest.approx(-2.5 * np.log10(0.5))


@pytest.mark.parametrize("kind", ["gaussian", "exponential"])
@pytest.mark.parametrize("q", [1, 0.8, 0.5])
def test_the_ellipticity_is_that_of_the_isophotes(kind, q):
    images = np.stack([coloured(galaxy(kind, 3, q, angle)) for angle in (0, 0.6, np.pi / 2, 2.5)])
    ellipticity = measure(images, CENTRE, 36)["ellipticity"]
    assert ellipticity == pytest.approx((1 - q**2) / (1 + q**2), abs=2e-3)


def test_light_outside_the_aperture_does_not_count():
    alone = galaxy(scale=3)
    with_neighbour = alone + galaxy(scale=2, centre=(70, 70))
    found = measure(np.stack([coloured(alone), coloured(with_neighbour)]), CENTRE, 20)
    for values in found.values():
        assert values[1] == pytest.approx(values[0], rel=1e-3, abs=1e-6)


def test_a_galaxy_is_measured_where_it_is():
    place = (56.2, 30.7)
    moved = measure(coloured(galaxy(q=0.6, centre=place))[None], place, 15)
    centred = measure(coloured(galaxy(q=0.6))[None], CENTRE, 15)
    for name, values in moved.items():
        assert values == pytest.approx(centred[name], rel=0.01)


def test_images_without_light_have_no_quantities():
    images = np.stack([np.zeros((SIDE, SIDE, 3)), 0.5 - coloured(galaxy())])
    for values in measure(images, CENTRE, 20).values():
        assert np.isnan(values).all()
    outside = measure(coloured(galaxy())[None], (-40.0, 120.0), 20)
    assert np.isnan([*outside.values()]).all()


def test_errors_are_those_of_flux_colour_size_and_shape():
    true, wider = coloured(galaxy(scale=3, q=0.8)), coloured(galaxy(scale=3.6, q=0.5))
    redder = true * [1, 1, 0.5]
    measured = measure(np.stack([true, true, 0.5 * true, redder, wider]), CENTRE, 30)
    found = differences(measured, of=0)
    assert found[:2] == pytest.approx(0)
    assert found[2] == pytest.approx([2.5 * np.log10(2), 0, 0, 0], abs=1e-6)
    assert found[3, 1] == pytest.approx(2.5 * np.log10(2))
    assert found[4, 0] == pytest.approx(-2.5 * np.log10(1.44), abs=1e-3)
    assert found[4, 3] == pytest.approx(0.6 - 0.2195, abs=2e-3)
    assert found[4, 2] > 20


def test_sep_gives_each_galaxy_the_pixels_of_its_segment():
    rng = np.random.default_rng(1)
    places, radii = np.array([CENTRE, (39.5, 61.5)]), np.array([14.0, 8.0])
    lights = [galaxy(scale=3.5), galaxy(scale=2, centre=places[1], peak=0.6)]
    blend = coloured(np.maximum(*lights), 0.03) + rng.normal(0, 0.005, (SIDE, SIDE, 3))
    images = sep_images(blend, places, radii, SEP)
    assert not (images[0].astype(bool) & images[1].astype(bool)).any()
    for image, light, place, radius in zip(images, lights, places, radii, strict=True):
        pair = np.stack([coloured(light), image])
        found = differences(measure(pair, tuple(place), 1.5 * radius), of=0)[1]
        assert np.abs(found[:2]).max() < 0.1
    # A black sky without noise is no reason to find nothing.
    assert sep_images(coloured(np.maximum(*lights)), places, radii, SEP) is not None
    # One galaxy, or one that is somewhere else, is not enough.
    assert sep_images(coloured(lights[0], 0.03), places, radii, SEP) is None
    assert sep_images(blend, places + [[0, 0], [20, 0]], radii, SEP) is None


@pytest.fixture(scope="module")
def found(frames):
    pairs = draw_pairs(np.random.default_rng(1), np.arange(12), 20, PAIRS)
    black = np.zeros((20, 2, 16, 16, 3), np.uint8)
    return pairs, science_errors(frames, pairs, PAIRS, {"gan": black}, SEP)


def test_black_images_fail_and_blends_are_too_bright(found):
    pairs, table = found
    assert set(table["method"]) == {"gan", "blend", "sep"}
    assert table[table["method"] == "gan"]["error"].isna().all()
    fluxes = table[(table["method"] == "blend") & (table["quantity"] == "flux_mag")]
    assert fluxes["error"].median() < 0
    first = table[table["blend"] == 3].iloc[0]
    assert (first["frame"], first["other_frame"]) == tuple(pairs.loc[3, ["central", "companion"]])
    # All methods are compared in the same images.
    assert table.groupby("method").size().nunique() == 1


def test_radii_follow_the_scale_of_the_companion(found):
    radii = petrosian_radii(found[0], PAIRS)
    assert radii[:, 0] == pytest.approx(1 / 0.024 / 3)
    assert radii[:, 1] / radii[:, 0] == pytest.approx(found[0]["scale"].to_numpy())


def test_statistics_count_failures_and_leave_them_out():
    rng = np.random.default_rng(2)
    n = 400
    errors = rng.normal(0.3, 0.1, n)
    errors[:40] = np.nan
    table = pd.DataFrame(
        {
            **{"method": "gan", "galaxy": "central", "quantity": "flux_mag", "error": errors},
            **{"frame": np.arange(n), "other_frame": n + np.arange(n)},
            **{"separation_px": np.linspace(5, 20, n), "flux_ratio": rng.uniform(0.1, 10, n)},
        }
    )
    rows = science_table(table)
    whole = rows[rows["by"] == "all"].iloc[0]
    assert (whole["n"], whole["failures"]) == (400, 40)
    assert whole["median"] == pytest.approx(0.3, abs=0.03)
    assert whole["nmad"] == pytest.approx(0.1, abs=0.02)
    # Of a normal distribution: sqrt(pi / 2) sigma / sqrt(n), and 1.17 times sigma / sqrt(n).
    assert whole["median_error"] == pytest.approx(1.2533 * 0.1 / np.sqrt(360), rel=0.4)
    assert whole["nmad_error"] == pytest.approx(1.1664 * 0.1 / np.sqrt(360), rel=0.4)
    for by in BINNED_BY:
        assert rows.loc[rows["by"] == by, ["n", "failures"]].sum().tolist() == [400, 40]
    assert rows.loc[rows["by"] == "separation_px", "failures"].tolist() == [40, 0, 0, 0]
    # Blends of ten galaxies that make them alike are worth less than as many independent ones.
    alike = table.assign(error=rng.normal(0, 0.1, 10).repeat(40) + rng.normal(0, 0.01, n))
    shared = alike.assign(frame=1000 + np.arange(n) // 40)
    independent, clustered = (science_table(t).iloc[0]["median_error"] for t in (alike, shared))
    assert clustered > 3 * independent
    nothing = science_table(table.assign(error=np.nan)).iloc[0]
    assert nothing["failures"] == 400 and np.isnan(nothing["median"])


def test_the_table_has_a_row_for_each_quantity_and_bin(frames, tmp_path):
    np.save(tmp_path / "frames.npy", frames)
    pd.DataFrame({"row": np.arange(12), "split": "test"}).to_csv(tmp_path / "i.csv", index=False)
    with h5py.File(tmp_path / "gan.h5", "w") as file:
        file["images"] = np.full((6, 2, 16, 16, 3), 7, np.uint8)
    table = science_of_test_blends(
        tmp_path / "frames.npy",
        tmp_path / "i.csv",
        {"gan": tmp_path / "gan.h5"},
        PAIRS.model_dump(),
        images="galaxyzoo",
        n_blends=6,
        sep=SEP.model_dump(),
        seed=1,
    )
    assert len(table) == 3 * 2 * len(QUANTITIES) * (1 + 4 + 4)
    assert (table["n"] >= table["failures"]).all()
