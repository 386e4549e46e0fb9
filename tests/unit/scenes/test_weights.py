import json

import pytest
from deblend.errors import DeblendError
from deblend.scenes.weights import check_description, find_networks, missing_bands


def put(folder, record, weights="network.weights.h5"):
    folder.mkdir(parents=True)
    (folder / "network.json").write_text(json.dumps(record))
    if weights:
        (folder / weights).touch()


def test_networks_are_found_at_any_depth(tmp_path):
    put(tmp_path / "blend2flux", {"architecture": "blend2flux"})
    put(tmp_path / "blendhunter/sigma5_0", {"padding_px": 7, "stamp_size": 51}, "head.weights.h5")
    put(tmp_path / "sr", {"kind": "super_resolution"}, "network.h5")
    put(tmp_path / "deblender_gan", {"loss": "gan"}, "network.h5")
    (tmp_path / "vgg16.h5").touch()
    found = {network.name: network for network in find_networks(tmp_path)}
    assert {name: network.kind for name, network in found.items()} == {
        "blend2flux": "boucaud2020",
        "blendhunter_sigma5_0": "farrens2022",
        "sr": "hemmati2022",
    }
    assert found["blendhunter_sigma5_0"].vgg == tmp_path / "vgg16.h5"


def test_an_incomplete_folder_is_refused(tmp_path):
    with pytest.raises(DeblendError, match="there is no network.json"):
        find_networks(tmp_path)
    put(tmp_path / "blend2flux", {"architecture": "blend2flux"}, None)
    with pytest.raises(DeblendError, match="copy the weights too"):
        find_networks(tmp_path)
    (tmp_path / "blend2flux/network.json").write_text("{")
    with pytest.raises(DeblendError, match="cannot be read as JSON"):
        find_networks(tmp_path)


def test_bands_that_are_missing(tmp_path):
    put(tmp_path / "blend2flux", {"architecture": "blend2flux", "band": "f160w"})
    put(tmp_path / "head", {"padding_px": 7, "stamp_size": 51}, "head.weights.h5")
    put(tmp_path / "sr", {"kind": "super_resolution", "bands": ["f775w", "f160w"]}, "network.h5")
    found = {n.name: missing_bands(n, ("f160w",)) for n in find_networks(tmp_path)}
    assert found == {"blend2flux": [], "head": [], "sr": ["f775w"]}


def test_a_description_without_what_is_needed_is_an_error_in_words(tmp_path):
    put(tmp_path / "blend2flux", {"architecture": "blend2flux", "stamp_size": 64})
    (network,) = find_networks(tmp_path)
    with pytest.raises(DeblendError, match="network.json lacks pixel_scale_arcsec, zero_point"):
        check_description(network)
