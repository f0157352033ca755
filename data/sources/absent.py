"""How cells say that there is nothing in them: blank, or by a word."""

from __future__ import annotations

import polars as pl

NOTHING = ("", "-", "--", "n/a", "na", "nil", "none", "null")  # compared in lower case


def plain(text: pl.Expr) -> pl.Expr:
    """Return texts with full-width digits and marks as ASCII, and without outer blanks."""
    return text.str.normalize("NFKC").str.strip_chars()


def is_nothing(text: pl.Expr, *also: str) -> pl.Expr:
    """Say whether `plain` texts stand for nothing, or are one of some other words that do."""
    return text.is_null() | text.str.to_lowercase().is_in([*NOTHING, *also])
