"""Messages and tables for bad input, in runs of Snakemake."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table

from tests.run import snakemake
from tests.workflow.conftest import TINY

N = 20
STAMPS = "results/datasets/mine/stamps.h5"


def blob(x=32, y=32, peak=0.5, sigma=3.0):
    iy, ix = np.indices((64, 64))
    return peak * np.exp(-((ix - x) ** 2 + (iy - y) ** 2) / (2 * sigma**2))


class UserData:
    """Twenty good stamps with a catalogue, which tests modify."""

    def __init__(self, folder):
        self.folder = folder
        noise = np.random.default_rng(0).normal(0, 0.0065, (N, 64, 64))
        self.images = (noise + blob()).astype(np.float32)
        self.table = Table(
            {"id": [f"g{i}" for i in range(N)], "mag": np.linspace(20, 22, N), "r": np.full(N, 4.0)}
        )
        self.config = json.loads(json.dumps(TINY))
        self.config["datasets"] = {
            "mine": {
                "source": "files",
                "images": "mine.h5",
                "images_key": "images",
                "catalog": "mine.ecsv",
                "columns": {"id": "id", "mag": "mag", "half_light_radius": "r"},
                "radius_unit": "pix",
                "band": "f160w",
                "pixel_scale_arcsec": 0.06,
                "zero_point": 25.96,
                "noise_sigma": 0.0065,
                "stamp_size": 64,
                "mag_min": 18.0,
                "mag_max": 23.0,
                "split": {"train": 0.6, "validation": 0.2, "test": 0.2},
            }
        }
        self.config["boucaud2020"]["dataset"] = "mine"
        self.config["networks"]["blend2flux"]["dataset"] = "mine"

    def run(self, target=STAMPS, *, succeeds=True, overlay):
        with h5py.File(self.folder / "mine.h5", "w") as file:
            file["images"] = self.images
        self.table.write(self.folder / "mine.ecsv", overwrite=True)
        return self.rerun(target, succeeds=succeeds, overlay=overlay)

    def rerun(self, target=STAMPS, *, succeeds=True, overlay):
        result = snakemake(
            "--cores", 2, target, "--configfile", overlay(**self.config),
            directory=self.folder, check=False,
        )  # fmt: skip
        assert (result.returncode == 0) == succeeds, result.text[-3000:]
        return result.text


@pytest.fixture
def user(tmp_path):
    return UserData(tmp_path)


def test_bad_stamps_are_left_out_counted_and_shown(user, overlay):
    user.images[0, 5, 5] = np.nan
    user.images[1] = 0.3
    user.images[2] += (blob(36, 34) - blob()).astype(np.float32)  # off-centre
    user.images[3] -= blob().astype(np.float32)  # empty
    user.table["mag"][4] = np.nan
    user.table["mag"][5] = 24.5
    user.table["r"][6] = -1
    text = user.run(overlay=overlay)
    expected = {
        "bad_pixels": 1,
        "constant": 1,
        "off_centre": 1,
        "not_detected": 1,
        "magnitude": 2,
        "radius": 1,
        "kept": N - 7,
    }
    counts = pd.read_csv(user.folder / "results/datasets/mine/exclusions.csv")
    counts = counts.set_index("reason")["n"]
    assert counts[counts > 0].to_dict() == expected
    for reason, n in expected.items():
        assert any(line.split()[:2] == [reason, str(n)] for line in text.splitlines()), reason
    excluded = pd.read_csv(user.folder / "results/datasets/mine/excluded.csv")
    assert sorted(excluded["id"]) == [f"g{i}" for i in range(7)]


def test_a_galaxy_without_a_partner_is_counted(user, overlay):
    user.table["mag"][0] = 18.0
    user.table["mag"][1:] = np.linspace(21, 22, N - 1)
    text = user.run(overlay=overlay)
    excluded = pd.read_csv(user.folder / "results/datasets/mine/excluded.csv")
    assert excluded.to_numpy().tolist() == [["g0", "no_partner", "unknown"]]
    assert "no other galaxy of its split is close enough" in text


def test_no_pair_at_all_stops(user, overlay):
    user.images = user.images[:6]
    user.table = user.table[:6]
    user.table["mag"] = [18, 18.1, 20.2, 20.3, 22.4, 22.5]
    user.config["datasets"]["mine"]["split"] = {"train": 0.34, "validation": 0.33, "test": 0.33}
    user.config["boucaud2020"]["blending"]["delta_mag_max"] = 0.05
    text = user.run(overlay=overlay, succeeds=False)
    assert "none of the 6 galaxies is left after cleaning (6 no_partner; most: no other" in text
    assert not (user.folder / STAMPS).exists()


def test_an_empty_split_stops(user, overlay):
    user.images, user.table = user.images[:4], user.table[:4]
    text = user.run(overlay=overlay, succeeds=False)
    assert "Error: the validation split (0.2 of the galaxies) has 1 of 4 galaxies" in text


def test_a_wrong_unit_stops(user, overlay):
    user.table["mag"].unit = "Jy"
    text = user.run(overlay=overlay, succeeds=False)
    assert "Error: column mag of mine.ecsv is in Jy, which cannot be converted to mag" in text


def test_a_missing_column_stops(user, overlay):
    user.table.rename_column("r", "radius")
    text = user.run(overlay=overlay, succeeds=False)
    assert "Error: the catalogue mine.ecsv lacks the columns r; it has id, mag, radius" in text


def test_half_written_stamps_stop(user, overlay):
    user.run(overlay=overlay)
    path = user.folder / "mine.h5"
    path.write_bytes(path.read_bytes()[:5000])
    text = user.rerun(overlay=overlay, succeeds=False)
    assert "Error: cannot read an array from mine.h5" in text


def test_a_shift_that_leaves_the_frame_stops(user, overlay):
    """The table of blends was edited by hand."""
    blends = "results/datasets/mine/blends_test.ecsv"
    user.run(blends, overlay=overlay)
    table = Table.read(user.folder / blends)
    table["dx"][3] = 70
    table.write(user.folder / blends, overwrite=True)
    target = "results/predictions/sep/mine.csv"
    text = user.rerun(target, overlay=overlay, succeeds=False)
    digest = "results/datasets/mine/.blends_test.ecsv.sha256"
    assert f"Error: {blends} has other bytes than when it was made" in text
    assert f"if you changed it on purpose, delete {digest}" in text
    (user.folder / digest).unlink()
    text = user.rerun(target, overlay=overlay, succeeds=False)
    assert "Error: a shift of 70 px leaves the frame of 64 px stamps" in text
    assert not (user.folder / target).exists()


def test_radii_that_no_shift_fits_stop(user, overlay):
    user.table["r"] = 0.2
    text = user.run("results/datasets/mine/blends_test.ecsv", overlay=overlay, succeeds=False)
    assert "Error: no shift fits" in text
    assert "shift_rule" in text


def test_rejected_galaxies_of_the_users_table_are_left_out(user, overlay):
    """After an edit of the table, only the jobs that depend on it run again."""
    table = user.folder / "rejected.csv"
    table.write_text("id,reason\n")
    user.config["boucaud2020"]["cleaning"] = {"rejected": str(table)}
    user.run("results/datasets/mine/table1.csv", overlay=overlay)
    table.write_text("id,reason\ng3,a merger\nsomeone,else\n")
    text = user.rerun("results/datasets/mine/table1.csv", overlay=overlay)
    assert "1 of the 2 ids rejected by eye match no galaxy" in text
    excluded = pd.read_csv(user.folder / "results/datasets/mine/excluded.csv")
    assert excluded.to_numpy().tolist() == [["g3", "rejected", "unknown"]]
    counts = pd.read_csv(user.folder / "results/datasets/mine/table1.csv").set_index("morphology")
    assert counts.loc["total", ["before", "after"]].tolist() == [N, N - 1]


def test_a_missing_table_of_rejected_galaxies_is_named(user, overlay):
    user.config["boucaud2020"]["cleaning"] = {"rejected": "nowhere.csv"}
    assert "nowhere.csv" in user.run(overlay=overlay, succeeds=False)


def sample_of(catalog, **changes):
    """Configuration of a BlendHunter sample from the user's catalogue."""
    entry = {
        "source": "files",
        "archive": None,
        "catalog": catalog,
        "exclusion_level": "none",
        "kind": "parametric",
        "n_stamps": {"train": 0, "validation": 0, "test": 4},
        "close_fraction": None,
    }
    return {"farrens2022": {"samples": {"mine": {**entry, **changes}}}}


