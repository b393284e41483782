"""Documents and their change log in SQLite.

Nothing here knows HTTP. Every method holds one lock for its whole length, so a test may call the
store from its own thread while the server runs.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable, Optional

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE documents (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (collection, key)
);
CREATE INDEX documents_in_order ON documents (collection, position);
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX changes_in_order ON changes (collection, seq);
CREATE TABLE counters (collection TEXT PRIMARY KEY, last INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class Stored:
    """One document at one version; `text` is its JSON."""

    position: int
    key: str
    version: int
    text: str

    @property
    def document(self) -> Document:
        """A fresh copy of the fields, `id` and `created_at` among them."""
        return _load(self.text)

    @property
    def etag(self) -> str:
        """A strong entity tag (RFC 9110, 8.8.3); the version tells equal contents apart."""
        return f'"{self.version}-{_digest(self.text)}"'


@dataclass(frozen=True)
class Change:
    """One entry of the change log; `text` is the document after it, before it for a deletion."""

    seq: int
    kind: str
    key: str
    text: str

    @property
    def document(self) -> Document:
        """A fresh copy of the document."""
        return _load(self.text)


class Store:
    """Collections of JSON documents with server-assigned keys, and the log of their changes.

    `now` gives the aware UTC time for `created_at`; `on_change` is called after each write, with
    the lock released.
    """

    def __init__(
        self,
        *,
        now: Optional[Callable[[], datetime]] = None,
        on_change: Optional[Callable[[], None]] = None,
    ) -> None:
        self._now = now or _utc_now
        self._on_change = on_change
        self._lock = threading.RLock()
        self._fields: dict[str, set[str]] = {}
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database; the store can't be used afterwards."""
        with self._lock:
            self._db.close()

    def reset(self) -> None:
        """Forget every document, change, key and sequence number."""
        with self._transaction() as db:
            for table in ("documents", "changes", "counters", "sqlite_sequence"):
                db.execute(f"DELETE FROM {table}")
            self._fields.clear()

    def insert(self, collection: str, fields: Mapping[str, Any], *, key: Optional[str] = None) -> Stored:
        """Store a document; `id` (`i-1`, `i-2`, … never reused) and `created_at` are the node's."""
        with self._transaction() as db:
            assigned = key if key is not None else self._next_key(db, collection)
            text = _dump({**fields, "id": assigned, "created_at": _iso(self._now())})
            cursor = db.execute(
                "INSERT INTO documents (collection, key, version, text) VALUES (?, ?, 1, ?)",
                (collection, assigned, text),
            )
            self._log(db, collection, "added", assigned, text)
            stored = Stored(int(cursor.lastrowid or 0), assigned, 1, text)
        self._changed()
        return stored

    def get(self, collection: str, key: str) -> Optional[Stored]:
        """Return the document with this key, or None."""
        with self._lock:
            row = self._db.execute(
                "SELECT position, key, version, text FROM documents WHERE collection=? AND key=?",
                (collection, key),
            ).fetchone()
        return None if row is None else Stored(*row)

    def update(self, collection: str, key: str, fields: Mapping[str, Any]) -> Optional[Stored]:
        """Merge `fields` into the document's top level; None when there is no such document."""
        with self._transaction():
            before = self.get(collection, key)
            after = before and self._write(collection, before, {**before.document, **fields})
        self._changed()
        return after

    def replace(self, collection: str, key: str, fields: Mapping[str, Any]) -> Optional[Stored]:
        """Put `fields` in the place of the document; None when there is no such document."""
        with self._transaction():
            before = self.get(collection, key)
            after = before and self._write(collection, before, dict(fields))
        self._changed()
        return after

    def remove(self, collection: str, key: str) -> bool:
        """Delete the document; False when there is no such document."""
        with self._transaction() as db:
            before = self.get(collection, key)
            if before is not None:
                db.execute("DELETE FROM documents WHERE position=?", (before.position,))
                self._log(db, collection, "deleted", key, before.text)
        self._changed()
        return before is not None

    def page(
        self, collection: str, *, after: int, size: int, query: Mapping[str, list[str]]
    ) -> tuple[list[Stored], bool]:
        """Return up to `size` matching documents behind `after`, and whether more follow."""
        found: list[Stored] = []
        with self._lock:
            rows = self._db.execute(
                "SELECT position, key, version, text FROM documents"
                " WHERE collection=? AND position>? ORDER BY position",
                (collection, after),
            )
            for row in rows:
                stored = Stored(*row)
                if not self.matches(collection, stored.text, query):
                    continue
                if len(found) == size:
                    return found, True
                found.append(stored)
        return found, False

    def matches(self, collection: str, text: str, query: Mapping[str, list[str]]) -> bool:
        """Whether the document equals the query in each field the collection has ever had.

        A name that is no field is ignored, as real nodes ignore unknown query parameters.
        """
        with self._lock:
            known = self._fields.get(collection, set())
            asked = {name: values for name, values in query.items() if name in known}
        if not asked:
            return True
        document = _load(text)
        return all(name in document and wire_text(document[name]) in values for name, values in asked.items())

    def changes(self, collection: str, after: int) -> list[Change]:
        """Return the changes of a collection with a sequence number above `after`, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT seq, kind, key, text FROM changes WHERE collection=? AND seq>? ORDER BY seq",
                (collection, after),
            ).fetchall()
        return [Change(*row) for row in rows]

    def last_seq(self) -> int:
        """Return the sequence number of the newest change of any collection, 0 without one."""
        with self._lock:
            row = self._db.execute("SELECT COALESCE(MAX(seq), 0) FROM changes").fetchone()
        return int(row[0])

    def _write(self, collection: str, before: Stored, fields: Document) -> Stored:
        assigned = {"id": before.key, "created_at": before.document["created_at"]}
        after = Stored(before.position, before.key, before.version + 1, _dump({**fields, **assigned}))
        self._db.execute(
            "UPDATE documents SET version=?, text=? WHERE position=?",
            (after.version, after.text, after.position),
        )
        self._log(self._db, collection, "modified", after.key, after.text)
        return after

    def _log(self, db: sqlite3.Connection, collection: str, kind: str, key: str, text: str) -> None:
        self._fields.setdefault(collection, set()).update(_load(text))
        db.execute(
            "INSERT INTO changes (collection, kind, key, text) VALUES (?, ?, ?, ?)",
            (collection, kind, key, text),
        )

    def _next_key(self, db: sqlite3.Connection, collection: str) -> str:
        row = db.execute("SELECT last FROM counters WHERE collection=?", (collection,)).fetchone()
        number = 1 if row is None else int(row[0]) + 1
        db.execute("REPLACE INTO counters (collection, last) VALUES (?, ?)", (collection, number))
        return f"{collection.rsplit('/', 1)[-1][0]}-{number}"

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def wire_text(value: Any) -> str:
    """Return a JSON value as a query parameter would say it: `true`, `null`, `12`, `open`."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _dump(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _load(text: str) -> Document:
    document: Document = json.loads(text)
    return document


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
