"""Values that are made when somebody first asks for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Once(Generic[Value]):
    """Makes its value at the first call and gives the same one ever after; callers meanwhile wait for it.

    A call that raises made nothing: the next one tries again.
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make: Callable[[], Value] | None = make
        self._lock = threading.Lock()
        self._made: list[Value] = []

    def __call__(self) -> Value:
        with self._lock:
            if self._make is not None:
                self._made.append(self._make())
                self._make = None  # with all that it held
        return self._made[0]
