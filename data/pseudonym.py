"""Reader ids become keyed hashes at the door; the raw id goes no further.

BLAKE2b in its keyed mode (RFC 7693) over namespace and id: without the key nobody can test
whether a known id is in the history, which a plain hash of a short id would allow.
"""

from __future__ import annotations

import hashlib

import polars as pl

PSEUDONYM_BYTES = 16
RANGE_READINGS = 2_000_000  # what one range of pseudonyms holds, and one merge has in memory
_PREFIX_DIGITS = 8  # hex digits that a range is given in


def pseudonym(raw: str, namespace: str, key: bytes) -> str:
    """Return the pseudonym of one reader: 32 hex digits, the same for the same id, namespace and key."""
    return Pseudonyms(namespace, key).of(raw)


def key_fingerprint(key: bytes) -> str:
    """Return 16 hex digits that tell keys apart and give none away."""
    return hashlib.blake2b(b"fingerprint", key=hashlib.sha256(key).digest(), digest_size=8).hexdigest()


class Pseudonyms:
    """The pseudonyms of one namespace.

    Parameters
    ----------
    namespace, key
        See `pseudonym`.
    """

    def __init__(self, namespace: str, key: bytes) -> None:
        secret = hashlib.sha256(key).digest()  # BLAKE2b takes at most 64 bytes of key
        self._begun = hashlib.blake2b(f"{namespace}\x00".encode(), key=secret, digest_size=PSEUDONYM_BYTES)

    def of(self, raw: str) -> str:
        """Return the pseudonym of one raw id."""
        state = self._begun.copy()  # the key and the namespace are hashed once
        state.update(raw.strip().encode())
        return state.hexdigest()

    def put(self, readings: pl.DataFrame) -> pl.DataFrame:
        """Return `readings` with column ``reader`` replaced by pseudonyms (each id is hashed once)."""
        raw = readings["reader"].unique()
        names = pl.DataFrame({"reader": raw, "pseudonym": pl.Series([self.of(id_) for id_ in raw], dtype=pl.String)})
        named = readings.join(names, on="reader", how="left", maintain_order="left")
        return named.with_columns(reader="pseudonym").drop("pseudonym")


def range_ends(n_readings: int) -> list[str]:
    """Return where ranges of pseudonyms end that hold `RANGE_READINGS` each, but for the last, which has no end.

    Pseudonyms are uniform: equal ranges are equal shares of the readers.
    """
    n_ranges = -(-n_readings // RANGE_READINGS) or 1
    return [f"{16**_PREFIX_DIGITS * i // n_ranges:0{_PREFIX_DIGITS}x}" for i in range(1, n_ranges)]
