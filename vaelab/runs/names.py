"""How a run may be called: here, in an archive, and on any machine that it is taken to. And how its sliders may be."""

import re

from vaelab.errors import RunError

ODD = re.compile(r"[^\w.+-]")
MARKUP = re.compile(r"[\[\]<>*`$\\:~|]")
"""What Streamlit's Markdown makes links, pictures, formulas or colours of."""


def check_name(name: str) -> None:
    """Refuse a name that no folder, archive or command line would take everywhere.

    Raises:
        RunError: says which letters there are to choose from.
    """
    if ODD.search(name) or name[:1] in ("", ".", "-"):
        raise RunError(
            f"{name!r} cannot name a run; use letters, digits, '.', '_', '+' and '-', and do not begin with '.' or '-'"
        )


def as_name(text: str) -> str:
    """`text` as a run may be called; empty where nothing of it can stay."""
    return ODD.sub("-", text).strip(".-")[:80]


def slider_name(text: str) -> str:
    """`text` as the name of a slider, without spaces around it.

    Raises:
        RunError: a page would show it as something else than its letters, a picture from elsewhere say.
    """
    if odd := MARKUP.search(text):
        raise RunError(f"the name of a slider cannot have {odd[0]!r}; leave out any of [ ] < > * ` $ \\ : ~ |")
    return text.strip()
