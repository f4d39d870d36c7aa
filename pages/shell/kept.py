"""What a page shows: one frozen record in the session, which links carry and widgets only show."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import streamlit as st

Record = TypeVar("Record")


class Kept(Generic[Record]):
    """A frozen dataclass instance in each visitor's session, under `key`.

    Call it for what is kept now; there is something from the page's opening on.
    """

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self) -> Record:
        """What is kept."""
        return cast(Record, st.session_state[self.key])

    def before(self) -> Record | None:
        """What was kept before the page opened; None in a new session."""
        return cast("Record | None", st.session_state.get(self.key))

    def keep(self, record: Record) -> None:
        """Show `record` from the next draw on."""
        st.session_state[self.key] = record

    def change(self, **changes: Any) -> None:
        """Change some of it."""
        self.keep(dataclasses.replace(cast(Any, self()), **changes))

    def sets(self, field: str, widget: str) -> Callable[[], None]:
        """A callback that puts a widget's value into `field`; of many values it makes a tuple."""

        def changed() -> None:
            value: Any = st.session_state[widget]
            self.change(**{field: tuple(value) if isinstance(value, list) else value})

        return changed
