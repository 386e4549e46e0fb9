"""Checksums of a finished run."""

import os
import subprocess

import pytest
from deblend.errors import DeblendError
from deblend.run.checksums import record_checksums, report, verify

FILES = ("tables/a.csv", "datasets/d/stamps.h5", "figures/fig1.pdf")


@pytest.fixture
def results(tmp_path):
    """A finished run, whose files are an hour older than the record."""
    folder = tmp_path / "results"
    for name in (*FILES, "logs/a.log", "benchmarks/b.csv", "checkpoints/c.pt", "tables/.a.partial"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
        os.utime(path, (path.stat().st_mtime - 3600,) * 2)
    record_checksums(folder, [folder / FILES[0]], record_of(folder))
    return folder


def record_of(folder):
    return folder / "benchmarks/checksums.csv"


def flip(path, *, keep_time):
    time = path.stat().st_mtime
    content = bytearray(path.read_bytes())
    content[3] ^= 4
    path.write_bytes(content)
    if keep_time:
        os.utime(path, (time, time))
    else:
        os.utime(path, (time + 7200, time + 7200))


def test_an_untouched_run_is_as_it_was(results):
    found = verify(results, record_of(results))
    assert (sorted(found.same), found.changed, found.gone) == (sorted(FILES), [], [])
    assert report(found, results).startswith("3 files of ")


def test_the_checksums_are_those_of_other_programs(results):
    lines = record_of(results).read_text().splitlines()
    assert lines[0] == "file,n_bytes,mtime_ns,sha256"
    for line in lines[1:]:
        name, size, time, digest = line.split(",")
        assert int(time) == (results / name).stat().st_mtime_ns
        done = subprocess.run(["sha256sum", results / name], capture_output=True, text=True)
        assert done.stdout.split()[0] == digest
        assert int(size) == len(f"content of {name}")


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found(results, name):
    flip(results / name, keep_time=True)
    with pytest.raises(DeblendError, match=rf"1 are not: {name} \(changed\)\. Delete"):
        report(verify(results, record_of(results)), results)


def test_other_bytes_with_a_later_time_are_an_error_until_they_are_recorded(results):
    flip(results / FILES[0], keep_time=False)
    (results / "tables/new.csv").write_text("")
    found = verify(results, record_of(results))
    assert (found.newer, found.unknown) == ([FILES[0]], ["tables/new.csv"])
    with pytest.raises(DeblendError, match=r"1 have no checksum; 1 are not: tables/a.csv \(made"):
        report(found, results)
    record_checksums(results, [], record_of(results))
    assert "4 files" in report(verify(results, record_of(results)), results)


def test_files_made_again_while_the_clock_was_behind_are_no_flipped_bits(results):
    """Their times are before that of the record, but not those that were recorded."""
    path = results / FILES[0]
    path.write_text("made again")
    os.utime(path, (0, 86400))
    assert verify(results, record_of(results)).newer == [FILES[0]]
    record_checksums(results, [path], record_of(results))
    assert len(verify(results, record_of(results)).same) == len(FILES)


def test_a_file_made_again_while_others_were_read_is_no_flipped_bit(results):
    """It was read before, and its time is before that of the record, which ended later."""
    path = results / FILES[1]
    time = path.stat().st_mtime + 60
    path.write_text("made again")
    os.utime(path, (time, time))
    assert time < record_of(results).stat().st_mtime
    assert verify(results, record_of(results)).newer == [FILES[1]]
    record_checksums(results, [], record_of(results))
    assert len(verify(results, record_of(results)).same) == len(FILES)


def test_a_record_without_times_blocks_no_new_one(results):
    """As earlier versions wrote it."""
    record = record_of(results)
    for path in (record, record.with_name(f".{record.name}")):
        rows = [line.split(",") for line in path.read_text().splitlines()]
        path.write_text("".join(f"{name},{size},{sha}\n" for name, size, _, sha in rows))
    assert len(verify(results, record).same) == len(FILES)
    flip(results / FILES[0], keep_time=True)
    assert verify(results, record).newer == [FILES[0]]
    record_checksums(results, [], record)
    assert len(verify(results, record).same) == len(FILES)


def test_a_new_record_does_not_take_a_flipped_bit_for_right(results):
    flip(results / FILES[1], keep_time=True)
    # As Snakemake does before it runs the job again.
    record_of(results).unlink()
    with pytest.raises(DeblendError, match="d/stamps.h5 have other bytes than when a run ended"):
        record_checksums(results, [], record_of(results))


def test_runs_of_other_scales_in_the_folder_are_their_own(results):
    for name in ("toy/logs/a.log", "toy/tables/a.csv", "toy/provenance.json"):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text("a")
    record_checksums(results, [], record_of(results))
    assert "toy" not in record_of(results).read_text()


def test_missing_files_are_named(results):
    (results / FILES[1]).unlink()
    with pytest.raises(DeblendError, match=r"d/stamps.h5 \(gone\)"):
        report(verify(results, record_of(results)), results)
    with pytest.raises(DeblendError, match=r"stamps.h5 is missing"):
        record_checksums(results, [results / FILES[1]], record_of(results))


def test_without_a_record_the_run_has_to_finish_first(tmp_path):
    with pytest.raises(DeblendError, match="checksums.csv .* run the workflow first"):
        verify(tmp_path, record_of(tmp_path))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lines: [], "no file is in it"),
        (lambda lines: lines[:1], "no file is in it"),
        (lambda lines: lines[:-1], "its copy differs"),
        (lambda lines: ["name,size", *lines[1:]], "cannot read"),
    ],
)
def test_a_cut_record_is_an_error(results, change, why):
    record = record_of(results)
    flip(results / FILES[-1], keep_time=True)
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(change(lines)))
    with pytest.raises(DeblendError, match=f"{why}.*run the workflow"):
        verify(results, record)
