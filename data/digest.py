"""Names for contents: one way to turn inputs, settings and arrays into a digest.

A digest is 16 hex characters of BLAKE2b. Everything learned is stored under the digest of all
that made it, so that equal inputs are never computed twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

DIGEST_BYTES = 8


def digest_of(value: object) -> str:
    """Return the digest of a value made of JSON types and dataclasses.

    Raises
    ------
    TypeError
        If the value holds anything else: a digest never depends on a ``repr``.
    """
    text = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


def digest_of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the digest of named arrays: names, dtypes, shapes and bytes."""
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
        state.update(array.data)
    return state.hexdigest()


def digest_of_files(paths: list[Path]) -> str:
    """Return the digest of the contents of files, in the given order (names do not count)."""
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for path in paths:
        with path.open("rb") as file:
            inner = hashlib.file_digest(file, hashlib.blake2b)
        state.update(inner.digest())
    return state.hexdigest()


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value
