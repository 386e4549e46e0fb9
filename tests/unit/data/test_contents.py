"""What downloads may begin with; their files are made here, by the libraries of their formats."""

import bz2
import gzip
import io
import tarfile
import zipfile

import h5py
import numpy as np
import pytest
from astropy.io import fits
from deblend.data.contents import check_content
from deblend.errors import DeblendError

FILE = "application/octet-stream"


def tar():
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT) as file:
        file.addfile(tarfile.TarInfo("a"))
    return content.getvalue()


def packed_arrays():
    content = io.BytesIO()
    np.savez(content, a=np.arange(3))
    return content.getvalue()


def zipped():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("a", b"b")
    return content.getvalue()


def image():
    content = io.BytesIO()
    fits.PrimaryHDU(np.zeros((2, 2))).writeto(content)
    return content.getvalue()


def hdf5():
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["a"] = 1
    return content.getvalue()


FILES = {
    "a.fits": image(),
    "a.fits.gz": gzip.compress(image()),
    "packed.fits": gzip.compress(image()),
    "a.fits.bz2": bz2.compress(image()),
    "a.csv.gz": gzip.compress(b"a,b\n"),
    "a.tar": tar(),
    "a.tar.gz": gzip.compress(tar()),
    "a.tgz": gzip.compress(tar()),
    "a.zip": zipped(),
    "a.npz": packed_arrays(),
    "a.h5": hdf5(),
}


def check(tmp_path, content, name, kind=FILE, *, is_known=False):
    path = tmp_path / "a"
    path.write_bytes(content)
    check_content(path, f"https://a.org/{name}", kind, is_known=is_known)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", [FILE, "text/html"])
def test_a_file_of_the_format_of_its_name_is_taken_whatever_it_is_called(tmp_path, name, kind):
    check(tmp_path, FILES[name], name, kind)


@pytest.mark.parametrize("name", [*FILES, "A.FITS"])
@pytest.mark.parametrize("content", [b"Please sign in", b"\0" * 600, image()[:5]])
def test_a_file_of_another_format_is_refused(tmp_path, name, content):
    with pytest.raises(DeblendError, match=rf"a\.org/{name} is no file of the format of its name"):
        check(tmp_path, content, name)
    # The checksum decides where it is known.
    check(tmp_path, content, name, is_known=True)


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("name", ["a.fits", "a.csv", "a"])
def test_nothing_is_no_file(tmp_path, name, is_known):
    with pytest.raises(DeblendError, match="is empty"):
        check(tmp_path, b"", name, is_known=is_known)


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html>\n<html>",
        b"\xef\xbb\xbf<html lang='en'>",
        b"\xef\xbb\xbf\r\n<!-- a -->\n<!doctype HTML>",
        b"<head><title>Sign in</title>",
        b"<script>location = 'login'</script>",
        b" " * 1000 + b"<html>",
        b"\n" * 200_000 + b"<html>",
    ],
)
def test_a_web_page_is_no_file(tmp_path, page):
    for name in ("a.fits", "a.csv", "a"):
        with pytest.raises(DeblendError, match=r"is a web page \(of a log-in"):
            check(tmp_path, page, name)
    check(tmp_path, page, "a.html", "text/html; charset=utf-8")


@pytest.mark.parametrize("text", [b'{"error": "not allowed"}', b'\n[ {\n "error": 3}]', b"{}"])
def test_an_answer_in_json_is_no_file(tmp_path, text):
    with pytest.raises(DeblendError, match="is an answer in JSON"):
        check(tmp_path, text, "a.csv")
    check(tmp_path, text, "a.json", "application/json")


@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "application/json"])
def test_what_its_server_calls_a_page_is_one(tmp_path, kind):
    with pytest.raises(DeblendError, match=r"a\.csv is (text/html|application/json) and not"):
        check(tmp_path, b"Please sign in", "a.csv", kind)
    check(tmp_path, b"a,b\n1,2\n", "a.csv", kind, is_known=True)
    check(tmp_path, b"a,b\n1,2\n", "a.csv", "text/csv")
    check(tmp_path, b"<?xml version='1.0'?><VOTABLE>", "a.xml", "text/xml")
