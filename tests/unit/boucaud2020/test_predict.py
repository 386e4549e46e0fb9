"""Fluxes and masks from networks, and the networks' files."""

import numpy as np
import pytest

from tests.conftest import make_stamps

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.boucaud2020.figures.fig10_12_masks import read_examples
from deblend.boucaud2020.networks import build
from deblend.boucaud2020.predict import (
    load_network,
    predict_fluxes,
    predict_masks,
    refuse_training_galaxies,
    save_network,
    write_masks,
)
from deblend.boucaud2020.render import render
from deblend.errors import DeblendError

FLUXES = {"filters": 4, "dense_units": 16, "asinh_softening": 0.02, "flux_scale": 50.0}
MASKS = {"filters": 4, "depth": 3, "dropout": 0.2, "asinh_softening": 0.02}


def draw(stamps, n):
    """Blends of the first 16 galaxies."""
    config = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False)
    return draw_blends(
        stamps.galaxies, np.arange(16), 0, n, stamp_size=64, seed=5, split="train", config=config
    )


def test_fluxes_are_at_the_networks_zero_point(stamps, tmp_path):
    model = build("blend2flux", 64, FLUXES)
    record = {
        "architecture": "blend2flux",
        "stamp_size": 64,
        "pixel_scale_arcsec": 0.06,
        "zero_point": 25.96,
        "options": FLUXES,
    }
    files = tmp_path / "n.weights.h5", tmp_path / "n.json"
    save_network(*files, model, record)
    loaded, about = load_network(*files)
    blends = draw(stamps, 10)
    call = {"method": "net", "companion_edge": "zero"}
    first = predict_fluxes(model, record, stamps, blends, **call)
    again = predict_fluxes(loaded, about, stamps, blends, **call, batch_size=3)
    np.testing.assert_allclose(first["flux"], again["flux"], rtol=1e-4, atol=1e-4)
    # The same sky in other units: ten times the counts, a zero point 2.5 mag fainter.
    scaled = stamps.take(slice(None))
    scaled.images = stamps.images * 10
    scaled.bands = stamps.bands.assign(zero_point=25.96 + 2.5)
    other = predict_fluxes(model, record, scaled, blends, **call)
    np.testing.assert_allclose(first["flux"], other["flux"], rtol=1e-4, atol=1e-4)
    assert (other["zero_point"] == 25.96).all()


def test_masks_are_scored_and_shown(stamps):
    model = build("unet", 64, MASKS)
    record = {
        "architecture": "unet",
        "stamp_size": 64,
        "pixel_scale_arcsec": 0.06,
        "zero_point": 25.96,
    }
    blends = draw(stamps, 20)
    call = {"method": "net", "companion_edge": "zero"}
    table, examples = predict_masks(model, record, stamps, blends, **call, batch_size=7)
    assert len(table) == 40
    assert examples["image"].shape == (4, 64, 64)
    first = examples["blend"][0]
    rows = table[table["blend"] == first]
    areas = (examples["predicted"][0] >= 0.5).sum(axis=(0, 1))
    assert rows["area_predicted_px"].tolist() == areas.tolist()
    distance = np.hypot(blends["dx"], blends["dy"])
    assert distance[examples["blend"]].is_monotonic_increasing
    with pytest.raises(DeblendError, match="net is a unet: it has no fluxes"):
        predict_fluxes(model, record, stamps, blends, **call)


def test_the_edge_has_the_noise_of_the_stamps(stamps):
    """In the units of the network: ten times the counts of the data set."""
    record = {"architecture": "unet", "stamp_size": 64, "pixel_scale_arcsec": 0.06}
    record["zero_point"] = 25.96 + 2.5
    stamps = stamps.take(slice(None))
    stamps.noise_correlation = np.array([[[0, 0, 0], [0.4, 1, 0.4], [0, 0, 0]]])
    blends = draw(stamps, 20)
    call = {"method": "net", "companion_edge": "noise"}
    _, examples = predict_masks(build("unet", 64, MASKS), record, stamps, blends, **call)
    noise = {"noise_sigma": 0.065, "noise_correlation": stamps.noise_correlation[0]}
    shown = blends.iloc[examples["blend"]]
    expected = render(10 * stamps.images[:, 0], shown, companion_edge="noise", **noise)
    np.testing.assert_allclose(examples["image"], expected, rtol=1e-4, atol=1e-5)


def test_a_data_set_of_another_size_or_scale_is_refused():
    model = build("blend2flux", 64, FLUXES)
    record = {"stamp_size": 64, "pixel_scale_arcsec": 0.06, "zero_point": 25.96}
    small = make_stamps(np.zeros((4, 32, 32)))
    with pytest.raises(DeblendError, match="stamps of 64 px, the data set has 32 px"):
        predict_fluxes(model, record, small, None, method="net", companion_edge="zero")
    coarse = make_stamps(np.zeros((4, 64, 64)))
    coarse.bands = coarse.bands.assign(pixel_scale_arcsec=0.2)
    with pytest.raises(DeblendError, match=r"0.06 arcsec a pixel, the data set has 0.2"):
        predict_fluxes(model, record, coarse, None, method="net", companion_edge="zero")


def test_galaxies_that_a_network_has_seen_are_refused(stamps):
    trained_on = stamps.galaxies.assign(split="train")
    blends = draw(stamps, 10)
    with pytest.raises(DeblendError, match=r"galaxies in these test blends .* training of net"):
        refuse_training_galaxies("net", trained_on, stamps.galaxies, blends)
    refuse_training_galaxies("net", trained_on.assign(split="test"), stamps.galaxies, blends)
    # The same ids in an unrelated catalogue are other galaxies.
    refuse_training_galaxies("net", trained_on.assign(origin="other"), stamps.galaxies, blends)


def test_masks_are_read_as_they_were_written(stamps, tmp_path):
    record = {"architecture": "unet", "stamp_size": 64}
    record |= {"pixel_scale_arcsec": 0.06, "zero_point": 25.96}
    model = build("unet", 64, MASKS)
    call = {"method": "net", "companion_edge": "zero"}
    _, examples = predict_masks(model, record, stamps, draw(stamps, 6), **call)
    write_masks(tmp_path / "masks.h5", examples)
    again = read_examples(tmp_path / "masks.h5")
    assert again.keys() == examples.keys()
    for name, values in examples.items():
        np.testing.assert_array_equal(again[name], values)


def test_a_network_without_masks_is_named(stamps):
    record = {"architecture": "blend2flux", "stamp_size": 64}
    record |= {"pixel_scale_arcsec": 0.06, "zero_point": 25.96}
    with pytest.raises(DeblendError, match="the network net is a blend2flux: it has no masks"):
        predict_masks(None, record, stamps, draw(stamps, 6), method="net", companion_edge="zero")


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_refused(tmp_path):
    files = tmp_path / "n.weights.h5", tmp_path / "n.json"
    record = {"architecture": "blend2flux", "stamp_size": 64, "options": FLUXES | {"filters": 8}}
    save_network(*files, build("blend2flux", 64, FLUXES), record)
    message = r"n\.weights\.h5 does not hold the weights that .*n\.json describes"
    with pytest.raises(DeblendError, match=f"{message}.*: delete both and train again"):
        load_network(*files)
    files[0].write_bytes(files[0].read_bytes()[:500])
    with pytest.raises(DeblendError, match=f"{message}"):
        load_network(*files)
