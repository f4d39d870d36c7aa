"""Ctrl-C and SIGTERM ask to stop, and afterwards mean what they meant before."""

import os
import signal
import threading

import pytest

from vaelab.interrupts import interrupts_ask

BOTH = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def _as_at_a_start(monkeypatch: pytest.MonkeyPatch) -> object:
    """The handlers of a fresh process, whatever the test run has set."""
    before = {number: signal.getsignal(number) for number in BOTH}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", BOTH)
def test_a_signal_asks_instead_of_ending_the_process(number: signal.Signals) -> None:
    asked: list[bool] = []
    with interrupts_ask(lambda: asked.append(True)):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert asked == [True, True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_who_minds_a_signal_already_goes_on_minding_it() -> None:
    asked: list[str] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append("theirs"))
    with interrupts_ask(lambda: asked.append("ours")):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert asked == ["theirs", "ours"]


def test_in_another_thread_nothing_changes() -> None:
    seen: list[object] = []

    def work() -> None:
        with interrupts_ask(lambda: None):
            seen.extend(signal.getsignal(number) for number in BOTH)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler, signal.SIG_DFL]
