"""Work done side by side whose results are taken in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""Items a thread that are begun and not yet taken: one in work, one that waits for the order."""


def in_order(
    threads: int, work: Callable[[Item], Result], items: Iterable[Item]
) -> Generator[tuple[Item, Result]]:
    """Each item with its result, in the order given; `threads` are worked on at a time.

    What `work` raises is raised when its item's turn comes; the rest is not begun then, nor when the iterator is closed.
    """
    rest = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[Item, Future[Result]]] = deque(
            (item, pool.submit(work, item)) for item in islice(rest, AHEAD * threads)
        )
        try:
            while waiting:
                item, future = waiting.popleft()
                result = future.result()
                waiting.extend((following, pool.submit(work, following)) for following in islice(rest, 1))
                yield item, result
        finally:
            pool.shutdown(cancel_futures=True)
