"""One command that serves the deployments: a Prefect server (unless one is named), the deployments, a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from data.errors import WagahaiError
from data.store import STORE_VARIABLE, Store

PREFECT_FILE = Path(__file__).resolve().parents[1] / "prefect.yaml"
POOL = "wagahai"
LOCAL_API = "http://127.0.0.1:4200/api"
START_SECONDS = 120


def serve(store: str | None) -> int:
    """Deploy prefect.yaml and run its schedules here until interrupted; return the worker's exit code.

    A server is started on this machine unless ``PREFECT_API_URL`` names one. The store is passed to every
    run in ``WAGAHAI_STORE``.

    Raises
    ------
    WagahaiError
        If the server does not come up, or Prefect refuses the deployments.
    """
    environment = dict(os.environ)
    environment[STORE_VARIABLE] = str(Store.from_environment(store).root)
    server = None
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager's stop ends the server too
    if "PREFECT_API_URL" not in environment:
        environment["PREFECT_API_URL"] = LOCAL_API
        server = subprocess.Popen(_prefect("server", "start"), env=environment)
    try:
        _wait_for(environment["PREFECT_API_URL"], server)
        _run(environment, "work-pool", "create", POOL, "--type", "process", "--overwrite")
        _run(environment, "--no-prompt", "deploy", "--all", "--prefect-file", str(PREFECT_FILE))
        sys.stdout.write(f"serving {PREFECT_FILE}; pages: {environment['PREFECT_API_URL'].removesuffix('/api')}\n")
        sys.stdout.flush()
        return subprocess.call(_prefect("worker", "start", "--pool", POOL), env=environment, cwd=PREFECT_FILE.parent)
    except KeyboardInterrupt:
        return 0
    finally:
        if server is not None:
            server.terminate()
            server.wait()


def _prefect(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "prefect", *arguments]


def _run(environment: dict[str, str], *arguments: str) -> None:
    if subprocess.run(_prefect(*arguments), env=environment, cwd=PREFECT_FILE.parent, check=False).returncode:
        raise WagahaiError(f"prefect {' '.join(arguments)} failed; its message is above")


def _wait_for(api: str, server: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server is not None and server.poll() is not None:
            raise WagahaiError("the Prefect server did not start; its message is above (is its port taken?)")
        try:
            with urllib.request.urlopen(f"{api}/health", timeout=5):  # noqa: S310  # the scheme is the user's
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise WagahaiError(f"no Prefect server at {api} after {START_SECONDS} s")
