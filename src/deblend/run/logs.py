"""Logging for scripts: everything in one file, what matters on the terminal."""

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
    """Let lines be written to a terminal above the progress bars that it shows.

    Where nothing has imported tqdm there is no bar, and it is not imported for this.
    """
    bar = getattr(sys.modules.get("tqdm"), "tqdm", None)
    if bar is None:
        yield
    else:
        with bar.external_write_mode(file=stream):
            yield


class TerminalHandler(logging.StreamHandler):
    """A handler whose lines do not tear a progress bar."""

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
        The rule's log file; written anew.

    Raises
    ------
    SystemExit
        With status 1 after any exception. A `DeblendError` shows its message on
        standard error; anything else shows its traceback too.
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
