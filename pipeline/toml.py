"""TOML, which the standard library reads but does not write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def toml_text(tables: Mapping[str, Any]) -> str:
    """Return tables as TOML; keys are bare ones, and what is None is left out.

    Raises
    ------
    TypeError
        If a value is neither text, a number, a truth value, nor a list or a table of such.
    """
    return "\n".join(_lines(tables, "")).lstrip("\n") + "\n"


def _lines(table: Mapping[str, Any], path: str) -> list[str]:
    """Lines of a table: its values, then the tables in it."""
    own = {key: value for key, value in table.items() if not isinstance(value, Mapping) and value is not None}
    lines = ["", f"[{path}]"] if path and own else []
    lines += [f"{key} = {_value(value)}" for key, value in own.items()]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _lines(value, f"{path}.{key}" if path else key)
    return lines


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # a JSON string is a TOML string
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items() if inner is not None) + " }"
    if isinstance(value, list | tuple):
        rows = [_value(inner) for inner in value]
        if any(isinstance(inner, Mapping) for inner in value):
            return "[\n" + "".join(f"    {row},\n" for row in rows) + "]"
        return f"[{', '.join(rows)}]"
    raise TypeError(f"{value!r} is nothing a profile holds")
