"""What takes seconds to import comes behind the first page, not before it: its script and its face need none of it.

Everybody else waits until it is there. Two threads that import the same packages from different ends stumble over each
other: Python raises a deadlock error in one of them.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Iterator

NOBODY_CAME_SECONDS = 20.0
"""After so long without a visitor there is nobody to be in the way of."""
BROWSER_SECONDS = 3.0
"""How long a browser may take from a page's last element to its first picture: it fetches forty scripts in between,
which this process answers half a second later where it imports beside that."""
PATIENCE_SECONDS = 120.0
HEAVY = (
    "vaelab.engine",
    "vaelab.browser_decoder",
    "vaelab.training.step",
    "vaelab.data.collection",
    "vaelab.evaluation.groups",
    "vaelab.counterfactual",
)
"""What pages import of torch, pandas and scipy; not umap and numba, which one page uses in a process of its own."""

_is_out, _is_needed, _is_warm, _ends = (threading.Event() for _ in range(4))
_is_warm.set()  # outside a server nothing is imported behind anybody's back


@contextlib.contextmanager
def warming_up() -> Iterator[bool]:
    """Held by the one thread that imports: waits for its time, and gives False where the server ended before.

    `server_starts` has to be called first.
    """
    try:
        if _is_out.wait(NOBODY_CAME_SECONDS):
            _is_needed.wait(BROWSER_SECONDS)
        if not _ends.is_set():
            for name in HEAVY:
                importlib.import_module(name)
        yield not _ends.is_set()
    finally:
        _is_warm.set()


def server_starts() -> None:
    """There will be somebody who imports."""
    _is_warm.clear()


def server_ends() -> None:
    """Nobody needs to be waited for any more."""
    _ends.set()
    _is_needed.set()
    _is_out.set()


def page_is_out() -> None:
    """A visitor has a page, whose pictures the browser asks for next."""
    _is_out.set()


def is_warm() -> bool:
    """Whether everything heavy is imported."""
    return _is_warm.is_set()


def wait_until_warm() -> None:
    """Return once everything heavy is imported, which begins at once; for those who cannot go on without."""
    _is_needed.set()
    _is_out.set()
    _is_warm.wait(PATIENCE_SECONDS)
