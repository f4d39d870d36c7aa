"""How squares of one origin lie to those of another, and marks brought into FairFace's frame."""

import numpy as np
import pytest

pytest.importorskip("dlib", reason="dlib-bin is not installed")

from benchmarks.framing import framing
from benchmarks.marked import OF_A_MARK, read_marked, read_table_of_marks


def test_framing_finds_what_turns_one_kind_into_the_other() -> None:
    random = np.random.default_rng(0)
    pairs = []
    for _ in range(20):
        true = np.array([[*random.uniform(100, 200, 2), random.uniform(40, 80)]])
        found = true * [1, 1, 1 / 0.8] + [0, -0.1 * true[0, 2], 0]
        pairs.append((np.concatenate([found, [[900.0, 900.0, 50.0]]]), true))
    pairs.append((np.empty((0, 3)), np.array([[10.0, 10.0, 5.0]])))
    measured = framing(pairs)
    assert (measured["faces"], measured["found"]) == (21, 20)
    assert measured["larger"]["median"] == pytest.approx(0.8, abs=1e-3)
    assert measured["down"]["median"] == pytest.approx(0.1, abs=1e-3)
    assert measured["right"]["median"] == pytest.approx(0.0, abs=1e-3)


def test_marks_are_brought_into_fairfaces_frame() -> None:
    made, framed = read_table_of_marks(), read_marked()
    assert len(made) == len(framed) == 65
    for one, other in zip(made, framed, strict=True):
        assert np.allclose(other.faces, one.faces * [1, 1, OF_A_MARK])
        assert np.allclose(other.unsure, one.unsure * [1, 1, OF_A_MARK])
    sides = np.concatenate([photo.faces[:, 2] for photo in framed])
    assert (len(sides), int((sides < 48).sum())) == (35, 13)
