"""Growth: the store that is a hole beyond its first pictures, the fitted power, and one row measured for real."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.growth import DRAWN, MEASURES, exponent, measured, repeated_store
from vaelab.data.store import DatasetStore


def test_a_repeated_store_is_as_large_as_asked_and_black_where_nothing_was_written(tmp_path: Path) -> None:
    repeated_store(tmp_path, pictures=3 * DRAWN, size=16, written=2 * DRAWN)
    store = DatasetStore.open(tmp_path / "repeated")
    assert len(store) == 3 * DRAWN
    assert np.array_equal(store.pixels[:DRAWN], store.pixels[DRAWN : 2 * DRAWN])
    assert store.pixels[:DRAWN].any(axis=(1, 2, 3)).all()
    assert not store.pixels[2 * DRAWN :].any()
    assert store.labels["image_id"].is_unique
    assert len(store.indices("train", is_face=True)) == pytest.approx(1.5 * DRAWN * 0.96, rel=0.01)


def test_a_row_is_measured_on_a_training_of_its_own(tmp_path: Path) -> None:
    repeated_store(tmp_path, pictures=DRAWN, size=16, written=DRAWN)
    row = measured(tmp_path, tmp_path / "runs", DRAWN, latent=4, size=16, written=DRAWN, num_images=4 * 64)
    assert all(getattr(row, measure) > 0 for measure in MEASURES)
    assert 0 < row.resample_share < 1
    assert row.resident_mb >= row.memory_mb
    assert row.faces == DRAWN * 0.48


@pytest.mark.parametrize("power", [-0.5, 0.0, 1.0, 2.0])
def test_the_exponent_is_the_power_that_made_the_rows(power: float) -> None:
    rows = [{"pictures": count, "cost": 3.0 * count**power} for count in (10, 200, 7_000)]
    assert exponent(rows, "pictures", "cost") == pytest.approx(power)
