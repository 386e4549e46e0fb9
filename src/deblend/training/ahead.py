"""Make the next batch while the present one is used."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def made_ahead(make: Callable[[int], T], n: int) -> Iterator[T]:
    """Yield make(0) to make(n - 1); a thread makes each of them while the one before is used.

    On a GPU images are rendered during the step of the batch before. The results do not depend on
    it if `make` depends on its number alone.

    Parameters
    ----------
    make : callable
        It is called in the order of the numbers, never twice at once. An error that it raises
        comes from the iterator.
    n : int
    """
    if n < 1:
        return
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(make, 0)
        for number in range(n):
            made = future.result()
            if number + 1 < n:
                future = pool.submit(make, number + 1)
            yield made
