"""What Prefect keeps (parameters, messages, artifacts) must not hold what the store does not: the raw id of a reader.

The file name of a personal export stands for the reader. Secrets among the parameters are pydantic's `SecretStr`:
Prefect stores asterisks.
"""

from __future__ import annotations

import re
from pathlib import PurePath

from pydantic import SecretStr

from data.errors import WagahaiError
from data.sources.upload import Upload


def secret(text: str | None) -> SecretStr | None:
    """Return a parameter that Prefect does not show."""
    return None if text is None else SecretStr(text)


def plain(text: str | SecretStr | None) -> str | None:
    """Return the text of a parameter."""
    return text.get_secret_value() if isinstance(text, SecretStr) else text


def without_names(error: WagahaiError, upload: Upload) -> WagahaiError:
    """Return the error with the names of the upload and of its files replaced by their numbers."""
    names = {str(upload.path): "the export", upload.path.name: "the export"}
    for i, file in enumerate(upload.files, 1):
        names |= dict.fromkeys((file.shown, file.name, PurePath(file.name).name), f"file {i}")
    longest_first = sorted((name for name in names if name), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    hidden = type(error).__new__(type(error))
    hidden.args = (pattern.sub(lambda found: names[found[0]], str(error)),)
    return hidden
