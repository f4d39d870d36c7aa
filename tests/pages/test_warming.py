"""The first page needs none of what takes seconds to import, and nobody stumbles over whoever imports it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.shell import warming

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "pandas", "pyarrow", "scipy", "sklearn", "umap")
EXPLORE = f"""
import logging, sys
logging.disable(logging.CRITICAL)  # there is no browser, and Streamlit says so
import app
import pages.launch.sidebar, pages.tour.card
import pages.explore
from pages.studio.state import recipe
print(recipe().model, *(name for name in {HEAVY} if name in sys.modules))
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("_is_out", "_is_needed", "_is_warm", "_ends"):
        monkeypatch.setattr(warming, name, threading.Event())
    monkeypatch.setattr(warming, "HEAVY", ("json",))
    monkeypatch.setattr(warming, "BROWSER_SECONDS", 0.3)
    warming._is_warm.set()
    yield
    warming.server_ends()


def test_explore_is_drawn_without_anything_heavy() -> None:
    drawn = subprocess.run([sys.executable, "-c", EXPLORE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert drawn.stdout.split() == ["face-vae"]


def test_outside_a_server_nobody_waits() -> None:
    assert warming.is_warm()
    warming.wait_until_warm()


def test_whoever_imports_waits_for_the_first_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "BROWSER_SECONDS", 60.0)
    warming.server_starts()
    wanted: list[bool] = []

    def behind() -> None:
        with warming.warming_up() as is_wanted:
            wanted.append(is_wanted)

    thread = threading.Thread(target=behind)
    thread.start()
    assert not warming.is_warm()
    thread.join(0.1)
    assert thread.is_alive()
    warming.page_is_out()
    thread.join(0.1)
    assert thread.is_alive()  # the browser fetches the page's scripts now
    warming.wait_until_warm()
    thread.join(5)
    assert wanted == [True]


def test_it_begins_by_itself_where_no_picture_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "BROWSER_SECONDS", 0.01)
    warming.server_starts()
    warming.page_is_out()
    _warm()
    assert warming.is_warm()


def test_the_first_picture_asked_for_ends_the_wait_for_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "BROWSER_SECONDS", 60.0)
    warming.server_starts()
    thread = threading.Thread(target=_warm)
    thread.start()
    warming.page_is_out()
    warming.wait_until_warm()
    thread.join(5)
    assert not thread.is_alive()


def test_a_page_that_needs_it_does_not_wait_for_the_first_one() -> None:
    warming.server_starts()
    thread = threading.Thread(target=_warm)
    thread.start()
    warming.wait_until_warm()
    assert warming.is_warm()
    thread.join(5)


def test_a_server_that_ends_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "HEAVY", ("there.is.no.such.module",))
    warming.server_starts()
    warming.server_ends()
    with warming.warming_up() as is_wanted:
        assert not is_wanted
    assert warming.is_warm()


def test_where_an_import_fails_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "HEAVY", ("there.is.no.such.module",))
    warming.server_starts()
    warming.page_is_out()
    with pytest.raises(ModuleNotFoundError), warming.warming_up():
        pass
    assert warming.is_warm()


def _warm() -> None:
    with warming.warming_up():
        pass
