"""Labels that the visitor makes of the source's own: a table to fill in, and what it says."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from vaelab.data.mapping import LabelMapping
from vaelab.errors import DataError

NEW, FROM, OLD, VALUE = "New label", "Made from", "Old value", "New value"
COLUMNS = (NEW, FROM, OLD, VALUE)


def own_labels_table() -> pd.DataFrame:
    """The table as the visitor left it; its rows may be unfinished."""
    with st.expander("Labels of your own", icon=":material/swap_horiz:", key="data.own"):
        st.caption(
            "Made from the source's labels by your rule, one row for each old value; values that no row names stay "
            "without one. The data set's record says that the rule is yours. Race labels, skin tone and apparent "
            "lightness are three things: a rule from one to another is a claim, and yours to defend."
        )
        empty = pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS})
        table: pd.DataFrame = st.data_editor(empty, num_rows="dynamic", hide_index=True, key="data.map")
    return table


def mappings_in(table: pd.DataFrame) -> tuple[LabelMapping, ...]:
    """The mappings of a filled-in table; rows without any entry count for nothing.

    Raises:
        DataError: names every row that is unfinished, repeats an old value, or gives a label a second column.
    """
    rows = table.reindex(columns=list(COLUMNS)).astype("object").fillna("").map(lambda entry: str(entry).strip())
    faults: list[str] = []
    made_from: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    for number, (new, source, old, value) in enumerate(rows.itertuples(index=False), 1):
        entries = dict(zip(COLUMNS, (new, source, old, value), strict=True))
        lacking = [name for name, entry in entries.items() if not entry]
        if len(lacking) == len(COLUMNS):
            continue
        if lacking:
            faults.append(f"row {number} lacks {', '.join(name.lower() for name in lacking)}")
        elif made_from.setdefault(new, source) != source:
            faults.append(f"row {number} makes {new} from {source}, and another row from {made_from[new]}")
        elif old in values.setdefault(new, {}):
            faults.append(f"row {number} names {old} of {source} again")
        else:
            values[new][old] = value
    if faults:
        raise DataError(f"labels of your own are unfinished: {'; '.join(faults)}")
    return tuple(LabelMapping(new, made_from[new], values[new]) for new in values)
