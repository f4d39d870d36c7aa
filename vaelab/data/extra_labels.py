"""Labels from a table that came later: joined to those of prepared faces by the id of the picture."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vaelab.data.groups import MISSING_WORDS
from vaelab.errors import DataError

ID = "image_id"


def read_labels(path: Path) -> pd.DataFrame:
    """The table in a CSV file with a column `image_id`; every value is a word, `MISSING_WORDS` are unknown.

    Raises:
        DataError: the file is missing or no CSV, has no column of ids, or names one picture twice.
    """
    try:
        table = pd.read_csv(path, dtype="string", keep_default_na=False, na_values=list(MISSING_WORDS))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; name a CSV file of labels") from error
    except (ValueError, UnicodeDecodeError) as error:  # pandas' parser errors are ValueErrors
        raise DataError(f"{path} is no table of labels ({error}); expected CSV with a column {ID}") from error
    if ID not in table.columns:
        raise DataError(f"{path} has the columns {', '.join(table.columns[:8])}; one of them must be {ID}")
    again = table[ID][table[ID].duplicated()]
    if len(again):
        raise DataError(f"{path} has {len(again)} rows for pictures it named before, such as {again.iloc[0]!r}; "
                        "keep one row for each picture")  # fmt: skip
    return table


def joined(labels: pd.DataFrame, extra: pd.DataFrame, source: str) -> tuple[pd.DataFrame, int]:
    """`labels` with the columns of `extra`, unknown where it says nothing, and how many rows of `extra` found a face.

    Args:
        source: what to call `extra` in messages.

    Raises:
        DataError: a column is there already, or no row finds a face.
    """
    clashing = [name for name in extra.columns if name != ID and name in labels.columns]
    if clashing:
        raise DataError(
            f"{source} has a column {clashing[0]!r}, and so have the data's own labels; rename it in {source}"
        )
    num_matched = int(extra[ID].isin(labels[ID].astype("string")).sum())
    if not num_matched:
        raise DataError(
            f"none of the {len(extra)} ids in {source} (such as {extra[ID].iloc[0]!r}) is that of a face here (such as "
            f"{labels[ID].iloc[0]!r}); were the labels made for another data set?"
            if len(extra) and len(labels)
            else f"{source} has {len(extra)} rows, and there are {len(labels)} faces; nothing to join"
        )
    by_id = extra.set_index(ID)
    added = by_id.reindex(labels[ID].astype("string")).set_index(labels.index)
    return pd.concat([labels, added], axis=1), num_matched
