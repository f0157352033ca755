"""The store: the only module that knows where things lie, and how they get there whole.

Everything a run makes lies under one folder (``$WAGAHAI_STORE``, default ``.wagahai``)::

    key                      the secret of the reader pseudonyms, mode 0600
    suppressed               hashes of readers who were forgotten and are not let in again, mode 0600
    outdated.json            releases that learned from a reader who was forgotten since
    history/<table>/         Delta tables
    artifacts/<kind>/<id>/   what was learned, under the digest of all that made it
    releases/<id>/           complete releases, published or refused
    CURRENT                  id of the release that serves
    switches.jsonl           every switch of CURRENT, appended
    reports/<release>/       pages
    profiles/<digest>.toml   settings of past runs, as they were read
    works.toml               which books are one work and which are not, in a person's word
    inbox/                   where the nightly ingest looks for new files
    locks/                   one file per lock

A folder appears under its final name only when it is complete: it is made beside its place, flushed to disk and
renamed. A process killed at any moment leaves at most a folder named ``.making-...``, which the next run sweeps.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from data.errors import NoRelease, StoreBusy, WagahaiError

STORE_VARIABLE = "WAGAHAI_STORE"
KEY_VARIABLE = "WAGAHAI_KEY"
DEFAULT_STORE = Path(".wagahai")
MIN_KEY_BYTES = 16
_MAKING = ".making-"


@dataclass(frozen=True)
class Store:
    """A store folder. Making the object touches nothing on disk."""

    root: Path

    @classmethod
    def from_environment(cls, root: str | Path | None = None) -> Store:
        """Return the store at `root`, else at ``$WAGAHAI_STORE``, else at ``.wagahai``; WagahaiError of a file."""
        folder = Path(root or os.environ.get(STORE_VARIABLE) or DEFAULT_STORE).expanduser().absolute()
        if folder.exists() and not folder.is_dir():
            raise WagahaiError(f"{folder} is no folder; a store is one: name another with --store or {STORE_VARIABLE}")
        return cls(folder)

    @property
    def history(self) -> Path:
        """Folder of the Delta tables."""
        return self.root / "history"

    @property
    def releases(self) -> Path:
        """Folder of the releases."""
        return self.root / "releases"

    @property
    def scratch(self) -> Path:
        """Folder of an ingest under way; whoever holds the lock of the history may empty it."""
        return self.root / "ingesting"

    @property
    def inbox(self) -> Path:
        """Folder where the nightly ingest looks for new files."""
        return self.root / "inbox"

    @property
    def overrules(self) -> Path:
        """File in which a person says which books are one work and which are not; there may be none."""
        return self.root / "works.toml"

    @property
    def suppressed(self) -> Path:
        """File of the hashes of readers who are not let in again."""
        return self.root / "suppressed"

    @property
    def outdated(self) -> Path:
        """File of the releases that learned from a reader who was forgotten since."""
        return self.root / "outdated.json"

    def release(self, release_id: str) -> Path:
        """Folder of one release; NoRelease if `release_id` is a path or anything else that is no id."""
        if not re.fullmatch("[0-9A-Za-z-]+", release_id):
            raise NoRelease(f"{self.root}: {release_id!r} is no release id. Those kept are listed by: wagahai releases")
        return self.releases / release_id

    def artifact(self, kind: str, digest: str) -> Path:
        """Folder of one artifact."""
        return self.root / "artifacts" / kind / digest

    def report(self, release_id: str, name: str) -> Path:
        """Path of the page `name` of a release."""
        return self.root / "reports" / self.release(release_id).name / f"{name}.html"

    def current_report(self, name: str) -> Path:
        """Path of the page `name` of the release that serves: a copy under a name that stays."""
        return self.root / "reports" / f"{name}.html"

    # ---- making things whole ------------------------------------------------------------

    def get_or_make(self, kind: str, digest: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
        """Return the artifact's folder and whether it had to be made.

        `make` is given an empty folder to fill. It is called only if the artifact is not there.
        """
        folder = self.artifact(kind, digest)
        if folder.is_dir():
            return folder, False
        self.make_whole(folder, make)
        return folder, True

    def make_whole(self, folder: Path, make: Callable[[Path], None]) -> None:
        """Let `make` fill a sibling of `folder`, flush it and rename it: all of it appears, or nothing.

        If another process finished the same folder first, its result stands and ours is dropped.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        making = folder.parent / f"{_MAKING}{folder.name}-{os.getpid()}-{secrets.token_hex(4)}"
        making.mkdir()
        try:
            make(making)
            for path in making.rglob("*"):
                _flush(path)
            _flush(making)
            making.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
        _flush(folder.parent)

    def write_whole(self, path: Path, content: str | bytes, *, private: bool = False) -> None:
        """Write a file so that a reader sees the old content or the new, never a part; `private` means mode 0600."""
        path.parent.mkdir(parents=True, exist_ok=True)
        making = path.parent / f"{_MAKING}{path.name}-{os.getpid()}-{secrets.token_hex(4)}"
        making.touch(0o600 if private else 0o666, exist_ok=False)
        making.write_bytes(content.encode() if isinstance(content, str) else content)
        _flush(making)
        making.rename(path)
        _flush(path.parent)

    def discard(self, folder: Path) -> None:
        """Take a folder away in one step, so that nobody opens a part of it; what a kill leaves is swept."""
        if folder.is_dir():
            going = folder.parent / f"{_MAKING}{folder.name}-{os.getpid()}-{secrets.token_hex(4)}"
            folder.rename(going)
            _flush(folder.parent)
            shutil.rmtree(going)

    def sweep(self) -> int:
        """Delete what processes that are no more left half made; return how many things."""
        left = [path for path in self._half_made() if not _is_alive(path)]
        for path in left:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        return len(left)

    def _half_made(self) -> list[Path]:
        """Everything half made in the folders that are ours; the inbox is the user's."""
        ours = (self.root / name for name in ("artifacts", "profiles", "releases", "reports"))
        return [*self.root.glob(f"{_MAKING}*"), *(path for folder in ours for path in _half_made(folder))]

    # ---- the release that serves --------------------------------------------------------

    @property
    def current(self) -> str | None:
        """Id of the release that serves, or None."""
        return _read(self.root / "CURRENT") or None

    def switch(self, release_id: str, why: str) -> None:
        """Make `release_id` the one that serves, in one atomic step, and record the switch."""
        record = {"at": datetime.now(UTC).isoformat(), "from": self.current, "to": release_id, "why": why}
        self.write_whole(self.root / "CURRENT", release_id + "\n")
        with (self.root / "switches.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def has_served(self, release_id: str) -> bool:
        """Say whether a release serves or ever served; one that a killed process left between the two did not.

        A switch whose record was lost to a kill shows in the next record, as what was switched from.
        """
        lines = _read(self.root / "switches.jsonl").splitlines()
        named = any(f'"{end}": "{release_id}"' in line for line in lines for end in ("from", "to"))
        return named or release_id == self.current

    # ---- one at a time ------------------------------------------------------------------

    @contextmanager
    def lock(self, name: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
        """Hold the lock `name`; the operating system frees it when the process ends, however it ends.

        Raises
        ------
        StoreBusy
            If another process still holds it after `wait_seconds` (negative: wait for ever).
        """
        from filelock import FileLock, Timeout

        path = self.root / "locks" / f"{name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        holder = path.with_suffix(".holder")
        lock = FileLock(path, timeout=wait_seconds)
        try:
            lock.acquire()
        except Timeout:
            raise StoreBusy(
                f"the store {self.root} is busy: {name} is held by {_read(holder) or 'another process'}. "
                "Wait for it, or pass --wait."
            ) from None
        try:
            holder.write_text(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    # ---- the secret of the pseudonyms ---------------------------------------------------

    def reader_key(self) -> bytes:
        """Return the key of the reader pseudonyms: from ``$WAGAHAI_KEY``, else the store's, made on first use.

        Raises
        ------
        WagahaiError
            If the key file can be read by others or is empty: a pseudonym is only as secret as its key.
        """
        if from_environment := os.environ.get(KEY_VARIABLE):
            if len(from_environment.encode()) < MIN_KEY_BYTES:
                raise WagahaiError(f"${KEY_VARIABLE} can be guessed: expected at least {MIN_KEY_BYTES} bytes")
            return from_environment.encode()
        path = self.root / "key"
        if not path.exists():
            self._make_reader_key(path)
        if path.stat().st_mode & 0o077:
            raise WagahaiError(f"{path}: other users can read the key. Run: chmod 600 {path}")
        if not (key := path.read_text().strip()):
            raise WagahaiError(f"{path}: the key is empty. Restore it from a copy: another key makes other readers")
        return key.encode()

    def _make_reader_key(self, path: Path) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        making = path.with_name(f"{_MAKING}key-{os.getpid()}-{secrets.token_hex(4)}")
        with os.fdopen(os.open(making, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        _flush(making)
        try:
            with suppress(FileExistsError):  # another process was first: its key stands
                os.link(making, path)
        finally:
            making.unlink()
        _flush(self.root)


def _read(path: Path) -> str:
    """Text of a small file, empty if there is none (now: it may go at any moment)."""
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8").strip()
    return ""


def _half_made(root: Path) -> Iterator[Path]:
    """What is being made under `root`; folders that vanish meanwhile are no error."""
    for folder, subfolders, files in os.walk(root):
        making = {name for name in (*subfolders, *files) if name.startswith(_MAKING)}
        subfolders[:] = [name for name in subfolders if name not in making]
        yield from (Path(folder) / name for name in sorted(making))


def _is_alive(making: Path) -> bool:
    process = int(making.name.rsplit("-", 2)[-2])
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return process != os.getpid()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
