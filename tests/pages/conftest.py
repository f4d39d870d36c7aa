"""Fixtures of the page tests: a working folder of their own, and the app opened in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from pages.shell.places import PLACES
from tests.pages.browsing import browser, profile, server, visit

__all__ = ["browser", "profile", "server", "visit"]
ROOT = Path(__file__).resolve().parents[2]
ROUTER = ROOT / "pages" / "shell" / "router.py"
WITH_OTHER_PATHS = {place.file for place in PLACES if place.path not in ("", Path(place.file).stem)}
"""Pages whose address is not their file's name: AppTest finds them only after a run, so after the first page."""


@pytest.fixture(autouse=True, scope="session")
def _packages_scanned_once() -> Iterator[None]:
    """Let AppTest, which looks through all installed packages for components at each run, do so once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def _main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the main module back: AppTest leaves its script there, and processes started later would run it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, as it is where the app is started; its runs go under `checkpoints`."""
    monkeypatch.chdir(tmp_path)
    st.cache_resource.clear()
    st.cache_data.clear()
    return tmp_path


@pytest.fixture
def open_app(lab: Path) -> Callable[..., AppTest]:
    """Open a page alone through the router, as a link does, optionally with query parameters."""

    def opened(page: str = "", **query: str) -> AppTest:
        app = AppTest.from_file(str(ROUTER), default_timeout=120)
        if page in WITH_OTHER_PATHS:
            app.run()
        if page:
            app.switch_page(str(ROOT / "pages" / page))
        app.query_params.update(query)
        return app.run()

    return opened
