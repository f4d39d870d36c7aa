"""Tables of labels written by other people: delimiters, line endings and column names as they come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from vaelab.data.groups import MISSING_WORDS
from vaelab.errors import DataError


def read_table(path: Path) -> pd.DataFrame:
    """A CSV with comma, semicolon or tab between columns and any line ending (also CR alone), every value as
    text.

    Raises:
        DataError: missing, not UTF-8, empty, with a column named twice or with rows of different length.
    """
    try:
        with path.open(encoding="utf-8-sig", newline=None) as file:
            header = file.readline()
            file.seek(0)
            separator = max(",;\t", key=header.count)
            first = pd.read_csv(file, sep=separator, dtype="str", keep_default_na=False, header=None, nrows=1)
            file.seek(0)
            table = pd.read_csv(file, sep=separator, dtype="str", keep_default_na=False).fillna("")
    except FileNotFoundError as error:
        raise DataError(f"table not found: {path}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise DataError(f"{path} cannot be read as a table: {error}") from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas took the first columns for names of the rows
        raise DataError(f"{path}: its rows have more values than columns are named in the first line")
    named = first.iloc[0].str.strip()  # as written: in the table itself pandas has renamed what is there again
    again = named[named.duplicated() & (named != "")]
    if len(again):
        raise DataError(f"{path} has the column {again.iloc[0]!r} twice; rename one of them, or take it out")
    table.columns = pd.Index([str(column).strip() for column in table.columns])
    return table


def find_column(table: pd.DataFrame, aliases: Sequence[str], path: Path, wanted: str = "") -> str | None:
    """The first column that goes by one of these names, whatever its case; dots, blanks and hyphens count as `_`.

    Args:
        wanted: what the column holds; given where a table without it is useless.

    Raises:
        DataError: there is none and it is wanted.
    """
    by_name = {re.sub(r"[-. ]", "_", str(column).lower()): str(column) for column in reversed(table.columns)}
    for alias in aliases:
        if alias in by_name:
            return by_name[alias]
    if wanted:
        raise DataError(
            f"{path} has no column for {wanted}; met {', '.join(map(str, table.columns))}; "
            f"expected one called {', '.join(aliases)}"
        )
    return None


def typed(values: pd.Series) -> pd.Series:
    """Text as whole numbers, numbers or booleans where every value is one; what `MISSING_WORDS` names is missing."""
    text = values.str.strip()
    text = text.where(~text.isin(MISSING_WORDS), "")
    present = text[text != ""]
    lower = present.str.lower()
    if len(present) and lower.isin(["true", "false"]).all() and len(present) == len(text):
        return text.str.lower() == "true"
    numbers = pd.to_numeric(text.where(text != ""), errors="coerce")
    leading_zeros = present.str.fullmatch(r"0\d+").any()  # an identifier, not a quantity
    if len(present) and not leading_zeros and bool(numbers[present.index].notna().all()):
        whole = len(present) == len(text) and bool(present.str.fullmatch(r"[+-]?\d{1,18}").all())
        return numbers.astype("int64") if whole else numbers.astype("float64")
    return text.where(text != "")
