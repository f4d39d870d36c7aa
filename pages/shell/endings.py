"""What must come to an end before the server does: who begins work in the background says here how it is stopped."""

from __future__ import annotations

from collections.abc import Callable

_endings: dict[str, Callable[[], None]] = {}


def at_end(stop: Callable[[], None]) -> Callable[[], None]:
    """Decorator: call `stop` when the server ends. A module that was never imported has nothing to stop."""
    _endings[f"{stop.__module__}.{stop.__qualname__}"] = stop
    return stop


def end_all() -> None:
    """Stop everything that was begun, and wait for it."""
    for stop in list(_endings.values()):
        stop()
