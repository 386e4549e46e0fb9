import json

import pytest
from deblend.benchmark.given import given_networks
from deblend.errors import DeblendError

POSTERIOR = {"blocks": 2, "shares": [0.1, 0.8, 0.1], "n_profiles": 9, "stamp_size": 64}
FLUX = {"architecture": "blend2flux", "stamp_size": 64, "blending": {"companion_edge": "noise"}}


BLENDS = {"companion_edge": "noise", "stamp_size": 64}


def put(folder, record, weights="network.h5"):
    folder.mkdir(parents=True)
    (folder / "network.json").write_text(json.dumps(record))
    if weights:
        (folder / weights).touch()


def test_the_first_folder_that_has_a_network_counts(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    put(one / "blend2posterior", POSTERIOR)
    put(two / "blend2posterior", POSTERIOR)
    put(two / "flux", FLUX, "network.weights.h5")
    found = given_networks([str(one), str(two)], ["blend2posterior", "flux", "sr"], **BLENDS)
    assert found == {"blend2posterior": f"{one}/blend2posterior", "flux": f"{two}/flux"}
    assert given_networks([], ["flux"], **BLENDS) == {}


def test_what_is_no_folder_or_has_no_weights_is_an_error(tmp_path):
    with pytest.raises(DeblendError, match="none', which is no folder: give folders such as"):
        given_networks([str(tmp_path), str(tmp_path / "none")], [], **BLENDS)
    put(tmp_path / "flux", FLUX, "network.h5")
    with pytest.raises(DeblendError, match=r"without weights \(network\.weights\.h5\): add them"):
        given_networks([str(tmp_path)], ["flux"], **BLENDS)
    put(tmp_path / "other", {"kind": "vanilla"})
    with pytest.raises(DeblendError, match="of no known kind"):
        given_networks([str(tmp_path)], ["other"], **BLENDS)


@pytest.mark.parametrize(
    ("record", "size", "edge", "wrong"),
    [
        (FLUX, 64, "noise", None),
        (FLUX, 64, "zero", "companion_edge: noise, and the blends of the benchmark have zero"),
        (FLUX, 128, "noise", "stamp_size: 64, and the blends of the benchmark have 128"),
        (POSTERIOR, None, "zero", None),
        (POSTERIOR | {"companion_edge": "noise"}, 64, "zero", "companion_edge: noise"),
        # Super-resolution takes the blends that are degraded.
        ({"kind": "super_resolution", "bands": ["i"], "stamp_size": 34}, 64, "zero", None),
    ],
)
def test_networks_for_other_blends_are_refused(tmp_path, record, size, edge, wrong):
    weights = "network.weights.h5" if record is FLUX else "network.h5"
    put(tmp_path / "network", record, weights)
    blends = {"companion_edge": edge, "stamp_size": size}
    if wrong is None:
        assert given_networks([str(tmp_path)], ["network"], **blends)
        return
    with pytest.raises(DeblendError, match=wrong):
        given_networks([str(tmp_path)], ["network"], **blends)
