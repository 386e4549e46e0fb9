"""Files of the user that are replaced, added, taken away or misspelt after a finished run.

Outputs are empty files that Snakemake takes for finished ones (`--touch`), so that no job runs.
"""

import os
import shutil

import pytest
import yaml
from astropy.table import Table

from tests.conftest import ROOT
from tests.run import planned, snakemake
from tests.workflow.conftest import TINY

CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
LATER = 2_000_000_000


class Finished:
    """A folder with the outputs of a rule for a configuration, which tests change afterwards."""

    def __init__(self, folder, rule, outputs, config):
        self.folder, self.rule, self.outputs = folder, rule, outputs
        self.overlay = folder / "overlay.yaml"
        self.write(config)
        for name in outputs:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        self._snakemake("--touch", "--force", "--cores", 1)
        assert self.planned() == set()

    def write(self, config):
        self.overlay.write_text(yaml.safe_dump(config))

    def planned(self, folder=None):
        return planned(self._snakemake("-n", folder=folder).text)

    def error(self):
        result = self._snakemake("-n", check=False)
        assert result.returncode == 1
        assert "Traceback" not in result.text
        return result.text

    def _snakemake(self, *arguments, folder=None, check=True):
        overlay = ("--configfile", self.overlay)
        only = ("--allowed-rules", self.rule, "--notemp")
        return snakemake(
            *arguments, self.outputs[0], *only, *overlay,
            directory=folder or self.folder, check=check,
        )  # fmt: skip


def images(folder):
    """Six files that stand for JPEGs, two of them in a folder below."""
    for name in ("1.jpg", "2.jpg", "3.JPG", "4.jpeg", "below/5.jpg", "below/6.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


@pytest.fixture(scope="module")
def frames_made_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames") / "project"
    images(folder / "my images")
    outputs = [f"results/datasets/own/{n}" for n in ("index.csv", "frames.npy", "excluded.csv")]
    sets = {"own": {"source": "files", "folder": "my images"}}
    return Finished(folder, "reiman2019_frames", outputs, {"reiman2019": {"image_sets": sets}})


@pytest.fixture
def frames(frames_made_once, tmp_path):
    """Frames of a folder of JPEGs; a test's changes are undone."""
    folder = frames_made_once.folder
    shutil.copytree(folder, tmp_path / "kept")
    yield frames_made_once
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "kept", folder)


def replace(path):
    path.write_text("replaced")
    os.utime(path, (LATER, LATER))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: replace(folder / "1.jpg"),
        lambda folder: (folder / "below/7.jpg").touch(),
        lambda folder: (folder / "below/5.jpg").unlink(),
    ],
    ids=["replaced", "added below", "removed below"],
)
def test_frames_are_made_again_if_an_image_has_changed(frames, change):
    change(frames.folder / "my images")
    assert frames.planned() == {"reiman2019_frames"}


def test_frames_do_not_depend_on_the_time_stamp_of_the_folder(frames):
    folder = frames.folder / "my images"
    (folder / "notes.txt").touch()
    os.utime(folder, (LATER, LATER))
    assert frames.planned() == set()


def test_a_copy_of_results_and_images_has_nothing_to_do(frames, tmp_path):
    shutil.copytree(frames.folder, tmp_path / "copy")
    assert frames.planned(tmp_path / "copy") == set()


def real_galaxies(folder):
    """A RealGalaxy catalogue, its companion, and the files that it names."""
    names = {"GAL_FILENAME": ["images.fits"], "PSF_FILENAME": ["psfs.fits"]}
    Table({"IDENT": [1], **names}).write(folder / "gals.fits")
    for name in ("gals_fits.fits", "images.fits", "psfs.fits", "other.fits"):
        (folder / name).write_text(name)


def of_dataset(folder):
    """Stamps from a RealGalaxy catalogue."""
    real_galaxies(folder)
    entry = dict(TINY["datasets"]["simulated"], band="f160w", zero_point=25.9, noise_sigma=0.001)
    entry = {key: entry[key] for key in ("stamp_size", "band", "zero_point", "noise_sigma")}
    entry |= {"source": "real_galaxy", "catalog": "gals.fits", "fits_catalog": "gals_fits.fits"}
    entry |= {"pixel_scale_arcsec": 0.06, "split": {"train": 0.6, "validation": 0.2, "test": 0.2}}
    outputs = ["results/datasets/mine/parents/0.h5"]
    return Finished(folder, "ingest_real_galaxies", outputs, {"datasets": {"mine": entry}})


