"""Ctrl-C and SIGTERM as a wish to stop in good order."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def interrupts_ask(ask: Callable[[], object]) -> Iterator[None]:
    """Let both signals call `ask` rather than end the process, unless whoever started it minds them already.

    Only the main thread hears signals; in another one nothing changes.
    """

    def handler(number: int, frame: FrameType | None) -> None:
        ask()

    previous = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                previous[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handler_before in previous.items():
            signal.signal(number, handler_before)
