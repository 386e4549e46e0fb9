"""Listings of files, by which a change of any of them is noticed."""

import os
import shutil
import time
from pathlib import Path

import pytest
from astropy.io import fits
from astropy.table import Table
from deblend.data.listing import (
    files_by_id,
    files_in,
    folder_listing,
    folder_of_pattern,
    is_pattern,
    listing_digest,
    matching_files,
    real_galaxy_listing,
    stamp_files,
    stamps_listing,
    texts_of_table,
)
from deblend.errors import DeblendError

JPEG = (".jpg", ".jpeg")


@pytest.fixture
def folder(tmp_path):
    """Two images, one of them in a folder below, and files that are no images."""
    root = tmp_path / "images"
    for name in ("1.jpg", "below/2.JPEG", ".hidden.jpg", ".cache/3.jpg", "a/b/4.jpg", "notes.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def listing(folder):
    return folder_listing(folder, JPEG, below=True)


def test_images_are_found_in_a_folder_and_one_level_below(folder):
    assert files_in(folder, JPEG, below=True) == ["1.jpg", "below/2.JPEG"]
    assert files_in(folder, JPEG) == ["1.jpg"]
    assert files_in(folder / "absent", JPEG) == []
    assert files_in(folder / "1.jpg", JPEG) == []


def test_a_folder_that_is_named_as_an_image_is_a_folder(folder):
    (folder / "odd.jpg").mkdir()
    (folder / "odd.jpg" / "5.jpg").touch()
    assert files_in(folder, JPEG, below=True) == ["1.jpg", "below/2.JPEG", "odd.jpg/5.jpg"]


def test_names_can_have_to_begin_with_a_prefix(tmp_path):
    for name in ("hst_a.fits", "hsc_a.fits", "psf_a.fits", "hst_a.txt"):
        (tmp_path / name).touch()
    names = files_in(tmp_path, (".fits",), prefixes=("hst_", "hsc_"))
    assert names == ["hsc_a.fits", "hst_a.fits"]


@pytest.mark.parametrize("change", ["replaced", "touched", "added", "removed", "renamed"])
def test_a_listing_changes_with_its_files(folder, change):
    before, image = listing(folder), folder / "below/2.JPEG"
    if change == "replaced":
        status = image.stat()
        image.write_text("another image")
        os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "touched":
        os.utime(image, (1, 1))
    elif change == "added":
        (folder / "below/3.jpg").touch()
    elif change == "removed":
        image.unlink()
    else:
        image.rename(folder / "below/3.jpg")
    assert listing(folder) != before


def test_a_listing_does_not_depend_on_where_it_is_or_on_other_files(folder, tmp_path):
    before = listing(folder)
    (folder / "notes.txt").write_text("more")
    (folder / "more.txt").touch()
    os.utime(folder, (1, 1))
    assert listing(folder) == before
    shutil.copytree(folder, tmp_path / "copy")
    assert listing(tmp_path / "copy") == before
    # Archives such as tar keep whole seconds.
    for name in files_in(tmp_path / "copy", JPEG, below=True):
        seconds = int((folder / name).stat().st_mtime)
        os.utime(tmp_path / "copy" / name, (seconds, seconds))
    assert listing(tmp_path / "copy") == before


def test_a_file_that_appears_or_vanishes_changes_the_digest(tmp_path):
    absent = listing_digest(tmp_path, ["a.fits"])
    (tmp_path / "a.fits").touch()
    assert listing_digest(tmp_path, ["a.fits"]) != absent
    assert listing_digest(tmp_path, []) != absent


def test_the_listing_of_60000_images_takes_less_than_two_seconds(tmp_path):
    for number in range(60_000):
        os.close(os.open(tmp_path / f"{number}.jpg", os.O_CREAT))
    # The time of this process alone: others may run at the same time.
    start = time.process_time()
    folder_listing(tmp_path, JPEG, below=True)
    assert time.process_time() - start < 2


@pytest.fixture
def catalog(tmp_path):
    """A RealGalaxy catalogue with two files of images and one of PSFs, which exist."""
    names = ["images_1.fits", "images_2.fits", "images_1.fits"]
    table = Table(
        {
            "IDENT": [1, 2, 3],
            "GAL_FILENAME": names,
            "MAG": [20.0, 21.0, 22.0],
            "FLAGS": [[True, False], [True, True], [False, False]],
            "PSF_FILENAME": ["psfs.fits"] * 3,
        }
    )
    table.write(tmp_path / "gals.fits")
    for name in (*names, "psfs.fits", "other.fits"):
        (tmp_path / name).write_text(name)
    return tmp_path / "gals.fits"


COLUMNS = ("gal_filename", "PSF_FILENAME", "NOISE_FILENAME")


def test_names_are_read_from_a_fits_table(catalog):
    expected = {"images_1.fits", "images_2.fits", "psfs.fits"}
    assert texts_of_table(catalog, COLUMNS) == expected


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
def test_names_are_read_behind_an_image_and_from_a_compressed_file(tmp_path, suffix):
    image = fits.ImageHDU([[1.0, 2.0, 3.0]] * 700)
    columns = [
        fits.Column("BITS", "13X", array=[[True] * 13] * 2),
        fits.Column("SIZES", "PE()", array=[[1.0], [1.0, 2.0]]),
        fits.Column("COMPLEX", "C", array=[1j, 2j]),
        fits.Column("GAL_FILENAME", "20A", array=["it's here.fits", ""]),
    ]
    hdus = [fits.PrimaryHDU([1, 2]), image, fits.BinTableHDU.from_columns(columns)]
    path = tmp_path / f"gals{suffix}"
    fits.HDUList(hdus).writeto(path)
    assert texts_of_table(path, COLUMNS) == {"it's here.fits"}


@pytest.mark.parametrize("content", [None, b"", b"not FITS" * 1000, "half"])
def test_a_file_that_is_no_table_names_nothing(catalog, content):
    """The job that reads it says what is wrong."""
    path = catalog.with_name("broken.fits")
    if content is not None:
        path.write_bytes(catalog.read_bytes()[:5000] if content == "half" else content)
    assert texts_of_table(path, COLUMNS) == set()


@pytest.mark.parametrize("name", ["images_2.fits", "psfs.fits", "gals_fits.fits"])
def test_a_change_of_a_file_that_a_catalogue_names_is_noticed(catalog, name):
    before = real_galaxy_listing(catalog)
    catalog.with_name("other.fits").write_text("not named")
    assert real_galaxy_listing(catalog) == before
    catalog.with_name(name).write_text("replaced by another one")
    assert real_galaxy_listing(catalog) != before


@pytest.fixture
def stamps(tmp_path):
    """A folder, whose name has brackets, with stamps of two fields."""
    folder = tmp_path / "my [stamps]"
    for name in (
        "a/s_1.fits",
        "a/s_2.fits",
        "b/s_3.FITS",
        "b/s_4.fits.gz",
        "b/s_5.txt",
        "b/.s_6.fits",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names(folder, files):
    return [str(path.relative_to(folder)) for path in files]


def test_a_pattern_stands_for_the_files_that_match_it(stamps):
    assert not is_pattern(stamps)
    assert not is_pattern(stamps / "a/s_1.fits")
    for pattern, expected in {
        "a/*.fits": ["a/s_1.fits", "a/s_2.fits"],
        "*/s_[13].*": ["a/s_1.fits", "b/s_3.FITS"],
        "**/s_?.fits": ["a/s_1.fits", "a/s_2.fits"],
        "c/*.fits": [],
    }.items():
        assert is_pattern(stamps / pattern)
        assert names(stamps, stamp_files(str(stamps / pattern))) == expected
    assert folder_of_pattern(stamps / "a/s_*.fits") == (stamps / "a", "s_*.fits")
    assert matching_files(stamps / "a/s_*.fits") == ["s_1.fits", "s_2.fits"]


def test_a_folder_and_a_list_are_files_with_a_stamp_each_and_one_file_is_an_array(stamps):
    assert names(stamps, stamp_files(str(stamps / "b"))) == ["b/s_3.FITS", "b/s_4.fits.gz"]
    assert stamp_files(["x.fits", "y.fits"]) == [Path("x.fits"), Path("y.fits")]
    assert stamp_files(str(stamps / "a/s_1.fits")) is None
    assert stamp_files("absent.npz") is None


def test_a_changed_stamp_of_a_folder_or_pattern_is_noticed(stamps):
    given = [str(stamps / "a"), str(stamps / "*/s_*.fits")]
    before = [stamps_listing(images) for images in given]
    (stamps / "b/s_7.txt").touch()
    assert [stamps_listing(images) for images in given] == before
    (stamps / "a/s_2.fits").write_text("replaced")
    assert not set(before) & {stamps_listing(images) for images in given}
    assert stamps_listing([]) is None


@pytest.mark.parametrize("given", ["a/s_1.fits", ["a/s_1.fits", "b/s_3.FITS"]])
def test_a_file_that_was_replaced_by_an_older_one_is_noticed(stamps, tmp_path, given):
    def listing(folder):
        paths = [given] if isinstance(given, str) else given
        paths = [str(folder / path) for path in paths]
        return stamps_listing(paths[0] if isinstance(given, str) else paths)

    before = listing(stamps)
    shutil.copytree(stamps, tmp_path / "moved")
    assert listing(tmp_path / "moved") == before
    os.utime(stamps / "a/s_1.fits", (1_000_000_000, 1_000_000_000))
    assert listing(stamps) != before
    assert listing(tmp_path / "moved") == before


@pytest.mark.parametrize(
    ("images", "found", "ids"),
    [
        ("own", ["own/12.fits", "own/7.fits.gz"], ["7", "12"]),
        (["12.FITS", "far/7.fits"], ["12.FITS", "far/7.fits"], ["12", "7"]),
        ("own/s_*_v1.fits", ["own/s_12_v1.fits", "own/s_7_v1.fits"], ["7", "12"]),
        ("own/*_drz.fits", ["own/x_y_drz.fits"], ["x_y"]),
        ("own/*.fits", ["own/7.fits"], ["7"]),
        # With several wildcards, the id is the whole name.
        ("own/s_*_v?.fits", ["own/s_7_v1.fits"], ["s_7_v1"]),
    ],
)
def test_files_belong_to_galaxies_by_their_names(images, found, ids):
    files = [Path(name) for name in found]
    by_id = files_by_id(images, files, ids)
    assert sorted(by_id) == sorted(files)
    assert all(galaxy in path.name for galaxy, path in zip(ids, by_id, strict=True))
    assert files_by_id(images, [*files, Path("own/other.fits")], ids[:1]) == by_id[:1]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "own has no FITS files"),
        (["own/7.fits", "own/7.fits.gz"], "own/7.fits and own/7.fits.gz are both .* galaxy 7"),
        (
            ["own/7.fits"],
            r"1 of 2 galaxies .* no image in own \(the first: 12\).*12.fits; there is 7",
        ),
    ],
)
def test_files_that_belong_to_no_or_two_galaxies_are_named(found, message):
    with pytest.raises(DeblendError, match=message):
        files_by_id("own", [Path(name) for name in found], ["7", "12"])
