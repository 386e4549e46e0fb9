"""Data sets from other sources than the simulation, from the input to the results."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import tarfile
import threading
import time

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from deblend.boucaud2020.simulate import simulate_chunk
from deblend.data.stamps import read_stamps
from deblend.farrens2022.stamps import read_sample_table
from deblend.photometry.sep import Detection, background_rms, detect

from tests.conftest import ROOT, simulator_config
from tests.rules import declared
from tests.run import command_of, planned, snakemake
from tests.server import Handler, running, serving
from tests.workflow.conftest import TINY


def test_samples_of_the_same_catalogue_have_the_same_splits(tmp_path, overlay, real_data):
    """Networks are never tested on galaxies of their training, for any path of the catalogue."""
    catalog = real_data / "cosmos/real_galaxy_catalog_23.5_example.fits"
    other = real_data / "cosmos/real_galaxy_catalog_26_extension_example.fits"
    copy = tmp_path / "copy" / catalog.name
    copy.parent.mkdir()
    for file in (catalog, catalog.with_name(f"{catalog.stem}_fits.fits")):
        (copy.parent / file.name).write_bytes(file.read_bytes())
    trained = {
        "source": "files",
        "catalog": str(catalog),
        "exclusion_level": "none",
        "kind": "parametric",
        "n_stamps": {"train": 60, "validation": 2, "test": 60},
        "close_fraction": None,
    }
    samples = {
        "parametric": trained,
        "same": {**trained, "archive": None, "catalog": str(copy)},
        "other": {**trained, "archive": None, "catalog": str(other), "kind": "real"},
    }
    files = [f"results/farrens2022/{name}.h5" for name in ("parametric/train", "same/test")]
    files.append("results/farrens2022/other/test.h5")
    config = overlay(scale="custom", farrens2022={"samples": samples})
    snakemake("--cores", 2, *files, "--configfile", config, directory=tmp_path)
    tables = [read_sample_table(tmp_path / file) for file in files]
    train, same, other_catalog = (set(t["galaxy_1"]) | set(t["galaxy_2"]) - {""} for t in tables)
    assert train.isdisjoint(same)
    assert len(same) < 40  # the test share of 100 galaxies
    assert len(other_catalog) < 40


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


def served_segmaps(stamps):
    """Segmentation maps like those of the archive, with any labels."""
    maps = []
    for image in stamps.images[:, 0]:
        _, segmap = detect(
            image,
            Detection(threshold=2.0, min_area=12, contrast=0.05, n_thresholds=32),
            background_rms(image),
        )
        maps.append(np.where(segmap > 0, 7 * segmap.astype(np.int32), 0))
    return np.array(maps)


def own_data_set(**changes):
    return {
        "source": "files",
        "images": "mine.npz",
        "catalog": "mine.csv",
        "columns": {"id": "ID", "mag": "mag", "half_light_radius": "radius"},
        "radius_unit": "pix",
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
    """Configuration of the very small run on a data set."""
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


def test_a_wrong_column_is_reported(mine, overlay):
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
    np.save(served / "candels_seg.npy", served_segmaps(stamps))
    table(stamps).to_csv(served / "candels_cat.csv", index=False)
    with tarfile.open(served / "data.tar.gz", "w:gz") as tar:
        for name in ("candels_img.npy", "candels_seg.npy", "candels_cat.csv"):
            tar.add(served / name, arcname=f"data/{name}")
    digest = hashlib.sha256((served / "data.tar.gz").read_bytes()).hexdigest()

    with serving(served) as server:
        path = project / "config/datasets.yaml"
        archives = yaml.safe_load(path.read_text())
        entry = archives["boucaud2020_candels"]
        entry["url"] = f"{server.url}/data.tar.gz"
        entry["checksum"] = "sha256:" + "0" * 64
        # The real one has other facts, which are checked too.
        for fact in ("n_bytes", "about_bytes", "n_rows"):
            entry.pop(fact, None)
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
    catalog = pd.read_csv(tmp_path / "results/boucaud2020/output_catalog.csv")
    assert set(catalog["g1_type"]) <= {"sph", "disk", "sphd", "irr"}
    assert len(catalog) == 40
    # The networks are trained with the masks of the archive.
    kept = read_stamps(tmp_path / "results/datasets/candels/stamps.h5")
    served = dict(zip(stamps.galaxies["id"], served_segmaps(stamps), strict=True))
    assert len(kept) > 20
    for name, mask in zip(kept.galaxies["id"], kept.segmaps, strict=True):
        np.testing.assert_array_equal(mask > 0, served[name] == served[name][32, 32])


@pytest.fixture
def serve(tmp_path):
    """Folder that a server on this machine serves, and the address of the server."""
    folder = tmp_path / "served"
    folder.mkdir()

    with serving(folder) as server:
        yield folder, server.url


def mosaic_of(stamps, rows, folder, name):
    """Write a mosaic of 5 x 5 stamps, its catalogue, and a table of class probabilities."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = (
        ["RA---TAN", "DEC--TAN"],
        [53.1, -27.8],
        [160, 160],
    )
    wcs.wcs.cdelt = [-0.06 / 3600, 0.06 / 3600]
    images = stamps.images[rows, 0].reshape(5, 5, 64, 64)
    fits.PrimaryHDU(np.block([list(row) for row in images]), wcs.to_header()).writeto(
        folder / f"{name}.fits"
    )
    y, x = np.indices((5, 5)).reshape(2, 25) * 64 + 32
    ra, dec = wcs.pixel_to_world_values(x, y)
    galaxies = table(stamps.take(rows)).assign(ra=ra, dec=dec)
    galaxies.to_csv(folder / f"{name}.csv", index=False)
    classes = galaxies["galtype"]
    for column, kinds in {"s": ("sph", "sphd"), "d": ("disk", "sphd"), "i": ("irr",)}.items():
        galaxies[column] = np.where(classes.isin(kinds), 0.9, 0.1)
    galaxies[["ra", "dec", "s", "d", "i"]].to_csv(folder / f"{name}_morphology.csv", index=False)


