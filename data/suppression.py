"""Readers who were forgotten and are not let in again, however old the export that names them.

The list holds a keyed hash of each pseudonym: it must outlive the reader's rows, and should not say which rows of a
copy of the history were theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import polars as pl

from data.store import Store

_PURPOSE = b"suppressed"  # BLAKE2b's `person`: under one key, other hashes than the pseudonyms


@dataclass(frozen=True)
class Suppressed:
    """The list, as it was when it was read; change it under the ``history`` lock."""

    hashes: frozenset[str]
    key: bytes

    @classmethod
    def of(cls, store: Store) -> Self:
        """Return the list of a store."""
        text = store.suppressed.read_text(encoding="ascii") if store.suppressed.is_file() else ""
        return cls(frozenset(text.split()), store.reader_key())

    def __contains__(self, pseudonym: str) -> bool:
        return self._hash(pseudonym) in self.hashes

    def without_suppressed(self, readings: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """Return the rows whose reader (a pseudonym) is not on the list, and how many were left out."""
        if not self.hashes:
            return readings, 0
        listed = [reader for reader in readings["reader"].unique() if reader in self]
        kept = readings.filter(~pl.col("reader").is_in(listed))
        return kept, readings.height - kept.height

    def save(self, store: Store, *, more: Iterable[str] = (), fewer: Iterable[str] = ()) -> Self:
        """Write the list with `more` pseudonyms on it and `fewer`; return it."""
        hashes = (self.hashes | {self._hash(one) for one in more}) - {self._hash(one) for one in fewer}
        if hashes != self.hashes:
            store.write_whole(store.suppressed, "".join(f"{one}\n" for one in sorted(hashes)), private=True)
        return type(self)(hashes, self.key)

    def _hash(self, pseudonym: str) -> str:
        secret = hashlib.sha256(self.key).digest()
        return hashlib.blake2b(pseudonym.encode(), key=secret, person=_PURPOSE, digest_size=16).hexdigest()
