"""Snakemake's output for a wrong configuration, and pinned versions."""

import re

from tests.conftest import ROOT
from tests.run import snakemake


def test_a_wrong_configuration_is_one_readable_line(tmp_path, overlay):
    """The individual messages are tested without Snakemake, with the models."""
    result = snakemake("-n", "--configfile", overlay(sede=3), directory=tmp_path, check=False)
    assert result.returncode == 1
    message = "configuration > sede: there is no such key; did you mean seed?"
    assert len([line for line in result.text.splitlines() if message in line]) == 1, result.text
    assert "Traceback" not in result.text


def test_an_unknown_data_set_in_a_target_is_named(tmp_path):
    result = snakemake("-n", "results/datasets/sdss/stamps.h5", directory=tmp_path, check=False)
    assert result.returncode == 1
    assert "there is no 'sdss' under datasets; there are candels, simulated" in result.text


def pins(path):
    """Versions of packages in a requirements file or an environment."""
    text = path.read_text()
    found = re.findall(r"^[\s-]*([A-Za-z][\w.-]*)={1,2}([\d.]+)(?: ;.*)?$", text, re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


def test_pinned_versions_agree():
    constraints = pins(ROOT / "constraints.txt")
    requirements = pins(ROOT / "requirements.txt")
    optional = pins(ROOT / "requirements-scarlet2.txt")
    assert len(requirements) > 15
    for path in [ROOT / "requirements.txt", ROOT / "requirements-dev.txt"]:
        lines = [x for x in path.read_text().splitlines() if x and not x.startswith("#")]
        assert len(lines) == len(pins(path)), f"{path.name}: every line is a pin"
        for name, version in pins(path).items():
            assert constraints[name] == version, (path.name, name)
    for path in (ROOT / "envs").glob("*.yaml"):
        environment = pins(path)
        assert environment.pop("python") == "3.11"
        environment.pop(
            "ngmix", None
        )  # conda-forge has it; PyPI, the source of the others, has not
        for name, version in environment.items():
            assert (requirements | optional)[name] == version, (path.name, name)