def of_sample(folder):
    """BlendHunter's stamps from a RealGalaxy catalogue."""
    real_galaxies(folder)
    entry = {"source": "files", "archive": None, "catalog": "gals.fits", "kind": "real"}
    entry |= {"exclusion_level": "none", "close_fraction": None}
    entry["n_stamps"] = {"train": 0, "validation": 0, "test": 4}
    outputs = ["results/farrens2022/mine/test.h5"]
    config = {"farrens2022": {"samples": {"mine": entry}}}
    return Finished(folder, "farrens2022_draw_stamps", outputs, config)


def of_files(folder):
    """Stamps from an array and a catalogue."""
    for name in ("images.npy", "gals.csv", "psf.fits"):
        (folder / name).write_text(name)
    entry = dict(TINY["datasets"]["simulated"], band="f160w", zero_point=25.9, noise_sigma=0.001)
    entry = {key: entry[key] for key in ("stamp_size", "band", "zero_point", "noise_sigma")}
    entry |= {"source": "files", "images": "images.npy", "catalog": "gals.csv", "psf": "psf.fits"}
    entry["columns"] = {"id": "id", "mag": "mag", "half_light_radius": "radius"}
    entry |= {"pixel_scale_arcsec": 0.06, "split": {"train": 0.6, "validation": 0.2, "test": 0.2}}
    outputs = ["results/datasets/mine/parents/0.h5"]
    return Finished(folder, "ingest_files", outputs, {"datasets": {"mine": entry}})


def test_a_file_that_was_replaced_by_an_older_one_counts(tmp_path):
    done = of_files(tmp_path)
    for name in ("images.npy", "gals.csv", "psf.fits"):
        present = (tmp_path / name).stat().st_mtime
        os.utime(tmp_path / name, (1_000_000_000, 1_000_000_000))
        assert done.planned() == {done.rule}, name
        os.utime(tmp_path / name, (present, present))
    assert done.planned() == set()


@pytest.mark.parametrize("prepare", [of_dataset, of_sample])
def test_galaxies_are_drawn_again_if_a_file_that_a_catalogue_names_has_changed(tmp_path, prepare):
    done = prepare(tmp_path)
    replace(tmp_path / "other.fits")
    assert done.planned() == set()
    replace(tmp_path / "images.fits")
    assert done.planned() == {done.rule}


@pytest.fixture
def pairs(tmp_path):
    """Peaks in HSC and HST images."""
    for name in ("hst_a.fits", "hsc_a.fits"):
        (tmp_path / "pairs" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "pairs" / name).touch()
    names = ("pairs.pdf", "pairs.png", "pairs.csv", "pairs_gain.csv")
    outputs = [f"results/hemmati2022/sr/{name}" for name in names]
    name = CONFIG["hemmati2022"]["cutouts_set"]
    inputs = [f"results/datasets/{name}/{file}" for file in ("cutouts.h5", "split.csv")]
    inputs += [f"results/networks/sr/network.{ext}" for ext in ("h5", "json")]
    inputs += [f"results/hemmati2022/{name}/false_positives.csv"]
    for path in inputs:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    config = {"hemmati2022": {"hsc_pairs": {"folder": "pairs"}}}
    return Finished(tmp_path, "hemmati2022_real_images", outputs, config)


def test_real_images_are_searched_again_if_one_has_changed(pairs):
    os.utime(pairs.folder / "pairs", (LATER, LATER))
    assert pairs.planned() == set()
    replace(pairs.folder / "pairs/hsc_a.fits")
    assert pairs.planned() == {"hemmati2022_real_images"}


def test_a_misspelt_path_is_named_although_results_are_finished(frames):
    sets = {"own": {"source": "files", "folder": "my_image"}}
    frames.write({"reiman2019": {"image_sets": sets}})
    expected = (
        "configuration > reiman2019 > image_sets > own > folder: there is no my_image in "
        f"{frames.folder.resolve()}; did you mean my images?"
    )
    assert expected in frames.error()
