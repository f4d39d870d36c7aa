"""Two detectors on one photo: the same face is one face, what only one sees is told apart, in words and in colour."""

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from vaelab.detection import photographs
from vaelab.detection.drawing import ALL, ALONE, ALONE_IN_WORDS, annotated, legend, png_file
from vaelab.detection.photographs import Detector, Result, columns, crop, detect, overlap, rows
from vaelab.detection.thresholds import AlarmThreshold
from vaelab.inference import FaceModel
from vaelab.photos import FaceBox

Make = Callable[..., FaceModel]
BOXES = {
    "one": [FaceBox(60, 60, 50, score=5.0), FaceBox(200, 100, 40, score=3.0)],
    "two": [FaceBox(63, 58, 54, score=9.0), FaceBox(140, 150, 30, score=8.5)],
}


@pytest.fixture
def result(detector: Make, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Two detectors that agree about one face of three."""
    monkeypatch.setattr(photographs, "find", lambda model, *_: BOXES[model.run_id])
    thresholds = {"one": AlarmThreshold(1.0, 1.0, "stated"), "two": AlarmThreshold(8.0, None, "fallback")}
    detectors = [Detector(detector("cnn", name), threshold) for name, threshold in thresholds.items()]
    return detect(photo, detectors, "noise.png")


def test_faces_that_both_see_are_one(result: Result) -> None:
    assert [sorted(face.logits) for face in result.faces] == [["one", "two"], ["one"], ["two"]]
    assert result.faces[0].box == BOXES["one"][0], "4 above its threshold is surer than 1 above the other"
    assert result.faces[0].logits == {"one": 5.0, "two": 9.0}
    assert result.in_words() == (
        "one sees 2 faces and two sees 2 faces; 1 of 3 are seen by all, 1 only one, 1 only two."
    )


def test_records_and_rows_hold_every_face(result: Result) -> None:
    record = json.loads(json.dumps(result.record()))
    assert [face["face_logit"] for face in record["faces"]] == [dict(face.logits) for face in result.faces]
    assert record["detectors"][1]["threshold"] == {"logit": 8.0, "rate": None, "source": "fallback"}
    table = rows([result])
    assert list(table[0]) == columns(result.detectors)
    assert table[1]["two face_logit"] is None
    assert (table[2]["x"], table[2]["y"], table[2]["side"]) == (140, 150, 30)


def test_places_are_in_pixels_of_the_file(detector: Make, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "find", lambda *_: [FaceBox(60, 50, 40, score=5.0)])
    one = Detector(detector("cnn"), AlarmThreshold(1.0, 1.0, "stated"))
    result = detect(photo, [one], whole=(780, 600))
    assert result.faces[0].box == FaceBox(60, 50, 40, score=5.0), "marks are drawn on the photo that was searched"
    record = result.record()
    for told in (rows([result])[0], record["faces"][0]):
        assert (told["x"], told["y"], told["side"]) == (180, 150, 120)
    assert (record["width"], record["height"]) == (780, 600)
    assert (record["searched_width"], record["searched_height"]) == (260, 200)


def test_marks_tell_who_sees_a_face(result: Result, photo: np.ndarray) -> None:
    drawn = annotated(photo, result)
    assert drawn.shape == photo.shape
    assert drawn is not photo
    colours = {tuple(colour) for colour in drawn.reshape(-1, 3).tolist()}
    assert {ALL, ALONE[0], ALONE[1]} <= colours
    assert Image.open(io.BytesIO(png_file(photo, result))).size == (260, 200)
    # Dashed where not all see it: the upper edge of a shared face is whole, that of another has gaps.
    whole, dashed = drawn[35, 60:84], drawn[135, 127:154]
    assert (whole == ALL).all()
    assert 0 < (dashed == ALONE[1]).all(axis=-1).mean() < 1


def test_the_legend_names_every_detectors_colour() -> None:
    assert len(ALONE_IN_WORDS) == len(ALONE)
    assert legend(["cnn", "dbvae"]) == (
        "Green, whole: seen by all. Dashed: not by all; orange where cnn sees it, else blue where dbvae sees it."
    )


def test_no_face_is_told_too(detector: Make, photo: np.ndarray) -> None:
    alone = Detector(detector("cnn", "strict"), AlarmThreshold(1e9, None, ""))
    found = detect(photo, [alone])
    assert found.faces == ()
    assert found.in_words() == "strict sees no face here."
    assert (annotated(photo, found) == photo).all()


def test_crops_are_black_beyond_the_photo(photo: np.ndarray) -> None:
    pixels = crop(photo, FaceBox(0.0, 0.0, 64.0), 64)
    assert not pixels[:30, :30].any()
    np.testing.assert_array_equal(pixels[32:, 32:], photo[:32, :32])


def test_overlap_is_symmetric_and_one_for_itself() -> None:
    one, other = FaceBox(10, 10, 20), FaceBox(15, 10, 10)
    assert overlap(one, one) == 1.0
    assert overlap(one, other) == overlap(other, one) == pytest.approx(100 / 400)
    assert overlap(one, FaceBox(100, 10, 20)) == 0.0
