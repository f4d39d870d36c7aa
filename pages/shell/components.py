"""What pages' own components share."""

from __future__ import annotations

from typing import Any


def as_is(data: dict[str, Any]) -> list[dict[str, Any]]:
    """`data` for a component that holds no table; its script reads `const [data] = component.data`.

    Streamlit looks through the values of a dict for tables, with pandas, which takes seconds to import; a list it
    passes on.
    """
    return [data]
