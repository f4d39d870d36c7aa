"""The one error boundary: a visitor reads a sentence, the server's log gets the traceback."""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

from vaelab.errors import VaelabError

log = logging.getLogger("vaelab.pages")
P = ParamSpec("P")


def error_boundary(function: Callable[P, None]) -> Callable[P, None]:
    """Wrap a page, a fragment or a part of one so that no error in it reaches the visitor as a traceback.

    Reruns and stops pass through: Streamlit raises them outside the tree of `Exception`.
    """

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - this is the place the rule is kept for
            show_error(error)

    return guarded


def show_error(error: Exception) -> bool:
    """Tell the visitor what went wrong; True, so that Streamlit adds nothing of its own.

    An error that vaelab raised on purpose is its own explanation. Anything else is ours to mend: the visitor gets
    an apology with a reference, and the log gets the traceback under the same reference.
    """
    if isinstance(error, VaelabError):
        st.error(str(error), icon=":material/error:")
        return True
    reference = secrets.token_hex(4)
    log.error("page error, reference %s", reference, exc_info=error)
    st.error(
        "Sorry, this part of the page failed, and the mistake is ours. Reload to try again; if it stays, "
        f"report it with reference **{reference}**, under which the server's log has the details.",
        icon=":material/error:",
    )
    return True
