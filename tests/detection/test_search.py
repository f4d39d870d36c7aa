"""Searching a photo: squares in its own pixels, scores of the network itself, a planted face found."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaelab.detection.dense import DenseDetector
from vaelab.detection.photographs import overlap
from vaelab.detection.search import (
    Search,
    Windows,
    all_windows,
    cut,
    drawn_out,
    find,
    proposals,
    pyramid,
    refined,
    suppressed,
)
from vaelab.errors import ConfigError
from vaelab.inference import FaceModel
from vaelab.photos import FaceBox
from vaelab.runs.store import Run

Make = Callable[..., FaceModel]
SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"


def test_a_planted_face_is_the_best_of_all_squares(trained: Callable[[str], Run], faces: np.ndarray) -> None:
    model = FaceModel.load(trained("cnn"), with_latents=False)
    photo = np.full((160, 192, 3), 120, np.uint8)
    face = Image.fromarray(faces[model.face_logit(faces).argmax()])
    photo[24:56, 88:120] = np.asarray(face.resize((32, 32), Image.Resampling.LANCZOS))
    best = find(model, photo, -np.inf, Search(smallest=32.0, levels_per_octave=1))[0]
    assert overlap(best, FaceBox(104.0, 40.0, 32.0)) > 0.5


def test_scores_are_those_of_the_network_on_the_square(detector: Make, photo: np.ndarray) -> None:
    model, search = detector("cnn"), Search(smallest=64.0, levels_per_octave=1)
    found = find(model, photo, -np.inf, search)
    assert found
    padded = np.pad(photo, ((16, 16), (16, 16), (0, 0)))
    squares = [
        box
        for box in found
        if box.side < 80 and box.side / 2 <= min(box.x, box.y, photo.shape[1] - box.x, photo.shape[0] - box.y)
    ]
    assert squares
    for box in squares[:8]:
        corners = [16 + at + way * box.side / 2 for way in (-1, 1) for at in (box.x, box.y)]
        cut_anew = Image.fromarray(padded).resize((64, 64), Image.Resampling.LANCZOS, box=tuple(corners))
        exact = model.face_logit(np.asarray(cut_anew)[None])
        assert box.score == pytest.approx(float(exact[0]), abs=0.05 * max(1.0, abs(float(exact[0]))))


def test_the_border_beyond_a_photo_makes_no_face() -> None:
    """Beside black, the shipped cnn takes this colour for a face with log-odds of 20."""
    model = FaceModel.load(Run.open(SHIPPED / "cnn"), with_latents=False)
    plain = np.broadcast_to(np.array([96, 64, 64], np.uint8), (300, 400, 3)).copy()
    assert find(model, plain, 14.0) == []


def test_the_edge_of_a_photo_is_drawn_out_over_what_lies_beyond() -> None:
    photo = np.broadcast_to(np.arange(50, 178, dtype=np.uint8)[:, None, None], (128, 128, 3)).copy()
    levels = list(pyramid(photo, 64, Search(smallest=64.0, levels_per_octave=1)))[:1]
    boxes = np.array([[-16.0, 40.0, 48.0, 104.0], [30.0, 80.0, 94.0, 144.0], [10.0, 20.0, 74.0, 84.0]])
    pixels = cut(levels, boxes, np.zeros(3, np.int64), 64)
    drawn = drawn_out(pixels, boxes, 128, 128)
    assert pixels[:2].min() == 0
    assert np.array_equal(drawn[0], np.broadcast_to(photo[40:104, :1], (64, 64, 3)))
    assert np.array_equal(drawn[1, :47], pixels[1, :47])
    assert (drawn[1, 47:] == photo[126, 0]).all()
    assert np.array_equal(drawn[2], pixels[2]), "inside the photo nothing changes"


def test_every_found_square_is_above_the_threshold_and_apart(detector: Make, photo: np.ndarray) -> None:
    model = detector("cnn")
    every = find(model, photo, -np.inf)
    middle = float(np.median([box.score for box in every]))
    kept = find(model, photo, middle)
    assert kept == [box for box in every if box.score > middle]
    assert [box.score for box in every] == sorted((box.score for box in every), reverse=True)
    assert all(overlap(one, other) <= Search().overlap + 1e-3 for one, other in itertools.combinations(every, 2))


def test_the_network_is_asked_about_no_more_places_than_agreed(detector: Make, photo: np.ndarray) -> None:
    model, search = detector("cnn"), Search(smallest=24.0, num_proposals=5)
    levels = list(pyramid(photo, 64, search))
    windows = all_windows(DenseDetector.of(model), levels)
    proposed = proposals(windows, search)
    assert len(proposed.logits) == 5
    assert proposed.logits[0] == windows.logits.max()
    assert len(find(model, photo, -np.inf, search)) <= 5


def windows_at(boxes: list[tuple[float, float, float, float]], logits: list[float]) -> Windows:
    return Windows(np.array(boxes), np.zeros((len(boxes), 3), np.int64), np.array(logits, np.float32))


def test_a_box_moves_to_the_mean_of_the_likely_windows_around_it() -> None:
    around = [(0.0, 0.0, 60.0, 60.0), (16.0, 0.0, 76.0, 60.0), (200.0, 200.0, 260.0, 260.0)]
    box = np.array([around[0]])
    assert np.allclose(refined(box, windows_at(around, [5.0, 5.0, 50.0])), [[8.0, 0.0, 68.0, 60.0]])
    assert np.allclose(refined(box, windows_at(around, [50.0, 0.0, 50.0])), box, atol=1e-2)
    assert np.allclose(refined(box, windows_at(around[2:], [50.0])), box), "none is near it"


def test_a_box_beyond_its_level_is_cut_at_the_edge(photo: np.ndarray) -> None:
    levels = list(pyramid(photo, 64, Search(smallest=64.0)))[:1]
    beyond = np.array([[-1e4, -1e4, -1e4 + 64, -1e4 + 64]])
    assert np.array_equal(cut(levels, beyond, np.array([0]), 64), levels[0].picture[None, :64, :64])


def test_windows_are_cut_where_their_boxes_say(photo: np.ndarray, detector: Make) -> None:
    """At scale 1 a window's pixels are those of the photo under its box, black beyond the edge."""
    levels = list(pyramid(photo, 64, Search(smallest=64.0)))
    windows = all_windows(DenseDetector.of(detector("cnn")), levels[:1])
    for box, pixels in zip(windows.boxes, cut(levels, windows.boxes, windows.places[:, 0], 64), strict=True):
        crop = Image.fromarray(photo).crop(tuple(box.round().astype(int).tolist()))
        np.testing.assert_array_equal(pixels, np.asarray(crop))


