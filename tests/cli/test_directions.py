"""`directions`: learned, kept, shown and named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaelab.data.collection import Collection
from vaelab.editing.learning import learn_from_data
from vaelab.evaluation.directions import Directions
from vaelab.inference import FaceModel
from vaelab.runs.store import Run

Call = Callable[..., Any]


@pytest.fixture
def encoded(vaelab: Call, trained: Callable[[str], Run]) -> Run:
    """A run that stores the latents of its training faces."""
    run = trained("residual")
    assert vaelab("encode", run.dir, "--split", "train").code == 0
    return run


def test_encode_keeps_directions_and_leaves_better_ones_alone(vaelab: Call, encoded: Run) -> None:
    assert Directions.read(encoded).weights_fingerprint == FaceModel.load(encoded).weights_fingerprint
    assert vaelab("directions", encoded.dir).code == 0
    better = encoded.directions_path.read_bytes()
    assert vaelab("encode", encoded.dir, "--split", "train").code == 0
    assert encoded.directions_path.read_bytes() == better


def test_directions_are_learned_from_training_and_measured_on_test_faces(
    vaelab: Call, encoded: Run, tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaelab.evaluation.directions.MIN_FACES", 6)  # the tiny data set has few test faces
    answer = vaelab("directions", encoded.dir, "--json")
    assert answer.code == 0, answer.err
    result = json.loads(answer.out)
    num_train, num_test = (len(tiny_data.rows(split, is_face=True)) for split in ("train", "test"))
    assert any(about["num_held_out"] <= num_test for about in result["attributes"])
    for about in result["attributes"]:
        assert about["num_positive"] + about["num_negative"] <= num_train
        known = about["num_positive"] + about["num_negative"] + about["num_held_out"]
        assert about["num_held_out"] <= num_test or about["num_held_out"] < 0.5 * known, "by split, or by id"
        assert about["auc"]["mean"]["low"] <= about["auc"]["mean"]["value"] <= about["auc"]["mean"]["high"]
    expected = learn_from_data(FaceModel.load(encoded), tiny_data)
    assert [about["slider"] for about in result["attributes"]] == [f"a.{key}" for key in expected.keys]
    assert Directions.read(encoded).learned == expected.learned


def test_what_is_kept_is_shown(vaelab: Call, encoded: Run) -> None:
    learned = vaelab("directions", encoded.dir, "--stored")
    assert learned.code == 0, learned.err
    shown = vaelab("directions", encoded.dir, "--show")
    assert shown.out == learned.out
    assert "AUC logistic" in shown.out
    assert "principal components" in shown.out


def test_labels_that_came_later_become_sliders(vaelab: Call, encoded: Run, tmp_path: Path) -> None:
    model = FaceModel.load(encoded)
    assert model.latents is not None
    bright = model.latents.mu[:, 0] > 0
    path = tmp_path / "bright.csv"
    rows = [
        f"{name},{'yes' if yes else 'no'}" for name, yes in zip(model.latents.labels["image_id"], bright, strict=True)
    ]
    path.write_text("\n".join(["image_id,bright", *rows[:-20], "nobody,yes"]))
    answer = vaelab("directions", encoded.dir, "--stored", "--labels", path, "--json")
    assert answer.code == 0, answer.err
    assert f"labels for {len(bright) - 20:,} faces, 1 rows" in answer.err
    found = {about["slider"]: about for about in json.loads(answer.out)["attributes"]}
    assert found["a.bright"]["auc"]["logistic"]["value"] > 0.9
    total = sum(found["a.bright"][name] for name in ("num_positive", "num_negative", "num_held_out"))
    assert total == len(bright) - 20


def test_labelled_training_faces_are_among_those_that_teach(
    vaelab: Call, encoded: Run, tiny_data: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few are drawn by lot, and though no test face is labelled."""
    monkeypatch.setattr("vaelab.editing.learning.MAX_FITTED", 100)
    monkeypatch.setattr("vaelab.evaluation.directions.MIN_FACES", 6)
    monkeypatch.setattr("vaelab.evaluation.attributes.MIN_FACES", 6)
    training = tiny_data.rows("train", is_face=True)
    assert len(training) > 100
    ids = tiny_data.labels["image_id"].iloc[training[-90:]]
    path = tmp_path / "hats.csv"
    rows = [f"{name},{'yes' if n % 2 else 'no'},{'yes' if n < 2 else 'no'}" for n, name in enumerate(ids)]
    path.write_text("\n".join(["image_id,hat,crown", *rows]))
    answer = vaelab("directions", encoded.dir, "--labels", path, "--json")
    assert answer.code == 0, answer.err
    assert "labels for 90 faces, 0 rows" in answer.err
    hat = next(about for about in json.loads(answer.out)["attributes"] if about["key"] == "hat")
    assert hat["num_positive"] + hat["num_negative"] + hat["num_held_out"] == 90
    assert "not learned: Crown: 2 faces against 88 are too few" in answer.err


def test_a_slider_is_named_and_keeps_its_name(vaelab: Call, encoded: Run) -> None:
    before = encoded.directions_path.read_bytes()
    answer = vaelab("directions", encoded.dir, "--name", "p0=Turn", "--name", "d1=Light", "--json")
    assert answer.code == 0, answer.err
    assert encoded.slider_names == {"p0": "Turn", "d1": "Light"}
    assert encoded.directions_path.read_bytes() == before, "naming learns nothing"
    assert vaelab("directions", encoded.dir, "--name", "p0=").code == 0
    assert encoded.slider_names == {"d1": "Light"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["RUN", "--labels", "MISSING.csv"], "MISSING.csv"),
        (["RUN", "--labels", "EMPTY.csv"], "EMPTY.csv"),
        (["RUN", "--name", "p0"], "SLIDER=NAME"),
        (["RUN", "--name", "a.nothing=Old"], "a.nothing"),
        (["RUN", "--stored"], "encode"),
        (["RUN", "--show"], "no directions yet"),
        (["RUN", "--stored", "--show"], "not allowed"),
        (["RUN", "--datasets", "nowhere"], "nowhere"),
        (["CNN"], "no decoder"),
        (["NOWHERE"], "NOWHERE"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_in_one_sentence(
    vaelab: Call, trained: Callable[[str], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], named: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("EMPTY.csv").touch()
    folders = {"RUN": lambda: trained("residual").dir, "CNN": lambda: trained("cnn").dir}
    answer = vaelab("directions", *(folders[word]() if word in folders else word for word in arguments))
    assert answer.code in (1, 2)
    last = answer.err.splitlines()[-1]
    assert "error: " in last
    assert named in last
