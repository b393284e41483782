"""A node without a socket, with the face of `SocketNode`: an ASGI app, and a mock's handler."""

from __future__ import annotations

from collections import deque
from typing import Any

from tests.transport.conformance.answers import Answer, Seen, Wire

__all__ = ["InProcessNode"]


class InProcessNode:
    """Answers in the order of `answers`; the last one is repeated."""

    port = 80
    trust = None

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque([Answer()])
        self.seen: list[Seen] = []

    def play(self, *answers: Answer | Wire) -> None:
        """Sets what the next requests are answered with."""
        plain = [answer for answer in answers if isinstance(answer, Answer)]
        assert len(answers) == len(plain), "only a socket can send bare bytes"
        self.answers = deque(plain)

    def close(self) -> None:
        """Nothing is open."""

    def _take(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI app."""
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        answer = self._take(Seen(scope["method"], target, tuple(scope["headers"]), body))
        fields = [(name.lower(), value) for name, value in answer.all_headers()]
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        await send({"type": "http.response.body", "body": answer.body})

    def handler(self, library: Any) -> Any:
        """The handler for `library.MockTransport`; its answers have a stream, as real ones have."""

        def handle(request: Any) -> Any:
            seen = Seen(
                request.method,
                request.url.raw_path,
                tuple(request.headers.raw),
                request.content,
            )
            answer = self._take(seen)
            return library.Response(
                answer.status,
                headers=list(answer.all_headers()),
                stream=library.ByteStream(b"" if request.method == "HEAD" else answer.body),
            )

        return handle
