"""Tables: a frame that does not fit is refused by name."""

from __future__ import annotations

import polars as pl
import pytest

from data.errors import BadHistory
from data.schema import REJECTS, TABLES, Table, data_dictionary


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_accepts_its_own_empty_frame(table: Table) -> None:
    empty = table.empty()
    assert table.check(empty) is empty
    assert set(table.key) <= set(empty.columns)


def test_other_columns_types_and_nulls_are_refused_by_name() -> None:
    good = pl.DataFrame([("b", "f", 1, "no", None, None)], schema=REJECTS.dtypes, orient="row")
    REJECTS.check(good)
    with pytest.raises(BadHistory, match=r"table rejects: columns .* expected .*'line'"):
        REJECTS.check(good.drop("line"))
    with pytest.raises(BadHistory, match="expected"):
        REJECTS.check(good.select(reversed(good.columns)))
    with pytest.raises(BadHistory, match="column line: Int32, expected Int64"):
        REJECTS.check(good.with_columns(pl.col("line").cast(pl.Int32)))
    with pytest.raises(BadHistory, match="column reason: unknown values"):
        REJECTS.check(good.with_columns(pl.lit(None, pl.String).alias("reason")))


def test_the_dictionary_has_a_row_for_every_column() -> None:
    text = data_dictionary()
    for table in TABLES:
        section = text.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        for column in table.columns:
            assert f"| `{column.name}` | {column.dtype} |" in section
            assert all(line.replace(r"\|", "").count("|") == 6 for line in section.splitlines() if line[:1] == "|")
