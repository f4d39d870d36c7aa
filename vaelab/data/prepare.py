"""Decodes a source once into a store: on all cores, in flat memory, and on from where it was after a kill.

While it works, everything lies in `<name>.partial` beside the store:
```
  plan.json        what was asked for; another request starts anew
  decoded.u8       room for every record, filled chunk by chunk by the workers
  journal.jsonl    one line per finished chunk, with what it rejected
  store/           the finished store, renamed into place at the very end
```
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaelab.data.chunks import Chunk, chunk_results
from vaelab.data.labels_file import write_labels
from vaelab.data.manifest import FORMAT, MANIFEST_FILE, Manifest, Rejected
from vaelab.data.mapping import LabelMapping, mapped, written_mappings
from vaelab.data.sources.base import Listing, Source, check_records
from vaelab.data.splits import check_fractions, split_of
from vaelab.data.store import PIXELS_FILE, DatasetStore, counts_of, fingerprint
from vaelab.errors import DataError
from vaelab.locks import locked

Progress = Callable[[int, int, float], None]
"""Called with pictures done, pictures in all, and pictures per second since this call began."""

MIN_SIZE, MAX_SIZE = 8, 1024
_CHUNK_BYTES = 4 * 2**20
_COPY_BYTES = 4 * 2**20


def prepare(
    source: Source,
    out_dir: Path | str,
    *,
    size: int = 64,
    workers: int | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
    replace: bool = False,
    mappings: Sequence[LabelMapping] = (),
) -> DatasetStore:
    """Decodes every picture of `source` into the store `out_dir`.

    The same source gives the same rows in the same order and the same fingerprint, whatever the number of
    workers and however often the work was interrupted. Finding the store ready made by the same request
    returns it at once; what its manifest says of settings, terms and notes is brought up to date.

    Args:
        source: where the pictures come from.
        out_dir: folder of the store; its parent is made where missing.
        size: side of the stored pictures in pixels, 8 to 1024.
        workers: processes; by default one per usable core. 1 works in this process.
        limit: at most this many pictures, spread evenly over the source, so that all its kinds are met.
        progress: called after every chunk.
        replace: whether a store may be overwritten that another request made, or that was changed or damaged since.
        mappings: labels that a person makes of the source's own; the manifest records them.

    Raises:
        DataError: the source is unusable, the disk full, the folder taken or another prepare at work in it.
    """
    out_dir = Path(out_dir)
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise DataError(f"size must lie between {MIN_SIZE} and {MAX_SIZE} pixels, met {size}")
    if limit is not None and limit < 1:
        raise DataError(f"limit must be at least 1, met {limit}")
    if workers is not None and workers < 1:
        raise DataError(f"workers must be at least 1, met {workers}")
    check_fractions(source.fractions)
    listing = source.listing()
    check_records(listing.records, source.name)
    listing = _limited(_mapped(listing, mappings), limit)
    request = _request(source, listing, size)
    ready = _ready_store(out_dir, request, replace)
    partial = out_dir.with_name(out_dir.name + ".partial")
    try:
        if ready is not None:
            _bring_up_to_date(ready, _told(source, listing, mappings))
            return DatasetStore.open(out_dir)
        with _locked(partial):
            job = _Job(source, listing, size, partial, request, mappings)
            job.decode(workers or usable_cores(), progress)
            job.finish(out_dir)
    except OSError as error:
        raise DataError(
            f"cannot write the store {out_dir}: {error.strerror or error}; what is done so far is kept in "
            f"{partial.name}: make room or mend the permissions, then prepare again to continue"
        ) from error
    return DatasetStore.open(out_dir)


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _mapped(listing: Listing, mappings: Sequence[LabelMapping]) -> Listing:
    if not mappings:
        return listing
    records, sentences = mapped(listing.records, mappings)
    return dataclasses.replace(listing, records=records, notes=(*listing.notes, *sentences))


def _limited(listing: Listing, limit: int | None) -> Listing:
    total = len(listing.records)
    if limit is None or limit >= total:
        return dataclasses.replace(listing, records=listing.records.reset_index(drop=True))
    rows = np.arange(limit, dtype=np.int64) * total // limit
    note = f"limited to {limit} of {total} pictures, spread evenly"
    records = listing.records.iloc[rows].reset_index(drop=True)
    return dataclasses.replace(listing, records=records, notes=(*listing.notes, note))


def _request(source: Source, listing: Listing, size: int) -> str:
    """SHA-256 of everything that decides the store: records (with file sizes and times), crop, size, shares,
    format.

    The path of the source is not part of it: a moved folder continues.
    """
    head = [FORMAT, source.name, source.crop_name, size, _chunk_rows(size), dict(source.fractions)]
    head.append(source.identity())
    digest = hashlib.sha256(json.dumps(head).encode())
    digest.update("\n".join(map(str, listing.records.columns)).encode())
    digest.update(pd.util.hash_pandas_object(listing.records, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _ready_store(out_dir: Path, request: str, replace: bool) -> DatasetStore | None:
    """The store that is already there, if this very request made it; with `replace` only an undamaged one.

    Raises:
        DataError: something else is there and may not be replaced.
    """
    if not out_dir.exists():
        return None
    if not (out_dir / MANIFEST_FILE).is_file():
        raise DataError(f"{out_dir} is taken by something that is no store; choose another --name")
    try:
        store = DatasetStore.open(out_dir)
        if store.manifest.request == request:
            if replace:
                store.verify()
            return store
        what = f"made from {store.manifest.source!r} by another request"
    except (DataError, OSError):
        what = "that is damaged"
    if replace:
        return None
    raise DataError(f"{out_dir} is taken by a store {what}; choose another --name, or --replace it")


def _told(source: Source, listing: Listing, mappings: Sequence[LabelMapping]) -> dict[str, Any]:
    """What a manifest says besides what `_request` covers."""
    settings = source.settings() | ({"mappings": written_mappings(mappings)} if mappings else {})
    return {"settings": settings, "licence": source.licence_line(), "notes": listing.notes}


def _bring_up_to_date(store: DatasetStore, told: Mapping[str, Any]) -> None:
    text = dataclasses.replace(store.manifest, **told).to_json()
    if text != store.manifest.to_json():
        replace_text(store.path / MANIFEST_FILE, text)


@contextmanager
def _locked(partial: Path) -> Iterator[None]:
    """Keeps a second prepare out of the same partial folder; the lock dies with its process."""
    partial.mkdir(parents=True, exist_ok=True)
    with locked(partial / "lock", wait=False) as is_mine:
        if not is_mine:
            raise DataError(f"another prepare is at work in {partial}; wait for it, or choose another --name")
        yield


def _chunk_rows(size: int) -> int:
    return max(1, min(512, _CHUNK_BYTES // (size * size * 3)))


@dataclass(frozen=True)
class _Job:
    """One preparation: the records, and the partial folder where their pixels gather."""

    source: Source
    listing: Listing
    size: int
    partial: Path
    request: str
    mappings: Sequence[LabelMapping]

    @property
    def _decoded(self) -> Path:
        return self.partial / "decoded.u8"

    @property
    def _journal(self) -> Path:
        return self.partial / "journal.jsonl"

    def _chunks(self) -> list[Chunk]:
        rows, total = _chunk_rows(self.size), len(self.listing.records)
        return [Chunk(number, start, min(start + rows, total)) for number, start in enumerate(range(0, total, rows))]

    def decode(self, workers: int, progress: Progress | None) -> None:
        """Decodes the chunks that the journal does not name yet."""
        self._begin()
        finished = self._finished()
        chunks = self._chunks()
        pending = [chunk for chunk in chunks if chunk.number not in finished]
        total = len(self.listing.records)
        before = total - sum(chunk.stop - chunk.start for chunk in pending)
        done, started = before, time.monotonic()
        if progress is not None:
            progress(done, total, 0.0)
        results = chunk_results(self.source, self.listing.records, pending, self._decoded, self.size, workers)
        with closing(results), self._journal.open("a", encoding="utf-8") as journal:
            for chunk, rejected in results:
                journal.write(json.dumps({"chunk": chunk.number, "rejected": rejected}) + "\n")
                journal.flush()
                done += chunk.stop - chunk.start
                if progress is not None:
                    progress(done, total, (done - before) / max(time.monotonic() - started, 1e-9))

    def _begin(self) -> None:
        """Keeps what an interrupted run of the same request left; clears what another one did."""
        plan = self.partial / "plan.json"
        text = json.dumps({"request": self.request, "source": self.source.name, "format": FORMAT}) + "\n"
        if not plan.is_file() or plan.read_text(encoding="utf-8", errors="replace") != text:
            for path in (plan, self._journal, self._decoded):
                path.unlink(missing_ok=True)
            shutil.rmtree(self.partial / "store", ignore_errors=True)
            with self._decoded.open("wb") as file:
                num_bytes = len(self.listing.records) * self.size**2 * 3
                _reserve(file.fileno(), num_bytes)
            replace_text(plan, text)

    def _finished(self) -> dict[int, list[tuple[int, str]]]:
        """Chunk number -> rejected rows with reasons; a line that the kill cut in two is dropped."""
        finished: dict[int, list[tuple[int, str]]] = {}
        if not self._journal.is_file():
            return finished
        whole = 0
        with self._journal.open("rb") as journal:
            for line in journal:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                entry = json.loads(line)
                finished[entry["chunk"]] = [(row, reason) for row, reason in entry["rejected"]]
        os.truncate(self._journal, whole)
        return finished

    def finish(self, out_dir: Path) -> None:
        """Leaves the rejected rows out, writes labels and manifest, and renames the whole into place."""
        rejected = dict(pair for pairs in self._finished().values() for pair in pairs)
        kept = np.ones(len(self.listing.records), dtype=bool)
        kept[list(rejected)] = False
        if not kept.any():
            shutil.rmtree(self.partial)  # nothing in it that another try could go on with
            reasons = sorted(set(rejected.values()))[:3]
            raise DataError(f"none of {len(kept)} pictures could be used: {'; '.join(reasons)}")
        store = self.partial / "store"
        shutil.rmtree(store, ignore_errors=True)
        store.mkdir()
        pixels_path = store / PIXELS_FILE
        if rejected:
            self._copy_kept(np.flatnonzero(kept), pixels_path)
        else:
            _link_or_copy(self._decoded, pixels_path)  # kept for another try if the next lines are interrupted
        labels = _labels(self.source, self.listing.records[kept])
        write_labels(labels, store)
        names = self.listing.records["image_id"]
        manifest = Manifest(
            name=out_dir.name,
            source=self.source.name,
            crop=self.source.crop_name,
            size=self.size,
            counts=counts_of(labels),
            fingerprint=fingerprint(labels, pixels_path, self.size),
            rejected=(
                *self.listing.rejected,
                *(Rejected(str(names[row]), rejected[row]) for row in sorted(rejected)),
            ),
            request=self.request,
            **_told(self.source, self.listing, self.mappings),
        )
        replace_text(store / MANIFEST_FILE, manifest.to_json())
        if out_dir.exists():  # only with replace, which `_ready_store` has judged
            shutil.rmtree(out_dir)
        store.rename(out_dir)
        shutil.rmtree(self.partial)

    def _copy_kept(self, rows: np.ndarray, pixels_path: Path) -> None:
        """Copies the kept rows in order, a block at a time."""
        shape = (len(self.listing.records), self.size**2 * 3)
        decoded = np.memmap(self._decoded, dtype=np.uint8, mode="r", shape=shape)
        step = max(1, _COPY_BYTES // shape[1])
        with pixels_path.open("wb") as file:
            for start in range(0, len(rows), step):
                file.write(decoded[rows[start : start + step]].tobytes())


def _reserve(descriptor: int, num_bytes: int) -> None:
    """Makes an empty file so long, with its disk space where possible: a full disk shows now, not in an hour."""
    os.ftruncate(descriptor, num_bytes)
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, num_bytes)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # not every file system can
                raise


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # no hard links there
        shutil.copyfile(source, target)


def _labels(source: Source, records: pd.DataFrame) -> pd.DataFrame:
    """The labels table: contract columns first, then attributes."""
    attributes = [
        column
        for column in records.columns
        if not column.startswith("_") and column not in ("image_id", "is_face", "split", "split_key")
    ]
    labels = records[["image_id", "is_face", *attributes]].copy()
    labels.insert(2, "split", splits_of(records, source.fractions))
    return labels.reset_index(drop=True)


def splits_of(records: pd.DataFrame, fractions: Mapping[str, float]) -> pd.Series[str]:
    """The split of every record: the official one, else by the hash of its `split_key`."""
    split = records["split"].astype("str")
    hashed = {key: split_of(key, fractions) for key in records["split_key"][split.isna()].unique()}
    return split.where(split.notna(), records["split_key"].map(hashed)).astype("str")


def replace_text(path: Path, text: str) -> None:
    """Writes a small file so that a reader sees the old one or the new one, never half of it."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
