"""The document that the browser loads first: Streamlit's own, with one script of ours before all of its own.

A script that comes with a page's elements, as from `st.html`, runs some time after the page is there, or only with the
next one, and what it is for may have happened by then.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from pages.shell.links import FRAME
from pages.shell.places import OTHER_PATHS, PLACES

THEIRS = Path(st.__file__).parent / "static" / "index.html"
ONE_ENTRY = Path(__file__).with_name("one_entry.js")
BEFORE = "<head>"
BARE = ("train",)
"""Pages that show something else without a query, which the back button must find again."""


@cache
def document() -> str:
    """The text of the document."""
    theirs, ours = THEIRS.read_text(encoding="utf-8"), ONE_ENTRY.read_text(encoding="utf-8").strip()
    script = f"{BEFORE}\n<script>\n({ours})({json.dumps(FRAME)}, {json.dumps(BARE)})\n</script>"
    return theirs.replace(BEFORE, script, 1)


def _answer(request: Request) -> HTMLResponse:
    return HTMLResponse(document(), headers={"Cache-Control": "no-cache"})


ROUTES = [Route(f"/{path}", _answer) for path in (*(place.path for place in PLACES), *OTHER_PATHS)]
