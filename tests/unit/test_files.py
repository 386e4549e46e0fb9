"""Files that are written completely or not at all."""

import pytest
from deblend.files import atomic, name_in_address, read_json, read_yaml, write_json


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


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    path = tmp_path / "table.csv"
    with atomic(path) as temporary:
        temporary.write_text("1")
    temporary.write_text("what a killed process left, which is longer")
    with atomic(path) as temporary:
        temporary.write_text("2")
    assert path.read_text() == "2"
    assert list(tmp_path.iterdir()) == [path]


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
