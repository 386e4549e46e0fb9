"""What config/datasets.yaml knows about files: sizes, and numbers of rows and images."""

from pathlib import Path
from typing import Any

from deblend.config_base import UNKNOWN
from deblend.errors import DeblendError


def known(fact: Any) -> Any:
    """A fact of config/datasets.yaml; None where it is not known."""
    return None if fact == UNKNOWN else fact


def check_count(
    name: str | Path, found: int, expected: int | str | None, what: str, key: str
) -> None:
    """Refuse a file whose size or number of rows is not that of config/datasets.yaml.

    Parameters
    ----------
    name : str
        Of the file, for the message.
    found : int
    expected : int, "unknown" or None
        It is checked only where it is known.
    what : str
        What is counted, such as "rows".
    key : str
        Where `expected` stands in config/datasets.yaml.

    Raises
    ------
    DeblendError
        The numbers differ.
    """
    if known(expected) not in (None, found):
        raise DeblendError(
            f"{name} has {found} {what}, not {expected}: it is incomplete or another version; "
            f"fetch it again, or correct {key} in config/datasets.yaml if you trust this one"
        )
