import json
from dataclasses import replace

import numpy as np
import pytest
from deblend.training import keras_backend

keras_backend.configure("tensorflow", 1, 0)

from deblend.boucaud2020.networks import build
from deblend.boucaud2020.predict import save_network
from deblend.errors import DeblendError
from deblend.scenes.flags import bit
from deblend.scenes.keras_networks import measure, measure_with_masks
from deblend.scenes.weights import read_network

from tests.unit.scenes.conftest import two_galaxies

FLUXES = {"filters": 2, "dense_units": 4, "asinh_softening": 0.02, "output": "linear"}
UNET = {"filters": 2, "depth": 2, "dropout": 0.2, "asinh_softening": 0.02}
#: What the network says of every central galaxy and companion, counts/s at its zero point.
SAYS = (100.0, 20.0)


def network_in(folder, architecture="blend2flux", **changes):
    options = FLUXES | ({"unet_options": UNET} if architecture == "blend2mask2flux" else {})
    model = build(architecture, 48, options)
    if architecture == "blend2flux":
        last = model.get_layer("output")
        last.set_weights([np.zeros_like(last.get_weights()[0]), np.array(SAYS)])
    record = {
        **{"architecture": architecture, "stamp_size": 48, "options": options, "band": "f160w"},
        **{"pixel_scale_arcsec": 0.06, "zero_point": 25.0, "psf_fwhm_arcsec": 0.17},
        **{"mag_range": [18.0, 23.0], "radius_range_arcsec": [0.1, 0.6], "commit": "abc"},
        **changes,
    }
    save_network(folder / "network.weights.h5", folder / "network.json", model, record)
    return read_network(folder / "network.json", architecture)


def test_each_pair_gets_the_fluxes_of_the_network(tmp_path, placed):
    network = network_in(tmp_path)
    table = measure(placed, network=network)
    assert table["role"].tolist() == ["central", "companion"] * len(placed)
    # From the zero point of the training to that of the scenes.
    np.testing.assert_allclose(
        table["flux"].to_numpy().reshape(-1, 2),
        np.tile(SAYS, (6, 1)) * 10 ** (0.4 * 0.96),
        rtol=1e-4,
    )
    assert (table["flags"] & (bit("single") | bit("crowded") | bit("resampled"))).sum() == 0
    assert network.provenance()["commit"] == "abc"


def test_what_differs_from_the_training_is_refused_or_flagged(tmp_path, placed):
    with pytest.raises(DeblendError, match="was trained at 0.4"):
        measure(placed, network=network_in(tmp_path, pixel_scale_arcsec=0.4))
    with pytest.raises(DeblendError, match="train a network on galaxies with the PSF"):
        measure(placed, network=network_in(tmp_path, psf_fwhm_arcsec=0.1))
    with pytest.raises(DeblendError, match="f160w and not f814w"):
        measure(placed, network=network_in(tmp_path, band="f814w"))
    alone = placed.with_positions([p[:1] for p in placed.positions])
    table = measure(alone, network=network_in(tmp_path))
    assert ((table["flags"] & bit("single")) > 0).all()
    assert len(table) == len(placed)


def test_a_faint_galaxy_is_flagged_although_the_network_says_it_is_bright(tmp_path):
    faint = two_galaxies(n=2, mags=(22.0, 24.5))
    from deblend.scenes.scenes import position_lists

    table = measure(faint, positions=position_lists(faint.truth, 2), network=network_in(tmp_path))
    assert (table["flags"] & bit("magnitude") > 0).tolist() == [False, True] * 2


def test_finer_images_are_resampled_and_that_is_said(tmp_path):
    fine = two_galaxies(n=2, side=128, scale=0.03)
    table, _, note = measure_with_masks(fine, network=network_in(tmp_path))
    assert "resampled from 0.03 to 0.06" in note
    assert ((table["flags"] & bit("resampled")) > 0).all()


def test_masks_are_of_both_galaxies(tmp_path, placed):
    network = network_in(tmp_path, "blend2mask2flux")
    table, masks, _ = measure_with_masks(placed, network=network)
    assert len(masks) == len(table) == 2 * len(placed)
    assert masks[0].probability.shape == (48, 48)
    assert table["mask_area_px"].notna().all()


def test_a_band_less_network_takes_the_detection_band(tmp_path, placed):
    network = network_in(tmp_path)
    record = json.loads(network.description.read_text())
    del record["band"]
    network.description.write_text(json.dumps(record))
    again = read_network(network.description, "net")
    note = measure_with_masks(replace(placed, bands=("h",)), network=again)[2]
    assert "the band of the training is unknown: h was taken" in note


def test_the_probability_of_a_blend_stands_beside_both_galaxies(tmp_path, placed):
    from deblend.farrens2022.networks import small_network

    small_network(59).save_weights(tmp_path / "network.weights.h5")
    record = {
        **{"stamp_size": 45, "padding_px": 7, "pixel_scale_arcsec": 0.06, "noise_sigma": 0.02},
        **{"ablation": {"features": "scratch", "scaling": "asinh"}},
    }
    (tmp_path / "network.json").write_text(json.dumps(record))
    network = read_network(tmp_path / "network.json", "sigma5_0")
    assert network.kind == "farrens2022"
    table = measure(placed, network=network)
    probability = table["p_blend"].to_numpy().reshape(-1, 2)
    assert len(table) == 2 * len(placed)
    assert (probability[:, 0] == probability[:, 1]).all()
    assert ((probability > 0) & (probability < 1)).all()
    assert ((table["flags"] & bit("range_unknown")) > 0).all()
    assert table["flux"].isna().all()
