import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.render import orient
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import (
    HemmatiBlendConfig,
    all_sources,
    draw_blends,
    largest_shift,
    main_pair,
    neighbour_positions,
    neighbours_of,
    pair_quantities,
    render_blends,
    true_positions,
    with_neighbours,
)
from pydantic import ValidationError

N = 30
CONFIG = HemmatiBlendConfig(separation_sigma_px=8.0, max_shift_px=20, any_angle=False)


@pytest.fixture(scope="module")
def galaxies():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "mag": rng.uniform(20, 25, N),
            "redshift": rng.uniform(0, 3, N),
            "fwhm_px": rng.uniform(3, 12, N),
        }
    )


def draw(galaxies, start=0, stop=2000, config=CONFIG, rows=None):
    rows = np.arange(N) if rows is None else rows
    return draw_blends(galaxies, rows, start, stop, seed=1, split="test", config=config)


def test_a_blend_does_not_depend_on_the_other_blends(galaxies):
    whole = draw(galaxies, 0, 2500)
    part = draw(galaxies, 990, 1010)
    pd.testing.assert_frame_equal(whole.iloc[990:1010].reset_index(drop=True), part)
    assert whole["blend"].tolist() == list(range(2500))


def test_shifts_are_normal_and_truncated(galaxies):
    table = draw(galaxies, 0, 20000, HemmatiBlendConfig(separation_sigma_px=8.0, max_shift_px=40))
    assert table["dx_1"].std() == pytest.approx(8, rel=0.02)
    assert table["dy_1"].mean() == pytest.approx(0, abs=0.2)
    assert abs(np.corrcoef(table["dx_1"], table["dy_1"])[0, 1]) < 0.02
    assert table[["dx_0", "dy_0"]].std().between(0.5, 60).all()
    wide = draw(galaxies, 0, 5000, HemmatiBlendConfig(separation_sigma_px=50.0, max_shift_px=20))
    assert wide["dx_1"].abs().max() == 20
    # Truncated: values do not accumulate at the ends.
    assert (wide["dx_1"] == 20).mean() < 0.05


def test_galaxies_are_from_the_split_and_equally_likely(galaxies):
    rows = np.array([2, 3, 5, 7, 11])
    config = HemmatiBlendConfig(separation_sigma_px=8.0, max_shift_px=20, shares=(0.5, 0.3, 0.2))
    table = draw(galaxies, 0, 4000, config, rows)
    numbers = table[[f"galaxy_{k}" for k in range(4)]].to_numpy()
    assert set(numbers.ravel()) == {-1, *rows}
    for row in numbers:
        there = row[row >= 0]
        assert len(set(there)) == len(there)
    share = table["n_galaxies"].value_counts(normalize=True)
    np.testing.assert_allclose(share[[2, 3, 4]], [0.5, 0.3, 0.2], atol=0.03)
    assert ((numbers >= 0).sum(1) == table["n_galaxies"]).all()
    # All galaxies have the same probability.
    np.testing.assert_allclose(np.bincount(numbers[:, 1])[rows] / 4000, 0.2, atol=0.03)
    np.testing.assert_array_equal(table["mag_1"], galaxies["mag"].to_numpy()[numbers[:, 1]])
    assert table["mag_3"].isna().equals(table["galaxy_3"] == -1)


@pytest.mark.parametrize("parent", [96, 97])
def test_a_blend_is_the_sum_of_shifted_and_turned_stamps(galaxies, parent):
    images = np.random.default_rng(2).normal(size=(N, 2, parent, parent)).astype(np.float32)
    config = HemmatiBlendConfig(
        separation_sigma_px=6.0,
        max_shift_px=largest_shift(parent),
        shares=(0.5, 0.5),
        any_angle=False,
    )
    table = draw(galaxies, 0, 60, config)
    rendered = render_blends(images, table)
    assert set(table["orientation_0"]) == set(range(8))
    corner = parent // 2 - 33
    for i, row in table.iterrows():
        expected = np.zeros((2, 66, 66), np.float32)
        for k in range(row["n_galaxies"].astype(int)):
            for band in (0, 1):
                whole = orient(images[int(row[f"galaxy_{k}"]), band], int(row[f"orientation_{k}"]))
                y, x = corner - int(row[f"dy_{k}"]), corner - int(row[f"dx_{k}"])
                expected[band] += whole[y : y + 66, x : x + 66]
        np.testing.assert_allclose(rendered[i], expected, atol=1e-6)


