"""Once: made at the first call, by one caller, and again after a failure."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from vaelab.once import Once


def test_it_is_made_at_the_first_call_and_never_again() -> None:
    made: list[int] = []
    value = Once(lambda: made.append(1) or object())
    assert not made
    assert value() is value()
    assert made == [1]


def test_callers_at_the_same_time_get_the_same_one() -> None:
    begun = threading.Barrier(4)
    made: list[int] = []

    def slowly() -> object:
        made.append(1)
        time.sleep(0.05)
        return object()

    value = Once(slowly)

    def asked(_: int) -> object:
        begun.wait()
        return value()

    with ThreadPoolExecutor(4) as workers:
        assert len({id(found) for found in workers.map(asked, range(4))}) == 1
    assert made == [1]


def test_after_a_failure_the_next_call_tries_again() -> None:
    answers: list[object] = [ValueError("not yet"), "there"]

    def unsure() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    value = Once(unsure)
    with pytest.raises(ValueError, match="not yet"):
        value()
    assert value() == "there"