def test_mosaics_of_two_fields_to_table_1_and_figure_1(tmp_path, serve, stamps, overlay):
    """The mosaic of one field is downloaded, that of the other is a local file."""
    served, address = serve
    mosaic_of(stamps, np.arange(25), tmp_path, "north")
    mosaic_of(stamps, np.arange(25, 50), tmp_path, "south")
    (tmp_path / "south.fits").rename(served / "south.fits")
    entry = own_data_set(source="mosaics", match_radius_arcsec=0.5)
    for key in ("images", "catalog", "columns", "radius_unit"):
        del entry[key]
    names = {"id": "ID", "mag": "mag", "half_light_radius": "radius", "ra": "ra", "dec": "dec"}
    probabilities = {"ra": "ra", "dec": "dec", "p_sph": "s", "p_disk": "d", "p_irr": "i"}
    entry["fields"] = [
        {
            "name": name,
            "mosaic": mosaic,
            "catalog": f"{name}.csv",
            "columns": names,
            "radius_unit": "pix",
            "morphology": f"{name}_morphology.csv",
            "morphology_columns": probabilities,
        }
        for name, mosaic in (("north", "north.fits"), ("south", f"{address}/south.fits"))
    ]
    targets = ("results/tables/table1.csv", "results/figures/fig1.pdf")
    config = overlay(**on("survey", entry))
    snakemake("--cores", 2, *targets, "--configfile", config, directory=tmp_path)
    counts = pd.read_csv(tmp_path / "results/tables/table1.csv").set_index("morphology")
    expected = stamps.galaxies["morphology"][:50].value_counts()
    assert counts.loc["total", "before"] <= expected.sum()
    for name in ("sph", "disk", "sphd", "irr"):
        assert 0 < counts.loc[name, "after"] <= counts.loc[name, "before"] <= expected[name]
    ids = pd.read_csv(tmp_path / "results/datasets/survey/excluded.csv")["id"]
    assert set(ids.str.split("-").str[0]) <= {"north", "south"}
    log = next((tmp_path / "results/logs/download").glob("*south.fits.log")).read_text()
    assert "its own is sha256:" in log


