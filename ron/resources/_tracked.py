"""What a watch without ids has delivered: key → digest. Nothing here may do I/O."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Optional

from pydantic_core import to_json
from typing_extensions import Literal

if TYPE_CHECKING:
    from collections.abc import Set

__all__ = ["Tracked"]


#: how pydantic writes a ``SecretStr``
_HIDDEN = b"**********"


def _revealed(value: Any) -> Any:
    """A secret's own value, which goes into the digest and nowhere else."""
    reveal = getattr(value, "get_secret_value", None)
    return value if reveal is None else reveal()


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
        # Not as the item serializes itself, which may leave fields out (``exclude=True``).
        content = to_json([item.__dict__, item.__pydantic_extra__], fallback=repr, bytes_mode="base64")
        if _HIDDEN in content:
            content += repr([_revealed(value) for value in item.__dict__.values()]).encode("utf-8", "replace")
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