def test_galaxies_are_at_the_positions_in_the_table(galaxies):
    images = np.zeros((N, 1, 152, 152), np.float32)
    images[:, 0, 76, 76] = 1
    for angles in (False, True):
        table = draw(
            galaxies,
            0,
            30,
            HemmatiBlendConfig(separation_sigma_px=8.0, max_shift_px=20, any_angle=angles),
        )
        rendered = render_blends(images, table)[:, 0]
        for image, positions in zip(rendered, true_positions(table), strict=True):
            for x, y in positions.astype(int):
                assert image[y, x] >= 0.99
        # For a single bright pixel the spline interpolation is least accurate.
        assert rendered.sum() == pytest.approx(60, rel=2e-2 if angles else 1e-6)
    assert (table["orientation_1"] == 0).all()
    assert 150 < table["angle_deg_1"].max() < 180
    assert table["angle_deg_0"].min() >= 0


def test_in_the_authors_code_one_galaxy_is_in_the_middle(galaxies):
    config = HemmatiBlendConfig(shift_rule="authors", shares=(0.5, 0.5))
    table = draw(galaxies, 0, 8000, config)
    assert (table[["dx_0", "dy_0"]] == 0).all(axis=None)
    for k in (1, 2):
        there = table[table[f"galaxy_{k}"] >= 0]
        # Turned back, the shifts are those of a square of 0 to 14 px.
        angle = np.deg2rad(there[f"angle_deg_{k}"])
        x = there[f"dx_{k}"] * np.cos(angle) + there[f"dy_{k}"] * np.sin(angle)
        y = there[f"dy_{k}"] * np.cos(angle) - there[f"dx_{k}"] * np.sin(angle)
        for shift in (x, y):
            assert shift.between(-0.8, 14.8).all()
            counts = np.bincount(np.clip(np.rint(shift), 0, 14).astype(int), minlength=15)
            np.testing.assert_allclose(counts / len(there), 1 / 15, atol=0.02)
    with pytest.raises(ValidationError, match="false does not go with shift_rule authors"):
        HemmatiBlendConfig(shift_rule="authors", any_angle=False)


def test_parents_of_152_px_cover_the_frame_at_any_angle(galaxies):
    images = np.ones((N, 1, 152, 152), np.float32)
    config = HemmatiBlendConfig(separation_sigma_px=30.0, max_shift_px=20)
    rendered = render_blends(images, draw(galaxies, 0, 60, config))
    np.testing.assert_allclose(rendered, 2, atol=1e-5)


@pytest.mark.parametrize(("angle", "needed"), [(45.0, 151), (90.0, None), (0.0, None)])
def test_corners_of_turned_frames_need_larger_parents(galaxies, angle, needed):
    config = HemmatiBlendConfig(max_shift_px=20, any_angle=True)
    table = draw(galaxies, 0, 1, config).assign(dx_0=20, dy_0=20, dx_1=0, dy_1=0)
    table = table.assign(angle_deg_0=angle, angle_deg_1=0.0)
    ones = [np.ones((N, 1, side, side), np.float32) for side in (128, 150, 151)]
    if needed is None:
        np.testing.assert_allclose(render_blends(ones[0], table), 2, atol=1e-5)
        return
    for images in ones[:2]:
        with pytest.raises(DeblendError, match=f"20 px at any angle: give stamps of {needed} px"):
            render_blends(images, table)
    np.testing.assert_allclose(render_blends(ones[2], table), 2, atol=1e-5)
    # A galaxy that is not there needs no stamp.
    absent = table.assign(galaxy_0=-1, dx_0=0, dy_0=0)
    np.testing.assert_allclose(render_blends(ones[0], absent), 1, atol=1e-5)


def test_rotations_by_any_angle_keep_the_flux(galaxies):
    y, x = np.indices((129, 129)) - 64
    images = np.exp(-(x**2 / 200 + y**2 / 30))[None, None].repeat(N, 0).astype(np.float32)
    table = draw(
        galaxies, 0, 1, HemmatiBlendConfig(separation_sigma_px=8.0, max_shift_px=20, any_angle=True)
    )
    table[["dx_0", "dy_0", "dx_1", "dy_1"]] = 0
    table["galaxy_1"] = -1
    table["angle_deg_0"] = 30.0
    turned = render_blends(images, table)[0, 0]
    assert turned.sum() == pytest.approx(images[0].sum(), rel=1e-3)
    y, x = np.indices((66, 66)) - 33
    moments = [(turned * m).sum() for m in (x**2, y**2, x * y)]
    angle = 0.5 * np.arctan2(2 * moments[2], moments[0] - moments[1])
    assert abs(np.rad2deg(angle)) == pytest.approx(30, abs=0.1)


