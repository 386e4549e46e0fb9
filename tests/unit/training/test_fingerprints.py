"""Fingerprints of trainings."""

import pytest
from deblend.training.fingerprints import fingerprint, fingerprints_match

CONFIG = {"learning_rate": 1e-3, "code": "abc", "options": {"filters": 4, "depth": 3}}


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "stamps.h5"
    path.write_text("old")
    return path


def test_changes_are_logged(path, data, logged):
    old = fingerprint(CONFIG, [data])
    changes = {
        "config": {**CONFIG, "learning_rate": 1e-4},
        "code": {**CONFIG, "code": "def"},
        "code, config": {**CONFIG, "code": "def", "options": {"filters": 5, "depth": 3}},
    }
    for names, changed in changes.items():
        logged.clear()
        assert not fingerprints_match(path, old, fingerprint(changed, [data]))
        assert logged.messages == [
            f"starting afresh: since the checkpoint {path} was written, {names} changed"
        ]
    logged.clear()
    data.write_text("new")
    assert not fingerprints_match(path, old, fingerprint({**CONFIG, "seed": 1}, [data]))
    assert "config, stamps.h5 changed" in logged.text


def test_data_that_are_new_or_gone_are_a_change(path, data, logged):
    with_data, without = fingerprint(CONFIG, [data]), fingerprint(CONFIG, [])
    assert not fingerprints_match(path, with_data, without)
    assert not fingerprints_match(path, without, with_data)
    assert logged.text.count("stamps.h5 changed") == 2


def test_order_of_keys_and_place_of_files_do_not_count(path, data, tmp_path, logged):
    moved = tmp_path / "elsewhere" / data.name
    moved.parent.mkdir()
    moved.write_bytes(data.read_bytes())
    backwards = {"options": {"depth": 3, "filters": 4}, "code": "abc", "learning_rate": 1e-3}
    found = fingerprint(backwards, [moved])
    assert fingerprints_match(path, fingerprint(CONFIG, [data]), found)
    assert logged.messages == []


def test_files_of_one_name_are_told_apart(path, tmp_path, logged):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "stamps.h5").write_text(folder)
    files = [tmp_path / folder / "stamps.h5" for folder in ("first", "second")]
    old = fingerprint(CONFIG, files)
    assert fingerprints_match(path, old, fingerprint(CONFIG, files[::-1]))
    files[0].write_text("other")
    assert not fingerprints_match(path, old, fingerprint(CONFIG, files))
    assert "first/stamps.h5 changed" in logged.text
    assert "second" not in logged.text


def test_digests_of_files_are_those_of_sha256sum(data):
    # printf old | sha256sum
    assert fingerprint({}, [data])["stamps.h5"] == (
        "cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4"
    )
