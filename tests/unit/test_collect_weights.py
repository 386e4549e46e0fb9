"""Trained networks of the repository: how they are collected, and that scenes can use each."""

import importlib.util
import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.scenes.scenes import Scenes
from deblend.scenes.weights import check_description, find_networks

from tests.rules import ROOT
from tests.unit.scenes.conftest import psf_image, two_galaxies

WEIGHTS = ROOT / "evidence/weights"
FOLDERS = (WEIGHTS, ROOT / "evidence/benchmark/weights")
NETWORKS = {network.name: network for network in find_networks(WEIGHTS)}


def tool():
    spec = importlib.util.spec_from_file_location("tool", ROOT / "tools/collect_weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = tool()


def put(folder, record, weights):
    folder.mkdir(parents=True)
    (folder / "network.json").write_text(json.dumps({"scale": "small"} | record))
    with h5py.File(folder / weights, "w") as file:
        file["layers/dense/vars/0"] = np.arange(6.0)
        file["optimizer/vars/0"] = np.zeros(1000)
        file["layers"].attrs["name"] = "model"


@pytest.fixture
def results(tmp_path):
    """A run with a network of each kind."""
    folder = tmp_path / "results"
    flux = {"architecture": "blend2flux", "band": "f160w", "dataset": "sky"}
    put(folder / "networks/flux", flux | {"commit": "1" * 40}, "network.weights.h5")
    put(folder / "networks/bad", flux | {"problem": "constant"}, "network.weights.h5")
    put(
        folder / "networks/edge",
        flux | {"blending": {"companion_edge": "zero"}},
        "network.weights.h5",
    )
    head = {"padding_px": 7, "stamp_size": 51, "dataset": "farrens2022/parametric"}
    put(folder / "networks/blendhunter/sigma5_0", head, "head.weights.h5")
    sr = {"kind": "super_resolution", "bands": ["i"], "dataset": "cuts"}
    put(folder / "networks/sr", sr, "network.h5")
    put(folder / "networks/vanilla", {"kind": "vanilla"}, "network.h5")
    run = {
        "git": {"commit": "2" * 40, "modified": False},
        "config": {
            "datasets": {"sky": {"source": "simulated"}},
            "hemmati2022": {"cutouts": {"cuts": {"source": "simulated"}}},
            "reiman2019": {"image_sets": {}},
        },
    }
    (folder / "provenance.json").write_text(json.dumps(run))
    return folder


def changed(results, **changes):
    """Change parts of the record of a run."""
    path = results / "provenance.json"
    record = json.loads(path.read_text())
    for key, value in changes.items():
        record[key] |= value
    path.write_text(json.dumps(record))


def test_networks_of_a_run_become_weights_for_scenes(results, tmp_path, capsys):
    target = tmp_path / "weights"
    assert TOOL.collect(results, target) == ["flux", "sr"]
    assert {network.name for network in find_networks(target)} == {"flux", "sr"}
    with h5py.File(target / "flux/network.weights.h5") as file:
        assert list(file) == ["layers"]
        np.testing.assert_array_equal(file["layers/dense/vars/0"], np.arange(6.0))
        assert file["layers"].attrs["name"] == "model"
    # The commit of the training, or else of the run.
    records = {n.name: n.record for n in find_networks(target)}
    assert {name: r["commit"][0] for name, r in records.items()} == {"flux": "1", "sr": "2"}
    assert {r["licence"] for r in records.values()} == {"BSD-3-Clause"}
    text = (target / "README.md").read_text()
    assert re.search(r"\| `flux` \| Boucaud .* \| f160w \| small \| simulated \(`sky`\) \|", text)
    left_out = capsys.readouterr().out
    assert "bad is left out: it has not learnt: constant" in left_out
    assert "edge is left out: companion_edge was zero" in left_out
    assert "blendhunter_sigma5_0 is left out: it needs the weights of VGG-16" in left_out


def test_a_calibration_of_a_given_network_is_no_network(results, tmp_path, monkeypatch):
    calibration = results / "benchmark/networks/blend2posterior/calibration.h5"
    calibration.parent.mkdir(parents=True)
    calibration.touch()
    monkeypatch.chdir(tmp_path)
    assert TOOL.collect(results, Path("weights")) == ["flux", "sr"]


def test_a_network_that_is_there_is_replaced_and_others_stay(results, tmp_path):
    target = tmp_path / "weights"
    TOOL.collect(results, target)
    (target / "flux/old.txt").touch()
    assert TOOL.collect(results, target, names=["flux"]) == ["flux"]
    assert not (target / "flux/old.txt").exists()
    assert (target / "sr/network.h5").is_file()


def test_what_cannot_be_passed_on_is_refused(results, tmp_path, monkeypatch):
    target = tmp_path / "weights"
    with pytest.raises(DeblendError, match="no network fluxes that can be used; there are bad, "):
        TOOL.collect(results, target, names=["fluxes"])
    changed(results, git={"modified": True})
    with pytest.raises(DeblendError, match="in no commit"):
        TOOL.collect(results, target)
    assert TOOL.collect(results, target, allow_dirty=True) == ["flux", "sr"]
    assert "with changed files" in (target / "README.md").read_text()
    changed(results, git={"modified": False}, config={"datasets": {"sky": {"source": "archive"}}})
    with pytest.raises(DeblendError, match=r"flux was trained on sky \(archive\): say with --lic"):
        TOOL.collect(results, target)
    TOOL.collect(results, target, licence="CC BY 4.0")
    assert json.loads((target / "flux/network.json").read_text())["licence"] == "CC BY 4.0"
    monkeypatch.setattr(TOOL, "MAX_FILE_BYTES", 1000)
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    with pytest.raises(DeblendError, match=r"has 0\.0 MB, more than 0\.001"):
        TOOL.collect(results, target, licence="CC BY 4.0", names=["flux"])
    assert {p: p.read_bytes() for p in target.rglob("*") if p.is_file()} == before
    assert not list(target.parent.glob(".weights*"))
    (results / "provenance.json").unlink()
    with pytest.raises(DeblendError, match="finish the run first"):
        TOOL.collect(results, target)


def test_weights_of_the_repository_are_small_and_described():
    sizes = []
    for folder in FOLDERS:
        files = [path for path in folder.rglob("*") if path.is_file()]
        kept = {
            f for n in find_networks(folder, of_benchmark=True) for f in (n.weights, n.description)
        }
        assert set(files) == kept | {folder / "README.md"}
        page = TOOL.page(folder, of_benchmark=TOOL.is_of_benchmark(folder))
        assert (folder / "README.md").read_text() == page
        sizes += [path.stat().st_size for path in files]
    assert max(sizes) <= 8_000_000
    assert sum(sizes) <= 30_000_000


def test_networks_of_the_benchmark_are_collected_for_it(results, tmp_path, capsys, caplog):
    posterior = {"blocks": 2, "shares": [0.1, 0.8, 0.1], "n_profiles": 9, "dataset": "sky"}
    put(results / "benchmark/networks/blend2posterior", posterior, "network.h5")
    changed(results, config={"datasets": {"sky": {"source": "simulated", "band": "f160w"}}})
    # Only those that scenes use, if none is named.
    assert TOOL.collect(results, tmp_path / "weights") == ["flux", "sr"]
    assert "blend2posterior is left out: scenes do not use it" in capsys.readouterr().out
    target = tmp_path / "benchmark/weights"
    assert TOOL.collect(results, target, names=["blend2posterior"]) == ["blend2posterior"]
    (network,) = find_networks(target, of_benchmark=True)
    assert (network.kind, network.record["band"]) == ("benchmark", "f160w")
    assert "the joint density of two fluxes" in (target / "README.md").read_text()
    # Scenes apply none of them.
    with caplog.at_level("WARNING"):
        assert find_networks(target) == []
    assert "of a network that only the benchmark takes: left out" in caplog.text


def scenes_for(network):
    """Two blends as the network expects them: its bands, PSF and pixels, or colour pictures."""
    record = network.record
    if network.kind == "reiman2019":
        rng = np.random.default_rng(5)
        galaxies = two_galaxies(n=2, side=260, radius=0.9, mags=(17.0, 17.5), fwhm=0.3)
        pictures = 20 * galaxies.images + rng.normal(0, 0.01, (2, 3, 260, 260))
        return Scenes(
            pictures.clip(0, 1).astype(np.float32),
            ("red", "green", "blue"),
            pixel_scale_arcsec=0.06,
            zero_points=np.zeros(3),
            noise_sigma=np.full((2, 3), 0.01),
            stretched=True,
        )
    if network.kind == "boucaud2020":
        return two_galaxies(n=2)
    trained = record["images"]
    pixel = trained["factor"] * trained["pixel_scale_arcsec"]
    fwhm = trained["low_psf_fwhm_arcsec"]
    one, n = two_galaxies(n=2, scale=pixel, fwhm=fwhm), len(record["bands"])
    return Scenes(
        one.images.repeat(n, axis=1),
        tuple(record["bands"]),
        pixel_scale_arcsec=pixel,
        zero_points=np.array(trained["zero_point"], float),
        noise_sigma=one.noise_sigma.repeat(n, axis=1),
        psf=psf_image(fwhm, pixel)[None].repeat(n, axis=0),
    )


#: One network for each framework; the others are tested by make test-all.
ALWAYS = ("blend2flux", "sr_content")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in ALWAYS else pytest.mark.full) for n in NETWORKS],
)
def test_a_network_of_the_repository_measures_scenes(name):
    network = NETWORKS[name]
    check_description(network)
    assert re.fullmatch("[0-9a-f]{40}", network.record["commit"])
    assert network.record["licence"]
    assert not network.record.get("problem")
    if network.kind == "boucaud2020":
        from deblend.scenes.keras_networks import measure
    elif network.kind == "hemmati2022":
        from deblend.scenes.super_resolution import measure
    else:
        from deblend.scenes.separator import measure
    table = measure(scenes_for(network), network=network)
    assert set(table["scene"]) == {0, 1}
    assert set(table["method"]) == {name}
    gives = table["mask_area_px"] if name == "unet" else table["flux"]
    assert np.isfinite(gives.to_numpy(float)).any()