def test_quantities_of_known_pairs():
    table = pd.DataFrame(
        {
            "blend": [4, 5],
            "galaxy_0": [0, 1],
            "galaxy_1": [1, 0],
            "galaxy_2": [-1, 2],
            "dx_0": 0,
            "dy_0": 0,
            "dx_1": [3, 6],
            "dy_1": [-4, 8],
            "dx_2": [0, 3],
            "dy_2": [0, 4],
            "mag_0": [22.5, 24.0],
            "mag_1": [20.0, 22.0],
            "mag_2": [np.nan, 21.0],
            "redshift_0": [0.3, 9.0],
            "redshift_1": [1.0, 0.5],
            "redshift_2": [np.nan, 0.75],
            "fwhm_px_0": [6.0, 99.0],
            "fwhm_px_1": [10.0, 5.0],
            "fwhm_px_2": [np.nan, 4.0],
        }
    )
    assert main_pair(table).tolist() == [[1, 0], [2, 1]]
    pair = pair_quantities(table, 0.06)
    assert pair["separation_px"].tolist() == [5, 5]
    np.testing.assert_allclose(pair["separation_arcsec"], 0.3)
    assert pair["fwhm_sum_px"].tolist() == [16, 9]
    np.testing.assert_allclose(pair["separation_over_fwhm_sum"], [5 / 16, 5 / 9])
    np.testing.assert_allclose(pair["separation_over_sqrt_fwhm_sum"], [5 / 4, 5 / 3])
    np.testing.assert_allclose(pair["separation_over_dominant_fwhm"], [0.5, 1.25])
    np.testing.assert_allclose(pair["flux_ratio"], [10, 10**0.4])
    np.testing.assert_allclose(pair["delta_mag"], [2.5, 1])
    np.testing.assert_allclose(pair["delta_z"], [0.7, 0.25])


def test_invalid_blends_are_refused(galaxies):
    with pytest.raises(DeblendError, match="test split has 1 galaxies: blends of 2"):
        draw(galaxies, rows=np.array([3]))
    with pytest.raises(ValidationError, match="add up to 1"):
        HemmatiBlendConfig(separation_sigma_px=8.0, max_shift_px=20, shares=(0.5,))
    with pytest.raises(ValidationError, match="separation_sigma_px"):
        HemmatiBlendConfig(separation_sigma_px=0, max_shift_px=20)
    images = np.zeros((N, 1, 80, 80), np.float32)
    table = draw(galaxies)
    with pytest.raises(DeblendError, match=r"20 px is more than stamps of 80 px .* \(6\)"):
        render_blends(images, table)
    with pytest.raises(DeblendError, match="there are 3 stamps"):
        render_blends(np.zeros((3, 1, 128, 128), np.float32), table)
    with pytest.raises(DeblendError, match="give square stamps"):
        render_blends(images[0], table)


@pytest.mark.parametrize("angles", [False, True])
def test_neighbours_are_where_their_light_is(galaxies, angles):
    """One bright pixel beside the galaxy of each cut-out."""
    images = np.zeros((N, 1, 128, 128), np.float32)
    offsets = np.random.default_rng(3).integers(-12, 13, (N, 2))
    offsets[0] = 40  # outside the frame, or nearly
    images[np.arange(N), 0, 64 + offsets[:, 1], 64 + offsets[:, 0]] = 1
    around = [np.array([[*offset, 24.0]]) for offset in offsets]
    around[1] = np.empty((0, 3))
    table = with_neighbours(galaxies, around)
    assert neighbours_of(table)[2, 0].tolist() == [*offsets[2], 24.0]
    assert np.isnan(neighbours_of(table)[1]).all()
    config = HemmatiBlendConfig(separation_sigma_px=8.0, max_shift_px=11, any_angle=angles)
    rows = draw(table, 0, 60, config, np.arange(2, N))
    rendered = render_blends(images, rows)[:, 0]
    positions = neighbour_positions(rows, table)
    assert positions.shape == (60, 2, 2)
    y, x = np.indices((66, 66))
    for image, (first, second) in zip(rendered, positions, strict=True):
        if np.hypot(*(first - second)) < 6 or not ((positions > 3) & (positions < 62)).all():
            continue
        for at in (first, second):
            near = np.where(np.hypot(x - at[0], y - at[1]) < 3, image, 0)
            centroid = [(near * grid).sum() / near.sum() for grid in (x, y)]
            np.testing.assert_allclose(centroid, at, atol=0.1 if angles else 1e-6)
    assert all_sources(rows, table).shape == (60, 4, 2)
    assert neighbour_positions(rows, galaxies).shape == (60, 0, 2)
    single = rows.assign(galaxy_1=-1)
    assert np.isnan(neighbour_positions(single, table)[:, 1]).all()
