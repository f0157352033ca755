"""Ids to 0..n-1 and back, with a digest that says which vocabulary an array belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from data.digest import digest_of


@dataclass(frozen=True)
class Vocabulary:
    """An ordered set of ids. Row ``i`` of any array made with it belongs to ``ids[i]``.

    Raises
    ------
    ValueError
        If an id occurs twice.
    """

    ids: tuple[str, ...]
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Build the index and refuse repeated ids."""
        index = {id_: i for i, id_ in enumerate(self.ids)}
        if len(index) != len(self.ids):
            raise ValueError(f"vocabulary with {len(self.ids) - len(index)} repeated ids")
        object.__setattr__(self, "_index", index)

    @classmethod
    def of(cls, ids: Iterable[object]) -> Vocabulary:
        """Return the vocabulary of `ids` in the given order."""
        return cls(tuple(str(id_) for id_ in ids))

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._index

    def index(self, id_: str) -> int:
        """Return the row of `id_`; KeyError if it is not in the vocabulary."""
        return self._index[id_]

    @cached_property
    def digest(self) -> str:
        """Digest of the ids and their order."""
        return digest_of(list(self.ids))

    def to_array(self) -> np.ndarray:
        """Return the ids as a fixed-width unicode array, which ``np.load`` opens without pickle."""
        return np.array(self.ids, dtype=np.str_)
