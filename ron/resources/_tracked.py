"""What a watch without ids has delivered: key → digest. Nothing here may do I/O."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Optional

from typing_extensions import Literal

if TYPE_CHECKING:
    from collections.abc import Set

__all__ = ["Tracked"]


class Tracked:
    """The objects that the consumer knows of, each by its key and a digest of its content.

    Attributes:
        complete: whether these are all objects there are, because everything was listed once and followed since.
    """

    __slots__ = ("_digests", "complete")

    def __init__(self) -> None:
        self._digests: dict[str, bytes] = {}
        self.complete = False

    def __len__(self) -> int:
        return len(self._digests)

    def put(self, key: str, item: Any) -> Optional[Literal["added", "modified"]]:
        """Takes note of an object as it is now; what that means to the consumer, None if it is no news."""
        content = item.__pydantic_serializer__.to_json(item, warnings=False)
        digest = blake2b(content, digest_size=16).digest()
        before = self._digests.get(key)
        if before == digest:
            return None
        self._digests[key] = digest
        return "added" if before is None else "modified"

    def drop(self, key: str) -> None:
        """Takes note of a deletion."""
        self._digests.pop(key, None)

    def keep(self, keys: Set[str]) -> list[str]:
        """Everything was listed, and these are all there are: which ones are gone since."""
        self.complete = True
        gone = [key for key in self._digests if key not in keys]
        for key in gone:
            del self._digests[key]
        return gone

    def forget(self) -> None:
        """What was delivered is not known any more."""
        self._digests.clear()
        self.complete = False
