# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant's state: documents in one SQLite file, readable through a replica that lags behind.

Microsoft's directories answer reads from replicas, so that an object made a moment ago is found by one read and not by
the next. The store keeps, beside each document, what it was before its last change. A *stale* view shows that older
document until ``lag`` seconds after the change; a *fresh* view always shows the newest. Rules (uniqueness, references)
are checked on fresh views; what a client reads alternates (see :meth:`Store.view_for`).
"""

from __future__ import annotations

import copy
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]

# What of a text is enough to find it by.
_WORD = 200
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
  kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT, earlier TEXT, changed REAL NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE INDEX IF NOT EXISTS by_kind ON documents (kind, position);
CREATE INDEX IF NOT EXISTS by_position ON documents (position);
CREATE TABLE IF NOT EXISTS words (
  kind TEXT NOT NULL, word TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, word, id)
) WITHOUT ROWID;
"""


class View:
    """Reads of one replica. Documents are copies: changing one changes nothing until it is put back."""

    def __init__(self, store: Store, stale: bool) -> None:
        self._store = store
        self.stale = stale

    def get(self, kind: str, key: str) -> Document | None:
        """The document of that kind and id, or None. Ids compare without case."""
        row = self._store.connection.execute(
            "SELECT body, earlier, changed FROM documents WHERE kind = ? AND id = ?", (kind, key.lower())
        ).fetchone()
        return self._visible(row) if row else None

    def all(self, kind: str) -> list[Document]:
        """Every document of that kind, oldest first."""
        rows = self._store.connection.execute(
            "SELECT body, earlier, changed FROM documents WHERE kind = ? ORDER BY position", (kind,)
        )
        return [document for row in rows if (document := self._visible(row)) is not None]

    def where(self, kind: str, test: Callable[[Document], bool]) -> list[Document]:
        """The documents of that kind that pass the test."""
        return [document for document in self.all(kind) if test(document)]

    def mentioning(self, kind: str, *texts: str) -> list[Document]:
        """The documents of that kind that one of the texts is a value of, anywhere and without case, a prefix as in
        ``smtp:`` left out or not: a quick first pass of a look-up, whose work does not grow with the tenant.

        It may find too much, never too little.
        """
        # The plus keeps the database from going through all of that kind in order.
        rows = self._store.connection.execute(
            "SELECT body, earlier, changed FROM documents WHERE kind = ?1 AND id IN (SELECT id FROM words WHERE kind = ?1"
            " AND word IN (SELECT value FROM json_each(?2))) ORDER BY +position",
            (kind, json.dumps([text.lower()[:_WORD] for text in texts])),
        )
        return [document for row in rows if (document := self._visible(row)) is not None]

    def first(self, kind: str, test: Callable[[Document], bool]) -> Document | None:
        """The oldest document of that kind that passes the test, or None."""
        return next(iter(self.where(kind, test)), None)

    def having(self, kind: str, member: str, value: str) -> list[Document]:
        """The documents of that kind whose top-level member is that text, compared without case."""
        found = self.mentioning(kind, value)
        return [document for document in found if str(document.get(member) or "").lower() == value.lower()]

    def _visible(self, row: tuple[str | None, str | None, float]) -> Document | None:
        body, earlier, changed = row
        text = earlier if self.stale and time.time() - changed < self._store.lag else body
        return json.loads(text) if text is not None else None


class Store:
    """The documents of one tenant. One process uses it, one request at a time.

    Args:
        path: the SQLite file; made when missing.
        lag: seconds for which a stale view does not show a change.
    """

    def __init__(self, path: Path, lag: float = 0.0) -> None:
        self.lag = lag
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=OFF")
        self.connection.executescript(_SCHEMA)
        self._index_what_is_old()
        self.fresh = View(self, stale=False)
        self.stale = View(self, stale=True)
        self._reads: dict[str, int] = {}

    def view_for(self, resource: str) -> View:
        """The replica that answers the next read of ``resource`` (a path without query): slow, fast, slow, ..."""
        count = self._reads.get(resource, 0)
        self._reads[resource] = count + 1
        return self.stale if self.lag and count % 2 == 0 else self.fresh

    def put(self, kind: str, key: str, document: Document) -> Document:
        """Write the whole document; returns a copy of it."""
        self._write(kind, key.lower(), json.dumps(document))
        return copy.deepcopy(document)

    def update(self, kind: str, key: str, **changes: Any) -> Document:
        """Change some members of an existing document; KeyError when there is none."""
        document = self.fresh.get(kind, key)
        if document is None:
            raise KeyError(f"{kind} {key}")
        document.update(changes)
        return self.put(kind, key, document)

    def remove(self, kind: str, key: str) -> None:
        """Remove the document; stale views show it until the lag is over."""
        self._write(kind, key.lower(), None)

    def empty(self) -> bool:
        """Whether nothing was ever stored."""
        return bool(self.connection.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes of one request, or none of them."""
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside a request: undo these writes, and no others, when an exception passes (one item of a batch)."""
        self.connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK TO part")
            raise
        finally:
            self.connection.execute("RELEASE part")

    def settle(self) -> None:
        """Let every replica catch up now (used after seeding)."""
        self.connection.execute("UPDATE documents SET changed = 0")

    def _index_what_is_old(self) -> None:
        """A tenant that was made before there were words gets them."""
        if self.empty() or self.connection.execute("SELECT 1 FROM words LIMIT 1").fetchone():
            return
        for kind, key, body, earlier in self.connection.execute(
            "SELECT kind, id, body, earlier FROM documents"
        ).fetchall():
            for text in filter(None, (body, earlier)):
                self._index(kind, key, text)

    def _index(self, kind: str, key: str, body: str) -> None:
        """Make a document found by its words. Those of former states stay: a stale view looks for them too."""
        rows = ((kind, word, key) for word in set(_words(json.loads(body))))
        self.connection.executemany("INSERT OR IGNORE INTO words VALUES (?, ?, ?)", rows)

    def _write(self, kind: str, key: str, body: str | None) -> None:
        now = time.time()
        if body is not None:
            self._index(kind, key, body)
        row = self.connection.execute(
            "SELECT body, earlier, changed FROM documents WHERE kind = ? AND id = ?", (kind, key)
        ).fetchone()
        if row is None:
            position = self.connection.execute("SELECT COALESCE(MAX(position), 0) + 1 FROM documents").fetchone()[0]
            self.connection.execute(
                "INSERT INTO documents VALUES (?, ?, ?, NULL, ?, ?)", (kind, key, body, now, position)
            )
            return
        earlier = row[1] if now - row[2] < self.lag else row[0]
        self.connection.execute(
            "UPDATE documents SET body = ?, earlier = ?, changed = ? WHERE kind = ? AND id = ?",
            (body, earlier, now, kind, key),
        )


def _words(value: Any) -> Iterator[str]:
    """The texts within a value, each with its prefix and without."""
    if isinstance(value, str):
        word = value.lower()
        yield word[:_WORD]
        yield word.partition(":")[2][:_WORD]
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _words(inner)
