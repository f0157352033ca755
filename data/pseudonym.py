"""Reader ids become keyed hashes at the door; the raw id goes no further.

BLAKE2b in its keyed mode (RFC 7693) over namespace and id: without the key nobody can test
whether a known id is in the history, which a plain hash of a short id would allow.
"""

from __future__ import annotations

import hashlib

import polars as pl

PSEUDONYM_BYTES = 16


def pseudonym(raw: str, namespace: str, key: bytes) -> str:
    """Return the pseudonym of one reader: 32 hex digits, the same for the same id, namespace and key."""
    message = f"{namespace}\x00{raw.strip()}".encode()
    secret = hashlib.sha256(key).digest()  # BLAKE2b takes at most 64 bytes of key
    return hashlib.blake2b(message, key=secret, digest_size=PSEUDONYM_BYTES).hexdigest()


def key_fingerprint(key: bytes) -> str:
    """Return 16 hex digits that tell keys apart and give none away."""
    return hashlib.blake2b(b"fingerprint", key=hashlib.sha256(key).digest(), digest_size=8).hexdigest()


def pseudonymise(readings: pl.DataFrame, namespace: str, key: bytes) -> pl.DataFrame:
    """Return `readings` with column ``reader`` replaced by pseudonyms (each id is hashed once)."""
    raw = readings["reader"].unique()
    hashed = pl.Series("pseudonym", [pseudonym(id_, namespace, key) for id_ in raw], dtype=pl.String)
    return readings.with_columns(pl.col("reader").replace_strict(raw, hashed, return_dtype=pl.String))
