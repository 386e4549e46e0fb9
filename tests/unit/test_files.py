"""Files that are written completely or not at all."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from deblend.files import (
    SETTLED_S,
    atomic,
    name_in_address,
    process_space,
    public_url,
    read_json,
    read_yaml,
    sha256_once,
    temporary_name,
    write_json,
)

from tests.conftest import ROOT


def test_a_file_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "folder" / "table.csv"
    with atomic(path) as temporary:
        temporary.write_text("1")
        assert not path.exists()
        # Writers choose the format by the suffix; a rename needs the same file system.
        assert (temporary.suffix, temporary.parent) == (".csv", path.parent)
    assert path.read_text() == "1"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("earlier")
    with pytest.raises(KeyboardInterrupt), atomic(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def left_by_a_killed_process(path, kind):
    """What a process that was killed while it wrote a file left behind."""
    program = (
        "import os, signal, sys\nfrom deblend.files import atomic\n"
        "with atomic(sys.argv[1]) as temporary:\n"
        f"    {kind}\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    before = set(path.parent.iterdir())
    command = [sys.executable, "-c", program, path]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    (left,) = set(path.parent.iterdir()) - before
    return left


@pytest.mark.parametrize("kind", ["temporary.write_text('half')", "temporary.mkdir()"])
def test_what_a_killed_process_left_is_removed(tmp_path, kind):
    path = tmp_path / "a table[1].csv"
    other = left_by_a_killed_process(tmp_path / "a table.csv", kind)
    left = left_by_a_killed_process(path, kind)
    assert left.name.startswith(".")
    with atomic(path) as temporary:
        assert not left.exists()
        temporary.write_text("2")
    assert path.read_text() == "2"
    assert set(tmp_path.iterdir()) == {path, other}


def test_what_another_machine_writes_is_kept_for_a_day(tmp_path):
    path = tmp_path / "table.csv"
    with atomic(path) as temporary:
        temporary.write_text("1")
        machine, rest = temporary.name.removeprefix(".table.").split("-", 1)
    elsewhere = tmp_path / f".table.{'abcdef' if machine != 'abcdef' else '123456'}-{rest}"
    elsewhere.write_text("half")
    write_json(path, {})
    assert elsewhere.exists()
    os.utime(elsewhere, (0, time.time() - 2 * 86400))
    write_json(path, {})
    assert list(tmp_path.iterdir()) == [path]


def test_a_container_with_the_name_of_its_machine_is_another_place():
    """It cannot tell which processes of the machine live."""
    code = "from deblend.files import process_space; print(process_space())"
    command = ["unshare", "--pid", "--fork", sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    if shutil.which("unshare") is None:
        pytest.skip("only Linux has such containers")
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        pytest.skip("only root can make a container")
    assert re.fullmatch("[0-9a-f]{8}", done.stdout.strip())
    assert done.stdout.strip() != process_space()


def test_two_writers_do_not_mix(tmp_path):
    path = tmp_path / "table.csv"
    with atomic(path) as first:
        first.write_text("first, ")
        with atomic(path) as second:
            second.write_text("second")
        with first.open("a") as file:
            file.write("and its end")
        assert path.read_text() == "second"
    assert path.read_text() == "first, and its end"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_already_gets_its_name(tmp_path):
    left = temporary_name(tmp_path / "a.fits")
    left.write_text("downloaded")
    with atomic(tmp_path / "a.fits", left):
        pass
    assert (tmp_path / "a.fits").read_text() == "downloaded"
    assert not left.exists()


def test_records_are_read_as_written_whatever_the_order_of_their_keys(tmp_path):
    record = {"b": [1, 2.5, None], "a": {"d": True, "c": "µJy"}}
    backwards = {"a": {"c": "µJy", "d": True}, "b": [1, 2.5, None]}
    write_json(tmp_path / "1.json", record)
    write_json(tmp_path / "2.json", backwards)
    assert read_json(tmp_path / "1.json") == record
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def test_yaml_is_read_as_plain_values(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &a [1, 2.5]\nb: {c: *a, d: null}\n")
    assert read_yaml(path) == {"a": [1, 2.5], "b": {"c": [1, 2.5], "d": None}}


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://a.org/b/c.fits", "c.fits"),
        ("https://a.org/c.zip?download=1", "c.zip"),
        ("https://a.org/c.fits?X-Signature=a/secret#top", "c.fits"),
        ("https://a.org/a%20b%2Fc.fits", "c.fits"),
        ("folder/c.fits", "c.fits"),
    ],
)
def test_the_name_of_a_file_is_no_query(address, name):
    assert name_in_address(address) == name


def test_an_address_is_shown_without_its_secrets():
    address = "https://user:secret@a.org:8443/b/c.fits?X-Signature=secret#secret"
    assert public_url(address) == "https://a.org:8443/b/c.fits"


def test_an_error_keeps_its_cause_also_where_the_rest_cannot_be_removed(tmp_path):
    path = tmp_path / "folder"
    with pytest.raises(ValueError, match="the cause"), atomic(path) as temporary:
        temporary.mkdir()
        (temporary / "half").write_text("half")
        raise ValueError("the cause")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="the cause"), atomic(path / "a.csv"):
        path.rename(tmp_path / "elsewhere")
        path.write_text("no folder any more")
        raise ValueError("the cause")


def test_a_folder_appears_only_when_it_is_complete(tmp_path):
    with atomic(tmp_path / "folder") as temporary:
        (temporary / "inner").mkdir(parents=True)
        (temporary / "inner" / "a").write_text("1")
        assert not (tmp_path / "folder").exists()
    assert (tmp_path / "folder" / "inner" / "a").read_text() == "1"


def test_the_digest_of_a_file_is_its_own_after_each_change(tmp_path):
    """Also where the size and the time of the last change are as they were."""
    path = tmp_path / "mosaic.fits"
    path.write_bytes(b"pixels")
    about = path.stat()
    for pause_s in (1.1 * SETTLED_S, 0.0, 0.0):
        for content in (b"pixels", b"pixelz", b"others"):
            path.write_bytes(content)
            os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
            time.sleep(pause_s)
            for _ in range(2):
                assert sha256_once(path) == hashlib.sha256(content).hexdigest()
