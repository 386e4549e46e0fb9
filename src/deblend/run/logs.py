"""Logging for scripts: to a log file with all details, and to the terminal."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from deblend.errors import DeblendError

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextlib.contextmanager
def above_bars(stream: TextIO) -> Iterator[None]:
    """Write lines to a terminal above its progress bars, so that they do not mix.

    If tqdm has not been imported, there are no progress bars; it is not imported here.
    """
    bar = getattr(sys.modules.get("tqdm"), "tqdm", None)
    if bar is None:
        yield
    else:
        with bar.external_write_mode(file=stream):
            yield


class TerminalHandler(logging.StreamHandler):
    """A handler whose lines do not disturb progress bars."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        with above_bars(self.stream):
            super().emit(record)


@contextlib.contextmanager
def script(log_path: str | Path) -> Iterator[None]:
    """Send log records, warnings and uncaught exceptions of a script to its log file.

    Parameters
    ----------
    log_path : path
        The log file of the rule, which is overwritten.

    Raises
    ------
    SystemExit
        With status 1 after any exception. For a `DeblendError`, standard error shows the message
        only; for other exceptions also the traceback.
    """
    path = Path(log_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(path, mode="w")
    to_file.setFormatter(logging.Formatter(FORMAT))
    to_terminal = TerminalHandler(sys.stderr)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.handlers = [to_file, to_terminal]
    logging.captureWarnings(True)
    try:
        yield
    except DeblendError as error:
        to_terminal.setLevel(logging.CRITICAL + 1)
        root.exception("%s", error)
        with above_bars(sys.stderr):
            print(f"Error: {error}\n(traceback: {path})", file=sys.stderr)
        raise SystemExit(1) from error
    except Exception as error:
        root.exception("unexpected error")
        raise SystemExit(1) from error
    finally:
        to_file.flush()
