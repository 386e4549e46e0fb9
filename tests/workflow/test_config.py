"""The configuration, its schema and the pins, and what a user reads when one of them is wrong."""

import re

import pytest
import yaml

from tests.conftest import ROOT
from tests.run import snakemake

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())


def resolve(schema):
    if "$ref" in schema:
        target = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        return {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def walk(schema, path=()):
    """Every property of the schema, with its place."""
    schema = resolve(schema)
    for key, part in schema.get("properties", {}).items():
        part = resolve(part)
        yield (*path, key), part
        yield from walk(part, (*path, key))


PROPERTIES = [*walk(SCHEMA)] + [
    (("$defs", name, *path), part)
    for name, schema in SCHEMA["$defs"].items()
    for path, part in walk(schema)
]


def test_every_key_has_a_description_and_a_default():
    for path, part in PROPERTIES:
        if "const" in part:  # the source of a data set: what tells the kinds apart
            continue
        assert part.get("description", "").endswith("."), path
        assert "default" in part, path


def test_nothing_is_let_through_unnamed():
    for path, part in [((), SCHEMA), *PROPERTIES, *((k, v) for k, v in SCHEMA["$defs"].items())]:
        if part.get("type") == "object" and "properties" in part and path != ("datasets",):
            assert part["additionalProperties"] is False, path


def test_defaults_are_the_values_at_paper_scale():
    """The base configuration and the schema's defaults say the same."""

    def compare(schema, values, path):
        for key, value in values.items():
            part = resolve(resolve(schema)["properties"][key])
            if isinstance(value, dict) and "properties" in part:
                assert part["default"] == value, (*path, key)
                continue
            assert part["default"] == value, (*path, key)

    skip = {"datasets", "networks", "boucaud2020"}
    compare(SCHEMA, {k: v for k, v in CONFIG.items() if k not in skip}, ())
    compare(SCHEMA["properties"]["boucaud2020"], CONFIG["boucaud2020"], ("boucaud2020",))
    for name, entry in CONFIG["networks"].items():
        # Table 2's networks differ in their filters, and in nothing else.
        own = {"architecture"} | (
            {"filters"} if name in ("blend2flux_64", "blend2flux_512") else set()
        )
        values = {k: v for k, v in entry.items() if k not in own}
        compare(SCHEMA["$defs"][f"network_{entry['architecture']}"], values, ("networks", name))
    for name, entry in CONFIG["datasets"].items():
        values = {k: v for k, v in entry.items() if k != "source"}
        compare(SCHEMA["$defs"][entry["source"]], values, ("datasets", name))


def test_every_value_says_where_it_comes_from():
    """A number in config.yaml carries a comment, on its line or that of its group."""
    lines = (ROOT / "config/config.yaml").read_text().splitlines()
    start = lines.index("networks:")
    bare = [
        line
        for line in lines[start:]
        if re.search(r"^[^#]*: +[\d.]+$", line) and "flux_scale" not in line
    ]
    assert not bare


FIELD = {
    "name": "a",
    "mosaic": "a.fits",
    "catalog": "a.csv",
    "columns": {"id": "id"},
    "radius_unit": "pix",
}
MOSAICS = {
    **{k: v for k, v in CONFIG["datasets"]["candels"].items() if k != "archive"},
    "source": "mosaics",
    "match_radius_arcsec": 0.5,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sede": 3}, "configuration > sede: there is no such key; did you mean seed?"),
        (
            {"boucaud2020": {"blending": {"delta_mag": 2}}},
            "boucaud2020 > blending > delta_mag: there is no such key; did you mean delta_mag_max?",
        ),
        (
            {"datasets": {"simulated": {"pixel_scale": 0.06}}},
            "datasets > simulated > pixel_scale: there is no such key",
        ),
        ({"datasets": {"mine": {}}}, "datasets > mine > source: this key is missing"),
        (
            {"datasets": {"mine": {"source": "files", "images": "a.npz"}}},
            "datasets > mine > catalog: this key is missing",
        ),
        ({"seed": -1}, "seed: -1 is less than the minimum of 0"),
        ({"seed": "one"}, "seed: 'one' is not of type 'integer'"),
        (
            {"networks": {"blend2flux": {"drop_factor": 1.5}}},
            "networks > blend2flux > drop_factor: 1.5 is",
        ),
        (
            {"networks": {"blend2flux": {"dataset": "cosmos"}}},
            "networks > blend2flux > dataset: there is no 'cosmos' under datasets; there are",
        ),
        (
            {"datasets": {"simulated": {"split": {"train": 0.9}}}},
            "datasets > simulated > split: the shares .* do not add up to 1",
        ),
        (
            {"datasets": {"simulated": {"mag_min": 24.0}}},
            "mag_min 24.0 is not below mag_max 23.0",
        ),
        (
            {"datasets": {"simulated": {"neighbour_mag_min": 26.0}}},
            "neighbour_mag_min 26.0 is not below neighbour_mag_max 25.5",
        ),
        ({"networks": {"sep": {}}}, "networks: 'sep' does not match"),
        (
            {"networks": {"unet": {"dense_units": 3}}},
            "networks > unet > dense_units: there is no such key",
        ),
        (
            {"networks": {"blend2mask2flux": {"unet": "blend2flux"}}},
            "blend2mask2flux > unet: 'blend2flux' is a blend2flux trained on candels; it has to be",
        ),
        (
            {"boucaud2020": {"table2": ["blend2flux", "unet"]}},
            "boucaud2020 > table2: 'unet' is a unet, not a blend2flux",
        ),
        (
            {"boucaud2020": {"table2": ["blend2flux_128"]}},
            "boucaud2020 > table2: there is no 'blend2flux_128' under networks; there are",
        ),
        (
            {"boucaud2020": {"blend2mask2flux": "unet"}},
            "boucaud2020 > blend2mask2flux: 'unet' is a unet, not a blend2mask2flux",
        ),
        (
            {"datasets": {"simulated": {"stamp_size": 100}}},
            "stamp_size: 100 is not a multiple of 16",
        ),
        (
            {"boucaud2020": {"blending": {"shift_rule": "paper"}}},
            r"shift_rule: 'paper' is not one of \['authors', 'section_2_2'\]",
        ),
        (
            {"datasets": {"survey": {**MOSAICS, "fields": [FIELD, FIELD]}}},
            "datasets > survey > fields: names have to be unique; they are a, a",
        ),
        (
            {
                "datasets": {
                    "survey": {**MOSAICS, "fields": [{**FIELD, "mosaic": "http://x.org/a"}]}
                }
            },
            "datasets > survey > fields > 0 > mosaic: 'http://x.org/a' does not match",
        ),
        (
            {"datasets": {"survey": {**MOSAICS, "fields": [{**FIELD, "catalog": "vizier:../a"}]}}},
            "datasets > survey > fields > 0 > catalog: 'vizier:../a' does not match",
        ),
        (
            {
                "farrens2022": {
                    "samples": {"sigma5_0": CONFIG["farrens2022"]["samples"]["realistic"]}
                }
            },
            "farrens2022 > samples: 'sigma5_0' does not match",
        ),
        (
            {"farrens2022": {"split": {"train": 0.1, "validation": 0.1, "test": 0.1}}},
            "farrens2022 > split: the shares .* do not add up to 1",
        ),
        (
            {"farrens2022": {"distance_bins_px": [0, 8, 16]}},
            "farrens2022 > distance_bins_px: .* have to rise, and 10",
        ),
        (
            {"farrens2022": {"samples": {"realistic": {"n_stamps": {"test": 0}}}}},
            "farrens2022 > samples > realistic > n_stamps > test is 0",
        ),
        (
            {"datasets": {"candels": {"archive": "zenodo"}}},
            "archive: there is no 'zenodo' in config/datasets.yaml; there are boucaud2020_candels",
        ),
    ],
)
def test_a_wrong_configuration_is_one_readable_line(tmp_path, overlay, change, message):
    result = snakemake("-n", "--configfile", overlay(**change), directory=tmp_path, check=False)
    assert result.returncode == 1
    lines = [line for line in result.text.splitlines() if re.search(message, line)]
    assert len(lines) == 1, result.text
    assert "Traceback" not in result.text


