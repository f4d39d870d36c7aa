"""`edit` and `interpolate`: pictures of what was asked for, recipes that replay to the pixel."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests.pages.tiny_runs import make_run, write_weights
from vaelab.editing.effects import side_effects
from vaelab.editing.paths import path_through
from vaelab.editing.recipe import FaceRecipe
from vaelab.editing.sliders import edited_latent, start_latent
from vaelab.inference import FaceModel
from vaelab.pictures import contact_sheet
from vaelab.runs.store import Run

Call = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run `tiny`, in the working folder."""
    monkeypatch.chdir(tmp_path)
    return make_run(tmp_path, "tiny")


def pixels_of(path: str) -> np.ndarray:
    return np.asarray(Image.open(path))


def drawn(run: Run, recipe: FaceRecipe) -> np.ndarray:
    model = FaceModel.load(run)
    return model.decode(edited_latent(model, recipe)[None])[0]


def test_edit_draws_the_recipe_that_its_flags_make(vaelab: Call, run: Run) -> None:
    answer = vaelab("edit", "tiny", "--seed", 5, "--temperature", 1.2, "--set", "p0=2", "--set", "d3=-1.25", "--json")
    assert answer.code == 0, answer.err
    expected = FaceRecipe("tiny", seed=5, temperature=1.2, edits=(("d3", -1.25), ("p0", 2.0)))
    np.testing.assert_array_equal(pixels_of("face.png"), drawn(run, expected))
    result = json.loads(answer.out)
    assert result["recipe"] == json.loads(Path("face.json").read_text())
    assert result["recipe"]["link"] == expected.to_query()
    kept = json.loads(Image.open("face.png").text["vaelab"])  # type: ignore[attr-defined]
    assert kept == result["recipe"]


def test_side_effects_are_printed(vaelab: Call, run: Run) -> None:
    model = FaceModel.load(run)
    assert model.directions is not None
    recipe = FaceRecipe("tiny", seed=5).edited("p0", 2)
    expected = side_effects(model, start_latent(model, recipe), edited_latent(model, recipe))
    found = json.loads(vaelab("edit", "tiny", "--seed", 5, "--set", "p0=2", "--json").out)["side_effects"]
    assert [row["key"] for row in found] == model.directions.keys
    assert [row["moved"] for row in found] == pytest.approx([row.moved for row in expected])
    lines = vaelab("edit", "tiny", "--seed", 5, "--set", "p0=2").out
    assert ("moved (SD)" in lines) == bool(expected)


@pytest.mark.parametrize(
    "flags", [["--face", "train/3"], ["--seed", 9, "--prior", "standard"], ["--seed", 1, "--set", "d0=0.33"], []]
)
def test_a_recipe_replays_to_the_pixel(vaelab: Call, run: Run, flags: list[object]) -> None:
    assert vaelab("edit", "tiny", *flags, "--set", "p1=-1.7", "--out", "a.png").code == 0
    again = vaelab("edit", "tiny", "--recipe", "a.json", "--out", "b.png")
    assert again.code == 0, again.err
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_a_recipe_can_be_moved_on(vaelab: Call, run: Run) -> None:
    vaelab("edit", "tiny", "--face", "train/3", "--set", "p1=-1.7", "--out", "a.png")
    assert vaelab("edit", "tiny", "--recipe", "a.json", "--set", "p1=0", "--set", "d0=1", "--out", "b.png").code == 0
    expected = FaceRecipe("tiny", start="stored", face="train/3", edits=(("d0", 1.0),))
    np.testing.assert_array_equal(pixels_of("b.png"), drawn(run, expected))


def test_other_weights_are_told_and_refused(vaelab: Call, run: Run) -> None:
    vaelab("edit", "tiny", "--out", "a.png")
    run.latents_path.unlink()
    write_weights(run, seed=99)
    refused = vaelab("edit", "tiny", "--recipe", "a.json", "--out", "b.png")
    assert refused.code == 1
    assert "another face" in refused.err
    assert "--anyway" in refused.err
    assert not Path("b.png").exists()
    drawn_anyway = vaelab("edit", "tiny", "--recipe", "a.json", "--out", "b.png", "--anyway")
    assert drawn_anyway.code == 0
    assert "another face" in drawn_anyway.err
    assert not np.array_equal(pixels_of("a.png"), pixels_of("b.png"))


