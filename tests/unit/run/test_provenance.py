"""Record of a run."""

import json
import os
import platform
import subprocess
from importlib import metadata

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.run.checksums import record_checksums, report, verify
from deblend.run.digests import digest_file, record_digests
from deblend.run.provenance import (
    package_versions,
    provenance,
    unlike_provenance,
    write_provenance,
)


def test_versions_are_those_of_installed_packages():
    versions = package_versions()
    assert versions["numpy"] == np.__version__
    names = {found.metadata["Name"].replace("_", "-").lower() for found in metadata.distributions()}
    assert versions.keys() <= names


def test_a_record_has_configuration_and_backends_but_no_paths(tmp_path):
    trained = {"backend": "torch", "device": "cpu", "threads": 2, "dataset": "simulated"}
    (tmp_path / "network.json").write_text(json.dumps(trained | {"options": {"filters": 4}}))
    config = {"seed": 7, "scale": "toy"}
    record = provenance(config, {"unet": tmp_path / "network.json"})
    assert (record["config"], record["seed"]) == (config, 7)
    assert record["networks"] == {"unet": trained}
    assert record["python"] == platform.python_version()
    assert record["packages"] == package_versions()
    assert str(tmp_path) not in json.dumps(record)


def test_secrets_of_addresses_are_not_recorded():
    fields = [{"mosaic": "https://user:TOKEN@a.org/m.fits?X-Amz-Signature=TOKEN", "size": 3}]
    config = {"seed": 7, "datasets": {"sky": {"fields": fields, "catalog": "vizier:J/A/1"}}}
    config["note"] = "see https://a.org/?page=1 for more"
    recorded = provenance(config, {})["config"]
    assert recorded["note"] == config["note"]
    assert recorded["datasets"]["sky"] == {
        "fields": [{"mosaic": "https://a.org/m.fits", "size": 3}],
        "catalog": "vizier:J/A/1",
    }


MADE = ("tables/a.csv", "datasets/d/stamps.h5", "networks/n/network.weights.h5")
CIRCUMSTANCES = "report/circumstances.json"
CHECKSUMS = "benchmarks/checksums.csv"


@pytest.fixture
def results(tmp_path):
    """A finished run: what jobs made, and files of others."""
    folder = tmp_path / "results"
    for name in (*MADE, "logs/a.log", "benchmarks/b.csv", "tables/own.csv"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
    (folder / CIRCUMSTANCES).parent.mkdir()
    (folder / CIRCUMSTANCES).write_text(json.dumps({"seed": 7, "config": {"scale": "toy"}}))
    record_digests(folder / name for name in (*MADE, "benchmarks/b.csv"))
    write_provenance(folder / CIRCUMSTANCES, folder)
    record_checksums(folder, [], folder / CHECKSUMS)
    return folder


def said_of(results):
    found = verify(results, results / CHECKSUMS)
    return report(found, results, unlike_provenance(results))


def test_the_record_has_sizes_and_the_digests_of_other_programs(results):
    record = json.loads((results / "provenance.json").read_text())
    assert (record["seed"], record["config"]) == (7, {"scale": "toy"})
    # Those that jobs made, without files that differ from run to run; in the order of names.
    assert list(record["files"]) == sorted(MADE)
    for name, about in record["files"].items():
        done = subprocess.run(["sha256sum", results / name], capture_output=True, text=True)
        size = len(f"content of {name}")
        assert about == {"n_bytes": size, "sha256": done.stdout.split()[0]}
    assert "6 files of" in said_of(results)


def test_a_second_record_is_the_same_and_no_file_is_read_for_it(results):
    before = (results / "provenance.json").read_bytes()
    record_digests([results / "provenance.json"])
    for name in MADE:
        (results / name).write_text("not what has the digest")
    sizes = {name: (results / name).stat().st_size for name in MADE}
    write_provenance(results / CIRCUMSTANCES, results)
    again, first = json.loads((results / "provenance.json").read_text()), json.loads(before)
    for name in MADE:
        assert again["files"][name] == first["files"][name] | {"n_bytes": sizes[name]}
        (results / name).write_text(f"content of {name}")
    write_provenance(results / CIRCUMSTANCES, results)
    assert (results / "provenance.json").read_bytes() == before


def test_files_that_are_not_those_of_the_record_are_named(results):
    """Though their checksums were recorded again, or are those of a copied run."""
    (results / MADE[0]).write_text("another run's")
    digest_file(results / MADE[1]).write_text("0123abcd  stamps.h5\n")
    (results / MADE[2]).unlink()
    record_checksums(results, [], results / CHECKSUMS)
    with pytest.raises(DeblendError) as error:
        said_of(results)
    assert str(error.value).startswith(f"3 files of {results} are as they were")
    assert "; 3 are not: " in str(error.value)
    for text in (
        f"{MADE[0]} (not as in provenance.json)",
        f"{MADE[1]} (the digest beside it is not that in provenance.json)",
        f"{MADE[2]} (gone)",
    ):
        assert text in str(error.value)


def test_a_changed_file_is_named_once(results):
    path = results / MADE[1]
    time = path.stat().st_mtime_ns
    path.write_text("other bytes")
    os.utime(path, ns=(time, time))
    with pytest.raises(DeblendError, match=rf"; 1 are not: {MADE[1]} \(changed\)\. Delete"):
        said_of(results)


def test_a_record_of_an_earlier_version_is_said_and_none_is_an_error(results, caplog):
    (results / "provenance.json").write_text('{"seed": 7}')
    assert unlike_provenance(results) == {}
    assert "provenance.json has no digests" in caplog.text
    (results / "provenance.json").unlink()
    with pytest.raises(DeblendError, match="provenance.json cannot be read"):
        unlike_provenance(results)


@pytest.mark.parametrize("text", ["[1]", '{"files": [1]}', '{"files": {"a": 1}}'])
def test_a_broken_record_is_named(results, text):
    (results / "provenance.json").write_text(text)
    record_checksums(results, [], results / CHECKSUMS)
    with pytest.raises(DeblendError, match=r"1 are not: provenance\.json \(no record of a run\)"):
        said_of(results)


def test_a_flipped_bit_in_the_record_is_an_error_wherever_it_is(results):
    path = results / "provenance.json"
    content, stat = path.read_bytes(), path.stat()
    for place in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        with pytest.raises(DeblendError, match="provenance"):
            said_of(results)
