"""The four answers without a server: pictures that replay, arguments checked, every hostile photo refused in words."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.hostile import encoded, hostile_files, odd_files
from tests.pages.tiny_runs import LATENT, keep_photo_threshold, make_detector, make_run, write_latents
from vaelab.detection import photographs
from vaelab.errors import VaelabError
from vaelab.photos import MAX_PHOTO_BYTES, FaceBox
from vaelab.runs.store import RUNS_DIR
from vaelab.serving import endpoints
from vaelab.serving.endpoints import Endpoints


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Endpoints:
    """A VAE, a cnn and a dbvae of random weights."""
    root = tmp_path_factory.mktemp("lab")
    make_run(root, "tiny")
    keep_photo_threshold(make_detector(root, "keen"), -1e6)
    make_detector(root, "other", "dbvae")
    return Endpoints(root / RUNS_DIR)


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def picture(answer: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer))))


def test_a_model_is_loaded_anew_when_latents_are_stored_for_it(tmp_path: Path) -> None:
    run, lab = make_run(tmp_path, "young", latents=False), Endpoints(tmp_path / RUNS_DIR)
    with pytest.raises(VaelabError):
        lab.sample("young", 1, 0, "fitted", 1.0)
    write_latents(run)
    assert len(lab.sample("young", 1, 0, "fitted", 1.0)["pictures"]) == 1


def test_detect_answers_with_faces_words_and_a_marked_photo(lab: Endpoints) -> None:
    answer = lab.detect(text(encoded("PNG")), ["keen", "other"], 1.0, 48.0)
    assert json.loads(json.dumps(answer)) == answer
    assert [one["detector"] for one in answer["detectors"]] == ["keen", "other"]
    assert "keen sees" in answer["words"]
    assert picture(answer["annotated"]).shape == (90, 120, 3)
    assert "in a photo was not measured" in answer["detectors"][1]["threshold"]["source"]


def test_places_are_in_pixels_of_the_photo_that_was_sent(lab: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "find", lambda *_: [FaceBox(400.0, 800.0, 80.0)])
    monkeypatch.setattr(endpoints, "find_faces", lambda photo: [FaceBox(400.0, 800.0, 80.0)])
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", (3200, 2400), (120, 90, 80)).save(file, "JPEG", exif=exif)
    found = lab.detect(text(file.getvalue()), ["keen"], 1.0, 48.0)
    assert (found["width"], found["height"]) == (2400, 3200)
    assert picture(found["annotated"]).shape == (1600, 1200, 3)
    boxes = [found["faces"][0]]
    if importlib.util.find_spec("dlib"):
        boxes.append(lab.reconstruct(text(file.getvalue()), "tiny")["box"])
    for box in boxes:
        assert (box["x"], box["y"], box["side"]) == (800.0, 1600.0, 160.0)


def test_sampling_is_the_same_for_the_same_arguments(lab: Endpoints) -> None:
    once, again = (lab.sample("tiny", 3, 5, "", 1.0) for _ in range(2))
    assert once == again
    assert len(once["pictures"]) == 3
    assert picture(once["pictures"][0]).shape == (32, 32, 3)
    assert lab.sample("tiny", 3, 6, "", 1.0)["pictures"] != once["pictures"]


def test_an_edit_moves_the_face_and_says_how_to_draw_it_again(lab: Endpoints) -> None:
    still, moved = (lab.edit("tiny", 4, moves, []) for moves in ({}, {"d5": 3}))
    assert len(moved["recipe"]["z"]) == LATENT
    assert (picture(still["picture"]) != picture(moved["picture"])).any()
    assert moved["recipe"]["z"][5] == pytest.approx(still["recipe"]["z"][5] + 3, abs=1e-4)


def test_a_face_is_cut_out_and_drawn_again(lab: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dlib")
    monkeypatch.setattr(endpoints, "find_faces", lambda photo: [FaceBox(60.0, 45.0, 64.0)])
    answer = lab.reconstruct(text(encoded("PNG")), "tiny")
    assert picture(answer["crop"]).shape == picture(answer["picture"]).shape == (32, 32, 3)
    assert answer["box"]["side"] == 64.0
    monkeypatch.setattr(endpoints, "find_faces", lambda photo: [])
    with pytest.raises(VaelabError, match="No face was found"):
        lab.reconstruct(text(encoded("PNG")), "tiny")


@pytest.mark.parametrize("name", sorted(hostile_files()))
def test_hostile_photos_are_refused_in_words(lab: Endpoints, name: str) -> None:
    with pytest.raises(VaelabError) as refused:
        lab.detect(text(hostile_files()[name]), ["keen"], 1.0, 48.0)
    assert len(str(refused.value)) > 20
    assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize("name", sorted(odd_files()))
def test_odd_photos_are_looked_at(lab: Endpoints, name: str) -> None:
    answer = lab.detect(text(odd_files()[name]), ["keen"], 1.0, 48.0)
    assert answer["width"] > 0


@pytest.mark.parametrize(
    ("endpoint", "arguments", "words"),
    [
        ("detect", (None, ["keen"], 1.0, 48.0), "empty"),
        ("detect", ("no base64!", ["keen"], 1.0, 48.0), "base64"),
        ("detect", ("A" * (MAX_PHOTO_BYTES * 4 // 3 + 8), ["keen"], 1.0, 48.0), "more than 20 MB"),
        ("detect", ("", [], 1.0, 48.0), "runs is empty"),
        ("detect", ("", "keen", 1.0, 48.0), "list of at most 3 names, met str"),
        ("detect", ("", ["keen"], 1.0, 10**400), "smallest has to be a number from 0 to 1e+06, met '1000"),
        ("sample", ("tiny", 1, 10**400, "", 1.0), "seed has to be a number"),
        ("sample", ("tiny", 1, float("nan"), "", 1.0), "seed has to be a number"),
        ("sample", ("tiny", 1, 0, "", float("inf")), "temperature has to be a number"),
        ("detect", ("", ["keen"] * 9, 1.0, 48.0), "at most 3"),
        ("detect", ("", ["../tiny"], 1.0, 48.0), "no trained run '../tiny'"),
        ("detect", ("", ["keen"], 2.0, 48.0), "false_alarms is 2; choose one of: 3, 1, 0.3, 0.1"),
        ("detect", ("", ["keen"], float("nan"), 48.0), "false_alarms has to be a number"),
        ("detect", ("", ["keen"], 1.0, 3.0), "smallest face is 3 pixels"),
        ("detect", ("", ["keen"], 1.0, True), "smallest has to be a number"),
        ("reconstruct", ("", 7), "run has to be a short text"),
        ("edit", ("keen", 7, {}, []), "no decoder"),
        ("edit", ("tiny", 7, [], []), "moves has to be an object"),
        ("edit", ("tiny", 7, {"rm -rf": 1}, []), "is no slider"),
        ("edit", ("tiny", 7, {"d99": 1}, []), "has no slider 'd99'"),
        ("edit", ("tiny", 7, {"d5": 1e9}, []), "d5 has to be a number from -20 to 20"),
        ("edit", ("tiny", 7, {}, ["wings"]), "cannot hold 'wings'"),
        ("edit", ("tiny", -1, {}, []), "seed has to be a number from 0"),
        ("sample", ("tiny", 65, 0, "", 1.0), "count has to be a number from 1 to 64"),
        ("sample", ("tiny", 1.5, 0, "", 1.0), "whole number"),
        ("sample", ("tiny", 1, 0, "vampire", 1.0), "prior is 'vampire'"),
        ("sample", ("tiny", 1, 0, "", 9.0), "temperature has to be"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_in_words(
    lab: Endpoints, endpoint: str, arguments: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(VaelabError) as refused:
        getattr(lab, endpoint)(*arguments)
    assert words in str(refused.value)


def test_new_weights_are_loaded(tmp_path: Path) -> None:
    from tests.pages.tiny_runs import write_latents, write_weights

    run = make_run(tmp_path, "tiny")
    lab = Endpoints(tmp_path / RUNS_DIR)
    before = lab.sample("tiny", 1, 0, "standard", 1.0)
    write_weights(run, seed=99)
    write_latents(run)
    assert lab.sample("tiny", 1, 0, "standard", 1.0)["about"]["weights"] != before["about"]["weights"]
