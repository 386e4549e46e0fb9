"""Download files of Kaggle competitions with the user's own token.

The token is sent to Kaggle only. It never appears in a log, a message or a command line.
"""

import base64
import json
import logging
import os
from pathlib import Path
from urllib.parse import quote

import requests
from deblend.data.downloads import download
from deblend.errors import DeblendError
from requests.auth import AuthBase

log = logging.getLogger(__name__)


API = "https://www.kaggle.com/api/v1"


#: How to get a token, for error messages.
HELP = (
    "make one at https://www.kaggle.com/settings (API, Create New Token), then set KAGGLE_USERNAME "
    "and KAGGLE_KEY, or keep the file as ~/.kaggle/kaggle.json"
)


class Token(AuthBase):
    """A user's token, for requests: HTTP basic authentication."""

    def __init__(self, username: str, key: str) -> None:
        pair = f"{username}:{key}".encode()
        self._header = f"Basic {base64.b64encode(pair).decode()}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header to a request."""
        request.headers["Authorization"] = self._header
        return request

    def __repr__(self) -> str:
        """Representation without the token."""
        return "Token(...)"


def read_token() -> Token:
    """The user's token, from the environment or else from ~/.kaggle/kaggle.json.

    Raises
    ------
    DeblendError
        There is no token, or the file is not as Kaggle provides it.
    """
    names = ("KAGGLE_USERNAME", "KAGGLE_KEY")
    username, key = (os.environ.get(name, "").strip() for name in names)
    if username and key:
        return Token(username, key)
    if username or key:
        missing = names[0] if key else names[1]
        raise DeblendError(f"{missing} is not set, and a Kaggle token takes both: {HELP}")
    path = Path.home() / ".kaggle" / "kaggle.json"
    if not path.is_file():
        raise DeblendError(f"no Kaggle token: neither KAGGLE_USERNAME nor {path} is there; {HELP}")
    if path.stat().st_mode & 0o077:
        log.warning("%s can be read by others on this machine: chmod 600 %s", path, path)
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        record = None
    # Raised outside of the handler, since the error of json contains the content of the file.
    if not isinstance(record, dict):
        raise DeblendError(f"{path} cannot be read as JSON: {HELP}")
    values = [record.get(name) for name in ("username", "key")]
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise DeblendError(f"{path} has no username or no key: {HELP}")
    return Token(*(str(value).strip() for value in values))


def download_competition_file(
    competition: str,
    filename: str,
    output: str | Path,
    checksum: str | None,
    max_bytes: int,
    n_bytes: int | str | None = None,
    record: str | Path | None = None,
    api: str = API,
) -> None:
    """Download a file of a competition. It is there only once it is complete.

    Parameters
    ----------
    competition : str
        Name in the address of the competition.
    filename : str
    output : path
    checksum : str or None
        ``sha256:...`` or ``md5:...``. Kaggle publishes no checksums.
    max_bytes : int
        Largest size that is allowed.
    n_bytes : int, "unknown" or None
        Size of the file, where it is known.
    record : path, optional
        See `deblend.data.downloads.download`.
    api : str
        Address of Kaggle's interface.

    Raises
    ------
    DeblendError
        There is no token, or Kaggle refuses it; see also `deblend.data.downloads.download`.
    """
    token = read_token()
    download(
        file_url(competition, filename, api),
        output,
        checksum,
        max_bytes,
        n_bytes=n_bytes,
        record=record,
        auth=token,
        remedies=remedies(competition),
    )


def file_url(competition: str, filename: str, api: str = API) -> str:
    """Address of a file of a competition."""
    return f"{api}/competitions/data/download/{quote(competition, '')}/{quote(filename, '')}"


def remedies(competition: str) -> dict[int, str]:
    """What the user can do about each HTTP status of a refusal."""
    page = f"https://www.kaggle.com/competitions/{quote(competition, '')}"
    return {
        401: f"Kaggle does not know the token; {HELP}",
        403: f"accept the competition's rules at {page}/rules with the token's account, run again",
        404: f"correct kaggle or filename in config/datasets.yaml; {page}/data lists the files",
    }
