"""Streamlit's own test driver: a page's widgets by name, and all that it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from streamlit.testing.v1 import AppTest

Open = Callable[..., AppTest]
"""The fixture `open_app`."""


def widget(elements: Sequence[Any], name: str) -> Any:
    """The widget of this name; a number behind it changes whenever it is replaced."""
    return next(element for element in elements if element.key and element.key.rsplit(".", 1)[0] == name)


def words(app: AppTest) -> str:
    """All text of the page."""
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)
