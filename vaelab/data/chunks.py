"""Decodes chunks of records on several processes; each worker writes its own rows of the decoded file."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vaelab.data.sources.base import Reader, Source
from vaelab.errors import DataError

RejectedRows = list[tuple[int, str]]


@dataclass(frozen=True)
class Chunk:
    """Rows `start` to `stop` of the listing: what one worker decodes at a time."""

    number: int
    start: int
    stop: int


class _ChunkDecoder:
    """A source opened for reading and the decoded file opened for writing, in one process."""

    def __init__(self, source: Source, decoded_path: Path, size: int, stack: ExitStack) -> None:
        self._reader: Reader = stack.enter_context(source.reader())
        self._descriptor = os.open(decoded_path, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0))
        stack.callback(os.close, self._descriptor)
        self._size = size
        self._stack = stack  # an open `with` block of the reader closes when nobody holds it

    def decode(self, chunk: Chunk, records: pd.DataFrame) -> RejectedRows:
        """Writes the chunk's pixels at their rows; returns the rows that have none, with reasons.

        Plain writes instead of a memory map: a full disk then is an OSError here, where a mapped page would
            kill the process.
        """
        results = self._reader.read(records, self._size)
        block = np.zeros((len(records), self._size, self._size, 3), dtype=np.uint8)
        rejected: RejectedRows = []
        for position, result in enumerate(results):
            if isinstance(result, str):
                rejected.append((chunk.start + position, result))
            else:
                block[position] = result
        data, offset = memoryview(block.data).cast("B"), chunk.start * self._size**2 * 3
        while data:
            written = os.pwrite(self._descriptor, data, offset)
            data, offset = data[written:], offset + written
        os.fsync(self._descriptor)  # the journal must never name a chunk that a power cut can still lose
        return rejected


_decoder: _ChunkDecoder | None = None  # one per worker process, made by `_start_worker`


def _start_worker(source: Source, decoded_path: Path, size: int) -> None:
    global _decoder
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business; it lets chunks finish
    parent = multiprocessing.parent_process()
    if parent is not None:
        # A killed parent cannot stop its workers, and they would wait for their next chunk for ever.
        threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    _decoder = _ChunkDecoder(source, decoded_path, size, ExitStack())  # closed by the end of the process


def _die_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _decode_in_worker(chunk: Chunk, records: pd.DataFrame) -> RejectedRows:
    if _decoder is None:
        raise RuntimeError("worker used before it was started")
    return _decoder.decode(chunk, records)


def chunk_results(
    source: Source,
    records: pd.DataFrame,
    chunks: Sequence[Chunk],
    decoded_path: Path,
    size: int,
    workers: int,
) -> Generator[tuple[Chunk, RejectedRows], None, None]:
    """Decodes the chunks and yields each when its pixels are on disk, in whatever order they get ready.

    At most two chunks per worker are under way, so memory does not grow with the number of pictures.

    Raises:
        DataError: the system killed a worker.
        OSError: the decoded file cannot be written.
    """
    if not chunks:
        return
    workers = min(workers, len(chunks))
    if workers <= 1:
        with ExitStack() as stack:
            decoder = _ChunkDecoder(source, decoded_path, size, stack)
            for chunk in chunks:
                yield chunk, decoder.decode(chunk, records.iloc[chunk.start : chunk.stop])
        return
    # Not fork: the caller may hold threads (a web page, torch), whose locks a forked child would inherit
    # locked.
    context = multiprocessing.get_context(
        "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    )
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(source, decoded_path, size)
    )
    try:
        under_way: dict[Future[RejectedRows], Chunk] = {}
        remaining = iter(chunks)
        while True:
            for chunk in itertools.islice(remaining, 2 * workers - len(under_way)):
                future = pool.submit(_decode_in_worker, chunk, records.iloc[chunk.start : chunk.stop])
                under_way[future] = chunk
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                yield under_way.pop(future), future.result()
    except BrokenProcessPool as error:
        raise DataError(
            "a worker process died: killed for memory, perhaps, or started by a script that does not ask whether "
            '__name__ is "__main__" before it prepares; prepare again to continue, with fewer --workers'
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
