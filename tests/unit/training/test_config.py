"""Limits of the keys that networks have in common."""

import pytest
from deblend.training.config import Dropout, Precision, SteeringConfig
from pydantic import TypeAdapter, ValidationError

GIVEN = {"epochs": 4, "learning_rate": 1e-3, "min_delta": 0.0}


def accepted(**changes):
    try:
        SteeringConfig(**{**GIVEN, **changes})
    except ValidationError as error:
        assert [found["loc"] for found in error.errors()] == [(name,) for name in changes]
        return False
    return True


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("epochs", [1], [0, None]),
        ("learning_rate", [1e-9], [0, float("nan")]),
        ("schedule", ["plateau", "cosine"], ["step"]),
        ("drop_factor", [0.01, 0.99], [0, 1]),
        ("drop_patience", [1], [0]),
        ("drop_cooldown", [0], [-1]),
        ("min_learning_rate", [0], [-1e-9]),
        ("stop_patience", [1], [0]),
        ("min_delta", [0], [-1e-9]),
    ],
)
def test_limits_of_the_schedule(key, good, bad):
    assert [value for value in good if not accepted(**{key: value})] == []
    assert [value for value in bad if accepted(**{key: value})] == []


def test_keys_whose_value_depends_on_the_network_have_no_default():
    with pytest.raises(ValidationError) as caught:
        SteeringConfig()
    assert {error["loc"] for error in caught.value.errors()} == {(key,) for key in GIVEN}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [(Dropout, 0, 1), (Dropout, 0.99, -0.1), (Precision, "bfloat16", "float16")],
)
def test_limits_of_dropout_and_precision(kind, good, bad):
    assert TypeAdapter(kind).validate_python(good) == good
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(bad)
