"""Flow: write the reports of a release. The on-demand one."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from data.release import Release
from data.store import Store
from flows.steps import report_step
from pipeline.rollback import PAGES


@flow(name="publish_reports", persist_result=False)
def publish_reports(store: str | None = None, release_id: str | None = None) -> list[str]:
    """Write the pages of a release (the one that serves if `release_id` is None); return their paths."""
    opened = Store.from_environment(store)
    release = Release.open(opened, release_id)
    pages = [report_step(str(opened.root), release.id, page) for page in PAGES]
    lines = [f"**{release.id} {release.manifest['verdict']}**", "", *(f"- `{page}`" for page in pages)]
    create_markdown_artifact(markdown="\n".join(lines), key="publish-reports", description="Pages of a release")
    return pages
