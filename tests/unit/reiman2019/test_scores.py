"""Scores of deblended images, compared with numbers from the images themselves."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from deblend.reiman2019.blends import blend, draw_pairs, perturbation_tensor
from deblend.reiman2019.networks import Generator
from deblend.reiman2019.scores import predict_and_score, score_methods, write_examples
from deblend.training.torch_checkpoint import write_weights

from tests.unit.reiman2019.conftest import PAIRS

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


def render(frames, pairs):
    """Blends (n, y, x, 3) and true images (n, 2, y, x, 3), in [0, 1]."""
    central, companion = (torch.from_numpy(frames[pairs[c]]) for c in ("central", "companion"))
    mixed, truth = blend(central, companion, perturbation_tensor(pairs), PAIRS)
    return mixed.movedim(1, -1).numpy(), ((truth + 1) / 2).movedim(2, -1).numpy()


def psnr(images, true):
    """In dB, of each image; 100 for a perfect one."""
    error = ((images - true) ** 2).mean(axis=(-3, -2, -1))
    return -10 * np.log10(np.maximum(error, 1e-10))


@pytest.fixture(scope="module")
def pairs():
    """More blends than are rendered at a time."""
    return draw_pairs(np.random.default_rng(1), np.arange(12), 70, PAIRS)


@pytest.fixture(scope="module")
def predicted(frames, pairs):
    noise = np.random.default_rng(2).normal(0, 0.05, (70, 2, 16, 16, 3))
    return np.round(255 * np.clip(render(frames, pairs)[1] + noise, 0, 1)).astype(np.uint8)


def test_each_method_is_scored_on_its_own_images(frames, pairs, predicted):
    mixed, true = render(frames, pairs)
    table = score_methods(frames, pairs, PAIRS, {"gan": predicted, "mse": predicted[::-1]})
    assert len(table) == 5 * 70 * 2
    expected = {
        "gan": psnr(predicted / 255, true),
        "mse": psnr(predicted[::-1] / 255, true),
        "blend": psnr(mixed[:, None], true),
        "black": psnr(0, true),
        "sky": psnr(np.median(mixed, axis=(1, 2))[:, None, None, None], true),
    }
    for method, values in expected.items():
        mine = table[table["method"] == method]
        assert list(mine["blend"]) == sorted([*range(70), *range(70)])
        for galaxy, name in enumerate(("central", "companion")):
            rows = mine[mine["galaxy"] == name]
            found = rows["psnr_db"].clip(upper=100)
            np.testing.assert_allclose(found, values[:, galaxy], atol=1e-3)
            # Which galaxy an image shows, for the errors of the means.
            assert list(rows["frame"]) == list(pairs[name])
            assert list(rows["other_frame"]) == list(pairs[["companion", "central"][galaxy]])


def test_examples_are_the_chosen_blends(frames, pairs, predicted, tmp_path):
    chosen = pd.DataFrame({"blend": [66, 3, 40], "kind": ["success", "success", "failure"]})
    write_examples(tmp_path / "examples.h5", chosen, frames, pairs, PAIRS, predicted)
    mixed, true = (part[[66, 3, 40]] for part in render(frames, pairs))
    with h5py.File(tmp_path / "examples.h5") as file:
        assert file["number"][:].tolist() == [66, 3, 40]
        assert file["kind"].asstr()[:].tolist() == ["success", "success", "failure"]
        np.testing.assert_array_equal(file["predicted"], predicted[[66, 3, 40]])
        assert np.abs(file["true"][:] - 255 * true).max() <= 0.51
        assert np.abs(file["blend"][:] - 255 * mixed).max() <= 0.51


def test_test_blends_are_deblended_and_scored_by_each_network(frames, tmp_path):
    np.save(tmp_path / "frames.npy", frames)
    splits = np.repeat(["train", "validation", "test"], [6, 2, 4])
    pd.DataFrame({"row": np.arange(12), "split": splits}).to_csv(
        tmp_path / "index.csv", index=False
    )
    record = {"root_blocks": 1, "branch_blocks": 1, "filters": 4, "coordinates": False}
    networks = {}
    for number, method in enumerate(("gan", "mse")):
        torch.manual_seed(number)
        files = [tmp_path / f"{method}{end}" for end in (".h5", ".json", "_images.h5")]
        write_weights(files[0], Generator(1, 1, 4))
        files[1].write_text(json.dumps(record | {"precision": "float32"}))
        networks[method] = tuple(files)
    table, speed = predict_and_score(
        tmp_path / "frames.npy",
        tmp_path / "index.csv",
        networks,
        PAIRS.model_dump(),
        images="galaxyzoo",
        n_blends=8,
        n_examples={"success": 2, "failure": 3},
        seed=1,
        device=CPU,
        attributes={"torch": "2.0"},
        examples=tmp_path / "examples.h5",
    )
    assert set(table["method"]) == {"gan", "mse", "blend", "black", "sky"}
    assert speed["method"].tolist() == ["gan", "mse"]
    assert (speed["blends_per_second"] * speed["seconds"]).to_numpy() == pytest.approx(8)
    assert (speed["seconds"] > 0).all()
    assert set(table["frame"]) == set(range(8, 12))  # galaxies of the test split alone
    scores = table.set_index(["method", "blend", "galaxy"])["psnr_db"]
    with h5py.File(tmp_path / "examples.h5") as file:
        numbers, true = file["number"][:], file["true"][:] / 255
        assert file["kind"].asstr()[:].tolist() == ["success"] * 2 + ["failure"] * 3
        shown = file["predicted"][:]
    for method in ("gan", "mse"):
        with h5py.File(networks[method][2]) as file:
            images = file["images"][:]
        assert images.shape == (8, 2, 16, 16, 3)
        for number, truth in zip(numbers, true, strict=True):
            values = psnr(images[number] / 255, truth)
            assert values == pytest.approx(scores.loc[method, number].to_numpy(), abs=0.05)
        if method == "gan":
            np.testing.assert_array_equal(shown, images[numbers])
    worse = scores.loc["gan"].groupby("blend").min()
    assert worse.idxmax() == numbers[0]
    assert worse.idxmin() == numbers[2]
