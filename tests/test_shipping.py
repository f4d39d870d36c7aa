"""Shipping a run, and what every run that ships must hold."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.readme.places import ROOT
from vaelab.cli import build_parser
from vaelab.cli.settings import given_settings
from vaelab.config import replace
from vaelab.data.collection import Collection
from vaelab.errors import RunError
from vaelab.inference import FaceModel
from vaelab.recipes import RECIPES
from vaelab.runs.checkpoints import read_checkpoint
from vaelab.runs.store import Run, list_runs
from vaelab.scorecard.card import result_lines
from vaelab.shipping import SAMPLES, _training, sheet_name, ship

SHIPPED = [run for run in list_runs(ROOT / "checkpoints") if run.is_shipped]


@pytest.mark.parametrize("kind", ["cnn", "dbvae"])
def test_a_finished_run_ships_with_card_and_latents(
    trained: Callable[[str], Run], tiny_data: Collection, faces: np.ndarray, kind: str
) -> None:
    run = trained(kind)
    before = FaceModel.load(run)
    size = run.weights_path.stat().st_size
    ship(run, tiny_data, lambda text: None)
    after = FaceModel.load(run)
    assert run.is_shipped
    assert run.weights_path.stat().st_size < 0.6 * size
    assert np.abs(after.face_logit(faces) - before.face_logit(faces)).max() < 0.1
    assert not run.state_path.exists()
    assert run.status.state == "done"
    assert run.status.pid == 0
    assert run.card is not None
    recall = run.reports()["test"]["detection"]["fpr_0.05"]["overall"]["rate"]
    assert f"{recall:.2%}" in run.card
    assert "drew the faces" in run.card
    assert "annotators" not in run.card
    if kind == "dbvae":
        assert after.latents is not None
        assert len(after.latents.mu) == len(faces)
        assert all((run.dir / sheet_name(prior, temperature)).is_file() for prior, temperature in SAMPLES)


def test_an_unfinished_run_does_not_ship(
    tiny_config: Callable[..., object], tiny_data: Collection, tmp_path: object
) -> None:
    run = Run.create(tiny_config(), tmp_path, "new")  # type: ignore[arg-type]
    with pytest.raises(RunError, match="queued"):
        ship(run, tiny_data, lambda text: None)
    assert not run.is_shipped


def test_the_command_on_a_card_trains_the_same(tmp_path: Path) -> None:
    config = replace(RECIPES["dbvae"], datasets=("mine-64", "yours 64"), flip=False, learning_rate=1e-3 / 3)
    text = _training(config, Run.create(config, tmp_path, "mine"))
    command = shlex.split(text.split("`")[1])
    parsed = build_parser("train").parse_args(command[3:])
    assert replace(RECIPES[parsed.recipe], **given_settings(parsed)) == config


@pytest.mark.skipif(not SHIPPED, reason="no model ships with this checkout")
@pytest.mark.parametrize("run", SHIPPED, ids=lambda run: run.id)
def test_a_shipped_run_is_whole(run: Run) -> None:
    model = FaceModel.load(run)
    pixels = np.zeros((2, model.size, model.size, 3), np.uint8)
    assert read_checkpoint(run.weights_path).record["images_seen"] == run.status.images_seen
    if model.has_detector:
        assert np.isfinite(model.face_logit(pixels)).all()
    if model.has_decoder:
        assert model.latents is not None
        assert len(model.latents.mu) >= 2000
        assert model.latents.labels["image_id"].is_unique
        assert model.decode(model.sample_latents(2, seed=0, prior="fitted")).std() > 0
    card = run.card or ""
    for word in ("Results", "Data", "Training", "Limits", "CC BY 4.0", "seed"):
        assert word in card
    assert "\n".join(result_lines(run.reports()["test"])) in card
    for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", card):
        assert (run.dir / target).is_file()


def test_all_that_ships_stays_small() -> None:
    files = [path for run in SHIPPED for path in run.dir.iterdir() if not path.name.startswith("state-")]
    assert sum(path.stat().st_size for path in files) < 60e6
