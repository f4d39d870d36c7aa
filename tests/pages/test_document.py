"""The document that the browser loads first."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.shell.document import ROUTES, THEIRS
from pages.shell.places import OTHER_PATHS, PLACES


def test_the_document_is_streamlits_own_with_the_script_before_all_others() -> None:
    client = TestClient(Starlette(routes=ROUTES))
    theirs = THEIRS.read_text(encoding="utf-8")
    for path in (*(place.path for place in PLACES), *OTHER_PATHS):
        answer = client.get(f"/{path}")
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"].startswith("text/html")
        ours, rest = answer.text.split("</script>", 1)
        assert theirs.startswith(ours.split("<script>")[0].rstrip("\n"))
        assert theirs.endswith(rest)
        assert "<script" not in ours.split("<script>")[0]
        assert "history.pushState" in ours
