"""Which runs the pages offer, and which of them first."""

import json
from pathlib import Path

from pages.shell.loaders import decoder_runs
from tests.pages.tiny_runs import make_run


def shipped(lab: Path, name: str, recipe: str, size: int) -> None:
    path = make_run(lab, name, card="# card").dir / "config.json"
    about = json.loads(path.read_text())
    about["config"]["recipe"], about["config"]["data"]["size"] = recipe, size
    path.write_text(json.dumps(about))


def test_small_pictures_come_first_then_the_recipes_order_then_what_was_trained_here(lab: Path) -> None:
    shipped(lab, "z-large", "face-vae", 64)
    shipped(lab, "b-second", "dbvae", 32)
    shipped(lab, "c-first", "face-vae", 32)
    shipped(lab, "a-own-recipe", "custom", 32)
    make_run(lab, "20260101-old")
    make_run(lab, "20260201-new")
    make_run(lab, "20260301-begun", weights=False)
    assert [run.id for run in decoder_runs()] == [
        "c-first", "b-second", "a-own-recipe", "z-large", "20260201-new", "20260101-old",
    ]  # fmt: skip
