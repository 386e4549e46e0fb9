"""Galaxy Zoo images: reading, reduction, exclusion and split."""

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.reiman2019.images import (
    Sources,
    build_frames,
    check_test_galaxies,
    make_grid,
    open_frames,
    prepare,
    read_index,
    reduce,
    split_of,
)
from PIL import Image

SPLIT = {"train": 0.6, "validation": 0.2, "test": 0.2}
ALL = {"train": 1.0, "validation": 0.0, "test": 0.0}
#: Options for small images of 44 px, of which the central 24 px are reduced to 8 px.
SMALL = {"frame_px": 44, "crop_px": 24, "reduce_by": 3}
SMALL_GRID = make_grid(44, 3, 24)


def picture(number, size=44):
    """Pixels that depend on the number and are smooth enough for JPEG."""
    y, x = np.indices((size, size))
    planes = [127 + 120 * np.sin((number + 1) * 0.1 + k + x / 9) * np.cos(y / 11) for k in range(3)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def jpeg(pixels, mode="RGB", **options):
    data = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(data, "JPEG", **options)
    return data.getvalue()


def fill(folder, numbers):
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / f"{number:05d}.jpg").write_bytes(jpeg(picture(number)))
    return folder


def pack(path, folder, prefix="images/", order=1):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.glob("*"))[::order]:
            archive.write(file, prefix + file.name)
    return path


def build(out, sources, **changes):
    """Frames, index and exclusions of some sources."""
    options = {"seed": 1, "split": ALL, **SMALL, **changes}
    paths = [out / name for name in ("frames.npy", "index.csv", "excluded.csv")]
    build_frames(sources, *paths, **options)
    return open_frames(paths[0]), read_index(paths[1]), pd.read_csv(paths[2], dtype=str)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_crop_of_a_reduced_frame_is_the_reduced_crop():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (424, 424, 3), np.uint8)
    grid = make_grid()
    assert (grid.offset_px, grid.size, grid.crop) == (2, 141, slice(30, 110))
    frame = reduce(image)
    assert frame.shape == (141, 141, 3)
    assert frame.dtype == np.uint8
    crop = Image.fromarray(image[92:332, 92:332]).resize((80, 80), Image.Resampling.BICUBIC)
    inside = (slice(2, -2), slice(2, -2))
    np.testing.assert_array_equal(frame[30:110, 30:110][inside], np.asarray(crop)[inside])


def test_a_reduced_pixel_covers_its_own_square():
    image = np.zeros((424, 424, 3), np.uint8)
    image[2 + 3 * 50 : 5 + 3 * 50, 2 + 3 * 60 : 5 + 3 * 60] = 255
    row, column = np.unravel_index(reduce(image)[..., 0].argmax(), (141, 141))
    assert (row, column) == (50, 60)
    image[:] = 0
    image[-2:, -2:] = 255  # the last pixel, with the edge repeated
    assert reduce(image)[-1, -1, 0] > 200


def test_pillow_images_and_arrays_give_the_same_frame():
    for grid in (make_grid(), make_grid(46, 4, 24), make_grid(45, 1, 45)):
        pixels = picture(3, grid.frame_px)
        beyond = max(grid.offset_px + grid.reduce_by * grid.size - grid.frame_px, 0)
        wide = np.pad(pixels, [(0, beyond), (0, beyond), (0, 0)], mode="edge")
        box = [grid.offset_px] * 2 + [grid.offset_px + grid.reduce_by * grid.size] * 2
        resized = Image.fromarray(wide).resize((grid.size,) * 2, Image.Resampling.BICUBIC, box=box)
        np.testing.assert_array_equal(reduce(pixels, grid), np.asarray(resized))
        frame = reduce(Image.fromarray(pixels), grid)
        np.testing.assert_array_equal(frame, reduce(pixels, grid))
        assert frame.shape == (grid.size, grid.size, 3)


@pytest.mark.parametrize("values", [(424, 3, 241), (424, 7, 240), (200, 3, 240), (424, 0, 240)])
def test_a_crop_that_does_not_fit_is_named(values):
    with pytest.raises(DeblendError, match=f"crop_px {values[2]} does not fit .*{values[0]}"):
        make_grid(*values)


