"""What was made a moment ago, kept in memory up to a bound: the least lately used goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class AtHand(Generic[Thing]):
    """Things by key, the sum of whose weights stays below `most`; safe to share between threads."""

    def __init__(self, most: int, weigh: Callable[[Thing], int]) -> None:
        self._most, self._weigh = most, weigh
        self._things: OrderedDict[Hashable, Thing] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()
        self._making = threading.Lock()

    @property
    def weight(self) -> int:
        """Of all that is kept."""
        return self._weight

    def get(self, key: Hashable) -> Thing | None:
        """What is kept under a key."""
        with self._lock:
            found = self._things.get(key)
            if found is not None:
                self._things.move_to_end(key)
            return found

    def put(self, key: Hashable, thing: Thing) -> None:
        """Keep something; what alone weighs too much is not kept."""
        with self._lock:
            if key in self._things:
                self._weight -= self._weigh(self._things.pop(key))
            self._things[key] = thing
            self._weight += self._weigh(thing)
            while self._weight > self._most:
                self._weight -= self._weigh(self._things.popitem(last=False)[1])

    def get_or_make(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """What is kept under a key, made if it is not; one thing is made at a time, and each once."""
        found = self.get(key)
        if found is not None:
            return found
        with self._making:
            found = self.get(key)
            if found is None:
                found = make()
                self.put(key, found)
            return found