def test_a_table_at_vizier_is_fetched_by_a_rule(tmp_path, overlay):
    example = yaml.safe_load((ROOT / "config/examples/mosaics.yaml").read_text())
    for entry in example["datasets"]["candels_mosaics"]["fields"]:
        entry["catalog"] = "vizier:J/MNRAS/478/5410/table1"
        entry["morphology"] = None
    target = "results/mosaics/datasets/candels_mosaics/stamps.h5"
    result = snakemake("-n", target, "--configfile", overlay(**example), directory=tmp_path)
    rules = {"download_mosaic", "fetch_vizier", "ingest_mosaic"}
    rules |= {"boucaud2020_clean", "boucaud2020_assemble_dataset"}
    assert planned(result.text) == rules
    assert "resources/vizier/J/MNRAS/478/5410/table1.ecsv" in result.text


def test_the_mosaics_example_needs_nothing_but_downloads(tmp_path):
    path = ROOT / "config/examples/mosaics.yaml"
    target = "results/mosaics/datasets/candels_mosaics/stamps.h5"
    result = snakemake("-n", target, "--configfile", path, directory=tmp_path)
    rules = {"download_mosaic", "download_archive", "unpack_table", "ingest_mosaic"}
    rules |= {"boucaud2020_clean", "boucaud2020_assemble_dataset"}
    assert planned(result.text) == rules


def test_an_archive_that_was_copied_is_compared_with_its_entry(tmp_path, project, overlay):
    """The table of downloads has no line for it."""
    archive = tmp_path / "resources/boucaud2020_candels/archive.tar.gz"
    archive.parent.mkdir(parents=True)
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "a.csv", "a.csv")
    path = project / "config/datasets.yaml"
    entries = yaml.safe_load(path.read_text())
    right = f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
    target = "resources/boucaud2020_candels/tables/a.csv"
    for checksum in ("sha256:" + "0" * 64, right):
        entries["boucaud2020_candels"]["checksum"] = checksum
        path.write_text(yaml.safe_dump(entries))
        made = snakemake("--cores", 1, target, directory=tmp_path, project=project, check=False)
        assert (made.returncode == 0) == (checksum == right), made.text
        if checksum != right:
            assert "archive.tar.gz is not the file of its entry" in made.text
            assert not (tmp_path / target).exists()
    assert (tmp_path / target).read_text() == "a,b\n1,2\n"


def test_a_changed_byte_of_an_unpacked_catalogue_is_noticed(tmp_path, project):
    """With the old time; what it was unpacked from is as it was."""
    name = "real_galaxy_catalog_25.2.fits"
    fits.table_to_hdu(Table({"IDENT": [1, 2]})).writeto(tmp_path / name)
    archive = tmp_path / "resources/cosmos_training_sample/archive.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / name, f"sample/{name}")
    path = project / "config/datasets.yaml"
    entries = yaml.safe_load(path.read_text())
    entries["cosmos_training_sample"]["checksum"] = "unknown"
    path.write_text(yaml.safe_dump(entries))
    folder = archive.parent / "catalog"
    made = {"directory": tmp_path, "project": project}
    snakemake("--cores", 1, f"resources/{folder.parent.name}/catalog", **made)
    table = folder / name
    about, content = table.stat(), bytearray(table.read_bytes())
    content[-2880] ^= 1
    table.write_bytes(content)
    os.utime(table, ns=(about.st_atime_ns, about.st_mtime_ns))
    stamps = "results/farrens2022/parametric/test.h5"
    text = snakemake("--cores", 1, stamps, check=False, **made).text
    assert f"catalog/{name} has other bytes than when it was made: delete resources/" in text
    assert planned(text) == {"farrens2022_draw_stamps"}


SECRET = "PLANTED"


def holding_secret(folder, *, but=()):
    """Files of a folder that have the secret in their name or content, but for some."""
    files = [path for path in folder.rglob("*") if path.is_file() and path not in but]
    return [path for path in files if SECRET in path.name or SECRET.encode() in path.read_bytes()]