def test_unusable_images_are_left_out_with_their_reasons(tmp_path):
    folder = fill(tmp_path / "images", range(4))
    good = jpeg(picture(9))
    cases = {
        "broken": (b"not a JPEG at all", "unreadable"),
        "cut": (good[: len(good) // 2], "unreadable"),
        "header": (good[:30], "unreadable"),
        "empty": (b"", "unreadable"),
        "png": (b"\x89PNG\r\n\x1a\n" + good, "unreadable"),
        "grey": (jpeg(picture(1), "L"), "not RGB"),
        "cmyk": (jpeg(picture(1), "CMYK"), "not RGB"),
        "small": (jpeg(picture(1, 40)), "wrong size"),
        "wide": (jpeg(np.repeat(picture(1), 2, axis=1)), "wrong size"),
        "flat": (jpeg(np.full((44, 44, 3), 7, np.uint8)), "constant"),
        "large": (good + bytes(6000), "too large"),
    }
    for name, (data, _) in cases.items():
        (folder / f"{name}.jpg").write_bytes(data)
    frames, index, excluded = build(tmp_path / "out", [folder], max_bytes=5000)
    assert list(index["id"]) == [f"{n:05d}" for n in range(4)]
    assert len(frames) == 4
    expected = {name: reason for name, (_, reason) in cases.items()}
    assert dict(excluded.itertuples(index=False)) == expected


def test_other_files_are_skipped(tmp_path):
    folder = fill(tmp_path / "images", range(2))
    fill(folder / "more", [2])
    fill(folder / "more" / "deeper", [3])
    fill(folder / ".hidden", [4])
    (folder / "._00000.jpg").write_bytes(b"macOS")
    (folder / "readme.txt").write_text("text")
    (folder / "a.jpg").mkdir()
    (folder / "00005.JPEG").write_bytes(jpeg(picture(5)))
    _, index, excluded = build(tmp_path / "out", [folder])
    assert list(index["id"]) == ["00000", "00001", "00002", "00005"]
    assert excluded.empty


def test_paths_in_an_archive_are_not_used(tmp_path):
    """Nothing is unpacked; links and hidden files are skipped; only base names count."""
    path = tmp_path / "in" / "archive.tar.gz"  # the name does not matter
    path.parent.mkdir()
    link = zipfile.ZipInfo("images/link.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../climbs.jpg", jpeg(picture(1)))
        archive.writestr("/etc/absolute.JPG", jpeg(picture(2)))
        archive.writestr("__MACOSX/._climbs.jpg", b"macOS")
        archive.writestr("images/folder.jpg/", b"")
        archive.writestr(link, "/etc/passwd")
    before = sorted(tmp_path.rglob("*"))
    _, index, excluded = build(tmp_path / "out", [path])
    assert list(index["id"]) == ["absolute", "climbs"]
    assert excluded.empty
    after = {p for p in tmp_path.rglob("*") if "out" not in p.parts}
    assert after == set(before)


def test_folders_and_archives_give_the_same_bytes(tmp_path):
    """The result does not depend on the kind of source, the order or the number of threads."""
    folder = fill(tmp_path / "images", range(12))
    (folder / "broken.jpg").write_bytes(b"x")
    build(tmp_path / "a", [folder], split=SPLIT)
    build(tmp_path / "b", [pack(tmp_path / "all.zip", folder, order=-1)], split=SPLIT, threads=3)
    first, second = fill(tmp_path / "first", range(1, 12, 2)), fill(tmp_path / "second", [])
    for number in range(0, 12, 2):
        (second / f"{number:05d}.jpg").write_bytes(jpeg(picture(number)))
    (second / "broken.jpg").write_bytes(b"x")
    build(tmp_path / "c", [pack(tmp_path / "first.zip", first, ""), second], split=SPLIT)
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(tmp_path / "c")
    assert set(contents(tmp_path / "a")) == {"frames.npy", "index.csv", "excluded.csv"}


def test_frames_are_those_of_their_rows(tmp_path):
    folder = fill(tmp_path / "images", range(5))
    (folder / "00002.jpg").write_bytes(b"broken")
    frames, index, _ = build(tmp_path / "out", [folder])
    for row, identity in index[["row", "id"]].itertuples(index=False):
        data = (folder / f"{identity}.jpg").read_bytes()
        np.testing.assert_array_equal(frames[row], prepare(data, SMALL_GRID))
    assert not frames.flags.writeable
    assert isinstance(frames, np.memmap)


def test_a_repeated_name_counts_once(tmp_path):
    first, second = fill(tmp_path / "a", range(4)), fill(tmp_path / "b", [3, 4])
    frames, index, excluded = build(tmp_path / "out", [first, second])
    assert list(index["id"]) == [f"{n:05d}" for n in range(5)]
    assert excluded.to_numpy().tolist() == [["00003", "name twice"]]
    assert len(build(tmp_path / "few", [first, second], n_images=4)[0]) == 4
    assert len(frames) == 5


def test_images_are_drawn_at_random_but_the_same_in_every_run(tmp_path):
    folder = fill(tmp_path / "images", range(40))

    def drawn(n, **changes):
        index = build(tmp_path / f"{n}{changes}", [folder], n_images=n, **changes)[1]
        assert list(index["id"]) == sorted(index["id"])
        return set(index["id"])

    ten = drawn(10)
    assert len(ten) == 10
    assert ten < drawn(20) < drawn(None) == drawn(40) == drawn(99)
    assert ten != {f"{n:05d}" for n in range(10)} and ten != drawn(10, seed=2)
    # Others of the folder do not matter, unless they are drawn themselves.
    fill(folder, range(40, 44))
    assert len(ten & drawn(11)) >= 7


def test_a_test_of_few_galaxies_is_refused(tmp_path):
    index = build(tmp_path / "a", [fill(tmp_path / "images", range(20))], split=SPLIT)[1]
    n_test = int((index["split"] == "test").sum())
    check_test_galaxies(index, n_test, "index.csv")
    message = rf"index.csv: {n_test} of 20 images are for the test, fewer than min_test_galaxies"
    with pytest.raises(DeblendError, match=message):
        check_test_galaxies(index, n_test + 1, "index.csv")
    # Without any test galaxies there is no test.
    check_test_galaxies(index.assign(split="train"), 30, "index.csv")


def test_a_damaged_member_is_left_out(tmp_path):
    path = pack(tmp_path / "a.zip", fill(tmp_path / "images", range(3)))
    data = path.read_bytes()
    stored = (tmp_path / "images" / "00001.jpg").read_bytes()
    assert data.count(stored) == 1
    path.write_bytes(data.replace(stored, stored[:-20] + bytes(20)))
    _, index, excluded = build(tmp_path / "out", [path])
    assert list(index["id"]) == ["00000", "00002"]
    assert excluded.to_numpy().tolist() == [["00001", "unreadable"]]


def test_an_image_stays_in_its_split(tmp_path):
    """Also if other images are added or broken, and with n_images; another seed changes it."""
    folder = fill(tmp_path / "images", range(0, 40, 2))
    split = dict(build(tmp_path / "a", [folder], split=SPLIT)[1][["id", "split"]].to_numpy())
    fill(folder, range(1, 40, 2))
    (folder / "00004.jpg").write_bytes(b"broken")
    more = dict(build(tmp_path / "b", [folder], split=SPLIT)[1][["id", "split"]].to_numpy())
    few = build(tmp_path / "c", [folder], split=SPLIT, n_images=30)[1]
    assert {k: v for k, v in split.items() if k != "00004"}.items() <= more.items()
    assert dict(few[["id", "split"]].to_numpy()).items() <= more.items()
    shares = [split_of(5, str(n), SPLIT) for n in range(3000)]
    assert np.isclose(shares.count("train") / 3000, 0.6, atol=0.03)
    assert shares != [split_of(6, str(n), SPLIT) for n in range(3000)]


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"train": 0.5, "validation": 0.5, "test": 0.5}, "adding up to 1"),
        ({"train": 1.0, "test": 0.0}, "train, validation, test"),
        ({"train": 0.0005, "validation": 0.0005, "test": 0.999}, "train and validation .*empty"),
    ],
)
def test_invalid_shares_are_refused(tmp_path, split, message):
    folder = fill(tmp_path / "images", range(3))
    with pytest.raises(DeblendError, match=message):
        build(tmp_path / "out", [folder], split=split)
    assert not list(tmp_path.glob("out/*"))