def test_a_catalogue_without_fits_stops(tmp_path, overlay):
    names = {"GAL_FILENAME": "images.fits", "PSF_FILENAME": "psfs.fits"}
    Table({"IDENT": [1, 2], **{k: [v, v] for k, v in names.items()}}).write(tmp_path / "gals.fits")
    target = "results/farrens2022/mine/test.h5"
    result = snakemake(
        "--cores", 1, target, "--configfile", overlay(**sample_of("gals.fits")),
        directory=tmp_path, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "Error: cannot read gals.fits as a RealGalaxy catalogue" in result.text
    assert "parametric ones need its companion with fits, gals_fits.fits" in result.text
    assert not (tmp_path / target).exists()


def test_a_misspelt_key_of_a_sample_stops(tmp_path, overlay):
    (tmp_path / "gals.fits").touch()
    result = snakemake(
        "-n", "--configfile", overlay(**sample_of("gals.fits", close_fractions=0.3)),
        directory=tmp_path, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    expected = "farrens2022 > samples > mine > close_fractions: there is no such key; did you mean"
    assert f"{expected} close_fraction?" in result.text
    assert "Traceback" not in result.text


@pytest.mark.full
def test_a_psf_is_centred_for_the_fits_of_both_galaxies(user, overlay):
    target = "results/predictions/forced/mine.csv"
    star = blob(sigma=1.5)
    user.config["datasets"]["mine"]["psf"] = "star.fits"
    # Too near to an edge to be cut around its star.
    fits.writeto(user.folder / "star.fits", star[31:])
    text = user.run(target, succeeds=False, overlay=overlay)
    assert "y = 1: cut it so that the star is in its centre" in text
    fits.writeto(user.folder / "star.fits", star[10:], overwrite=True)
    text = user.rerun(target, overlay=overlay)
    assert "the PSF star.fits" in text
    table = pd.read_csv(user.folder / target)
    flux = table.loc[table["method"] == "forced_true", "flux"]
    np.testing.assert_allclose(flux, blob().sum(), rtol=0.05)


@pytest.mark.full
def test_few_galaxies_in_files_of_their_own_are_read_and_give_a_warning(user, overlay):
    folder = user.folder / "my stamps"
    folder.mkdir()
    for image, name in zip(user.images, user.table["id"], strict=True):
        fits.writeto(folder / f"{name}_f160w.fits", np.pad(image, 3, constant_values=9.0))
    user.config["datasets"]["mine"] |= {"images": "my stamps/*_f160w.fits", "images_key": None}
    text = user.run(overlay=overlay)
    assert "only 4 galaxies are for the test, in 12 pairs, however many blends" in text
    with h5py.File(user.folder / STAMPS) as file:
        assert file["images"].shape[-2:] == (64, 64)
    (folder / "g3_f160w.fits").unlink()
    text = user.rerun(overlay=overlay, succeeds=False)
    assert "Error: 1 of 20 galaxies of the catalogue have no image" in text
    user.config["datasets"]["mine"]["images"] = "my stamps/*_f160.fits"
    text = user.rerun(overlay=overlay, succeeds=False)
    assert "datasets > mine > images: no file matches my stamps/*_f160.fits" in text
