"""Record of a run."""

import json
import platform
from importlib import metadata

import numpy as np
from deblend.run.provenance import package_versions, provenance


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
