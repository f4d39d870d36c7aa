"""A photo becomes a face to edit: upload, correct, forget; every failure is a sentence."""

from __future__ import annotations

import base64
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.studio import cropper, photo
from pages.studio.cropper import PREVIEW_SIDE, preview_address, read_box
from tests.pages.tiny_runs import LATENT, make_run
from vaelab.evaluation.familiarity import Familiarity
from vaelab.inference import FaceModel
from vaelab.photos import MAX_PHOTO_BYTES, MIN_SIDE, FaceBox, crop_face
from vaelab.runs.store import Run

pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("dlib", "face_recognition_models")),
    reason="dlib-bin or face_recognition_models is not installed",
)

BOX = FaceBox(200.0, 150.0, 120.0, 5.0, 2.0)
SECOND = FaceBox(80.0, 90.0, 60.0, 0.0, 1.0)
UPLOAD = "photo.upload.0"


def script() -> None:
    from pages.shell.loaders import find, load_model
    from pages.studio.photo import photo_controls

    photo_controls(load_model(find("tiny")))


def jpeg(seed: int = 0, width: int = 400, height: int = 300) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (height // 20, width // 20, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((width, height)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def keep_familiarity(run: Run) -> None:
    model = FaceModel.load(run)
    assert model.latents is not None
    pixels = np.random.default_rng(1).integers(0, 255, (200, model.size, model.size, 3), dtype=np.uint8)
    mu = model.encode(pixels)[0]
    Familiarity.fit(pixels, model.decode(mu), mu, model.latents, model.weights_fingerprint).write(run)


@pytest.fixture
def run(lab: Path) -> Run:
    return make_run(lab, "tiny")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[FaceBox]:
    """What the search finds; a test changes the list."""
    boxes = [BOX]
    monkeypatch.setattr(photo, "find_faces", lambda pixels: list(boxes))
    return boxes


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the browser reported of the square: AppTest mounts no component."""
    values: dict[str, object] = {}
    monkeypatch.setattr(cropper, "_mount", lambda **data: values)
    return values


@pytest.fixture
def app(run: Run, found: list[FaceBox], reported: dict[str, object]) -> AppTest:
    opened = AppTest.from_function(script, default_timeout=60).run()
    assert not opened.exception
    return opened


def upload(app: AppTest, data: bytes, name: str = "me.jpg") -> AppTest:
    app.file_uploader(key=UPLOAD).upload(name, data, "image/jpeg")
    return app.run()


def start(app: AppTest) -> photo.PhotoStart | None:
    return app.session_state["photo.start"]  # type: ignore[no-any-return]


def test_without_a_photo_there_is_no_start(app: AppTest) -> None:
    assert start(app) is None
    assert not app.error
    assert not app.info


def test_an_upload_becomes_the_crop_and_its_mean(app: AppTest, run: Run) -> None:
    upload(app, jpeg())
    assert not app.exception
    begun, model = start(app), FaceModel.load(run)
    assert begun is not None
    assert begun.box == BOX
    kept = app.session_state["photo.opened"]
    assert (begun.pixels == crop_face(kept.photo, BOX, model.size)).all()
    exact = model.encode(begun.pixels[None])[0][0]
    assert begun.mu.shape == (LATENT,)
    assert np.abs(begun.mu - exact).max() < 0.01
    assert (begun.mu == begun.mu.astype(np.float16).astype(np.float32)).all()


def test_a_run_that_ranks_held_out_faces_gives_a_verdict(app: AppTest, run: Run) -> None:
    upload(app, jpeg())
    begun = start(app)
    assert begun is not None
    assert begun.share is None
    assert begun.verdict == ""
    keep_familiarity(run)
    upload(app, jpeg(1))
    begun = start(app)
    assert begun is not None
    assert begun.share is not None
    assert 0 < begun.share <= 1
    assert begun.verdict in photo.BADGES
    assert any("not trained on" in text.value for text in app.caption)


def test_ranks_of_other_weights_are_not_used(app: AppTest, run: Run) -> None:
    keep_familiarity(run)
    text = run.familiarity_path.read_text(encoding="utf-8")
    fingerprint = FaceModel.load(run).weights_fingerprint
    run.familiarity_path.write_text(text.replace(fingerprint, "f" * 16), encoding="utf-8")
    upload(app, jpeg())
    assert "other weights" in app.error[0].value


def test_moving_the_square_makes_another_face(app: AppTest, reported: dict[str, object]) -> None:
    upload(app, jpeg())
    before = start(app)
    reported["box"] = {"x": 90, "y": 100, "side": 80, "angle": -20}
    app.run()
    begun = start(app)
    assert begun is not None
    assert before is not None
    assert begun.box == FaceBox(90, 100, 80, -20)
    assert (begun.pixels != before.pixels).any()


def test_with_the_square_at_rest_nothing_is_encoded_again(app: AppTest) -> None:
    upload(app, jpeg())
    before = start(app)
    app.run()
    assert start(app) is before


def test_no_face_waits_for_the_visitor(app: AppTest, found: list[FaceBox], reported: dict[str, object]) -> None:
    found.clear()
    upload(app, jpeg())
    assert "No face was found" in app.info[0].value
    assert start(app) is None
    reported["box"] = {"x": 200, "y": 150, "side": 100, "angle": 0}
    app.run()
    begun = start(app)
    assert begun is not None
    assert begun.box.side == 100


def test_several_faces_are_mentioned(app: AppTest, found: list[FaceBox]) -> None:
    found.append(SECOND)
    upload(app, jpeg())
    assert any("2 faces were found" in text.value for text in app.caption)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (b"%PDF-1.7 and so on", "PDF"),
        (jpeg()[:2000], "cannot be read"),
        (b"\xff\xd8" + bytes(MAX_PHOTO_BYTES), "20 MB"),
    ],
    ids=["empty", "pdf", "truncated", "too large"],
)
def test_what_is_no_photo_is_a_sentence_not_a_traceback(app: AppTest, data: bytes, words: str) -> None:
    upload(app, data)
    assert not app.exception
    assert words in app.error[0].value
    assert start(app) is None
    upload(app, jpeg())
    assert not app.error
    assert start(app) is not None


def test_where_a_photo_goes_is_true_on_another_computer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "headers", {"Host": "10.0.0.5:8501"})
    app = AppTest.from_function(script, default_timeout=60).run()
    assert "in the memory of the computer at 10.0.0.5 until" in app.file_uploader[0].proto.help
    app.toggle[0].set_value(True).run()
    assert "no camera" in app.caption[0].value


def test_a_face_too_small_says_by_how_much(app: AppTest, found: list[FaceBox]) -> None:
    found[:] = [FaceBox(50, 50, 20)]
    upload(app, jpeg())
    assert f"20 pixels wide, and {MIN_SIDE} are needed" in app.error[0].value
    assert start(app) is None


def test_forgetting_leaves_nothing_behind(app: AppTest) -> None:
    upload(app, jpeg())
    app.session_state["photo.drawn"] = {"by": "Compare"}
    next(button for button in app.button if button.label == "Forget this photo").click().run()
    assert start(app) is None
    assert "photo.drawn" not in app.session_state
    assert "photo.opened" not in app.session_state
    assert app.file_uploader(key="photo.upload.1").value is None


def test_nothing_is_written_to_disk(app: AppTest, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = set(tmp_path.rglob("*"))
    opened: list[object] = []
    real = io.open

    def watched(file: object, mode: str = "r", *arguments: object, **options: object) -> object:
        if set(mode) & set("wax+"):
            opened.append(file)
        return real(file, mode, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("builtins.open", watched)
    monkeypatch.setattr(io, "open", watched)
    upload(app, jpeg())
    assert start(app) is not None
    assert set(tmp_path.rglob("*")) == files
    assert not opened


def test_the_camera_stands_where_the_upload_was(app: AppTest) -> None:
    upload(app, jpeg())
    app.toggle(key="photo.camera").set_value(True).run()
    assert not app.exception
    assert app.get("camera_input")
    assert not app.file_uploader
    assert start(app) is not None, "the photo stays until another one is taken"


@pytest.mark.parametrize(
    "reported",
    [None, 7, {}, {"x": 1, "y": 2, "side": 3}, {"x": "1", "y": 2, "side": 3, "angle": 4},
     {"x": float("nan"), "y": 2, "side": 3, "angle": 4}, {"x": None, "y": 2, "side": 3, "angle": 4}],
)  # fmt: skip
def test_what_is_no_box_is_none(reported: object) -> None:
    assert read_box(reported, 400, 300) is None


def test_a_box_is_held_within_the_photo() -> None:
    assert read_box({"x": -5, "y": 1e9, "side": 1, "angle": 190}, 400, 300) == FaceBox(0, 300, MIN_SIDE, -170)
    assert read_box({"x": 10, "y": 20, "side": 1e9, "angle": -720}, 400, 300) == FaceBox(10, 20, 800, 0)


def test_the_preview_is_small_and_whole() -> None:
    head, _, data = preview_address(np.zeros((900, 1600, 3), np.uint8)).partition(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (PREVIEW_SIDE, round(PREVIEW_SIDE * 900 / 1600))
