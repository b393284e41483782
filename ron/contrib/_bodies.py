"""A response's body that keeps its request's clients until it is closed, and binds them while it makes a part."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any

from ._request import RequestClients

__all__ = ["KeptBody", "KeptBodyAsync"]


class KeptBody:
    """For servers of iterables; they call ``close`` in any case (PEP 3333), test clients often only read to the end."""

    def __init__(self, parts: Iterable[Any], clients: RequestClients) -> None:
        self._parts = parts
        self._iterator = iter(parts)
        self._clients = clients

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            with self._clients.activated():
                return next(self._iterator)
        except StopIteration:
            self._clients.release_sync()
            raise

    def close(self) -> None:
        try:
            close = getattr(self._parts, "close", None)
            if close is not None:
                with self._clients.activated():
                    close()
        finally:
            self._clients.release_sync()


class KeptBodyAsync:
    """For servers of async iterables; they call ``close`` at the end, or after a broken connection only ``aclose``."""

    def __init__(self, parts: AsyncIterable[Any], clients: RequestClients) -> None:
        self._parts = parts
        self._clients = clients

    async def __aiter__(self) -> AsyncIterator[Any]:
        iterator = self._parts.__aiter__()
        try:
            while True:
                try:
                    with self._clients.activated():
                        part = await iterator.__anext__()
                except StopAsyncIteration:
                    return
                yield part
        finally:
            try:
                close = getattr(iterator, "aclose", None)
                if close is not None:
                    await close()
            finally:
                await self._clients.release()

    def close(self) -> None:
        self._clients.release_sync()
