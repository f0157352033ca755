"""Reader ids become keyed hashes at the door; the raw id goes no further.

BLAKE2b in its keyed mode (RFC 7693) over namespace and id: without the key nobody can test
whether a known id is in the history, which a plain hash of a short id would allow.
"""

from __future__ import annotations

import hashlib

import polars as pl

PSEUDONYM_BYTES = 16
MAX_REMEMBERED = 5_000_000  # about 500 MB


def pseudonym(raw: str, namespace: str, key: bytes) -> str:
    """Return the pseudonym of one reader: 32 hex digits, the same for the same id, namespace and key."""
    message = f"{namespace}\x00{raw.strip()}".encode()
    secret = hashlib.sha256(key).digest()  # BLAKE2b takes at most 64 bytes of key
    return hashlib.blake2b(message, key=secret, digest_size=PSEUDONYM_BYTES).hexdigest()


def key_fingerprint(key: bytes) -> str:
    """Return 16 hex digits that tell keys apart and give none away."""
    return hashlib.blake2b(b"fingerprint", key=hashlib.sha256(key).digest(), digest_size=8).hexdigest()


class Pseudonyms:
    """The pseudonyms of one namespace, each worked out once as long as they are remembered.

    Parameters
    ----------
    namespace, key
        See `pseudonym`.
    """

    def __init__(self, namespace: str, key: bytes) -> None:
        self._namespace, self._key = namespace, key
        self._known = pl.DataFrame(schema={"reader": pl.String, "pseudonym": pl.String})

    def put(self, readings: pl.DataFrame) -> pl.DataFrame:
        """Return `readings` with column ``reader`` replaced by pseudonyms."""
        readers = readings.select(pl.col("reader").unique())
        if self._known.height > MAX_REMEMBERED:
            self._known = self._known.clear()
        names = readers.join(self._known, on="reader", how="left")
        new = names.filter(pl.col("pseudonym").is_null())["reader"]
        hashed = [pseudonym(id_, self._namespace, self._key) for id_ in new]
        added = pl.DataFrame({"reader": new, "pseudonym": pl.Series(hashed, dtype=pl.String)})
        self._known.vstack(added, in_place=True)
        names = pl.concat([names.filter(pl.col("pseudonym").is_not_null()), added])
        named = readings.join(names, on="reader", how="left", maintain_order="left")
        return named.with_columns(reader="pseudonym").drop("pseudonym")
