from __future__ import annotations

from collections import Counter

import pytest

from vaelab.data.splits import DEFAULT_FRACTIONS, HELD_OUT_CLASS_FRACTIONS, SPLITS, check_fractions, split_of
from vaelab.errors import DataError


@pytest.mark.parametrize("fractions", [DEFAULT_FRACTIONS, HELD_OUT_CLASS_FRACTIONS, {"train": 0.95, "val": 0.05}])
def test_shares_come_out_as_asked(fractions):
    counts = Counter(split_of(f"picture {number}", fractions) for number in range(20_000))
    assert sum(counts.values()) == 20_000
    assert set(counts) == set(fractions)
    for split, share in fractions.items():
        assert counts[split] / 20_000 == pytest.approx(share, abs=0.012)


GOLDEN = ["train", "train", "train", "test", "train", "test"]


def test_a_split_never_changes():
    """These names were split once and trained on: another hash would leak training pictures into tests."""
    names = ["train/1.jpg", "train/9.jpg", "train/21.jpg", "train/40.jpg", "face-000000", "straße/ü.png"]
    assert [split_of(name, {"train": 0.5, "test": 0.5}) for name in names] == GOLDEN


def test_order_of_writing_the_shares_does_not_matter():
    shares = {"test": 0.3, "train": 0.5, "val": 0.2}
    for number in range(200):
        assert split_of(str(number), shares) == split_of(
            str(number), {name: shares[name] for name in SPLITS if name in shares}
        )


def test_growing_train_at_the_cost_of_the_next_split_moves_only_what_it_must():
    before = {str(n): split_of(str(n), {"train": 0.8, "val": 0.2}) for n in range(500)}
    after = {str(n): split_of(str(n), {"train": 0.9, "val": 0.1}) for n in range(500)}
    assert all(after[name] == "train" for name, split in before.items() if split == "train")


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"train": 0.9}, "sum to 1"),
        ({"train": 0.5, "dev": 0.5}, "unknown split 'dev'"),
        ({"train": 1.5, "val": -0.5}, "0 or more"),
        ({"train": float("nan"), "val": 1.0}, "0 or more"),
    ],
)
def test_what_is_no_partition_is_refused(fractions, message):
    with pytest.raises(DataError, match=message):
        check_fractions(fractions)
    with pytest.raises(DataError, match=message):
        split_of("x", fractions)
