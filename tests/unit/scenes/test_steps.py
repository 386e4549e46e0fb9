import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from deblend.errors import DeblendError
from deblend.scenes import forced_fit, sep_photometry
from deblend.scenes.flags import bit
from deblend.scenes.networks import check_psf
from deblend.scenes.steps import (
    measure_classically,
    measure_with_networks,
    named_networks,
    prepare,
    read_peaks,
    read_tables,
    write_all,
    write_peaks,
    write_tables,
)


def run(folder, scenes, n=2):
    paths = {name: folder / f"{name}.h5" for name in ("scenes", "injected")}
    prepare(scenes, paths, n, {"mag_min": 20.0, "mag_max": 22.0}, 1)
    methods = {"sep": sep_photometry.measure, "forced_fit": forced_fit.measure}
    tables, notes = measure_classically(paths, methods, 1)
    job = {"table": folder / "a.csv", "injected": folder / "b.csv", "notes": folder / "a.json"}
    write_tables(job, tables, notes)
    names = ("catalogue", "measurements", "injections")
    outputs = {name: folder / f"{name}.ecsv" for name in names}
    write_all(
        outputs,
        *paths.values(),
        *([job[name]] for name in ("table", "injected", "notes")),
        data={"images": "mine.npy"},
        code={"commit": "abc"},
    )
    return outputs


def test_the_header_has_what_was_injected_and_what_was_left_out(tmp_path, placed):
    outputs = run(tmp_path, placed)
    meta = Table.read(outputs["catalogue"]).meta
    assert {row["method"] for row in meta["injected"]} == {"sep_iso", "sep_auto", "forced_fit"}
    assert meta["left_out"]["BlendHunter"].startswith("no such network")
    assert meta["data"] == {"images": "mine.npy"}
    assert set(pd.read_csv(outputs["injections"])["method"]) == {
        "sep_iso",
        "sep_auto",
        "forced_fit",
    }
    assert str(Table.read(outputs["measurements"])["flux"].unit) == "ct / s"


def test_a_method_that_cannot_be_applied_is_left_out_with_a_reason(tmp_path, placed):
    meta = Table.read(run(tmp_path, replace(placed, psf=None), n=0)["catalogue"]).meta
    assert "the PSF of f160w is unknown" in meta["left_out"]["forced_fit"]
    assert meta["injected"] == []


def test_tables_and_peaks_are_read_again(tmp_path, placed):
    table = sep_photometry.measure(placed)
    job = {name: tmp_path / name for name in ("table", "injected", "notes")}
    write_tables(job, {"scenes": table, "injected": table.iloc[:0]}, {})
    again = read_tables([job["table"], job["injected"]])
    assert len(again) == len(table)
    assert again["role"].eq("").all()
    peaks = pd.DataFrame({"scene": [0], "x_px": [1.0], "y_px": [2.0], "significance": [9.0]})
    write_peaks(tmp_path / "peaks.ecsv", [peaks.assign(method="sr")])
    assert read_peaks([tmp_path / "peaks.ecsv"])["x_px"].tolist() == [1.0]
    assert len(read_peaks([])) == 0


#: Descriptions and names of weights of the networks that the workflow trains.
TRAINED = {
    "blend2flux": ({"architecture": "blend2flux", "band": "f160w"}, "network.weights.h5"),
    "blendhunter": ({"padding_px": 7, "stamp_size": 51}, "head.weights.h5"),
    "sr_content": ({"kind": "super_resolution", "bands": ["f775w", "f160w"]}, "network.h5"),
}


def test_networks_of_a_folder_with_other_bands_are_left_out(tmp_path, placed):
    paths = {name: tmp_path / f"{name}.h5" for name in ("scenes", "injected")}
    prepare(placed, paths, 0, {}, 1)
    networks = []
    for name, (record, weights) in TRAINED.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "network.json").write_text(json.dumps(record))
        (tmp_path / name / weights).touch()
        networks.append({"name": name, "description": tmp_path / name / "network.json"})

    def measure(scenes, *, seed, network):
        return sep_photometry.measure(scenes).assign(method=network.name), [], "compared"

    tables, extras, notes = measure_with_networks(paths, networks, measure, 1, tuple(TRAINED))
    assert set(tables["scenes"]["method"]) == {"blend2flux", "blendhunter"}
    assert len(extras) == 2
    assert set(notes["left_out"]) == {"sr_content"}
    assert "f775w" in notes["left_out"]["sr_content"]

    # One that the configuration names has to fit.
    def as_networks_do(scenes, *, seed, network):
        scenes.band(network.record["bands"][0])

    with pytest.raises(DeblendError, match="f160w and not f775w"):
        measure_with_networks(paths, networks[2:], as_networks_do, 1)


