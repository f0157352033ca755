"""Write DATA.md, the data dictionary, from `data.schema`: ``python -m data.dictionary [--check]``."""

from __future__ import annotations

import sys
from pathlib import Path

from data.schema import data_dictionary

PATH = Path(__file__).resolve().parents[1] / "DATA.md"


def main(arguments: list[str]) -> int:
    """Write the dictionary, or with ``--check`` only say (by exit code 1) that it is out of date."""
    text = data_dictionary()
    if arguments == ["--check"]:
        if PATH.exists() and PATH.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write(f"{PATH.name} is not what data/schema.py says; run: make docs\n")
        return 1
    PATH.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
