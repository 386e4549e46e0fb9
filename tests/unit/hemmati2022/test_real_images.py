"""Real images of the same field from space and from the ground."""

import numpy as np
import pytest
from astropy.io import fits
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import EDGE_PX
from deblend.hemmati2022.networks import SuperResolver
from deblend.hemmati2022.predict import Network
from deblend.hemmati2022.real_images import (
    field_names,
    find_field_peaks,
    pair_numbers,
    read_field,
)
from deblend.hemmati2022.resolutions import make_resolutions

from tests.unit.hemmati2022.conftest import CPU, DETECTION


@pytest.fixture
def pair(tmp_path):
    """An off-centre star seen from space and from the ground, in different units."""
    rng = np.random.default_rng(2)

    def star(side, scale, sigma_arcsec, peak):
        offset = (np.arange(side) - (side - 1) / 2) * scale
        y, x = offset[:, None] + 0.6, offset[None, :] - 1.2
        light = peak * np.exp(-(x**2 + y**2) / (2 * sigma_arcsec**2))
        return light + rng.normal(3.0, 0.5, (side, side))

    fits.writeto(tmp_path / "hst_a.fits", star(267, 0.03, 0.06, 200.0))
    cube = np.stack([star(54, 0.168, 0.26, 100.0) for _ in range(5)])
    fits.writeto(tmp_path / "hsc_a.fits", cube)
    return tmp_path


OPTIONS = {"hsc_plane": 2, "hst_scale_arcsec": 0.03, "hsc_scale_arcsec": 0.168}


