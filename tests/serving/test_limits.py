"""The limit on requests, by what they announce and by what they send."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vaelab.serving.limits import BodyLimit


async def _swallow(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def status(parts: list[bytes], headers: list[tuple[bytes, bytes]]) -> int:
    """Status of a request that sends these parts, where ten bytes may be sent."""
    sent: list[Any] = []
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(BodyLimit(_swallow, 10)({"type": "http", "headers": headers}, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("parts", "headers", "expected"),
    [
        ([b"12345", b"12345"], [], 200),
        ([b"12345", b"12345", b"1"], [], 413),
        ([b"1"], [(b"content-length", b"11")], 413),
        ([b"1"], [(b"content-length", b"-1")], 413),
        ([b"1234567890"], [(b"content-length", b"10")], 200),
    ],
)
def test_requests_are_counted(parts: list[bytes], headers: list[tuple[bytes, bytes]], expected: int) -> None:
    assert status(parts, headers) == expected
