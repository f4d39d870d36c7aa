"""What has to be said about a run stands on every page that shows it."""

from pathlib import Path

import pytest

from tests.pages.driving import Open
from tests.pages.tiny_runs import make_detector

PAGES: dict[str, dict[str, str]] = {
    "": {},
    "paths.py": {},
    "compare.py": {},
    "walk.py": {},
    "prior.py": {},
    "map.py": {"map": "pca"},
    "recipes.py": {"recipe": "mit-dbvae"},
    "models.py": {},
}
"""Pages that show it as they open, and what their links say."""


@pytest.mark.parametrize("page", PAGES)
def test_a_run_with_a_fault_is_shown_with_its_warning(lab: Path, open_app: Open, page: str) -> None:
    for name in ("faulty", "faulty-too"):
        run = make_detector(lab, name, "dbvae", threshold=0.0, mask="as-published")
        config = run.dir / "config.json"
        config.write_text(config.read_text().replace('"recipe": "tiny"', '"recipe": "mit-dbvae"'))
    app = open_app(page, **PAGES[page])
    assert not app.exception
    assert any("fault of a published notebook" in str(box.value) for box in app.warning)
