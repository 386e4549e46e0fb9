"""Files and folders that the configuration names, and the message where one does not exist."""

import json

import pytest
import yaml
from deblend.errors import DeblendError
from deblend.run.config import validated
from deblend.run.inputs import check_inputs, local_inputs, missing_path

from tests.conftest import ROOT

ARCHIVES = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())


def configuration():
    """The complete configuration at paper scale, which tests may change."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    return json.loads(json.dumps(validated(config, ARCHIVES)))


@pytest.fixture
def config():
    return configuration()


@pytest.fixture
def at_folder(tmp_path, monkeypatch):
    """A working directory with a folder and a file in it."""
    (tmp_path / "resources/hst").mkdir(parents=True)
    (tmp_path / "resources/hst/stamps.npz").touch()
    (tmp_path / "results/figures").mkdir(parents=True)
    (tmp_path / "results/datasets/mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry_of(config, keys):
    """The section in which the last of some keys is."""
    for key in keys[:-1]:
        config = config[int(key)] if isinstance(config, list) else config[key]
    return config


FILES = {"source": "files", "images": "a.h5", "catalog": "a.csv", "segmaps": "s.h5", "psf": None}
REAL = {"source": "real_galaxy", "catalog": "gals.fits", "fits_catalog": "gals_fits.fits"}
FIELD = {"mosaic": "https://x.org/a.fits", "catalog": "vizier:J/ApJS/1/2", "morphology": "m.fits"}
CUTOUTS = {"source": "files", "images": "c.npz", "catalog": "c.csv", "bands": []}
BANDS = [{"mosaic": "m.fits", "psf": "hst_psf_f160w"}, {"psf": "p.fits"}]
SAMPLE = {"source": "files", "catalog": "g.fits"}


@pytest.mark.parametrize(
    ("section", "entry", "expected"),
    [
        (("datasets",), FILES, {"images": "a.h5", "catalog": "a.csv", "segmaps": "s.h5"}),
        (("datasets",), FILES | {"psf": "star.fits"}, {"psf": "star.fits"}),
        (("datasets",), REAL, {"catalog": "gals.fits", "fits_catalog": "gals_fits.fits"}),
        (("datasets",), {"fields": [FIELD]}, {"fields > 0 > morphology": "m.fits"}),
        (("hemmati2022", "cutouts"), CUTOUTS, {"images": "c.npz", "catalog": "c.csv"}),
        (
            ("hemmati2022", "cutouts"),
            {"source": "archive", "bands": BANDS},
            {"bands > 0 > mosaic": "m.fits", "bands > 1 > psf": "p.fits"},
        ),
        (("farrens2022", "samples"), SAMPLE, {"catalog": "g.fits"}),
        (("reiman2019", "image_sets"), {"source": "files", "folder": "jpegs"}, {"folder": "jpegs"}),
        # The folder and the catalogue of other sources are not read.
        (("reiman2019", "image_sets"), {"source": "simulated", "folder": "jpegs"}, {}),
        (("farrens2022", "samples"), SAMPLE | {"source": "simulated"}, {}),
    ],
)  # fmt: skip
def test_local_inputs_of_an_entry(config, section, entry, expected):
    entry_of(config, [*section, "x"])["mine"] = entry
    found = {
        " > ".join(keys[len(section) + 1 :]): path
        for keys, path in local_inputs(config, ARCHIVES)
        if keys[: len(section) + 1] == (*section, "mine")
    }
    assert found.items() >= expected.items()
    assert len(found) == len(expected) or entry.get("psf")


@pytest.mark.parametrize(
    "keys",
    [
        ("boucaud2020", "cleaning", "rejected"),
        ("boucaud2020", "published_catalogue"),
        ("farrens2022", "published_predictions"),
        ("hemmati2022", "hsc_pairs", "folder"),
    ],
)
def test_a_key_with_a_missing_path_is_named(config, at_folder, keys):
    check_inputs(config, ARCHIVES, ROOT, "configuration")
    entry_of(config, keys)[keys[-1]] = "nowhere.csv"
    with pytest.raises(DeblendError) as caught:
        check_inputs(config, ARCHIVES, ROOT, "configuration")
    assert str(caught.value).startswith(f"configuration > {' > '.join(keys)}: there is no nowhere")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("resources/hst/stamp.npz", "did you mean resources/hst/stamps.npz?"),
        ("resource/hst/stamps.npz", "did you mean resources?"),
        ("resources/HST/stamps.npz", "did you mean resources/hst?"),
        ("resources/hst/STAMPS.NPZ", "did you mean resources/hst/stamps.npz?"),
        ("resources/hst/stamps.npz/1", "did you mean resources/hst/stamps.npz?"),
        ("resources/hst/galaxies.fits", "correct the path, or put the file there"),
        ("~/stamps.npz", "~ does not stand for your home folder here: write the whole path"),
    ],
)
def test_the_nearest_name_is_suggested(at_folder, path, expected):
    assert missing_path(path) == f"there is no {path} in {at_folder}; {expected}"
    if not path.startswith("~"):
        absolute = missing_path(f"{at_folder}/{path}")
        assert absolute.startswith(f"there is no {at_folder}/{path}; ")
        assert absolute.endswith(expected.replace("mean ", f"mean {at_folder}/"))


def test_paths_that_exist_pass(config, at_folder):
    entry = {"source": "files", "images": "resources/hst", "catalog": "resources/hst/stamps.npz"}
    config["datasets"]["mine"] = entry
    assert check_inputs(config, ARCHIVES, ROOT, "configuration") == []
    (at_folder / "link.npz").symlink_to("absent.npz")
    entry["images"] = "link.npz"
    with pytest.raises(DeblendError, match="mine > images: there is no link.npz"):
        check_inputs(config, ARCHIVES, ROOT, "configuration")


def test_each_file_of_a_list_and_a_pattern_are_looked_for(config, at_folder):
    entry = {"source": "files", "images": ["resources/hst/stamps.npz", "resources/hst/b.fits"]}
    config["datasets"]["mine"] = entry
    with pytest.raises(DeblendError, match="mine > images > 1: there is no resources/hst/b.fits"):
        check_inputs(config, ARCHIVES, ROOT, "configuration")
    entry["images"] = "resources/*/*.np?"
    check_inputs(config, ARCHIVES, ROOT, "configuration")
    entry["images"] = "resources/*/*.fits"
    with pytest.raises(DeblendError, match=r"mine > images: no file matches resources/\*/\*.fits"):
        check_inputs(config, ARCHIVES, ROOT, "configuration")


@pytest.mark.parametrize(
    ("section", "folder"),
    [
        (("datasets",), "datasets/mine"),
        (("datasets",), "boucaud2020/blend2flux/mine"),
        (("hemmati2022", "cutouts"), "datasets/mine"),
        (("farrens2022", "samples"), "farrens2022/mine"),
        (("reiman2019", "image_sets"), "reiman2019/mine"),
    ],
)
def test_a_missing_input_is_an_error_only_where_finished_results_hide_it(
    config, at_folder, section, folder
):
    """Else Snakemake stops, if the entry is used at all."""
    entry = {"source": "files", "catalog": "nowhere.fits", "folder": "nowhere.fits"}
    entry_of(config, [*section, "x"])["mine"] = entry
    results = at_folder / "other"
    config["pathvars"]["results"] = "other"
    (results / "datasets/simulated").mkdir(parents=True)
    (warning,) = check_inputs(config, ARCHIVES, ROOT, "configuration")
    assert warning.startswith(f"configuration > {' > '.join(section)} > mine > ")
    assert "there is no nowhere.fits" in warning
    (results / folder).mkdir(parents=True)
    with pytest.raises(DeblendError) as caught:
        check_inputs(config, ARCHIVES, ROOT, "configuration")
    assert str(caught.value) == warning


def test_other_inputs_may_be_missing_as_long_as_there_are_no_figures(config, at_folder):
    config["hemmati2022"]["hsc_pairs"]["folder"] = "nowhere"
    config["pathvars"]["results"] = "other"
    (warning,) = check_inputs(config, ARCHIVES, ROOT, "configuration")
    assert "hsc_pairs > folder: there is no nowhere" in warning
    (at_folder / "other/figures").mkdir(parents=True)
    with pytest.raises(DeblendError, match="hsc_pairs > folder: there is no nowhere"):
        check_inputs(config, ARCHIVES, ROOT, "configuration")
