"""Links: what a page wrote is told from what a visitor brought."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from pages.shell.links import is_link, link_was_read, write_link

    st.session_state["was_link"] = is_link("page.link")
    link_was_read("page.link")
    if st.session_state.get("is_interrupted"):
        st.stop()
    write_link(st.session_state.get("shown", {"model": "tiny", "face": ["one", "two"]}), "page.link")


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(page).run()


def test_an_address_without_a_query_is_no_link(app: AppTest) -> None:
    assert not app.session_state["was_link"]
    assert dict(app.query_params) == {"model": "tiny", "face": ["one", "two"]}


def test_what_the_page_wrote_is_no_link_and_what_a_visitor_brings_is(app: AppTest) -> None:
    assert not app.run().session_state["was_link"]
    app.query_params["model"] = "another"
    assert app.run().session_state["was_link"]
    assert app.query_params["model"] == "tiny", "the page says what it shows"


def test_a_link_is_followed_once_where_a_click_ends_the_run_before_the_address_is_written(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.session_state["is_interrupted"] = True
    app.query_params["model"] = "another"
    assert app.run().session_state["was_link"]
    assert not app.run().session_state["was_link"], "it would undo the click"
    app.session_state["is_interrupted"] = False
    app.run()
    assert app.query_params["model"] == "tiny"
    app.query_params["model"] = "another"
    monkeypatch.setattr("pages.shell.links._is_history_navigation", lambda: True)
    assert app.run().session_state["was_link"], "the back button brings it back"


def test_a_late_click_that_brings_the_address_before_undoes_nothing(app: AppTest) -> None:
    app.session_state["shown"] = {"model": "tiny", "face": "three"}
    app.run()
    assert dict(app.query_params) == {"model": "tiny", "face": "three"}
    app.query_params["face"] = ["one", "two"]
    assert not app.run().session_state["was_link"]
    assert dict(app.query_params) == {"model": "tiny", "face": "three"}
    app.query_params["face"] = ["one", "two"]
    app.session_state["links.writer"] = "another page"
    assert app.run().session_state["was_link"], "a link on another page leads there"


def test_empty_parameters_stay_out_of_the_address(app: AppTest) -> None:
    app.session_state["shown"] = {"model": "tiny", "face": [], "e": ""}
    app.run()
    assert dict(app.query_params) == {"model": "tiny"}
    assert not app.run().session_state["was_link"], "an empty parameter never comes back"
