from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.scenes.positions import (
    check_positions,
    name_of_file,
    read_positions,
    scene_numbers,
)


def test_names_are_those_of_files_without_their_suffix():
    names = [name_of_file(f"a/{n}") for n in ("hst_150.23115.fits", "b.fits.gz", "c.JPG", "d.npy")]
    assert names == ["hst_150.23115", "b", "c", "d"]


def test_scenes_are_all_names_or_all_numbers():
    names = ("01", "02", "03")
    assert scene_numbers(["01", "03.fits"], names, "t").tolist() == [0, 2]
    assert scene_numbers(["0", "2"], names, "t").tolist() == [0, 2]
    with pytest.raises(DeblendError, match="scene '2'"):
        scene_numbers(["01", "2"], names, "t")
    with pytest.raises(DeblendError, match="scene '3'; scenes are 01, 02, 03"):
        scene_numbers(["3"], names, "t")


def test_names_that_are_numbers_of_other_images_are_refused():
    names = ("1", "2", "0")
    with pytest.raises(DeblendError, match="names of files or numbers from 0"):
        scene_numbers(["1", "2"], names, "t")
    assert scene_numbers(["1.fits", "2.fits"], names, "t").tolist() == [0, 1]
    # Where both readings are the same, there is no doubt.
    assert scene_numbers(["0", "1"], ("0", "1"), "t").tolist() == [0, 1]


def test_positions_are_within_their_own_image(tmp_path):
    path = str(tmp_path / "p.csv")
    pd.DataFrame({"scene": ["a", "b"], "x": [50, 50], "y": [5, 5]}).to_csv(path, index=False)
    large, small = (60, 60), (40, 40)
    assert len(read_positions(path, {}, 0, ("a", "b"), [large, large])) == 2
    with pytest.raises(DeblendError, match="scene b, x = 50, y = 5 in 40 x 40 px"):
        read_positions(path, {}, 0, ("a", "b"), [large, small])
    pd.DataFrame({"scene": ["a", "b"], "x": [50, None], "y": [5, 5]}).to_csv(path, index=False)
    with pytest.raises(DeblendError, match="no position in 1 rows"):
        read_positions(path, {}, 0, ("a", "b"), [large, large])


def test_of_one_image_the_scene_has_to_be_it(tmp_path):
    path = str(tmp_path / "p.csv")
    pd.DataFrame({"x": [5], "y": [5]}).to_csv(path, index=False)
    assert len(read_positions(path, {}, 0, ("a",), [(60, 60)])[0]) == 1
    pd.DataFrame({"scene": ["b"], "x": [5], "y": [5]}).to_csv(path, index=False)
    with pytest.raises(DeblendError, match="scene 'b'"):
        read_positions(path, {}, 0, ("a",), [(60, 60)])


def test_positions_without_galaxies_are_refused(placed, caplog):
    check_positions(placed, "p.csv")
    assert not caplog.text
    wrong = [np.array([[5.0, 5.0], [66.0, 5.0]]) for _ in placed.names]
    with pytest.raises(DeblendError, match="at 0% of the 12 brightest .* of p.csv: check first"):
        check_positions(placed.with_positions(wrong), "p.csv")
    # Central galaxies, and half of their companions.
    half = [
        places if i % 2 else np.vstack([places[:1], [[5.0, 5.0]]])
        for i, places in enumerate(placed.positions)
    ]
    check_positions(replace(placed, positions=tuple(half)), "p.csv")
    assert "75% of the 12 brightest" in caplog.text
