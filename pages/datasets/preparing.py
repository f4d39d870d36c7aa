"""Preparations that go on while the visitor looks at other pages: one thread each, seen by every browser.

A thread, and one that decodes by itself: pictures are decoded outside the interpreter's lock, so pages stay quick, and
worker processes would run the page's script again. A server that is stopped in the middle leaves a partial folder, and
the same request goes on with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pages.datasets.uploads import Upload
from pages.shell.endings import at_end
from vaelab.data.mapping import LabelMapping
from vaelab.data.prepare import prepare
from vaelab.data.sources import Source
from vaelab.errors import Cancelled, DataError, VaelabError

STOP_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Standing:
    """How far a preparation is.

    Attributes:
        total: pictures in all; 0 while they are being looked for.
        seconds: since it began; it stands still at the end.
        error: why it failed, for people.
    """

    name: str
    done: int = 0
    total: int = 0
    images_per_second: float = 0.0
    seconds: float = 0.0
    is_over: bool = False
    error: str = ""


@dataclass
class _Work:
    """A preparation's thread, and what it says of itself."""

    standing: Standing
    cancel: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


_works: dict[str, _Work] = {}
_lock = threading.Lock()


def begin(
    make_source: Callable[[], Source],
    out_dir: Path,
    size: int,
    upload: Upload | None = None,
    mappings: Sequence[LabelMapping] = (),
) -> None:
    """Prepare a data set in the background; returns at once.

    Args:
        make_source: called in the background, so that it may unpack an archive first.
        upload: what to delete when it is over.
        mappings: labels of the visitor's own making.

    Raises:
        DataError: a data set of this name is being prepared, or there already.
    """
    with _lock:
        refuse_taken(out_dir)
        work = _Work(Standing(out_dir.name))
        arguments = (work, make_source, out_dir, size, upload, mappings)
        work.thread = threading.Thread(target=_prepare, args=arguments, name=f"prepare-{out_dir.name}", daemon=True)
        _works[out_dir.name] = work
        work.thread.start()


def refuse_taken(out_dir: Path) -> None:
    """Raise if no data set can be prepared there.

    Raises:
        DataError: one of this name is being prepared, or there already.
    """
    busy = _works.get(out_dir.name)
    if busy is not None and not busy.standing.is_over:
        raise DataError(f"{out_dir.name} is being prepared already; wait for it, or choose another name")
    if out_dir.exists():
        raise DataError(f"there is already a data set {out_dir.name}; choose another name")


def standings() -> list[Standing]:
    """All preparations since the server started that nobody put away yet, oldest first."""
    with _lock:
        return [work.standing for work in _works.values()]


def cancel(name: str) -> None:
    """Ask a preparation to stop after the chunk that it decodes."""
    if name in _works:
        _works[name].cancel.set()


def put_away(name: str) -> None:
    """Forget one that is over."""
    with _lock:
        if name in _works and _works[name].standing.is_over:
            del _works[name]


@at_end
def stop_all() -> None:
    """Stop every preparation and wait for it: a thread that decodes while the interpreter ends aborts it."""
    for work in list(_works.values()):
        work.cancel.set()
    for work in list(_works.values()):
        if work.thread is not None:
            work.thread.join(STOP_TIMEOUT_SECONDS)


def _prepare(
    work: _Work,
    make_source: Callable[[], Source],
    out_dir: Path,
    size: int,
    upload: Upload | None,
    mappings: Sequence[LabelMapping],
) -> None:
    started = time.monotonic()

    def say(
        done: int = 0, total: int = 0, images_per_second: float = 0.0, *, over: bool = False, error: str = ""
    ) -> None:
        seconds = time.monotonic() - started
        work.standing = Standing(out_dir.name, done, total, images_per_second, seconds, over, error)

    def show(done: int, total: int, images_per_second: float) -> None:
        say(done, total, images_per_second)
        if work.cancel.is_set():
            raise Cancelled("stopped on request; preparing the same pictures again goes on from here")

    error = "it ended by a mistake of ours; the server's log has the details"
    try:
        store = prepare(make_source(), out_dir, size=size, workers=1, progress=show, mappings=mappings)
        say(len(store), len(store))
        error = ""
    except (VaelabError, OSError, ValueError) as found:
        error = str(found)
    finally:
        if upload is not None:
            upload.delete()  # first: whoever hears of the end finds nothing left
        last = work.standing
        say(last.done, last.total, over=True, error=error)