@pytest.mark.parametrize("kind", ["linear", "spherical", "prior"])
def test_a_strip_walks_from_face_to_face(vaelab: Call, run: Run, kind: str) -> None:
    vaelab("edit", "tiny", "--seed", 4, "--set", "d1=2", "--out", "a.png")
    answer = vaelab(
        "interpolate", "tiny", "--seed", 1, "--recipe", "a.json", "--face", "train/2", "--path", kind, "--frames", 5,
        "--out", "strip.png", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert json.loads(answer.out) == {"run": "tiny", "path": kind, "faces": 3, "frames": 11, "out": "strip.png"}
    model = FaceModel.load(run)
    recipes = [
        FaceRecipe("tiny", seed=1), FaceRecipe("tiny", seed=4).edited("d1", 2),
        FaceRecipe("tiny", start="stored", face="train/2"),
    ]  # fmt: skip
    way = path_through(model, np.stack([edited_latent(model, recipe) for recipe in recipes]), kind, 5)
    np.testing.assert_array_equal(pixels_of("strip.png"), contact_sheet(model.decode(way), 12))
    about = json.loads(Image.open("strip.png").text["vaelab"])  # type: ignore[attr-defined]
    assert [face["link"] for face in about["faces"]] == [recipe.to_query() for recipe in recipes]


def test_films_are_written_by_the_end_of_their_name(vaelab: Call, run: Run) -> None:
    for name in ("morph.gif", "morph.MP4"):
        answer = vaelab(
            "interpolate", "tiny", "--seed", 1, "--seed", 2, "--frames", 4, "--loop", "--side", 64, "--out", name
        )
        assert answer.code == 0, answer.err
        assert "8 frames through 2 faces" in answer.out
    with Image.open("morph.gif") as gif:
        assert (gif.n_frames, gif.size) == (8, (64, 64))  # type: ignore[attr-defined]
    with av.open(io.BytesIO(Path("morph.MP4").read_bytes())) as film:
        assert sum(1 for _ in film.decode(video=0)) == 8


def test_without_stored_faces_seeds_and_paths_use_the_standard_prior(vaelab: Call, run: Run) -> None:
    run.latents_path.unlink()
    answer = vaelab("interpolate", "tiny", "--seed", 1, "--seed", 2, "--frames", 3, "--out", "x.png", "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["path"] == "spherical"
    first = json.loads(Image.open("x.png").text["vaelab"])["faces"][0]  # type: ignore[attr-defined]
    assert first["link"]["from"] == "prior"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["edit", "tiny", "--set", "p0"], "SLIDER=STEPS"),
        (["edit", "tiny", "--set", "smile=1"], "smile=1"),
        (["edit", "tiny", "--set", "p0=nan"], "p0=nan"),
        (["edit", "tiny", "--set", "p0=1000"], "p0=1000"),
        (["edit", "tiny", "--set", "a.nothing=1"], "a.nothing"),
        (["edit", "tiny", "--set", "d99=1"], "d99"),
        (["edit", "tiny", "--hold", "nothing"], "nothing"),
        (["edit", "tiny", "--face", "nobody"], "nobody"),
        (["edit", "tiny", "--seed", "-1"], "-1"),
        (["edit", "tiny", "--temperature", 9], "0.1 to 1.5"),
        (["edit", "tiny", "--seed", 1, "--face", "train/1"], "not allowed"),
        (["edit", "tiny", "--recipe", "MISSING.json"], "MISSING.json"),
        (["edit", "tiny", "--recipe", "FILE"], "FILE"),
        (["edit", "tiny", "--photo", "MISSING.jpg"], "MISSING.jpg"),
        (["edit", "tiny", "--photo", "FILE"], "photo"),
        (["edit", "tiny", "--out", "FILE/x.png"], "x.png"),
        (["interpolate", "tiny", "--seed", 1], "two or more"),
        (["interpolate", "tiny", "--seed", 1, "--seed", 2, "--out", "x.avi"], ".gif, .mp4 or .png"),
        (["interpolate", "tiny", "--seed", 1, "--seed", 2, "--frames", 0], "at least 1"),
        (["interpolate", "tiny", "--seed", 1, "--seed", 2, "--frames", 5000], "too many"),
        (["interpolate", "tiny", "--seed", 1, "--seed", 2, "--fps", 0], "seconds per frame"),
        (["interpolate", "tiny", "--seed", 1, "--seed", 2, "--side", 9000], "9000"),
        (["interpolate", "tiny", "--seed", 1, "--seed", 2, "--path", "scenic"], "scenic"),
        (["edit", "nowhere"], "nowhere"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_in_one_sentence(vaelab: Call, run: Run, arguments: list[object], named: str) -> None:
    Path("FILE").write_text("nothing of the kind")
    answer = vaelab(*arguments)
    assert answer.code in (1, 2)
    last = answer.err.splitlines()[-1]
    assert "error: " in last
    assert named in last


@pytest.mark.parametrize("command", ["directions", "edit", "interpolate"])
def test_help_shows_commands_that_can_be_parsed(vaelab: Call, command: str) -> None:
    from vaelab.cli import build_parser

    text = vaelab(command, "--help").out
    examples = [line.strip() for line in text.splitlines() if line.strip().startswith("python -m vaelab")]
    assert len(examples) >= 3
    for example in examples:
        build_parser().parse_args(example.split("   ")[0].replace('"', "").split()[3:])
