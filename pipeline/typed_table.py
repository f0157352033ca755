"""A frozen dataclass from a table of TOML: an unknown key or a wrong type is an error that names the closest key."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from data.errors import BadConfig

SettingsT = TypeVar("SettingsT")


def expect(name: str, found: object, holds: bool, expected: str) -> None:
    """Raise BadConfig for the setting `name`, saying what was found and expected, unless `holds`."""
    if not holds:
        raise BadConfig(f"{name}: {found!r}, expected {expected}")


def from_table(config_type: type[SettingsT], table: dict[str, Any], where: str) -> SettingsT:
    """Return the dataclass `config_type` with the values of `table`, nested tables becoming nested dataclasses.

    Parameters
    ----------
    where
        What to call the table in an error.

    Raises
    ------
    BadConfig
        If a key is unknown (the closest known one is named) or a value is of the wrong type.
    """
    hints = get_type_hints(config_type)
    known = [f.name for f in fields(config_type)]  # type: ignore[arg-type]  # a dataclass by convention
    values = {}
    for key, value in table.items():
        if key not in known:
            closest = get_close_matches(key, known, n=1)
            hint = f"; did you mean {closest[0]!r}?" if closest else f"; known are {', '.join(known) or 'none'}"
            raise BadConfig(f"{where}: unknown key {key!r}{hint}")
        values[key] = _value(hints[key], value, f"{where}: {key}")
    return config_type(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise BadConfig(f"{where}: expected a table, found {value!r}")
        return from_table(hint, value, where)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None:
            return None
        return _value(next(a for a in arguments if a is not type(None)), value, where)
    if origin is dict and isinstance(value, dict):
        return {key: _value(arguments[1], inner, f"{where}.{key}") for key, inner in value.items()}
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_value(arguments[0], inner, where) for inner in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = origin or hint
    if hint is not Any and (not isinstance(value, expected) or isinstance(value, bool) != (hint is bool)):
        raise BadConfig(f"{where}: expected {getattr(hint, '__name__', hint)}, found {value!r}")
    return value
