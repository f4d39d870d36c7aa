"""No error reaches a visitor as a traceback, and none is lost."""

import logging

import pytest
from streamlit.testing.v1 import AppTest

LOG = "vaelab.pages"
TIMEOUT_SECONDS = 120.0


def page_that_fails(kind: str) -> None:
    import streamlit as st

    from pages.shell.boundary import error_boundary
    from vaelab.errors import RunError

    @error_boundary
    def body() -> None:
        st.write("before")
        if kind == "stop":
            st.stop()
        raise RunError("No run here; make one.") if kind == "known" else ZeroDivisionError("secret detail")

    body()
    st.write("after")


def test_an_error_on_purpose_is_its_own_explanation(caplog: pytest.LogCaptureFixture) -> None:
    app = AppTest.from_function(page_that_fails, args=("known",), default_timeout=TIMEOUT_SECONDS).run()
    assert app.error[0].value == "No run here; make one."
    assert [element.value for element in app.markdown] == ["before", "after"]
    assert not [record for record in caplog.records if record.name == LOG]


def test_any_other_error_is_an_apology_with_a_reference_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger=LOG):
        app = AppTest.from_function(page_that_fails, args=("unknown",), default_timeout=TIMEOUT_SECONDS).run()
    assert not app.exception
    assert "secret detail" not in app.error[0].value
    (record,) = [record for record in caplog.records if record.name == LOG]
    reference = record.getMessage().rsplit(" ", 1)[1]
    assert reference in app.error[0].value
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)


def test_a_stop_is_no_error() -> None:
    app = AppTest.from_function(page_that_fails, args=("stop",), default_timeout=TIMEOUT_SECONDS).run()
    assert not app.error
    assert [element.value for element in app.markdown] == ["before"]
