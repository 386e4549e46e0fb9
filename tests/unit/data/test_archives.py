"""Archives, made here."""

import contextlib
import errno
import gzip
import io
import tarfile
import tracemalloc

import numpy as np
import pytest
from deblend.data.archives import extract_catalog, extract_members, open_tar
from deblend.errors import DeblendError

MEMBERS = {"images": "candels.npy", "catalog": "candels.csv"}
LIMIT = 1_000_000


def archive(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            if isinstance(data, str):
                info.type, info.linkname = tarfile.SYMTYPE, data
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def test_members_are_taken_by_base_name(tmp_path):
    path = tmp_path / "a.tar.gz"
    archive(
        path,
        [("data/candels.npy", b"1"), ("data/._candels.npy", b"?"), ("../../candels.csv", b"2")],
    )
    out = tmp_path / "deep" / "out"
    found = extract_members(path, MEMBERS, out, LIMIT)
    assert {k: p.read_bytes() for k, p in found.items()} == {"images": b"1", "catalog": b"2"}
    # A path that leads out of the folder has no effect on where the file is written.
    assert sorted(p.name for p in out.iterdir()) == ["candels.csv", "candels.npy"]
    assert not list(tmp_path.glob("*.csv"))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("candels.npy", b"1")], "lacks candels.csv"),
        ([("candels.npy", b"1"), ("candels.csv", "/etc/passwd")], "lacks candels.csv"),
        (
            [("a/candels.npy", b"1"), ("b/candels.npy", b"1")],
            "two files called candels.npy",
        ),
        ([("candels.npy", b"1" * (LIMIT + 1))], "over the limit"),
    ],
)
def test_invalid_archives(tmp_path, members, message):
    path = tmp_path / "a.tar.gz"
    archive(path, members)
    with pytest.raises(DeblendError, match=message):
        extract_members(path, MEMBERS, tmp_path / "out", LIMIT)


def test_sizes_below_zero_make_no_room_for_others(tmp_path):
    """The header of a sparse file can give any size."""
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for i in range(10):
            for name, size in (("a", LIMIT), ("n", -LIMIT)):
                info = tarfile.TarInfo(f"{name}{i}.fits")
                info.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(size)}
                tar.addfile(info)
    with pytest.raises(DeblendError, match="cannot unpack .*the size of a member is negative"):
        extract_catalog(path, "a0.fits", tmp_path / "out", LIMIT)
    assert not (tmp_path / "out").exists()


def test_a_flipped_bit_of_another_compression_is_an_error_too(tmp_path):
    path = tmp_path / "a.tar.xz"
    with tarfile.open(path, "w:xz") as tar:
        info = tarfile.TarInfo("candels.npy")
        info.size = 20_000
        tar.addfile(info, io.BytesIO(np.random.default_rng(0).bytes(info.size)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DeblendError, match="cannot unpack"):
        extract_members(path, {"images": "candels.npy"}, tmp_path / "out", LIMIT)


def test_a_broken_archive_is_named(tmp_path):
    path = tmp_path / "a.tar.gz"
    archive(path, [("candels.npy", bytes(range(256)) * 100)])
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DeblendError, match="cannot unpack"):
        extract_members(path, MEMBERS, tmp_path / "out", LIMIT)


