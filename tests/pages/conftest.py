"""Small real runs, made through the real API: a VAE of eight latents on 32-pixel pictures, with stored latents."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from vaelab.config import TrainConfig, replace
from vaelab.runs.store import RUNS_DIR, Run, RunStatus

ROOT = Path(__file__).resolve().parents[2]
ROUTER = ROOT / "pages" / "shell" / "router.py"
LATENT, STORED = 8, 40

if str(ROOT) not in sys.path:  # `streamlit run app.py` puts it there
    sys.path.insert(0, str(ROOT))


def make_run(
    root: Path, name: str, *, state: str = "done", weights: bool = True, latents: bool = True, card: str = ""
) -> Run:
    """A run folder under `root`; with weights its faces can be drawn, with latents it has a fitted prior."""
    tiny = {"model": "residual", "latent": LATENT, "size": 32, "width": 4}
    config = replace(TrainConfig(recipe="tiny"), **tiny, datasets=("fairface-64",))
    run = Run.create(config, root=root / RUNS_DIR, name=name)
    run.write_status(RunStatus(state=state, images_seen=12_000 if weights else 0))
    if weights:
        write_weights(run, seed=len(name))
    if weights and latents:
        write_latents(run)
    if card:
        (run.dir / "README.md").write_text(card, encoding="utf-8")
    return run


def write_weights(run: Run, seed: int) -> None:
    """New random weights for `run`."""
    from vaelab.models import build_model
    from vaelab.runs.checkpoints import write_checkpoint

    network = build_model(replace(run.config, seed=seed))
    write_checkpoint(run, run.weights_path, network.state_dict(), {"images_seen": 12_000})


def write_latents(run: Run) -> None:
    """Stored latents for the weights that `run` has now; dimension 5 tells most, dimension 2 nothing."""
    from vaelab.evaluation.latents import StoredLatents
    from vaelab.inference import FaceModel

    run.latents_path.unlink(missing_ok=True)
    random = np.random.default_rng(3)
    scale = np.array([1, 0.8, 0, 0.9, 0.7, 2, 1.1, 0.6])
    mu = (random.standard_normal((STORED, LATENT)) * scale).astype(np.float32)
    std = np.full_like(mu, 0.5)
    std[:, 2] = 1.0
    labels = pd.DataFrame(
        {
            "image_id": [f"train/{index}" for index in range(STORED)],
            "split": "train",
            "gender": ["Female", "Male"] * (STORED // 2),
            "age": ["3-9", "20-29", "more than 70", "10-19"] * (STORED // 4),
        }
    )
    fingerprint = FaceModel.load(run).weights_fingerprint
    StoredLatents.fit(mu, std, labels, np.arange(STORED), fingerprint).write(run)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, as it is where the app is started; its runs go under `checkpoints`."""
    monkeypatch.chdir(tmp_path)
    st.cache_resource.clear()
    st.cache_data.clear()
    return tmp_path


@pytest.fixture
def open_app(lab: Path) -> Callable[..., AppTest]:
    """Open a page through the router, optionally with query parameters; fails on any exception it shows."""

    def opened(page: str = "", **query: str) -> AppTest:
        app = AppTest.from_file(str(ROUTER), default_timeout=120)
        if not page:
            app.query_params.update(query)
            return app.run()
        app.run()
        app.switch_page(str(ROOT / "pages" / page))
        app.query_params.update(query)
        return app.run()

    return opened
