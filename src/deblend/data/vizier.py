"""Tables from VizieR, stored as ECSV."""

import io
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import requests
from deblend.data.facts import check_count
from deblend.data.votables import refuse_references
from deblend.data.web import limited, retry
from deblend.errors import DeblendError, TransientError
from deblend.files import atomic

log = logging.getLogger(__name__)


TIMEOUT_S = 300


#: Largest size of an answer, bytes, which is kept in memory; longest time for it with all attempts,
#: seconds.
MAX_BYTES, LONGEST_S = 500_000_000, 3000.0


def ask_vizier(
    name: str,
    n_rows: int,
    *,
    timeout_s: int = TIMEOUT_S,
    pauses_s: Sequence[float] | None = None,
    max_bytes: int = MAX_BYTES,
    longest_s: float = LONGEST_S,
) -> Any:
    """Ask VizieR for the first rows of a table, with all its columns.

    Parameters
    ----------
    name : str
        Name of the table at VizieR, such as ``J/ApJS/203/24/gds``.
    n_rows : int
        Largest number of rows; -1 for all.
    timeout_s : int
        To connect, and between any two pieces of the answer.
    pauses_s : sequence of float, optional
        See `deblend.data.web.retry`.
    max_bytes : int
        Largest size of the answer.
    longest_s : float
        Longest time for it, with all attempts.

    Returns
    -------
    astropy.table.Table
        Its columns `_RAJ2000` and `_DEJ2000` are positions in degrees that VizieR computes.

    Raises
    ------
    DeblendError
        VizieR does not answer, or not within the limits, or the name does not stand for exactly
        one table.
    """
    # Imported here since it takes a second and only this function needs it.
    from astroquery import cache_conf, exceptions
    from astroquery.vizier import Vizier

    def query() -> Any:
        # The cache stores answers as pickles, which can run code when they are read.
        with cache_conf.set_temp("cache_active", False):
            answer = vizier.get_catalogs_async(name)
        try:
            refuse_references(io.BytesIO(answer.content))
        except ExpatError as error:
            raise ValueError("the answer is not a VOTable") from error
        tables = vizier._parse_result(answer)
        if tables is None:
            raise ValueError("the answer is not a VOTable")
        return tables

    vizier = Vizier(columns=["**", "_RAJ2000", "_DEJ2000"], row_limit=n_rows, timeout=timeout_s)
    # Instead of astroquery's own hook, which makes a text of each answer, for a log.
    vizier._session.hooks["response"] = [limited(max_bytes, longest_s)]
    until = time.monotonic() + longest_s
    failures = (exceptions.TableParseError, exceptions.TimeoutError, exceptions.RemoteServiceError)
    try:
        tables = retry(query, f"asking VizieR for {name}", pauses_s, until)
    except (requests.RequestException, OSError, ValueError, *failures) as error:
        raise TransientError(
            f"cannot fetch {name} from VizieR ({error}): check the connection and run again, or "
            "download the table and give its path"
        ) from error
    if len(tables) != 1:
        names = ", ".join(tables.keys()) or "none"
        raise DeblendError(
            f"vizier:{name} stands for {len(tables)} tables ({names}): name one as VizieR does"
        )
    return tables[0]


def fetch_table(name: str, output: str | Path, n_rows: int | str | None = None) -> None:
    """Fetch a complete table from VizieR, with all its rows and columns.

    Parameters
    ----------
    name : str
        Name of the table at VizieR, such as ``J/ApJS/203/24/gds``.
    output : path
        ECSV file. Its columns `_RAJ2000` and `_DEJ2000` are positions in degrees that VizieR
        computes.
    n_rows : int, "unknown" or None
        Number of rows, where it is known.

    Raises
    ------
    DeblendError
        See `ask_vizier`; or the table has another number of rows.
    """
    table = ask_vizier(name, -1)
    check_count(f"vizier:{name}", len(table), n_rows, "rows", "n_rows")
    table.convert_bytestring_to_unicode()
    # VizieR's own metadata contains dates: without it, the same table gives the same bytes.
    table.meta = {"source": f"VizieR {name}"}
    with atomic(output) as temporary:
        table.write(temporary, format="ascii.ecsv", overwrite=True)
    log.info("%s: %d rows, columns %s", name, len(table), ", ".join(table.colnames))