def test_passwords_and_signatures_are_recorded_nowhere(tmp_path, project, serve, overlay):
    """Those of an archive, a mosaic and a table; a change of them asks for another download."""
    served, address = serve
    contents = {
        "field.fits": b"SIMPLE  = field",
        "data.tar.gz": gzip.compress(b"data"),
        "catalogue.csv": b"a,b",
    }
    for name, content in contents.items():
        (served / name).write_bytes(content)
    path = project / "config/datasets.yaml"
    archives = yaml.safe_load(path.read_text())
    whole = f"{address.replace('//', f'//me:{SECRET}@')}/data.tar.gz?key={SECRET}"
    archives["boucaud2020_candels"] |= {"url": whole, "checksum": "unknown"}
    for fact in ("n_bytes", "about_bytes", "n_rows"):
        archives["boucaud2020_candels"].pop(fact, None)
    path.write_text(yaml.safe_dump(archives))
    example = yaml.safe_load((ROOT / "config/examples/mosaics.yaml").read_text())
    mosaic = f"{address}/field.fits?key={SECRET}"
    for entry in example["datasets"]["candels_mosaics"]["fields"]:
        entry["mosaic"] = mosaic
    example["boucaud2020"]["published_catalogue"] = f"{address}/catalogue.csv?key={SECRET}"
    config = overlay(**example)
    targets = (
        f"resources/mosaics/{hashlib.sha256(mosaic.encode()).hexdigest()[:8]}_field.fits",
        "resources/boucaud2020_candels/archive.tar.gz",
        "resources/boucaud2020_published/output_catalog.csv",
    )
    arguments = ("--cores", 2, *targets, "--configfile", config)
    made = snakemake(*arguments, directory=tmp_path, project=project)
    assert [(tmp_path / target).read_bytes() for target in targets] == [*contents.values()]
    path.write_text(path.read_text().replace("data.tar.gz?key=", "data.tar.gz?new="))
    changed = snakemake("-n", *arguments, directory=tmp_path, project=project)
    assert planned(changed.text) == {"download_archive"}
    assert "Params have changed" in changed.text
    assert SECRET not in made.text + changed.text
    assert (tmp_path / ".snakemake/metadata").is_dir()
    assert holding_secret(tmp_path, but=(config, path)) == []


class Waiting(Handler):
    """Has no file whose name begins with "lost"; sends no other one before the gate is open."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path.startswith("/lost"):
            self.send_error(404)
        else:
            self.server.gate.wait(120)


def test_a_run_that_fails_or_is_killed_leaves_no_secrets(tmp_path, overlay):
    """Nor does one that is at work have any, in the scripts of its jobs for example."""
    target = "resources/boucaud2020_published/output_catalog.csv"
    gate = threading.Event()
    with running(Waiting, asked=[], gate=gate) as server:

        def arguments(name):
            config = overlay(
                boucaud2020={"published_catalogue": f"{server.url}/{name}?key={SECRET}"}
            )
            return ("--cores", 1, target, "--configfile", config)

        failed = snakemake(*arguments("lost.csv"), directory=tmp_path, check=False)
        assert "cannot download" in failed.text
        assert SECRET not in failed.text
        assert holding_secret(tmp_path, but=[tmp_path / "overlay.yaml"]) == []
        command = command_of(arguments("kept.csv"), tmp_path, ROOT)
        with (tmp_path / "output.txt").open("w") as output:
            run = subprocess.Popen(command, stdout=output, stderr=output, cwd=tmp_path)
        deadline = time.monotonic() + 120
        while not server.asked[1:] and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        at_work = holding_secret(tmp_path, but=[tmp_path / "overlay.yaml"])
        children = psutil.Process(run.pid).children(recursive=True)
        for process in (run, *children):
            process.kill()
        run.wait()
        gate.set()
        assert server.asked[1:]
        # The script of the job is left: Snakemake had no time to remove it.
        assert list((tmp_path / ".snakemake/scripts").iterdir())
        assert at_work == []
        assert holding_secret(tmp_path, but=[tmp_path / "overlay.yaml"]) == []


def test_no_params_have_the_secret_of_an_address(overlay):
    """Nor have inputs, and what the record of the run is made from."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    entry = config["hemmati2022"]["cutouts"]["goods_south"]
    entry["redshift_catalog"] += f"?key={SECRET}"
    for band in entry["bands"]:
        band["mosaic"] += f"?key={SECRET}"
        band["weight"] = band["mosaic"].replace("sci", "wht")
    cutouts = {"goods_south": entry}
    path = overlay(papers=["hemmati2022"], hemmati2022={"cutouts": cutouts})
    workflow = declared(path)
    jobs = workflow["jobs"]
    assert jobs["hemmati2022_cutouts_archive"][0]["input"]["weights"]
    assert jobs["report_summary"][0]["params"]["config"]["hemmati2022"]["cutouts"]
    assert SECRET in path.read_text()
    assert SECRET not in json.dumps(workflow)


