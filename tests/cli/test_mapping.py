"""`map`: made once, kept, and written as JSON, as a table and as a picture."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.pages.tiny_runs import make_run, write_frames
from vaelab.cli.mapping import CELL_PIXELS, CELLS, face_of_each_cell
from vaelab.runs.store import Run

Call = Callable[..., Any]


@pytest.fixture
def encoded(vaelab: Call, trained: Callable[[str], Run]) -> Run:
    run = trained("residual")
    assert vaelab("encode", run.dir, "--split", "train").code == 0
    return run


def test_a_map_is_made_once_and_written_in_every_form(vaelab: Call, encoded: Run, tmp_path: Path) -> None:
    files = ("--csv", tmp_path / "map.csv", "--out", tmp_path / "map.png")
    answer = vaelab("map", encoded.dir, "--method", "pca", "--json", *files)
    assert answer.code == 0, answer.err
    assert "laying out" in answer.err
    found = json.loads(answer.out)
    table = pd.read_csv(tmp_path / "map.csv")
    assert table["image_id"].astype(str).tolist() == found["faces"]
    assert np.allclose(table[["x", "y"]], found["places"], atol=1e-5)
    assert 0.5 < found["quality"]["trustworthiness"]["mean"] <= 1.0
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.size == (CELLS * CELL_PIXELS, CELLS * CELL_PIXELS)
        assert picture.info["Title"] == "Generated face"
    again = vaelab("map", encoded.dir, "--method", "pca")
    assert "laying out" not in again.err
    assert found["map"] in again.out


def test_what_cannot_be_laid_out_is_said(vaelab: Call, trained: Callable[[str], Run], encoded: Run) -> None:
    bare = vaelab("map", trained("vae").dir)
    assert bare.code == 1
    assert "stores no latents" in bare.err
    answer = vaelab("map", encoded.dir, "--dims", "3", "--out", "map.png")
    assert answer.code == 1
    assert "a picture shows 2 axes" in answer.err
    assert vaelab("map", encoded.dir, "--neighbours", "500").code == 1


def test_each_cell_shows_the_face_nearest_to_its_middle() -> None:
    places = np.array([[-0.9, -0.9], [-0.52, -0.48], [0.9, 0.1], [1.2, 0.0], [-0.1, -0.1]], np.float32)
    cells, rows = face_of_each_cell(places, 2)
    assert {(int(x), int(y)): int(row) for (x, y), row in zip(cells, rows, strict=True)} == {(0, 0): 1, (1, 1): 2}


def test_what_the_pictures_say_is_measured_and_stands_in_the_table(
    vaelab: Call, encoded: Run, tmp_path: Path, trained: Callable[[str], Run]
) -> None:
    detector = trained("cnn")
    measures = ("--measure", "error", "seen", "--detector", detector.dir)
    answer = vaelab("map", encoded.dir, "--method", "pca", "--csv", tmp_path / "map.csv", *measures)
    assert answer.code == 0, answer.err
    table = pd.read_csv(tmp_path / "map.csv")
    assert (table["error"] > 0).all()
    assert table["seen"].notna().all()
    refused = vaelab("map", encoded.dir, "--method", "pca", "--measure", "seen")
    assert refused.code == 1
    assert "belong together" in refused.err


def test_a_map_over_training_is_made_once_and_has_every_face_at_every_moment(vaelab: Call, tmp_path: Path) -> None:
    run = make_run(tmp_path, "filmed")
    write_frames(run, count=3)
    answer = vaelab("map", run.dir, "--over-training", "--method", "pca", "--json", "--csv", tmp_path / "film.csv")
    assert answer.code == 0, answer.err
    assert "laying out 60 faces at 3 moments" in answer.err
    found = json.loads(answer.out)
    assert [frame["images_seen"] for frame in found["frames"]] == [3_000, 6_000, 9_000]
    table = pd.read_csv(tmp_path / "film.csv")
    assert len(table) == 3 * len(found["faces"])
    last = table[table["images_seen"] == 9_000]
    assert np.allclose(last[["x", "y"]], found["frames"][-1]["places"], atol=1e-5)
    again = vaelab("map", run.dir, "--over-training", "--method", "pca")
    assert "laying out" not in again.err
    assert "3,000" in again.out


def test_a_film_that_cannot_be_made_is_refused_in_words(vaelab: Call, trained: Callable[[str], Run]) -> None:
    answer = vaelab("map", trained("cnn").dir, "--over-training")
    assert answer.code == 1
    assert "kept no latents on its way" in answer.err
    answer = vaelab("map", trained("residual").dir, "--over-training", "--out", "film.png")
    assert answer.code == 1
    assert "leave them out" in answer.err
