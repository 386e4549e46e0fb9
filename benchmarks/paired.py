"""Two pieces of work in turn, so that a ratio holds when the machine's speed drifts."""

from collections.abc import Callable
from time import perf_counter


def paired(
    benchmark,
    name: str,
    baseline: Callable[[], object],
    run: Callable[[], object],
    *,
    items: int,
    rounds: int = 9,
) -> None:
    """Time `run`, with `baseline` before each of its rounds; `ratios.py` divides pair by pair.

    Parameters
    ----------
    benchmark : fixture of pytest-benchmark
    name : str
        What the baseline is, for the table.
    baseline, run : callable
        The same number of items each.
    items, rounds : int
    """
    seconds: list[float] = []

    def before() -> None:
        start = perf_counter()
        baseline()
        seconds.append(perf_counter() - start)

    run()  # both are warm before anything counts
    baseline()
    benchmark.extra_info.update(items=items, baseline=name, baseline_s=seconds)
    benchmark.pedantic(run, setup=before, rounds=rounds)
