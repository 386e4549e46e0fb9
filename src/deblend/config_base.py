"""What the models of the configuration are made of: types with limits, and errors with a place.

A section of the configuration is a frozen pydantic model: a field a key, with its type, limits,
meaning and default. Checks across keys are validators, which raise `Problem`.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    WrapValidator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema


class Problem(ValueError):
    """A wrong value, and where it is below the section that found it.

    Parameters
    ----------
    text : str
        What is wrong, with the value, and what it can be.
    path : str
        Keys from the section down to the value.
    """

    def __init__(self, text: str, *path: str) -> None:
        super().__init__(text)
        self.path = path


class UnknownKey(Problem):
    """A key that no section has there."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The question that an unknown name ends with: the known one that is most like it."""
    close = difflib.get_close_matches(name, [*known], n=1)
    return f"; did you mean {close[0]}?" if close else ""


def shown(value: Any) -> str:
    """A value as an error shows it: as YAML has it, on one line and not too long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


class Section(BaseModel):
    """A part of the configuration: it cannot be changed and has no other keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_known_keys(cls, values: Any) -> Any:
        # Before pydantic's own check, which knows no nearest key.
        for key in values if isinstance(values, dict) else ():
            if key not in cls.model_fields:
                question = nearest(str(key), cls.model_fields)
                raise UnknownKey(f"there is no such key{question}", str(key))
        return values


def _whole(value: Any) -> Any:
    """2021.0 is 2021."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_given(value: Any, check: Callable[[Any], float]) -> Any:
    """A number that stays an integer where it is one: outputs show what was written."""
    check(value)
    return value


Boolean = Annotated[bool, Strict()]
Integer = Annotated[int, Strict(), BeforeValidator(_whole)]
FromZero = Annotated[Integer, Field(ge=0)]
#: At least 1.
Count = Annotated[Integer, Field(ge=1)]
#: Finite.
Real = Annotated[float, Strict(), AllowInfNan(False), WrapValidator(_as_given)]
Positive = Annotated[Real, Field(gt=0)]
NotNegative = Annotated[Real, Field(ge=0)]
#: From 0 to 1.
Share = Annotated[Real, Field(ge=0, le=1)]
#: Not empty.
Text = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class Pattern:
    """What a text has to match.

    Attributes
    ----------
    regex : str
    words : str
        The same in words, for the error: "it has to be ...".
    """

    regex: str
    words: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Pydantic's own patterns know no look-ahead and no words."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The pattern, for editors; VS Code shows its message."""
        words = f"it has to be {self.words}"
        return {**handler(schema), "pattern": self.regex, "patternErrorMessage": words}

    def check(self, value: str) -> str:
        """The value, if it matches."""
        if not re.search(self.regex, value):
            raise Problem(f"{shown(value)} does not match: it has to be {self.words}")
        return value


Name = Annotated[
    str,
    Pattern(r"^[a-z][a-z0-9_]*$", "a letter from a to z, then such letters, digits and _"),
]
Checksum = Annotated[
    str,
    Pattern(
        r"^(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$",
        "sha256: and 64 or md5: and 32 digits from 0 to f",
    ),
]


class Unique:
    """That nothing is in a list twice."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Pydantic has no such limit of its own."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The limit, for editors."""
        return {**handler(schema), "uniqueItems": True}

    def check(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The list, if nothing is in it twice."""
        for i, value in enumerate(values):
            if value in values[:i]:
                raise Problem(f"{shown(value)} is there twice; each has to be there once")
        return values


def known(key: str, *values: str) -> BeforeValidator:
    """Check the key that tells sections of several kinds apart, before the kind is looked for."""

    def check(section: Any) -> Any:
        if isinstance(section, BaseModel):
            return section
        if not isinstance(section, dict):
            raise Problem(f"{shown(section)} is not a map of keys to values")
        if key not in section:
            for name in difflib.get_close_matches(key, map(str, section), n=1):
                raise UnknownKey(f"there is no such key; did you mean {key}?", name)
            raise Problem("this key is missing", key)
        if section[key] not in values:
            listed = ", ".join(map(repr, values))
            raise Problem(f"{shown(section[key])} is not one of [{listed}]", key)
        return section

    return BeforeValidator(check)


def tag(key: str) -> Callable[[Any], str | None]:
    """Function that names the kind of a section, in brackets, which no key has."""

    def find(section: Any) -> str | None:
        if isinstance(section, dict):
            return f"<{section.get(key)}>"
        return f"<{getattr(section, key, None)}>"

    return find


def check_sum(shares: dict[str, float], *path: str) -> None:
    """Raise a `Problem` where shares do not add up to 1."""
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise Problem(f"the shares {shares} do not add up to 1", *path)


class Split(Section):
    """Shares of each split; they add up to 1."""

    train: Share = Field(description="Share of the train split.")
    validation: Share = Field(description="Share of the validation split.")
    test: Share = Field(description="Share of the test split.")

    @model_validator(mode="after")
    def _adds_up(self) -> "Split":
        check_sum(self.model_dump())
        return self
