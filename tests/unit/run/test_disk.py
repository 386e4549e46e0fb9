"""Room that results need, from sizes of files."""

import math

import pytest
from deblend.run.disk import OTHER, Size, measure, megabytes, read_sizes, volume

CONFIG = {
    "datasets": {"sky": {"n_galaxies": 10, "stamp_size": 64}, "archive": {"stamp_size": 128}},
    "networks": {"net": {"architecture": "unet", "filters": 8}},
    "boucaud2020": {"blending": {"n_blends": {"test": 20}}},
    "farrens2022": {"samples": {"parametric": {"n_stamps": {"train": 700}}}},
    "reiman2019": {
        **{"frame_px": 424, "reduce_by": 5, "orientations": 4, "n_blends": {"test": 3}},
        **{"image_sets": {"zoo": {"n_images": 6}}, "network": {"filters": 16}},
    },
    "hemmati2022": {
        "cutouts": {"bands": {"n_galaxies": 5, "bands": ["a", "b"], "parent_px": 128}},
        "n_blends": {"test": 30, "validation": 10},
        "network": {"filters": 32},
    },
}


@pytest.mark.parametrize(
    ("path", "kind", "amount"),
    [
        ("datasets/sky/stamps.h5", "stamps", 10 * 64**2),
        ("datasets/bands/cutouts.h5", "cut-outs", 5 * 2 * 128**2),
        ("datasets/zoo/frames.npy", "frames", 6 * 84**2),
        ("farrens2022/parametric/train.h5", "stamps of Farrens et al.", 700),
        ("predictions/net/sky/masks.h5", "masks", 20 * 64**2),
        ("predictions/sep/sky/detections.csv", "tables of blends", 20),
        ("figures/fig5_points.csv", "tables of blends", 20),
        ("predictions/blendhunter/sigma5_0.csv", OTHER, 1),
        ("predictions/deblender_gan/zoo.h5", "separated images", 12),
        ("hemmati2022/bands/peaks.csv", "peaks", 40),
        ("networks/net/network.weights.h5", "weights on Keras, unet", 64),
        ("networks/blendhunter/sigma5_0/head.weights.h5", "heads of BlendHunter", 1),
        ("networks/deblender_gan/network.h5", "weights of separators", 256),
        ("networks/sr_content/network.h5", "weights of super-resolution", 1024),
        ("tables/table1.csv", OTHER, 1),
    ],
)
def test_what_the_size_of_a_file_is_proportional_to(path, kind, amount):
    assert volume(path, CONFIG) == (kind, amount)


def test_galaxies_of_an_archive_are_not_counted():
    kind, amount = volume("datasets/archive/stamps.h5", CONFIG)
    assert kind == "stamps"
    assert math.isnan(amount)


def put(path, n_bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(n_bytes))


def test_files_of_a_run_are_measured(tmp_path):
    put(tmp_path / "datasets/sky/stamps.h5", 3_000_000)
    put(tmp_path / "datasets/archive/stamps.h5", 9_000_000)
    put(tmp_path / "tables/a.csv", 1000)
    put(tmp_path / "tables/b.csv", 3000)
    put(tmp_path / "logs/a.log", 50_000)
    put(tmp_path / "report.html", 50_000)
    sizes = measure(tmp_path, CONFIG)
    assert sizes == [Size(OTHER, 1.0, 0.002), Size("stamps", 10 * 64.0**2, 3.0)]
    # Twice as many galaxies need twice the room.
    larger = CONFIG | {"datasets": {"sky": {"n_galaxies": 20, "stamp_size": 64}}}
    files = ["datasets/sky/stamps.h5", "tables/a.csv", "tables/c.csv", "datasets/bands/cutouts.h5"]
    assert megabytes(files, larger, sizes) == (pytest.approx(6.004), 1)


def test_the_nearest_measurement_counts():
    sizes = [Size("peaks", 30.0, 1.0), Size("peaks", 4000.0, 1000.0)]
    assert megabytes(["hemmati2022/x/peaks.csv"], CONFIG, sizes) == (pytest.approx(40 / 30), 0)


def test_sizes_are_read(tmp_path):
    (tmp_path / "disk.csv").write_text(
        "scale,commit,kind,amount,megabytes\ntoy,0,other files,1,0.5\n"
    )
    assert read_sizes(tmp_path / "disk.csv") == [Size(OTHER, 1.0, 0.5)]