def test_a_missing_key_is_named(project, tmp_path):
    path = project / "config/config.yaml"
    path.write_text(re.sub(r"\n  bootstrap_resamples.*", "", path.read_text()))
    result = snakemake("-n", directory=tmp_path, project=project, check=False)
    assert result.returncode == 1
    assert "boucaud2020 > bootstrap_resamples: this key is missing" in result.text


def test_an_unknown_data_set_in_a_target_is_named(tmp_path):
    result = snakemake("-n", "results/datasets/sdss/stamps.h5", directory=tmp_path, check=False)
    assert result.returncode == 1
    assert "there is no 'sdss' under datasets; there are candels, simulated" in result.text


def pins(path):
    """Package to version, from a requirements file or an environment."""
    text = path.read_text()
    found = re.findall(r"^[\s-]*([A-Za-z][\w.-]*)={1,2}([\d.]+)$", text, re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


def test_pins_are_in_step():
    constraints = pins(ROOT / "constraints.txt")
    requirements = pins(ROOT / "requirements.txt")
    assert len(requirements) > 15
    for path in [ROOT / "requirements.txt", ROOT / "requirements-dev.txt"]:
        lines = [x for x in path.read_text().splitlines() if x and not x.startswith("#")]
        assert len(lines) == len(pins(path)), f"{path.name}: every line is a pin"
        for name, version in pins(path).items():
            assert constraints[name] == version, (path.name, name)
    for path in (ROOT / "envs").glob("*.yaml"):
        environment = pins(path)
        assert environment.pop("python") == "3.11"
        for name, version in environment.items():
            assert requirements[name] == version, (path.name, name)


def test_archives_are_complete():
    archives = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())
    for name, entry in archives.items():
        assert "kaggle" in entry or re.fullmatch(r"10\.\d+/\S+", entry["doi"]), name
        assert entry.get("url", "https://").startswith("https://"), name
