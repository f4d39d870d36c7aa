"""Several stores read as one: rows are numbered through, and each row's pixels and labels stay together."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.drawn import draw
from vaelab.data.collection import Collection
from vaelab.data.prepare import prepare
from vaelab.data.sources.drawn import Synthetic
from vaelab.errors import DataError
from vaelab.rng import numpy_generator


@pytest.fixture(scope="module")
def two_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Faces with labels in one store, non-faces in another."""
    folder = tmp_path_factory.mktemp("stores")
    prepare(Synthetic(num_faces=60, num_nonfaces=0, seed=1), folder / "faces", size=16, workers=1)
    prepare(Synthetic(num_faces=0, num_nonfaces=50, seed=1), folder / "things", size=16, workers=1)
    draw(folder / "large", 5, 5, 32)
    return folder


@pytest.fixture(scope="module")
def both(two_stores: Path) -> Collection:
    return Collection.open(("faces", "things"), two_stores, 16)


def test_rows_of_any_order_come_with_their_own_pixels(both: Collection) -> None:
    faces, things = both.stores
    everything = np.concatenate([faces.pixels, things.pixels])
    for seed in range(5):
        rows = numpy_generator(seed, "rows").integers(0, 110, 30)
        assert np.array_equal(both.pixels(rows), everything[rows])
    assert np.array_equal(both.pixels(np.array([70, 60, 109])), everything[[70, 60, 109]])
    assert both.pixels(np.array([], np.int64)).shape == (0, 16, 16, 3)


def test_labels_are_aligned_and_say_which_store_they_come_from(both: Collection) -> None:
    assert len(both.labels) == 110
    assert list(both.labels["image_id"][:60]) == list(both.stores[0].labels["image_id"])
    assert (both.labels["dataset"] == ["faces"] * 60 + ["things"] * 50).all()
    assert both.fingerprints == {store.manifest.name: store.fingerprint for store in both.stores}


@pytest.mark.parametrize("is_face", [True, False])
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_rows_are_those_of_split_and_kind(both: Collection, split: str, is_face: bool) -> None:
    rows = both.rows(split, is_face)
    expected = np.flatnonzero((both.labels["split"] == split) & (both.labels["is_face"] == is_face))
    assert np.array_equal(rows, expected)
    assert np.array_equal(both.rows(split, is_face, limit=3), expected[:3])


def test_a_table_is_those_rows_of_the_labels(both: Collection) -> None:
    rows = np.random.default_rng(0).permutation(len(both.labels))[:20]
    assert both.columns == tuple(both.labels.columns)
    pd.testing.assert_frame_equal(both.table(rows), both.labels.iloc[rows])
    some = both.table(rows, ["dataset", "image_id"])
    pd.testing.assert_frame_equal(some, both.labels[["dataset", "image_id"]].iloc[rows])
    assert len(both.table(rows[:0])) == 0


def test_pixels_are_a_copy(both: Collection) -> None:
    picture = both.pixels(np.array([0]))
    before = picture.copy()
    picture[:] = 0
    assert np.array_equal(both.pixels(np.array([0])), before)


def test_a_store_of_another_size_is_refused_with_what_to_do(two_stores: Path) -> None:
    with pytest.raises(DataError, match=r"large holds pictures of 32 pixels.*--size"):
        Collection.open(("faces", "large"), two_stores, 16)


def test_a_missing_store_is_named(two_stores: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        Collection.open(("nowhere",), two_stores, 16)
