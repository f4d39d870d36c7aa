"""Numbers that Python reads and that cannot be meant are wrong usage, not a traceback."""

from collections.abc import Callable
from typing import Any

import pytest

Call = Callable[..., Any]


@pytest.mark.parametrize(
    "words",
    [
        *(["watch", "first", "--every", number] for number in ("nan", "inf", "-1", "0", "1e400", "often")),
        *(["runs", "empty-trash", "--older-than-days", number] for number in ("nan", "1e12", "-inf", "-1", "long")),
        *(["serve", "--port", number] for number in ("70000", "0", "-1", "9" * 400, "9" * 5000, "http")),
        *(["sample", "first", "--count", number] for number in ("0", "-1", "1e3", "9" * 5000)),
    ],
    ids=lambda words: " ".join(words)[:60],
)
def test_a_number_that_cannot_be_meant_is_wrong_usage(vaelab: Call, words: list[str]) -> None:
    answer = vaelab(*words)
    assert answer.code == 2
    assert f"argument {words[-2]}" in answer.err
    assert "Traceback" not in answer.err
