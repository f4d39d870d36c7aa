"""Pictures of a store that does not fit into memory: the same as through its map, without it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from vaelab.data import gather
from vaelab.data.collection import Collection
from vaelab.data.prepare import prepare
from vaelab.data.sources.drawn import Synthetic
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError

pytestmark = pytest.mark.skipif(not gather.CAN_READ_AT, reason="this system has no preadv")
ROWS = ([0], [49], [7, 3, 3, 49, 0], [10, 11, 12, 13], [40, 41, 5, 6, 7, 42], [])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    drawn = Synthetic(num_faces=30, num_nonfaces=20)
    return prepare(drawn, tmp_path_factory.mktemp("data") / "drawn-16", size=16, workers=1).path


@pytest.fixture
def large(path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetStore:
    """The store on a machine that has no memory for it."""
    monkeypatch.setattr(gather, "MOST_MAPPED", 0.0)
    return DatasetStore.open(path)


def test_what_fits_is_mapped_and_what_does_not_is_not() -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert gather.is_mapped(0)
    assert gather.is_mapped(memory // 4)
    assert not gather.is_mapped(memory // 4 + 1)


@pytest.mark.parametrize("rows", ROWS)
def test_both_ways_give_the_same_copies(path: Path, large: DatasetStore, rows: list[int]) -> None:
    some = np.array(rows, np.int64)
    found = large.gather(some)
    assert "pixels" not in vars(large)
    expected = np.array(np.memmap(path / "pixels.u8", np.uint8, "r").reshape(50, 16, 16, 3)[some])
    assert found.dtype == np.uint8
    assert np.array_equal(found, expected)
    found[:] = 0
    assert np.array_equal(large.gather(some), expected)


@pytest.mark.parametrize("row", [-1, 50])
def test_a_row_that_is_not_there_is_refused(path: Path, large: DatasetStore, row: int) -> None:
    for store in (DatasetStore.open(path), large):
        with pytest.raises(IndexError, match="are 0 to 49"):
            store.gather(np.array([3, row]))


@pytest.mark.parametrize("rows", [[0, 1, 60, 61], [60, 0, 61, 1, 99], [99], []])
def test_pictures_of_two_stores_come_in_the_order_asked_for(path: Path, rows: list[int]) -> None:
    both = Collection.open((path.name, path.name), path.parent, 16)
    some = np.array(rows, np.int64)
    assert np.array_equal(both.pixels(some), DatasetStore.open(path).pixels[some % 50])


def test_a_large_store_beside_another_keeps_its_rows(large: DatasetStore, path: Path) -> None:
    both = Collection.open((large.path.name, large.path.name), large.path.parent, 16)
    rows = np.array([99, 0, 50, 49, 51])
    assert np.array_equal(both.pixels(rows), DatasetStore.open(path).pixels[rows % 50])


def test_a_file_that_is_removed_can_still_be_read(large: DatasetStore) -> None:
    rows = np.arange(50)
    expected = large.gather(rows)
    pixels = large.path / "pixels.u8"
    kept = pixels.read_bytes()
    pixels.unlink()
    try:
        assert np.array_equal(large.gather(rows), expected)
        with pytest.raises(DataError, match="is the data set still there"):
            gather.PictureFile(pixels, 16)
    finally:
        pixels.write_bytes(kept)


def test_a_file_that_was_cut_says_so(large: DatasetStore) -> None:
    pixels = large.path / "pixels.u8"
    kept = pixels.read_bytes()
    large.gather(np.array([0]))
    pixels.write_bytes(kept[: 16 * 16 * 3 * 20 + 5])
    try:
        assert len(large.gather(np.arange(20))) == 20
        with pytest.raises(DataError, match="ends before picture 24; prepare"):
            large.gather(np.array([22, 23, 24]))
    finally:
        pixels.write_bytes(kept)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not list open files")
def test_a_descriptor_goes_with_its_store(path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        gather.PictureFile(path / "pixels.u8", 16).gather(np.array([1]), np.empty((1, 16, 16, 3), np.uint8))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
