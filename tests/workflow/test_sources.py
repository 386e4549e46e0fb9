"""Data sets that are not simulated by the workflow, through the whole chain."""

import hashlib
import json
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
import yaml
from deblend.simulate import simulate_chunk

from tests.conftest import simulator_config
from tests.run import snakemake
from tests.workflow.conftest import TINY


@pytest.fixture(scope="module")
def stamps(priors):
    return simulate_chunk(21, "sim", 0, 70, priors, simulator_config())


def table(stamps):
    galaxies = stamps.galaxies
    return pd.DataFrame(
        {
            "ID": galaxies["id"],
            "mag": galaxies["mag"],
            "radius": galaxies["half_light_radius_px"],
            "z": galaxies["redshift"],
            "galtype": galaxies["morphology"],
        }
    )


def own_data_set(**changes):
    return {
        "source": "files",
        "images": "mine.npz",
        "catalog": "mine.csv",
        "columns": {"id": "ID", "mag": "mag", "half_light_radius": "radius"},
        "radius_unit": "pix",
        "add_noise": False,
        "recentre": False,
        "band": "f160w",
        "pixel_scale_arcsec": 0.06,
        "zero_point": 25.96,
        "noise_sigma": 0.0065,
        "stamp_size": 64,
        "mag_min": 18.0,
        "mag_max": 23.0,
        "split": {"train": 0.6, "validation": 0.2, "test": 0.2},
        **changes,
    }


def on(dataset, entry=None):
    """The tiny run on a data set."""
    config = json.loads(json.dumps(TINY))
    config["networks"]["blend2flux"]["dataset"] = dataset
    config["boucaud2020"]["dataset"] = dataset
    if entry:
        config["datasets"] = {dataset: entry}
    return config


@pytest.fixture
def mine(tmp_path, stamps):
    np.savez(tmp_path / "mine.npz", stamps.images[:, 0])
    table(stamps).to_csv(tmp_path / "mine.csv", index=False)
    return tmp_path


def test_the_users_own_stamps_to_figure_5(mine, overlay):
    config = overlay(**on("mine", own_data_set()))
    snakemake("--cores", 2, "results/figures/fig5.pdf", "--configfile", config, directory=mine)
    numbers = pd.read_csv(mine / "results/figures/fig5.csv")
    assert set(numbers["dataset"]) == {"mine"}
    assert numbers.query("method == 'blend2flux'")["n"].min() > 5


def test_a_wrong_column_is_told_to_the_user(mine, overlay):
    columns = {"id": "ID", "mag": "magnitude", "half_light_radius": "radius"}
    config = overlay(**on("mine", own_data_set(columns=columns)))
    target = "results/datasets/mine/stamps.h5"
    result = snakemake("--cores", 1, target, "--configfile", config, directory=mine, check=False)
    assert result.returncode == 1
    expected = "mine.csv lacks the columns magnitude; it has ID, mag, radius, z, galtype"
    assert f"Error: the catalogue {expected}" in result.text
    log = (mine / "results/logs/ingest/mine_0.log").read_text()
    assert "Traceback" in log
    assert expected in log
    assert not (mine / target).exists()


def test_an_archive_from_a_server_to_figure_5(project, tmp_path, stamps, overlay):
    served = tmp_path / "served"
    served.mkdir()
    np.save(served / "candels_img.npy", stamps.images[:, 0])
    np.save(served / "candels_seg.npy", np.zeros((len(stamps), 64, 64), np.int32))
    table(stamps).to_csv(served / "candels_cat.csv", index=False)
    with tarfile.open(served / "data.tar.gz", "w:gz") as tar:
        for name in ("candels_img.npy", "candels_seg.npy", "candels_cat.csv"):
            tar.add(served / name, arcname=f"data/{name}")
    digest = hashlib.sha256((served / "data.tar.gz").read_bytes()).hexdigest()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        path = project / "config/datasets.yaml"
        archives = yaml.safe_load(path.read_text())
        entry = archives["boucaud2020_candels"]
        entry["url"] = f"http://127.0.0.1:{server.server_port}/data.tar.gz"
        entry["checksum"] = "sha256:" + "0" * 64
        path.write_text(yaml.safe_dump(archives))
        config = on("candels")
        config["datasets"]["candels"] = {"stamp_size": 64}
        arguments = ("--cores", 2, "results/figures/fig5.pdf", "--configfile", overlay(**config))
        wrong = snakemake(*arguments, directory=tmp_path, project=project, check=False)
        assert wrong.returncode == 1
        assert "its checksum is not sha256:000" in wrong.text
        assert not (tmp_path / "resources/boucaud2020_candels/archive.tar.gz").exists()

        entry["checksum"] = f"sha256:{digest}"
        path.write_text(yaml.safe_dump(archives))
        snakemake(*arguments, directory=tmp_path, project=project)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    catalog = pd.read_csv(tmp_path / "results/boucaud2020/output_catalog.csv")
    assert set(catalog["g1_type"]) <= {"sph", "disk", "sphd", "irr"}
    assert len(catalog) == 40


def test_real_galaxies_of_two_kinds(real_data, tmp_path, overlay):
    """201 HST galaxies to Figure 5, and the same network on 100 COSMOS galaxies."""
    hst = own_data_set(
        images=str(real_data / "hst_3band/gals201_f606w_f814w_f125w.npz"),
        images_key="images",
        plane=1,
        catalog=str(real_data / "hst_3band/gals201_headers.csv"),
        columns={"id": "id", "mag": "f814w_MAG", "half_light_radius": "f814w_RADIUS"},
        band="f814w",
        zero_point=26.78212,
        noise_sigma=0.0138,
        add_noise=True,
        recentre=True,
        mag_max=25.0,
    )
    config = on("hst", hst)
    shared = ("band", "pixel_scale_arcsec", "noise_sigma", "stamp_size", "mag_min")
    config["datasets"]["cosmos"] = {k: hst[k] for k in shared} | {
        "source": "real_galaxy",
        "catalog": str(real_data / "cosmos/real_galaxy_catalog_26_extension_example.fits"),
        "fits_catalog": str(
            real_data / "cosmos/real_galaxy_catalog_26_extension_example_fits.fits"
        ),
        "zero_point": 25.94,
        "noise_sigma": 0.0065,
        "psf_fwhm_arcsec": 0.17,
        "psf_moffat_beta": 2.5,
        "mag_max": 26.0,
        "split": {"train": 0.0, "validation": 0.3, "test": 0.7},
    }
    targets = ["results/figures/fig5.pdf", "results/boucaud2020/blend2flux/cosmos/fig5.pdf"]
    snakemake("--cores", 2, *targets, "--configfile", overlay(**config), directory=tmp_path)
    for path in ("figures", "boucaud2020/blend2flux/cosmos"):
        numbers = pd.read_csv(tmp_path / "results" / path / "fig5.csv")
        assert numbers.query("method == 'SExtractor'")["n"].min() > 10
    cosmos = pd.read_csv(tmp_path / "results/datasets/cosmos/exclusions.csv")
    assert cosmos["n"].sum() == 100
