"""Twice the usual side from end to end: drawn faces of 128 pixels are prepared, learned, encoded and explored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.drawn import draw
from tests.pages.driving import Open, words
from vaelab.cli import main
from vaelab.inference import FaceModel
from vaelab.runs.store import RUNS_DIR, Run

FLAGS = "--size 128 --latent 8 --width 4 --num-images 192 --report-every 64 --validate-every 192 --ema-half-life 32"


def test_pictures_of_128_pixels_are_learned_and_explored(lab: Path, open_app: Open) -> None:
    draw(lab / "data" / "synthetic-128", 160, 16, 128)
    train = f"train --recipe face-vae --datasets synthetic-128 --name large --device cpu {FLAGS}"
    for command in (train, "encode large --split train"):
        assert main(command.split()) == 0
    run = Run.open(lab / RUNS_DIR / "large")
    first, *_, last = (row["loss"] for row in run.metrics("train"))
    assert last < first
    model = FaceModel.load(run)
    assert model.decode(model.sample_latents(3, seed=0)).shape == (3, 128, 128, 3)
    held_out = np.zeros((2, 128, 128, 3), np.uint8)
    assert model.reconstruct(held_out).shape == held_out.shape

    app = open_app(model="large", **{"from": "prior"}, seed="3")
    assert not app.exception
    assert not app.error, words(app)
    panel = next(one for one in app.get("bidi_component") if one.proto.component_name.endswith("morph_panel"))
    (given,) = json.loads(panel.proto.json)
    assert given["model"]["size"] == 128
    assert len(given["sliders"]) >= 8