def test_sources_without_images_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(DeblendError, match="no JPEG in .*empty"):
        build(tmp_path / "out", [tmp_path / "empty"])
    with pytest.raises(DeblendError, match="no source at all"):
        Sources([])
    with pytest.raises(DeblendError, match=r"text.zip is neither a folder nor a zip archive"):
        build(tmp_path / "out", [tmp_path / "text.zip"])
    (tmp_path / "empty" / "a.jpg").write_bytes(b"x")
    with pytest.raises(DeblendError, match="0 images can be used and 1 cannot .*unreadable"):
        build(tmp_path / "out", [tmp_path / "empty"])
    assert not list(tmp_path.glob("out/*"))


def test_frames_that_do_not_fit_on_the_disk_are_refused_before_they_are_made(small_disk, tmp_path):
    folder = fill(tmp_path / "images", range(9))
    options = {"frame_px": 424, "reduce_by": 2, "crop_px": 424}
    with pytest.raises(DeblendError, match=r"there is no space for 1213488 bytes in .*small disk"):
        build(small_disk, [folder], **options)
    assert list(small_disk.iterdir()) == []


def test_broken_frames_are_named(tmp_path):
    build(tmp_path, [fill(tmp_path / "images", range(3))])
    path = tmp_path / "frames.npy"
    assert open_frames(path, size=14).shape == (3, 14, 14, 3)
    with pytest.raises(DeblendError, match=r"frames.npy has no frames of shape \(n, 141, 141, 3\)"):
        open_frames(path, size=141)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(DeblendError, match=r"frames.npy is not a whole array"):
        open_frames(path)
    for wrong in (np.zeros((2, 14, 14, 3)), np.zeros((2, 14, 14), np.uint8), np.array(1)):
        np.save(path, wrong)
        with pytest.raises(DeblendError, match=r"frames.npy has no frames"):
            open_frames(path)
    np.save(path, np.array([{}], object))
    with pytest.raises(DeblendError, match=r"frames.npy is not a whole array"):
        open_frames(path)
    with open(path, "wb") as file:
        np.savez(file, np.zeros((2, 14, 14, 3), np.uint8))
    with pytest.raises(DeblendError, match=r"frames.npy is not a whole array"):
        open_frames(path)
    with pytest.raises(DeblendError, match="missing.npy"):
        open_frames(tmp_path / "missing.npy")


def test_memory_does_not_grow_with_the_images(tmp_path):
    options = {"frame_px": 200, "crop_px": 200, "reduce_by": 1, "batch_size": 4}
    data, peaks = jpeg(picture(1, 200)), []
    for n in (20, 20, 120):  # the first run is a warm-up
        path = tmp_path / f"{n}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(n):
                archive.writestr(f"{number}.jpg", data)
        tracemalloc.start()
        frames, *_ = build(tmp_path / "out", [path], **options)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert frames.shape == (n, 200, 200, 3)
    # The names and the table of the archive take half a kilobyte per image, a frame 120 kB.
    assert peaks[2] - peaks[1] < 100 * 5_000


def test_real_images(real_data, tmp_path):
    frames, index, excluded = build(
        tmp_path, [real_data / "galaxyzoo/images"], n_images=40, frame_px=424, crop_px=240
    )
    assert frames.shape == (40, 141, 141, 3)
    assert excluded.empty
    assert all((Path(real_data) / f"galaxyzoo/images/{i}.jpg").is_file() for i in index["id"])
