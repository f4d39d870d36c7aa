"""Pages call drawn faces pictures, and know when labels are exact; photographs are for what a camera took."""

from __future__ import annotations

from pathlib import Path

import pytest

from pages.live import filmstrip
from pages.sidebyside import scrub
from tests.pages.driving import Open, words
from tests.pages.tiny_audits import make_audit
from tests.pages.tiny_runs import make_detector, make_drawn, make_run


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("train.py", {"run": "both"}),
        ("compare.py", {"a": "plain", "b": "both"}),
        ("walk.py", {"model": "plain", "with": "keen"}),
    ],
)
def test_pictures_of_a_drawn_data_set_are_no_photographs(
    lab: Path, open_app: Open, page: str, query: dict[str, str]
) -> None:
    make_drawn(lab, "fairface-64")
    make_run(lab, "plain")
    make_detector(lab, "both", "dbvae")
    make_detector(lab, "keen", threshold=0.0)
    app = open_app(page, **query)
    assert not app.exception
    sent = "\n".join(str(node.proto) for node in app.main if hasattr(node, "proto"))
    assert "keen" in sent or "both" in sent
    assert "hotograph" not in sent


def test_neither_do_the_parts_that_run_in_the_browser() -> None:
    assert "hotograph" not in filmstrip.JS + scrub.JS


def test_explore_calls_labels_of_drawn_faces_exact(lab: Path, open_app: Open) -> None:
    make_run(lab, "plain")
    assert "what annotators thought" in words(open_app())
    make_drawn(lab, "fairface-64")
    assert "every label is exact" in words(open_app())


def test_an_audit_of_drawn_faces_has_exact_labels_too(lab: Path, open_app: Open) -> None:
    make_audit(lab, "tiny", seeds=2)
    assert "strangers looking at pictures" in words(open_app("audit.py"))
    make_drawn(lab, "fairface-64", "nonfaces-64")
    told = words(open_app("audit.py"))
    assert "every label is exact" in told
    assert "strangers" not in told