def test_archives_are_asked_for_their_files(tmp_path, project, serve):
    """All addresses of the project are on the server here, which lacks one of the files."""
    served, address = serve
    names = set()
    for name in ("datasets.yaml", "weights.yaml", "config.yaml"):
        path = project / "config" / name
        text = re.sub(
            r"https://\S+/([\w.-]+\.(csv|fits|h5|tar))\b", rf"{address}/\1", path.read_text()
        )
        names |= set(re.findall(rf"{address}/(\S+?\.(?:csv|fits|h5|tar))\b", text))
        text = re.sub(rf"({address}/[\w.-]+)", rf"'\1?key={SECRET}'", text)
        path.write_text(text.replace("vizier:J/ApJS/207/24", "catalog.ecsv"))
    for file in ("datasets.yaml", "weights.yaml"):
        path = project / "config" / file
        entries = yaml.safe_load(path.read_text())
        entries = {k: e for k, e in entries.items() if not {"vizier", "requirement"} & e.keys()}
        for entry in entries.values():
            for key in ("n_bytes", "about_bytes"):
                entry[key] = "unknown"
            if "doi" in entry:
                entry |= {"url": f"{address}/{entry['filename']}", "checksum": "unknown"}
                names.add(entry["filename"])
        path.write_text(yaml.safe_dump(entries))
    for name in names:
        (served / name).write_bytes(b"content")
    env = {"HOME": str(tmp_path), "KAGGLE_USERNAME": "", "KAGGLE_KEY": ""}
    arguments = ("--cores", 1, "check_archives")
    there = snakemake(*arguments, directory=tmp_path, project=project, env=env)
    assert f"{len(names)} there" in there.text
    (served / "psf_b.fits").unlink()
    lacking = snakemake(*arguments, directory=tmp_path, project=project, env=env, check=False)
    assert lacking.returncode == 1
    assert "hst_psf_f435w psf_b.fits (not there). Correct the address" in lacking.text
    table = pd.read_csv(tmp_path / "results/tables/archives.csv").set_index("archive")
    assert table["status"].value_counts().to_dict() == {
        "there": len(names) - 1,
        "not asked": 2,
        "not there": 1,
    }
    assert not list(tmp_path.glob("resources/*"))
    assert SECRET not in there.text + lacking.text
    assert holding_secret(tmp_path, but=[*project.glob("config/*.yaml")]) == []


@pytest.mark.parametrize("name", ["uds", "cosmos", "hst_f125w"])
def test_a_network_of_simulated_galaxies_is_tested_on_real_ones_without_training(tmp_path, name):
    """Nothing but the copied network and its galaxies is there, as the example says."""
    example = ROOT / "config/examples/real_galaxies.yaml"
    entry = yaml.safe_load(example.read_text())["datasets"][name]
    results = "results/real"
    names = ("stamps.h5", "galaxies.ecsv", "blends_validation.ecsv")
    made = [f"datasets/simulated/{file}" for file in names]
    names = ("network.weights.h5", "network.json", "history.csv")
    made += [f"networks/blend2flux/{file}" for file in names]
    inputs = [entry[k] for k in ("images", "catalog", "fits_catalog", "psf") if entry.get(k)]
    copies = [tmp_path / results / file for file in made]
    for path in (*(tmp_path / file for file in inputs), *copies):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    # As they are copied, outputs may be older than their inputs and than the project's files.
    for age, path in enumerate(copies):
        os.utime(path, (1e9 - age, 1e9 - age))
    subprocess.run(["touch", "-d", "now", *copies], check=True)
    target = f"{results}/boucaud2020/blend2flux/{name}/fig5.pdf"
    overlays = ("--configfile", ROOT / "config/small.yaml", example)
    rules = planned(snakemake("-n", target, *overlays, directory=tmp_path).text)
    assert {"boucaud2020_predict", "boucaud2020_sep"} <= rules
    assert not rules & {"boucaud2020_train", "boucaud2020_simulate"}


@pytest.mark.full
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
