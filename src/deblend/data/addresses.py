"""Addresses with passwords or signatures, and what may be recorded of them.

Snakemake records the params of a job, and shows them if they change; and it writes the whole
configuration into the script of a job, which stays where it is killed. There, an address has no
user name, password and query; a short digest stands for the whole, since its change asks for
another download. The script looks the address up in the files of the configuration.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deblend.errors import DeblendError
from deblend.files import public_url, read_yaml

#: Beginning of an address.
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.I)


#: What `shown` makes of an address with secrets.
SHOWN = re.compile(r"[a-z][a-z0-9+.-]*://[^#]*#[0-9a-f]{8}", re.I)


#: Within a text, where long values are cut: user name and password of an address, which end at the
#: last @, or all of it if that comes late; an address and its query.
CREDENTIALS = re.compile(r"(?<=://)(\S*[?#]\S*@[^\s'\"]*|\S*(@|(?=\.{3})))")
QUERY = re.compile(r"(://[^\s?'\"]*)\?[^\s'\"]*")


def shown(value: Any) -> Any:
    """A value in which addresses have no secrets; others stay as they are.

    Parameters
    ----------
    value : object
        Plain value of the configuration: dicts, lists, texts and so on.

    Returns
    -------
    object
        Of the same kind. ``https://me:word@host/file?key=1`` is ``https://host/file#0a1b2c3d``,
        with the first eight digits of the SHA-256 digest of the whole.
    """
    if isinstance(value, Mapping):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    if not isinstance(value, str) or not SCHEME.match(value):
        return value
    public = public_url(value)
    if public == value:
        return value
    return f"{public}#{hashlib.sha256(value.encode()).hexdigest()[:8]}"


def hidden(value: Any) -> dict[str, str]:
    """Addresses with secrets in a value, by what `shown` makes of them."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return {key: url for item in value for key, url in hidden(item).items()}
    public = shown(value)
    return {} if public == value else {public: value}


def restored(value: Any, addresses: Mapping[str, str]) -> Any:
    """What `shown` was given.

    Parameters
    ----------
    value : object
        What `shown` returned.
    addresses : mapping
        What `hidden` returned.

    Raises
    ------
    DeblendError
        An address is not among them.
    """
    if isinstance(value, Mapping):
        return {key: restored(item, addresses) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [restored(item, addresses) for item in value]
    if not isinstance(value, str) or value in addresses:
        return addresses.get(value, value)
    if SHOWN.fullmatch(value):
        raise DeblendError(
            f"the password or query of {value} stands in no file of the configuration: give the "
            "address in a file (--configfile), or without them, with the password in ~/.netrc"
        )
    return value


def looked_up(value: Any, files: Iterable[str | Path]) -> Any:
    """What `shown` was given, from the files of the configuration that have it.

    Parameters
    ----------
    value : object
        What `shown` returned.
    files : iterable of path
        YAML files.

    Raises
    ------
    DeblendError
        See `restored`.
    """
    # Most have no secrets: then no file is read.
    with contextlib.suppress(DeblendError):
        return restored(value, {})
    return restored(value, hidden([read_yaml(path) for path in files]))


def public_text(text: str) -> str:
    """A message without user names, passwords and queries of addresses in it."""
    return QUERY.sub(r"\1", CREDENTIALS.sub("", text))
