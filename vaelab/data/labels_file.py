"""The labels table of a store, of which little is read where little is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int

from vaelab.data.manifest import damaged_store

Rows = Int[np.ndarray, " some"]

LABELS_FILE = "labels.parquet"
GROUP_ROWS = 65_536
"""Labels in one row group of a file: what has to be gone through for one of them."""
BLOCK_ROWS = 16_384
"""Labels decoded at a time where not all are wanted."""


@final
class LabelsFile:
    """The labels in a store's folder, mapped: what was opened stays readable even if the store is removed.

    Attributes:
        columns: names of the labels.
    """

    def __init__(self, store: Path) -> None:
        """Opens the labels of the store in that folder.

        Raises:
            DataError: they are missing or damaged.
        """
        self._store = store
        try:
            with pa.memory_map(str(store / LABELS_FILE)) as file:
                self._mapped: pa.Buffer = file.read_buffer()
            with self._open() as labels:
                self.columns = tuple(str(name) for name in labels.schema_arrow.names)
                self._group_rows = [labels.metadata.row_group(group).num_rows for group in range(labels.num_row_groups)]
        except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
            raise damaged_store(self._store, error) from error

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some labels of all pictures.

        Raises:
            DataError: they cannot be read.
        """
        try:
            return pd.read_parquet(pa.BufferReader(self._mapped), columns=list(columns))
        except (OSError, ValueError) as error:
            raise damaged_store(self._store, error) from error

    def blocks(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Some labels of all pictures, block after block.

        Raises:
            DataError: they cannot be read.
        """
        try:
            with self._open() as labels:
                yield from labels.iter_batches(BLOCK_ROWS, columns=list(columns), use_threads=False)
        except (OSError, ValueError) as error:
            raise damaged_store(self._store, error) from error

    def column(self, name: str, rows: Rows) -> pd.Series[Any]:
        """One label of some pictures, in their order. Of the others at most those of the same row groups are read, and
        a block at a time: what many labels take is never needed.

        Raises:
            DataError: it cannot be read.
        """
        if not len(rows):
            return self.table([name])[name].iloc[rows]
        order = np.argsort(rows, kind="stable")
        ascending, parts = rows[order], []
        for begin, block in self._blocks_around(ascending, name):
            low, high = np.searchsorted(ascending, [begin, begin + len(block)])
            parts.append(block.take(pa.array(ascending[low:high] - begin)))
        found: pd.DataFrame = pa.Table.from_batches(parts).to_pandas()
        return found[name].set_axis(ascending).iloc[np.argsort(order)]

    def _blocks_around(self, ascending: Rows, name: str) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The blocks of one label up to the last of `ascending` in each row group, behind the row each begins with."""
        end = 0
        try:
            with self._open() as labels:
                for group, num_rows in enumerate(self._group_rows):
                    begin, end = end, end + num_rows
                    low, high = np.searchsorted(ascending, [begin, end])
                    if low == high:
                        continue
                    for block in labels.iter_batches(BLOCK_ROWS, row_groups=[group], columns=[name], use_threads=False):
                        yield begin, block
                        begin += len(block)
                        if begin > ascending[high - 1]:
                            break
        except (OSError, ValueError) as error:
            raise damaged_store(self._store, error) from error

    def _open(self) -> pq.ParquetFile:
        return pq.ParquetFile(pa.BufferReader(self._mapped))


def write_labels(labels: pd.DataFrame, store: Path) -> None:
    """Write the labels of a new store into its folder."""
    labels.to_parquet(store / LABELS_FILE, index=False, row_group_size=GROUP_ROWS)
