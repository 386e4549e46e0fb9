"""Building blocks of the configuration: a small section with all of them.

`tests/unit/run/test_config.py` tests the messages of the complete configuration.
"""

from typing import Annotated

import pytest
from deblend.config_base import (
    Checksum,
    Count,
    Integer,
    Name,
    Pattern,
    Problem,
    Real,
    Section,
    Share,
    Split,
    Unique,
    UnknownKey,
    check_kind,
    check_order,
    check_shares,
    did_you_mean,
    display_value,
    kind_tag,
)
from pydantic import TypeAdapter, ValidationError, model_validator


class Size(Section):
    """Sizes in pixels."""

    size_min: Real = 1
    size_max: Real = 2
    n_sizes: Integer = 3

    _order = model_validator(mode="after")(check_order("size_min", "size_max"))


def problem(function, *arguments, **options):
    """The `Problem` that pydantic reports."""
    with pytest.raises(ValidationError) as caught:
        function(*arguments, **options)
    (error,) = caught.value.errors()
    return error["ctx"]["error"]


def valid(kind, value):
    return TypeAdapter(kind).validate_python(value)


def accepted(kind, value):
    try:
        valid(kind, value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Integer, [2021, -3, 2021.0], [2021.5, "2021", True, None, float("inf")]),
        (Count, [1, 5], [0, -1]),
        (Real, [1.5, -2, 0], ["1.5", True, None, float("nan"), float("inf")]),
        (Share, [0, 0.5, 1], [-0.01, 1.01]),
        (Name, ["a", "blend2flux_64"], ["", "Blend", "2flux", "_a", "a-b", "a\nb", "a\n"]),
        (
            Checksum,
            ["md5:" + 32 * "a", "sha256:" + 64 * "0"],
            ["md5:" + 31 * "a", "sha256:" + 32 * "0", 32 * "a", "md5:" + 32 * "A", "crc:0"]
            + ["md5:" + 32 * "a" + "\n"],
        ),
        (Annotated[tuple[int, ...], Unique()], [[], [1, 2]], [[1, 2, 1]]),
    ],
)
def test_values_of_a_type(kind, good, bad):
    assert [value for value in good if not accepted(kind, value)] == []
    assert [value for value in bad if accepted(kind, value)] == []


def test_numbers_stay_as_they_were_written():
    """Outputs show an integer as an integer."""
    found = [valid(Real, 50), valid(Real, 50.0), valid(Integer, 2021.0)]
    assert [repr(value) for value in found] == ["50", "50.0", "2021"]


def test_a_section_is_immutable_and_checks_the_order_of_its_values():
    size = Size(size_min=1, size_max=1.5)
    with pytest.raises(ValidationError, match="frozen"):
        size.size_min = 0.5
    assert str(problem(Size, size_min=2)) == "size_min 2 is not below size_max 2"


def test_an_unknown_key_is_named_with_the_nearest_one():
    error = problem(Size, size_mn=1)
    assert isinstance(error, UnknownKey)
    assert (str(error), error.path) == (
        "there is no such key; did you mean size_min?",
        ("size_mn",),
    )
    assert str(problem(Size, colour=1)) == "there is no such key"
    assert did_you_mean("unett", ["sep", "unet"]) == "; did you mean unet?"
    assert did_you_mean("cosmos", ["sep", "unet"]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("a\n b", r"'a\n b'"),
        ([1, "x"], "[1, 'x']"),
        (list(range(100)), str(list(range(100)))[:77] + "..."),
    ],
)
def test_values_in_messages_are_short_and_in_yamls_notation(value, text):
    assert display_value(value) == text


def test_a_pattern_says_in_words_what_it_wants():
    band = Annotated[str, Pattern(r"^f\d{3}w$", "f, three digits and w")]
    assert str(problem(valid, band, "f775")) == (
        "'f775' does not match: it has to be f, three digits and w"
    )
    schema = TypeAdapter(band).json_schema()
    assert (schema["type"], schema["pattern"]) == ("string", r"^f\d{3}w$")
    assert schema["patternErrorMessage"] == "it has to be f, three digits and w"


def test_a_repeated_item_is_named():
    items = Annotated[tuple[str, ...], Unique()]
    assert str(problem(valid, items, ["a", "b", "b"])) == (
        "'b' is given twice; every item has to be unique"
    )
    assert TypeAdapter(items).json_schema()["uniqueItems"] is True


class Files(Section):
    """A section of a kind."""

    source: str


@pytest.mark.parametrize(
    ("section", "text", "path"),
    [
        ({"source": "file"}, "'file' is not one of ['files', 'archive']", ("source",)),
        ({"sources": "files"}, "there is no such key; did you mean source?", ("sources",)),
        ({}, "this key is missing", ("source",)),
        (3, "3 is not a map of keys to values", ()),
    ],
)
def test_the_kind_of_a_section_is_checked_first(section, text, path):
    kind = Annotated[Files, check_kind("source", "files", "archive")]
    error = problem(valid, kind, section)
    assert (str(error), error.path) == (text, path)
    assert valid(kind, {"source": "files"}) == valid(kind, Files(source="files"))


def test_the_tag_of_a_kind_is_in_brackets():
    tag = kind_tag("source")
    assert tag({"source": "files"}) == tag(Files(source="files")) == "<files>"


def test_shares_add_up_to_one():
    thirds = {"train": 1 / 3, "validation": 1 / 3, "test": 1 / 3}
    assert Split(**thirds).model_dump() == thirds
    text = "the shares {'train': 0.5, 'validation': 0.2, 'test': 0.2} do not add up to 1"
    assert str(problem(Split, train=0.5, validation=0.2, test=0.2)) == text
    with pytest.raises(Problem) as caught:
        check_shares({"a": 0.5, "b": 0.6}, "blending", "shares")
    assert caught.value.path == ("blending", "shares")
