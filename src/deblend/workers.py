"""Worker processes that share the items of one job; results do not depend on their number."""

import contextlib
import multiprocessing
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
    """Results of a function for each item, in the items' order.

    Parameters
    ----------
    function : callable
        Of a module, not a local one: workers import it.
    items : iterable
    n_workers : int
        Processes; with one, or one item, this process does it.
    initializer, initargs
        Called in each worker first, such as to read what all items need.

    Yields
    ------
    object
    """
    waiting = list(items)
    if n_workers < 2 or len(waiting) < 2:
        if initializer is not None:
            initializer(*initargs)
        yield from map(function, waiting)
        return
    # A fresh interpreter: one forked from a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    n_workers = min(n_workers, len(waiting))
    with (
        _no_main_file(),
        ProcessPoolExecutor(
            n_workers, mp_context=context, initializer=initializer, initargs=initargs
        ) as pool,
    ):
        yield from pool.map(function, waiting)


@contextlib.contextmanager
def _no_main_file() -> Iterator[None]:
    """Keep new processes from running this one's script: a workflow's needs its job for that."""
    import __main__ as main

    kept: dict[str, Any] = {
        name: vars(main).pop(name) for name in ("__file__", "__spec__") if name in vars(main)
    }
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(kept)
