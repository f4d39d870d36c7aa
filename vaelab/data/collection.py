"""Several prepared stores read as one: rows are numbered through, labels stand in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int, UInt8

from vaelab.data.store import DatasetStore
from vaelab.errors import DataError

Rows = Int[np.ndarray, " batch"]
Pixels = UInt8[np.ndarray, "batch size size 3"]


@dataclass(frozen=True)
class Collection:
    """Stores of one picture size."""

    stores: tuple[DatasetStore, ...]

    @classmethod
    def open(cls, names: Sequence[str], data_dir: Path, size: int) -> Collection:
        """The stores called `names` under `data_dir`.

        Raises:
            DataError: a store is missing, or its pictures are not `size` pixels wide.
        """
        stores = tuple(DatasetStore.open(data_dir / name) for name in names)
        for name, store in zip(names, stores, strict=True):
            if store.size != size:
                raise DataError(
                    f"data set {name} holds pictures of {store.size} pixels, the model wants {size}; "
                    f"prepare it again with --size {size}, or train with --size {store.size}"
                )
        return cls(stores)

    @cached_property
    def labels(self) -> pd.DataFrame:
        """All labels, one row per picture; `dataset` names the store. A column one store lacks is missing there."""
        frames = [store.labels.assign(dataset=store.manifest.name) for store in self.stores]
        return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]  # one is not copied

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the labels of all stores, in the order of `labels`."""
        return tuple(dict.fromkeys(name for store in self.stores for name in (*store.columns, "dataset")))

    def table(self, rows: Rows, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Some labels of some pictures, as `labels` has them, without keeping those of all the others.

        Args:
            rows: each of them once.
        """
        names = list(self.columns if columns is None else columns)
        which, parts = self._stores_of(rows), []
        for index in np.unique(which):
            store, mine = self.stores[index], rows[which == index]
            known = store.table([name for name in names if name in store.columns], mine - self._offsets[index])
            parts.append(known.set_axis(mine).assign(dataset=store.manifest.name))
        found = pd.concat(parts) if parts else pd.DataFrame(index=rows)
        return found.reindex(columns=names).loc[rows]

    @property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprint of each store by its name: what a result says it was computed on."""
        return {store.manifest.name: store.fingerprint for store in self.stores}

    @cached_property
    def _offsets(self) -> Int[np.ndarray, " stores"]:
        return np.cumsum([0, *(len(store) for store in self.stores)])

    def rows(self, split: str, is_face: bool, limit: int = 0) -> Rows:
        """Row numbers of a split's faces or non-faces, in order; the first `limit` of them unless 0."""
        found = np.concatenate(
            [offset + store.indices(split, is_face) for offset, store in zip(self._offsets, self.stores, strict=False)]
        )
        return found[:limit] if limit else found

    def _stores_of(self, rows: Rows) -> Rows:
        """Which store each row is in."""
        return np.asarray(np.searchsorted(self._offsets, rows, side="right") - 1)

    def pixels(self, rows: Rows) -> Pixels:
        """The pictures of some rows, copied.

        Raises:
            DataError: a store that does not fit into memory is gone or was cut.
        """
        which = self._stores_of(rows)
        size = self.stores[0].size
        result = np.empty((len(rows), size, size, 3), np.uint8)
        for index in np.unique(which):
            store, mine = self.stores[index], np.flatnonzero(which == index)
            theirs = rows[mine] - self._offsets[index]
            if mine[-1] - mine[0] == len(mine) - 1:  # one behind the other, as in a batch: not copied again
                store.gather(theirs, result[mine[0] : mine[-1] + 1])
            else:
                result[mine] = store.gather(theirs)
        return result
