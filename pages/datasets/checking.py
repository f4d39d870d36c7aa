"""Checks of pictures before they are prepared, in a thread each: they decode everything, and the page stays quick."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pages.datasets.uploads import Upload
from pages.shell.endings import at_end
from vaelab.data.mapping import LabelMapping
from vaelab.data.sources import Source
from vaelab.data.validation import Validation, validate
from vaelab.errors import Cancelled, VaelabError

STOP_TIMEOUT_SECONDS = 20.0


@dataclass(eq=False)
class Check:
    """One check, under way or over.

    Attributes:
        done, total: pictures; total is 0 while they are being looked for.
        found: what was found, once it is over.
        error: why there is nothing found, for people.
    """

    what: str
    done: int = 0
    total: int = 0
    found: Validation | None = None
    error: str = ""
    cancel: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has found all that there is, or failed."""
        return self.found is not None or bool(self.error)


_checks: list[Check] = []


def begin_check(
    make_source: Callable[[], Source],
    what: str,
    size: int,
    mappings: Sequence[LabelMapping] = (),
    upload: Upload | None = None,
) -> Check:
    """Check a source in the background; returns at once.

    Args:
        make_source: called in the background, so that it may unpack an archive first.
        what: the pictures in words, for the page.
        upload: what to delete when it is over.
    """
    check = Check(what)
    arguments = (check, make_source, size, mappings, upload)
    check.thread = threading.Thread(target=_work, args=arguments, name="check", daemon=True)
    _checks[:] = [other for other in _checks if not other.is_over]
    _checks.append(check)
    check.thread.start()
    return check


@at_end
def stop_checks() -> None:
    """Stop every check and wait for it: a thread that decodes while the interpreter ends aborts it."""
    for check in _checks:
        check.cancel.set()
    for check in _checks:
        if check.thread is not None:
            check.thread.join(STOP_TIMEOUT_SECONDS)


def _work(
    check: Check,
    make_source: Callable[[], Source],
    size: int,
    mappings: Sequence[LabelMapping],
    upload: Upload | None,
) -> None:
    def show(done: int, total: int, _: float) -> None:
        check.done, check.total = done, total
        if check.cancel.is_set():
            raise Cancelled("stopped on request; nothing was written")

    error = "it ended by a mistake of ours; the server's log has the details"
    found = None
    try:
        found = validate(make_source(), size=size, mappings=mappings, progress=show)
        error = ""
    except (VaelabError, OSError, ValueError) as raised:
        error = str(raised)
    finally:
        if upload is not None:
            upload.delete()  # first: whoever hears of the end finds nothing left
        check.found, check.error = found, error
