"""A limit on what one request may send, counted as it arrives: a server without one can be filled up by anybody."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

MAX_REQUEST_BYTES = 32 * 2**20
"""A photo of 20 MB as base64 has 27 MB."""


class _TooLarge(ConnectionError):
    """A request sent more than it may; nobody outside this file meets it."""


class BodyLimit:
    """Refuses larger requests with status 413, by what they announce or else by what they have sent so far."""

    def __init__(self, app: Application, most_bytes: int = MAX_REQUEST_BYTES) -> None:
        self._app, self._most_bytes = app, most_bytes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self._most_bytes:
            await self._refuse(send)
            return
        arrived, has_answered = 0, False

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._most_bytes:
                raise _TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _TooLarge:
            if not has_answered:
                await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        words = {"detail": f"a request may have {self._most_bytes // 2**20} MB; send a smaller photo"}
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(words).encode()})
