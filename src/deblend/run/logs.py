"""Logging for scripts: to a log file with all details, and to the terminal."""

import contextlib
import hashlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

from deblend.data.checksums import check_downloads
from deblend.data.locks import only_one
from deblend.errors import DeblendError, TransientError
from deblend.files import atomic
from deblend.run.digests import check_digests, record_digests
from deblend.run.parents import end_with_run, present_run
from deblend.space import is_full_disk

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


class LogFile(logging.FileHandler):
    """A handler that does without its file where the disk is full: the job says that once."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Show what went wrong, unless the disk is full."""
        error = sys.exc_info()[1]
        if error is None or not is_full_disk(error):
            super().handleError(record)


class Job(Protocol):
    """What a script knows of its job.

    Attributes
    ----------
    input, output, log : sequence of str
        Paths. The first log is overwritten.
    config : dict
        Its `downloads` have the folder of all downloads, and checksums of their entries.
    params
        Those of a training have a `checkpoint`, the path of a file.
    """

    input: Iterable[str]
    output: Iterable[str]
    log: Sequence[str]
    config: dict[str, Any]
    params: Any


@contextlib.contextmanager
def script(job: Job) -> Iterator[None]:
    """Send log records, warnings and uncaught exceptions of a script to its log file.

    Inputs are compared with their digests before, and digests of outputs are recorded after the
    block, see `deblend.run.digests`. Logs and benchmarks have none. Downloads are compared with
    their table or their entry, see `deblend.data.checksums`.

    Parameters
    ----------
    job : Job

    Raises
    ------
    SystemExit
        With status 1 after any exception. For a `DeblendError` and a full disk, standard error
        shows the message only; for other exceptions also the traceback. After a `DeblendError`
        that is no `TransientError`, further attempts of the same run end at once: they can only
        fail.

    Notes
    -----
    The script ends soon after the run that started it, see `deblend.run.parents`.
    """
    path = Path(job.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    final = _FINAL / hashlib.sha256(str(path).encode()).hexdigest()[:16]
    if final.is_file() and present_run():
        run, _, text = final.read_text().partition("\n")
        if run == present_run():
            path.write_text(text)
            print(f"Error: not tried again, since it can only fail (see {path})", file=sys.stderr)
            raise SystemExit(1)
    to_file = LogFile(path, mode="w")
    to_file.setFormatter(logging.Formatter(FORMAT))
    to_terminal = TerminalHandler(sys.stderr)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.handlers = [to_file, to_terminal]
    logging.captureWarnings(True)
    try:
        end_with_run()
        check_digests(job.input)
        if downloads := getattr(job, "config", {}).get("downloads"):
            check_downloads(job.input, downloads["folder"], downloads["checksums"])
        with _alone(getattr(getattr(job, "params", None), "checkpoint", None)):
            yield
            record_digests(job.output)
    except DeblendError as error:
        _show(error, str(error), path)
        if not isinstance(error, TransientError):
            _end_attempts(path, final)
        raise SystemExit(1) from error
    except KeyboardInterrupt as error:
        root.info("interrupted")
        raise SystemExit(1) from error
    except Exception as error:
        if is_full_disk(error):
            reason = " ".join(str(error).split())[:200]
            _show(error, f"the disk is full ({reason}): make space, and run again", path)
            _end_attempts(path, final)
            # HDF5 cannot close its files then, and crashes when the process ends.
            logging.shutdown()
            os._exit(1)
        root.exception("unexpected error")
        raise SystemExit(1) from error
    finally:
        with contextlib.suppress(OSError):
            to_file.flush()


@contextlib.contextmanager
def _alone(checkpoint: str | None) -> Iterator[None]:
    """Let no two jobs write one checkpoint, such as those of a run that was killed on a cluster."""
    if checkpoint is None:
        yield
        return
    path = Path(checkpoint)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(only_one(lock, f"training from {checkpoint}"))
        except DeblendError as error:
            raise TransientError(
                f"{error}; on a cluster, see squeue --me, and scancel it"
            ) from error
        yield


#: Logs of scripts that are not to be tried again in the run that their first line names. Snakemake
#: removes the logs themselves before each attempt.
_FINAL = Path(".snakemake/final")


def _end_attempts(path: Path, final: Path) -> None:
    """Have further attempts of the same run end at once; each leaves the log of this one."""
    if not present_run():
        return
    # On a full disk they are made.
    with contextlib.suppress(OSError), atomic(final) as temporary:
        temporary.write_text(f"{present_run()}\n{path.read_text()}")


def _show(error: Exception, message: str, path: Path) -> None:
    """Write the message of an error to the terminal, and its traceback to the log file only."""
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, TerminalHandler):
            handler.setLevel(logging.CRITICAL + 1)
    root.error("%s", message, exc_info=error)
    with above_bars(sys.stderr):
        print(f"Error: {message}\n(traceback: {path})", file=sys.stderr, flush=True)
