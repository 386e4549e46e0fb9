import pytest
import yaml


@pytest.fixture
def overlay(tmp_path):
    """Function that writes an overlay and returns its path."""

    def write(**content):
        path = tmp_path / "overlay.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


#: Configuration of a very small run, which tests whether the rules fit together.
TINY = {
    "scale": "custom",
    "papers": ["boucaud2020"],
    "pathvars": {"results": "results"},
    "threads": {"training": 1},
    "datasets": {"simulated": {"n_galaxies": 60, "chunk_size": 60, "stamp_size": 64}},
    "networks": {
        "blend2flux": {
            "dataset": "simulated",
            "filters": 4,
            "dense_units": 16,
            "asinh_softening": 0.02,
            "flux_scale": 50.0,
            "output": "exponential",
            "n_train_blends": 64,
            "batch_size": 16,
            "epochs": 2,
            "learning_rate": 0.001,
        }
    },
    "boucaud2020": {
        "dataset": "simulated",
        "table2": ["blend2flux"],
        "unet": None,
        "blend2mask2flux": None,
        "blending": {"n_blends": {"validation": 40, "test": 40}},
        "sep": {"chunk_size": 40},
        "bootstrap_resamples": 10,
        "published_catalogue": None,  # no download
    },
}
