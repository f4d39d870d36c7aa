"""Which runs the pages offer, which of them first, and what is kept in memory."""

import json
from pathlib import Path

import pytest

from pages.counterfactual.plan import MOST_DETECTORS
from pages.live import reports as live_reports
from pages.runlist.comparison import MOST_MODELS
from pages.shell import loaders
from pages.shell.loaders import decoder_runs, load_model
from tests.pages.tiny_runs import make_run
from tests.pages.training_lab import reported_run
from vaelab.inference import FaceModel
from vaelab.runs.metrics import Reports, read_reports
from vaelab.runs.store import Run


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


def test_all_models_of_a_page_stay_in_memory(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    class Counted:
        @staticmethod
        def open(run: Run) -> FaceModel:
            opened.append(run.id)
            return FaceModel.open(run)

    monkeypatch.setattr(loaders, "FaceModel", Counted)
    runs = [make_run(lab, f"{place}", latents=False) for place in range(max(1 + MOST_DETECTORS, MOST_MODELS))]
    first = [load_model(run) for run in runs]
    assert all(load_model(run) is model for run, model in zip(runs, first, strict=True))
    assert opened == [run.id for run in runs]


def test_reports_are_parsed_again_only_when_they_grew(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []

    def counted(path: Path) -> Reports:
        parsed.append(path.parent.name)
        return read_reports(path)

    monkeypatch.setattr(live_reports, "read_reports", counted)
    runs = [reported_run(lab, f"{place:02d}") for place in range(20)]
    for _ in range(2):
        assert all(live_reports.reports(run) for run in runs)
    assert parsed == [run.id for run in runs]
    runs[3].append_metrics("train", 9_999, loss=1.0)
    assert [live_reports.reports(run)[-1]["images_seen"] for run in runs].count(9_999) == 1
    assert parsed[20:] == ["03"]