def test_real_pairs_get_one_grid_and_the_networks_noise(maker, pair):
    assert field_names(pair) == ["a"]
    high, low = read_field(pair, "a", maker, **OPTIONS)
    assert high.shape[0] == 3 * low.shape[0]
    for image, sigma in ((high, maker.noise_high[0]), (low, maker.noise_low[0])):
        edge = image[: len(image) // 4]
        assert np.median(edge) == pytest.approx(0, abs=0.1 * sigma)
        assert edge.std() == pytest.approx(sigma, rel=0.15)
    # The star is 1.2 and -0.6 arcsec from the middle in both images.
    for image, scale in ((high, 0.06), (low, 0.18)):
        y, x = np.unravel_index(image.argmax(), image.shape)
        middle = (len(image) - 1) / 2
        assert (x - middle) * scale == pytest.approx(1.2, abs=scale)
        assert (y - middle) * scale == pytest.approx(-0.6, abs=scale)


def test_pairs_of_other_layouts_and_with_edges_without_data(maker, pair, caplog):
    """One band instead of a cube, images in extensions, and NaN at the edges."""
    high, low = read_field(pair, "a", maker, **OPTIONS)
    hst, hsc = (fits.getdata(pair / f"{name}_a.fits") for name in ("hst", "hsc"))
    hst[:6] = hst[:, -3:] = np.nan
    fits.writeto(pair / "hst_a.fits", hst[None], overwrite=True)
    fits.HDUList(
        [fits.PrimaryHDU(), fits.ImageHDU(hsc[2], name="IMAGE"), fits.ImageHDU(name="MASK")]
    ).writeto(pair / "hsc_a.fits", overwrite=True)
    cut_high, cut_low = read_field(pair, "a", maker, **OPTIONS)
    assert np.isfinite(cut_high).all()
    assert np.isfinite(cut_low).all()
    margin = (len(low) - len(cut_low)) // 2
    assert len(low) - 8 < len(cut_low) < len(low)
    assert f"it is cut to {len(cut_low)} of {len(low)} px" in caplog.text
    assert cut_high.shape[0] == 3 * cut_low.shape[0]
    if (len(low) - len(cut_low)) % 2 == 0:
        inside = low[margin:-margin, margin:-margin]
        np.testing.assert_allclose(cut_low, inside, rtol=0.3, atol=0.3 * maker.noise_low[0])
    hst[130, 120] = np.nan
    fits.writeto(pair / "hst_a.fits", hst, overwrite=True)
    with pytest.raises(DeblendError, match="hst_a.fits and hsc_a.fits .* without data .NaN. near"):
        read_field(pair, "a", maker, **OPTIONS)


def test_a_plane_that_is_not_there_or_a_broken_file_is_named(maker, pair):
    with pytest.raises(DeblendError, match=r"hsc_a.fits has the shape \(5, 54, 54\), .* plane 7"):
        read_field(pair, "a", maker, **{**OPTIONS, "hsc_plane": 7})
    path = pair / "hsc_a.fits"
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(DeblendError, match="hsc_a.fits .the file is truncated"):
        read_field(pair, "a", maker, **OPTIONS)


def test_peaks_of_a_real_pair_are_compared_on_one_grid(maker, pair):
    fields = {"a": read_field(pair, "a", maker, **OPTIONS)}
    network = Network(SuperResolver(1, 4, 1), maker, 0)
    resolutions = make_resolutions({"gan": network}, DETECTION)
    for name, threshold, noise in (("high", 8.0, None), ("low", 8.0, None), ("gan", 1e9, 1.0)):
        resolutions[name].threshold, resolutions[name].noise = threshold, noise
    shown = find_field_peaks(network, fields, resolutions, CPU)
    found = pair_numbers(shown, 5.0)[0].set_index(["field", "resolution"])
    assert found.loc[("a", "high"), ["n_peaks", "n_matched"]].tolist() == [1, 1]
    assert found.loc[("a", "low"), ["n_peaks", "n_matched", "n_false"]].tolist() == [1, 1, 0]
    assert shown["a"]["gan"].shape == shown["a"]["high"].shape


def test_an_incomplete_pair_is_named(pair):
    (pair / "hsc_a.fits").unlink()
    with pytest.raises(DeblendError, match="one image of the field a"):
        field_names(pair)


def scene(side, **peaks):
    """What is known of a field: the peaks (x, y) in each resolution."""
    positions = {name: np.array(xy, float).reshape(-1, 2) for name, xy in peaks.items()}
    return {"high": np.zeros((side, side))} | {f"peaks_{k}": v for k, v in positions.items()}


def test_matches_are_counted_in_each_field_and_in_all():
    fields = {
        # The ground sees one object where there are two; the network one more that there is not.
        "one": scene(
            99,
            high=[(30, 30), (38, 30), (70, 60)],
            low=[(34, 30), (70, 61)],
            gan=[(30, 31), (38, 29), (70, 60), (20, 80)],
        ),
        "two": scene(99, high=[(50, 20)], low=[], gan=[(50, 20)]),
    }
    numbers, gain = pair_numbers(fields, 5.0)
    table = numbers.set_index(["field", "resolution"])
    counts = table[["n_hst", "n_peaks", "n_matched", "n_false"]]
    assert counts.loc[("one", "low")].tolist() == [3, 2, 2, 0]
    assert counts.loc[("one", "gan")].tolist() == [3, 4, 3, 1]
    assert counts.loc[("two", "low")].tolist() == [1, 0, 0, 0]
    assert counts.loc[("all", "low")].tolist() == [4, 2, 2, 0]
    assert counts.loc[("all", "gan")].tolist() == [4, 5, 4, 1]
    assert counts.loc[("all", "high")].tolist() == [4, 4, 4, 0]
    assert table.loc[("all", "low"), "completeness"] == 0.5
    assert table.loc[("all", "gan"), "purity"] == 0.8
    assert np.isnan(table.loc[("two", "low"), ["purity", "purity_low"]].astype(float)).all()
    # Wilson's interval of 2 of 3, of which the formula is in every textbook.
    k, n = 2, 3
    half = np.sqrt(k / n * (1 - k / n) / n + 1 / (4 * n**2)) / (1 + 1 / n)
    middle = (k / n + 1 / (2 * n)) / (1 + 1 / n)
    ends = table.loc[("one", "low"), ["completeness_low", "completeness_high"]]
    assert ends.tolist() == pytest.approx([middle - half, middle + half])
    # The network adds 1 of 3 peaks in one field and 1 of 1 in the other: in all 2 of 4. Their sums
    # of deviations from that mean are -1/2 and 1/2.
    error = np.sqrt(2 * 0.5**2) / 4
    assert gain.iloc[0].tolist() == pytest.approx([4, 0.5, 0.5 - error, 0.5 + error])


def test_the_line_of_chance_is_that_of_random_peaks():
    """As many random peaks as match a random position, for fields of random positions."""
    rng = np.random.default_rng(5)
    side, radius, n = 150, 5.0, 12
    fields = {}
    for name in ("a", "b", "c", "d"):
        high, low = (rng.uniform(EDGE_PX + 1, side - EDGE_PX - 2, (n, 2)) for _ in range(2))
        # The network finds all, so that only its line of chance knows what is random.
        fields[name] = scene(side, high=high, low=low, gan=high)
    table = pair_numbers(fields, radius)[0].set_index(["field", "resolution"])
    assert table.loc[("all", "gan"), ["completeness", "purity"]].tolist() == [1, 1]
    # The chance that none of 12 peaks is near a position, without edges and rivals.
    expected = 1 - (1 - np.pi * radius**2 / (side - 2 * EDGE_PX - 1) ** 2) ** n
    for resolution in ("low_chance", "gan_chance"):
        row = table.loc[("all", resolution)]
        assert row["n_fields"] == 4 * 3 * 8
        assert (row["n_hst"], row["n_peaks"]) == (4 * n, 4 * n)
        assert row["completeness"] == pytest.approx(expected, abs=0.02)
        assert row["completeness_low"] < row["completeness"] < row["completeness_high"]


def test_fields_of_other_sizes_share_their_middle():
    """A peak in the middle matches one in the middle, also by chance and in any orientation."""
    fields = {
        "small": scene(61, high=[(30, 30), (12, 30)], low=[(30, 30)], gan=[(30, 30)]),
        "large": scene(99, high=[(49, 49), (90, 90)], low=[(49, 49), (49, 67)], gan=[]),
    }
    table = pair_numbers(fields, 2.0)[0].set_index(["field", "resolution"])
    # Of eight orientations, two bring the large field's second peak to that of the small one.
    row = table.loc[("small", "low_chance")]
    assert (row["n_peaks"], row["n_hst"], row["n_matched"]) == (2, 2, 1.25)
    # The second peak of the large field is outside the small one.
    row = table.loc[("large", "low_chance")]
    assert (row["n_peaks"], row["n_hst"], row["n_matched"]) == (1, 1, 1)
    alone = pair_numbers({"small": fields["small"]}, 2.0)[0].set_index(["field", "resolution"])
    row = alone.loc[("small", "low_chance")]
    assert (row["n_fields"], row["n_matched"]) == (7, 1)