def test_a_catalogue_comes_with_its_companions(tmp_path):
    path = tmp_path / "a.tar.gz"
    files = [
        ("s/cat.fits", b"1"),
        ("s/cat_fits.fits", b"2"),
        ("../up.fits", b"3"),
        ("s/a.txt", b""),
    ]
    archive(path, files)
    extract_catalog(path, "cat.fits", tmp_path / "out", LIMIT)
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["cat.fits", "cat_fits.fits", "up.fits"]
    with pytest.raises(DeblendError, match=r"lacks other.fits"):
        extract_catalog(path, "other.fits", tmp_path / "none", LIMIT)
    with pytest.raises(DeblendError, match="over the limit"):
        extract_catalog(path, "cat.fits", tmp_path / "none", 0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar.gz", "out"]


@pytest.mark.parametrize("size", [10, LIMIT])
def test_a_full_disk_is_said_in_words(tmp_path, small_disk, size):
    (small_disk / "other").write_bytes(b"x" * 900_000)
    with contextlib.suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as file:
        while size == 10:
            file.write(b"x" * 4096)
    archive(tmp_path / "a.tar", [("data.bin", b"x" * size)])
    with pytest.raises(DeblendError, match=rf"no space for {size} bytes in .*small disk.*: make"):
        extract_members(tmp_path / "a.tar", {"data": "data.bin"}, small_disk, LIMIT)
    assert not [path for path in small_disk.iterdir() if "data" in path.name]


def test_a_flipped_bit_is_found_wherever_it_is(tmp_path):
    """Also one behind the files that are wanted: gzip's checksum is the last of all."""
    path = tmp_path / "a.tar.gz"
    noise = np.random.default_rng(0).bytes(20_000)
    archive(path, [("candels.npy", noise), ("candels.csv", noise[:300]), ("other", noise)])
    content, rng = path.read_bytes(), np.random.default_rng(1)
    # The first ten bytes are gzip's header, of which time and system mean nothing.
    for place in rng.integers(10, len(content), 150):
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        with pytest.raises(DeblendError, match="a.tar.gz"):
            extract_members(path, MEMBERS, tmp_path / "out", LIMIT)
        assert not list((tmp_path / "out").glob("*"))


def test_all_members_together_have_a_limit(tmp_path):
    path = tmp_path / "a.tar.gz"
    archive(path, [(f"{i}.fits", bytes(LIMIT)) for i in range(5)])
    with pytest.raises(DeblendError, match=r"all until there 5000000: over the limit of 1000000"):
        extract_catalog(path, "0.fits", tmp_path / "out", LIMIT)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar.gz"]


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_name_of_any_length_is_not_read(tmp_path, suffix, kind):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, 200_000_000
    path = tmp_path / f"a{suffix}"
    with (gzip.open if suffix == ".tar.gz" else open)(path, "wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(200):
            file.write(bytes(1_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(DeblendError, match="cannot unpack"):
            extract_members(path, MEMBERS, tmp_path / "out", LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_a_full_disk_is_no_fault_of_the_archive(tmp_path):
    path = tmp_path / "a.tar.gz"
    archive(path, [("candels.npy", b"1")])
    with pytest.raises(OSError, match="No space left") as caught, open_tar(path, LIMIT):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.errno == errno.ENOSPC


def headers(kind, contents, path):
    """Write an archive of empty members, before each of which is a header of some kind."""
    with gzip.open(path, "wb", 1) as file:
        for content in contents:
            before, info = tarfile.TarInfo("././@LongLink"), tarfile.TarInfo("b")
            before.type, before.size = kind, len(content)
            file.write(before.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512))
            file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.write(bytes(1024))


def record(key, value):
    """A property in a header of the format pax: its length, name and value."""
    rest = f" {key}={value}\n"
    size = next(n for n in range(len(rest) + 1, len(rest) + 20) if n == len(rest) + len(str(n)))
    return f"{size}{rest}".encode()


def refused(path, tmp_path, message, memory=60_000_000):
    """Check that an archive is refused, and that little memory is taken."""
    tracemalloc.start()
    try:
        with pytest.raises(DeblendError, match=message) as caught:
            extract_members(path, MEMBERS, tmp_path / "out", LIMIT)
        assert tracemalloc.get_traced_memory()[1] < memory
    finally:
        tracemalloc.stop()
    assert path.name in str(caught.value)


def test_many_long_names_take_no_memory(tmp_path):
    """Names within the limit of one header, of which tarfile would keep all."""
    path = tmp_path / "a.tar.gz"
    headers(tarfile.GNUTYPE_LONGNAME, [b"n" * 1_000_000] * 60, path)
    assert path.stat().st_size < 1_000_000
    refused(path, tmp_path, "more than 33554432 bytes of names", 20_000_000)
    headers(tarfile.GNUTYPE_LONGNAME, [b"n" * 8_000_000] * 2, path)
    refused(path, tmp_path, "a header has more than 1048576 bytes", 20_000_000)
    headers(tarfile.GNUTYPE_LONGNAME, [b"n" * 1_000_000] * 30, path)
    refused(path, tmp_path, "lacks candels.npy", 20_000_000)


def test_many_properties_take_no_memory(tmp_path):
    path = tmp_path / "a.tar.gz"
    headers(tarfile.XHDTYPE, [record("comment", "n" * 1_000_000)] * 60, path)
    refused(path, tmp_path, "more than 33554432 bytes of names")
    common = b"".join(record(f"a{i}", i) for i in range(2000))
    headers(tarfile.XGLTYPE, [common], path)
    refused(path, tmp_path, "more than 1000 properties of all members")
    headers(tarfile.XGLTYPE, [common[:5000]], path)
    refused(path, tmp_path, "lacks candels.npy")


def test_many_empty_members_take_no_memory(tmp_path):
    path = tmp_path / "a.tar.gz"
    with gzip.open(path, "wb", 1) as file:
        for i in range(8000):
            file.write(tarfile.TarInfo(f"{i}").tobuf(tarfile.GNU_FORMAT))
    refused(path, tmp_path, "lacks candels.npy", 2_000_000)


def test_headers_before_one_member_are_not_followed_without_end(tmp_path):
    path = tmp_path / "a.tar.gz"
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1
    with gzip.open(path, "wb", 1) as file:
        file.write(tarfile.TarInfo("b").tobuf(tarfile.GNU_FORMAT))
        for _ in range(1000):
            file.write(info.tobuf(tarfile.GNU_FORMAT) + bytes(512))
    refused(path, tmp_path, "cannot unpack .*header")


@pytest.mark.parametrize("text", ["GNU.sparse.map=x", "GNU.sparse.map=1,x", "size=-1536"])
def test_a_broken_property_is_a_broken_archive(tmp_path, text):
    path = tmp_path / "a.tar.gz"
    headers(tarfile.XHDTYPE, [record(*text.split("="))] * 2, path)
    refused(path, tmp_path, "cannot unpack")


@pytest.mark.parametrize("place", ["a member that is not wanted", "after the end"])
def test_all_that_is_unpacked_has_a_limit(tmp_path, place):
    path = tmp_path / "a.tar.gz"
    archive(path, [("candels.npy", b"1"), ("candels.csv", b"2")])
    content = gzip.decompress(path.read_bytes())
    info = tarfile.TarInfo("other")
    info.size = 100_000_000
    with gzip.open(path, "wb", 1) as file:
        if place == "after the end":
            file.write(content + bytes(info.size))
        else:
            file.write(info.tobuf(tarfile.GNU_FORMAT) + bytes(info.size) + content)
    refused(path, tmp_path, "has more than 37554432 bytes when it is unpacked, over the limit")
    assert not list((tmp_path / "out").glob("*"))