def test_levels_reach_from_the_smallest_square_to_the_whole_photo(photo: np.ndarray) -> None:
    levels = list(pyramid(photo, 64, Search(smallest=40.0)))
    sides = [64 / level.scale[0] for level in levels]
    assert sides[0] == pytest.approx(40.0, rel=0.01)
    assert 200 / 2 ** (1 / 3) < sides[-1] <= 201


@pytest.mark.parametrize("shape", [(20, 300, 3), (8, 8, 3), (40, 8, 3)])
def test_a_photo_smaller_than_a_square_has_no_face_and_no_error(detector: Make, shape: tuple[int, ...]) -> None:
    found = find(detector("cnn"), np.zeros(shape, np.uint8), np.inf)
    assert found == []


@pytest.mark.parametrize("settings", [{"smallest": 8.0}, {"smallest": float("nan")}, {"overlap": 0.0},
                                      {"levels_per_octave": 0}, {"num_proposals": 0}])  # fmt: skip
def test_a_search_that_finds_nothing_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"smallest face|finds nothing"):
        Search(**settings)  # type: ignore[arg-type]


def test_suppression_keeps_the_best_of_what_overlaps() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [30, 30, 40, 40]], np.float64)
    assert suppressed(boxes, np.array([0.1, 0.9, 0.5], np.float32), 0.3).tolist() == [1, 2]
