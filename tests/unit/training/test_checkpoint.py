"""Checkpoints, with a trainee that is a single number."""

import json

import pytest
from deblend.files import read_json

from tests.unit.training.conftest import Checkpoint, Sum

NEW = {"config": "1"}


def trainee(value):
    found = Sum()
    found.value = value
    return found


def test_a_training_is_restored_as_it_was_saved(path, logged):
    record = {"done": 3, "seconds": 1.5, "history": [{"epoch": 1, "loss": 0.25}]}
    Checkpoint(path, NEW).save(trainee(7), record)
    again = trainee(0)
    assert Checkpoint(path, NEW).load(again) == record
    assert again.value == 7
    assert logged.messages == []


def test_without_a_file_training_starts_from_the_beginning(path, logged):
    again = trainee(0)
    assert Checkpoint(path, NEW).load(again) == {}
    assert (again.value, logged.messages) == (0, [])


def test_a_checkpoint_of_another_training_is_not_used(path, logged):
    Checkpoint(path, {"config": "0"}).save(trainee(7), {"done": 3})
    again = trainee(0)
    assert Checkpoint(path, NEW).load(again) == {}
    assert again.value == 0
    assert logged.messages == [
        f"starting afresh: since the checkpoint {path} was written, config changed"
    ]


@pytest.mark.parametrize("content", ["{", "{}", json.dumps({"fingerprint": {}})])
def test_an_unreadable_checkpoint_is_logged_and_training_starts_afresh(path, logged, content):
    path.write_text(content)
    again = trainee(0)
    assert Checkpoint(path, NEW).load(again) == {}
    assert again.value == 0
    assert f"starting afresh: the checkpoint {path} is unreadable" in logged.text


def test_an_error_while_saving_leaves_the_last_checkpoint(path):
    class Full(Checkpoint):
        def _write(self, path, trainee, text):
            path.write_text(text[:10])
            raise OSError("No space left on device")

    Checkpoint(path, NEW).save(trainee(7), {"done": 3})
    with pytest.raises(OSError, match="No space"):
        Full(path, NEW).save(trainee(8), {"done": 4})
    assert read_json(path)["record"] == {"done": 3}
