"""Worker processes for the items of one job; the results do not depend on their number."""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    n_workers: int,
    initializer: Callable[..., None] | None = None,
    initargs: tuple[Any, ...] = (),
) -> Iterator[Result]:
    """Results of a function for each item, in the order of the items.

    Parameters
    ----------
    function : callable
        Defined at the top level of a module, since workers import it.
    items : iterable
    n_workers : int
        Number of processes. With one process or one item, no new process is started.
    initializer, initargs
        Function that each worker calls first, with its arguments; for example to read data that
        all items need.

    Yields
    ------
    object
    """
    todo = list(items)
    if n_workers < 2 or len(todo) < 2:
        if initializer is not None:
            initializer(*initargs)
        yield from map(function, todo)
        return
    # Start fresh interpreters: a process forked from one with threads may hang.
    context = multiprocessing.get_context("spawn")
    n_workers = min(n_workers, len(todo))
    with (
        _no_main_file(),
        ProcessPoolExecutor(
            n_workers, mp_context=context, initializer=_begin, initargs=(initializer, initargs)
        ) as pool,
    ):
        yield from pool.map(function, todo)


def _begin(initializer: Callable[..., None] | None, initargs: tuple[Any, ...]) -> None:
    """Prepare a worker. It is to end when its job does, also if that is killed (-9)."""
    threading.Thread(target=_end_with_job, daemon=True).start()
    if initializer is not None:
        initializer(*initargs)


def _end_with_job() -> None:
    """Wait for the end of the process that started this one."""
    job = multiprocessing.parent_process()
    assert job is not None
    job.join()
    # Nobody waits for the results, and other threads may be within a library.
    os._exit(1)


@contextlib.contextmanager
def _no_main_file() -> Iterator[None]:
    """Hide the main script from new processes, which would run it: it works in its job only."""
    import __main__ as main

    kept: dict[str, Any] = {
        name: vars(main).pop(name) for name in ("__file__", "__spec__") if name in vars(main)
    }
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(kept)
