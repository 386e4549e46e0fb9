"""Building blocks of the configuration models: types with limits, and errors that name the key.

A section of the configuration is a frozen pydantic model. Each key is a field with its type,
limits, description and default. Checks that involve several keys are validators, which raise
`Problem`.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

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
    """A wrong value, with its position below the section whose validator found it.

    Parameters
    ----------
    text : str
        What is wrong with the value, and which values are allowed.
    *path : str
        Keys from the section down to the value.
    """

    def __init__(self, text: str, *path: str) -> None:
        super().__init__(text)
        self.path = path


class UnknownKey(Problem):
    """A key that the section does not have."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Question whether the known name that is most similar to an unknown one is meant."""
    close = difflib.get_close_matches(name, [*known], n=1)
    return f"; did you mean {close[0]}?" if close else ""


def display_value(value: Any) -> str:
    """A value as text for an error message: in YAML's notation, on one line, shortened if long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


class Section(BaseModel):
    """A part of the configuration. It is immutable and refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_known_keys(cls, values: Any) -> Any:
        # Runs before pydantic's own check, whose message does not suggest a similar key.
        for key in values if isinstance(values, dict) else ():
            if key not in cls.model_fields:
                question = did_you_mean(str(key), cls.model_fields)
                raise UnknownKey(f"there is no such key{question}", str(key))
        return values


def _integral_to_int(value: Any) -> Any:
    """Turn a float without a fractional part into an integer: 2021.0 becomes 2021."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _keep_integer(value: Any, check: Callable[[Any], float]) -> Any:
    """Check a number but do not convert integers to floats: outputs show what the user wrote."""
    check(value)
    return value


Boolean = Annotated[bool, Strict()]
Integer = Annotated[int, Strict(), BeforeValidator(_integral_to_int)]
#: At least 0.
NonNegativeInteger = Annotated[Integer, Field(ge=0)]
#: At least 1.
Count = Annotated[Integer, Field(ge=1)]
#: Finite.
Real = Annotated[float, Strict(), AllowInfNan(False), WrapValidator(_keep_integer)]
Positive = Annotated[Real, Field(gt=0)]
NotNegative = Annotated[Real, Field(ge=0)]
#: From 0 to 1.
Share = Annotated[Real, Field(ge=0, le=1)]
#: Not empty.
Text = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class Pattern:
    """A pattern that a text has to match.

    Attributes
    ----------
    regex : str
    words : str
        Description of the pattern, which completes "it has to be ..." in the error message.
    """

    regex: str
    words: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Add the check. Pydantic's own patterns have neither look-ahead nor a message in words."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Add the pattern to the JSON schema, for editors; VS Code shows the message."""
        words = f"it has to be {self.words}"
        return {**handler(schema), "pattern": self.regex, "patternErrorMessage": words}

    def check(self, value: str) -> str:
        """Return the value if it matches, else raise `Problem`.

        Unlike in JSON schemas, $ would also match before a line break at the end.
        """
        if value.endswith("\n") or not re.search(self.regex, value):
            raise Problem(f"{display_value(value)} does not match: it has to be {self.words}")
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
#: Stands for a fact about a file that nobody has told us.
UNKNOWN: Literal["unknown"] = "unknown"
KnownOrNotChecksum = Annotated[
    str,
    Pattern(
        r"^(unknown|sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$",
        "unknown, sha256: and 64 or md5: and 32 digits from 0 to f",
    ),
]


class Unique:
    """A list whose items all differ."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Add the check, which pydantic does not have."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Add the limit to the JSON schema, for editors."""
        return {**handler(schema), "uniqueItems": True}

    def check(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the list if all its items differ, else raise `Problem`."""
        for i, value in enumerate(values):
            if value in values[:i]:
                raise Problem(f"{display_value(value)} is given twice; every item has to be unique")
        return values


def check_kind(key: str, *values: str) -> BeforeValidator:
    """Validator of the key that says which kind a section is of, with clearer messages.

    It runs before pydantic chooses the model of that kind.

    Parameters
    ----------
    key : str
        Such as "source".
    *values : str
        The kinds.
    """

    def check(section: Any) -> Any:
        if isinstance(section, BaseModel):
            return section
        if not isinstance(section, dict):
            raise Problem(f"{display_value(section)} is not a map of keys to values")
        if key not in section:
            for name in difflib.get_close_matches(key, map(str, section), n=1):
                raise UnknownKey(f"there is no such key; did you mean {key}?", name)
            raise Problem("this key is missing", key)
        if section[key] not in values:
            listed = ", ".join(map(repr, values))
            raise Problem(f"{display_value(section[key])} is not one of [{listed}]", key)
        return section

    return BeforeValidator(check)


def kind_tag(key: str) -> Callable[[Any], str | None]:
    """Function that returns the kind of a section in angle brackets, such as "<files>".

    Pydantic adds this tag to the position of an error. No key contains brackets, so the tag can be
    removed again.
    """

    def find(section: Any) -> str | None:
        if isinstance(section, dict):
            return f"<{section.get(key)}>"
        return f"<{getattr(section, key, None)}>"

    return find


def check_shares(shares: dict[str, float], *path: str) -> None:
    """Raise a `Problem` if shares do not add up to 1."""
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise Problem(f"the shares {shares} do not add up to 1", *path)


def check_order(low: str, high: str) -> Callable[[Any], Any]:
    """Check of a section that the value of a key is below that of another key.

    Parameters
    ----------
    low, high : str
        The keys.

    Returns
    -------
    callable
        For `model_validator(mode="after")`: it takes and returns the section.
    """

    def check(section: Any) -> Any:
        below, above = getattr(section, low), getattr(section, high)
        if not below < above:
            raise Problem(f"{low} {below} is not below {high} {above}")
        return section

    return check


class Split(Section):
    """Share of each split; the shares add up to 1."""

    train: Share = Field(description="Share of the train split.")
    validation: Share = Field(description="Share of the validation split.")
    test: Share = Field(description="Share of the test split.")

    @model_validator(mode="after")
    def _adds_up(self) -> "Split":
        check_shares(self.model_dump())
        return self