def test_networks_of_a_folder_for_another_psf_are_left_out(tmp_path, placed):
    """`placed` has a PSF with a FWHM of 0.17 arcsec, a head of the ground 0.71."""
    paths = {name: tmp_path / f"{name}.h5" for name in ("scenes", "injected")}
    prepare(placed, paths, 0, {}, 1)
    record = TRAINED["blendhunter"][0] | {"psf_fwhm_arcsec": 0.71}
    (tmp_path / "network.json").write_text(json.dumps(record))
    (tmp_path / TRAINED["blendhunter"][1]).touch()
    networks = [{"name": "blendhunter", "description": tmp_path / "network.json"}]

    def measure(scenes, *, seed, network):
        check_psf(scenes, 0, network.record["psf_fwhm_arcsec"], network.name)

    tables, extras, notes = measure_with_networks(paths, networks, measure, 1, ("blendhunter",))
    assert not len(tables["scenes"])
    assert not extras
    assert "trained at 0.71" in notes["left_out"]["blendhunter"]
    with pytest.raises(DeblendError, match="smooth the images to 0.71 arcsec"):
        measure_with_networks(paths, networks, measure, 1)


def test_no_peaks_at_all_are_a_table_too(tmp_path):
    write_peaks(tmp_path / "peaks.ecsv", [])
    assert len(read_peaks([tmp_path / "peaks.ecsv"])) == 0


def test_a_band_that_is_a_number_stays_a_text(tmp_path, placed):
    table = sep_photometry.measure(replace(placed, bands=("814",)))
    job = {name: tmp_path / name for name in ("table", "injected", "notes")}
    write_tables(job, {"scenes": table, "injected": table.iloc[:0]}, {})
    assert set(read_tables([job["table"]])["band"]) == {"814"}


def test_an_error_with_injected_galaxies_leaves_the_method_to_the_scenes(tmp_path, placed):
    paths = {name: tmp_path / f"{name}.h5" for name in ("scenes", "injected")}
    prepare(placed, paths, 2, {"mag_min": 20.0, "mag_max": 22.0}, 1)

    def measure(scenes, seed):
        if scenes.truth is not None and len(scenes) == 2:
            raise DeblendError("too faint")
        return sep_photometry.measure(scenes)

    tables, notes = measure_classically(paths, {"sep": measure}, 1)
    assert len(tables["scenes"])
    assert not len(tables["injected"])
    assert notes["left_out"] == {"sep, injected galaxies": "too faint"}


def test_each_head_has_its_own_weights_of_vgg():
    found = named_networks(["a", "b", "c"], "abc", "def", ["one", "two"], [1, None, 0])
    assert [network["vgg"] for network in found] == ["two", None, "one"]


def test_pictures_have_fluxes_without_a_unit(tmp_path, placed):
    outputs = run(tmp_path, replace(placed, stretched=True, psf=None), n=0)
    catalogue = Table.read(outputs["catalogue"])
    assert catalogue["flux_sep_auto"].unit is None
    assert "mag_sep_auto" not in catalogue.colnames
    assert (np.asarray(catalogue["flags_sep_auto"]) & bit("stretched") > 0).all()
    assert catalogue.meta["stretched"]
    assert Table.read(outputs["measurements"])["flux"].unit is None


def test_the_catalogue_says_what_is_known_of_the_images(tmp_path, placed):
    sky = np.arange(6.0)[:, None]
    scenes = replace(placed, sky=sky, noise_notes=("white (assumed)",))
    images = placed.images.copy()
    images[3] = 0.001 * np.random.default_rng(0).normal(size=images[3].shape)
    scenes = replace(scenes, images=images, positions=None)
    catalogue = Table.read(run(tmp_path, scenes, n=0)["catalogue"])
    assert catalogue.meta["scenes_without_sources"] == ["3"]
    assert catalogue.meta["noise"] == {"f160w": "white (assumed)"}
    np.testing.assert_array_equal(catalogue["sky_counts_f160w"], np.asarray(catalogue["scene"]))
    assert str(catalogue["noise_counts_f160w"].unit) == "ct / s"
