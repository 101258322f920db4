"""Work done side by side whose results are taken in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, in the order given; at most `ahead` are begun and not yet taken.

    What `work` raises is raised when its item's turn comes; the rest is not begun then.
    """
    rest = iter(items)
    waiting: deque[tuple[Item, Future[Result]]] = deque(
        (item, pool.submit(work, item)) for item in islice(rest, ahead)
    )
    while waiting:
        item, future = waiting.popleft()
        result = future.result()
        waiting.extend((following, pool.submit(work, following)) for following in islice(rest, 1))
        yield item, result
