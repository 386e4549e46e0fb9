"""The user's own images of blends, from the files to the catalogue."""

import json

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from deblend.scenes.flags import FLAGS

from tests.run import snakemake
from tests.unit.scenes.conftest import psf_image, two_galaxies
from tests.workflow.conftest import TINY


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A catalogue with a network that the workflow trains, and injected galaxies."""
    path = tmp_path_factory.mktemp("scenes")
    for name, mags in (("bright", (20.5, 21.3)), ("faint", (22.0, 25.3))):
        scenes = two_galaxies(n=4, side=72, mags=mags)
        np.save(path / f"{name}.npy", scenes.images[:, 0])
        scenes.truth.to_csv(path / f"{name}.csv", index=False)
    fits.PrimaryHDU(psf_image()).writeto(path / "psf.fits")
    (path / "config.yaml").write_text(
        json.dumps(config("bright", networks=["blend2flux"], inject=12))
    )
    run(path)
    return path


def config(images, **changes):
    entry = {
        "images": f"{images}.npy",
        "positions": f"{images}.csv",
        "columns": {"x": "x_px", "y": "y_px"},
        "pixel_scale_arcsec": 0.06,
        "bands": [{"name": "f160w", "zero_point": 25.96, "psf": "psf.fits"}],
        **changes,
    }
    return {**TINY, "scenes": {"mine": entry}}


def run(folder, check=True):
    return snakemake(
        "scenes", "--cores", 2, "--configfile", "config.yaml", directory=folder, check=check
    )


def test_the_fit_is_unbiased_on_injected_galaxies(folder):
    table = pd.read_csv(folder / "results/scenes/mine/injections.csv")
    table = table[table["selection"] == "both_found"].set_index("method")
    assert set(table.index) == {"sep_iso", "sep_auto", "forced_fit", "blend2flux"}
    fit, sep = table.loc["forced_fit"], table.loc["sep_auto"]
    assert fit["n_injected"] == 24
    assert fit["share_measured"] > 0.9
    assert abs(fit["bias_mag"]) < 3 * fit["bias_error_mag"] + 0.02
    # Kron apertures of blended galaxies lose or share light.
    assert abs(sep["bias_mag"]) < 3 * sep["bias_error_mag"] + 0.15


def test_the_catalogue_says_what_was_done(folder):
    catalogue = Table.read(folder / "results/scenes/mine/catalogue.ecsv")
    assert len(catalogue) == 8
    assert np.abs(catalogue["mag_forced_fit"] - np.tile([20.5, 21.3], 4)).max() < 0.1
    assert catalogue.meta["networks"]["blend2flux"]["dataset"] == "simulated"
    assert "commit" in catalogue.meta["networks"]["blend2flux"]
    assert {row["method"] for row in catalogue.meta["injected"]} >= {"forced_fit", "blend2flux"}
    for name in ("scenes.pdf", "injections.pdf", "measurements.ecsv", "masks.h5"):
        assert (folder / "results/scenes/mine" / name).is_file()


def test_a_faint_galaxy_is_flagged_with_a_folder_of_weights(folder):
    changed = config("faint", weights="results/networks", networks=[])
    (folder / "config.yaml").write_text(json.dumps(changed))
    run(folder)
    catalogue = Table.read(folder / "results/scenes/mine/catalogue.ecsv")
    flags = np.asarray(catalogue["flags_blend2flux"])
    assert ((flags[1::2] & FLAGS["magnitude"][0]) > 0).all()
    assert np.isfinite(catalogue["mag_blend2flux"]).all()


def test_a_wrong_pixel_scale_is_refused_in_one_line(folder):
    """As a wrong PSF is, see the tests of deblend.scenes.networks."""
    changed = config("bright", weights="results/networks", pixel_scale_arcsec=0.3)
    message = "pixel_scale_arcsec is 0.3, and blend2flux was trained at"
    (folder / "config.yaml").write_text(json.dumps(changed))
    result = run(folder, check=False)
    assert result.returncode
    lines = [line for line in result.text.splitlines() if message in line]
    assert len(lines) == 1
    assert "Traceback" not in result.text
