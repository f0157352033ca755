"""Run README's commands as a reader would: every line that starts with ``$ `` in a ``console`` block, in order.

``python -m tests.readme`` is what continuous integration runs. It stops at the first command that fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def commands(text: str) -> list[str]:
    """Return the commands of the ``console`` blocks of a Markdown text, comments taken off."""
    blocks = re.findall(r"^```console\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [re.sub(r"\s+#.*$", "", line) for line in lines]


def main() -> int:
    """Run them all with the environment's programs first on the path."""
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for command in commands((ROOT / "README.md").read_text(encoding="utf-8")):
        sys.stdout.write(f"\n$ {command}\n")
        sys.stdout.flush()
        outcome = subprocess.run(command, shell=True, cwd=ROOT, env={**os.environ, "PATH": path}, check=False)
        if outcome.returncode:
            sys.stderr.write(f"README: {command!r} ended with exit code {outcome.returncode}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
