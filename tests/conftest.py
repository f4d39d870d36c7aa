"""What all tests share: shapes and types checked at run time, one thread, a tiny data set and tiny trained models."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # what is bit for bit equal on the CPU need not be on another device
os.environ["OMP_NUM_THREADS"] = "1"  # also of the processes that tests start
os.environ["VAELAB_NICENESS"] = "0"  # they are waited for, by tests that keep both cores busy

# Shapes and types of every call into vaelab are checked: before its first import, by a name that the hook can import.
TYPECHECKING = ModuleType("typechecking")
TYPECHECKING.checked = beartype(conf=BeartypeConf(is_pep484_tower=True))  # type: ignore[attr-defined]  # int passes for float
sys.modules["typechecking"] = TYPECHECKING
CONFIG = ("config", "settings")  # check their own types, and are tested for it
ROOMS = [path.stem for path in (Path(__file__).parents[1] / "vaelab").iterdir() if path.stem not in CONFIG]
install_import_hook([f"vaelab.{room}" for room in ROOMS if not room.startswith("_")], "typechecking.checked")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

from vaelab.config import TrainConfig, replace  # noqa: E402
from vaelab.data.collection import Collection  # noqa: E402
from vaelab.data.prepare import prepare  # noqa: E402
from vaelab.data.sources.drawn import Synthetic  # noqa: E402
from vaelab.runs.store import Run  # noqa: E402
from vaelab.training.job import run_training  # noqa: E402

TINY = "tiny-16"
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one prepared data set, `tiny-16`: 300 drawn faces with labels and 700 drawn non-faces."""
    folder = tmp_path_factory.mktemp("data")
    prepare(Synthetic(num_faces=300, num_nonfaces=700), folder / TINY, size=16, workers=1)
    return folder


@pytest.fixture(scope="session")
def tiny_data(data_dir: Path) -> Collection:
    """`tiny-16`, opened."""
    return Collection.open((TINY,), data_dir, 16)


@pytest.fixture(scope="session")
def tiny_config(data_dir: Path) -> Callable[..., TrainConfig]:
    """Makes the settings of a training that takes a fraction of a second; any setting can be given by name."""

    def config(**settings: Any) -> TrainConfig:
        tiny: dict[str, Any] = {
            "datasets": (TINY,),
            "data_dir": str(data_dir),
            "size": 16,
            "latent": 4,
            "width": 4,
            "batch_size": 16,
            "num_images": 160,
            "learning_rate": 2e-3,
            "report_every": 32,
            "validate_every": 80,
            "checkpoint_every": 80,
            "device": "cpu",
            "precision": "float32",
        }
        return replace(TrainConfig(recipe="tiny"), **(tiny | settings))

    return config


@pytest.fixture(scope="session")
def _trained(tiny_config: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Trains each kind of model once."""
    root = tmp_path_factory.mktemp("trained")
    kinds: dict[str, dict[str, Any]] = {
        "cnn": {"model": "cnn", "num_images": 800},
        "vae": {"model": "vae", "likelihood": "bernoulli", "num_images": 800},
        "dbvae": {"model": "dbvae", "aggregation": "max", "classifier_weight": 768.0, "num_images": 1600},
        "residual": {
            "model": "residual", "likelihood": "optimal-gaussian", "ema_half_life": 100, "num_images": 1600,
        },
    }  # fmt: skip
    finished: dict[str, Run] = {}

    def trained(kind: str) -> Run:
        if kind not in finished:
            run = Run.create(tiny_config(**kinds[kind]), root, kind)
            run_training(run)
            finished[kind] = run
        return finished[kind]

    return trained


@pytest.fixture
def trained(_trained: Callable[[str], Run], tmp_path: Path) -> Callable[[str], Run]:
    """A finished run of one kind of model, in a folder of the test's own: `trained("vae")`."""

    def copied(kind: str) -> Run:
        folder = tmp_path / "runs" / kind
        if not folder.exists():
            shutil.copytree(_trained(kind).dir, folder)
        return Run.open(folder)

    return copied


@pytest.fixture
def faces(tiny_data: Collection) -> np.ndarray:
    """All held-out faces as pixels."""
    return tiny_data.pixels(tiny_data.rows("test", is_face=True))


@pytest.fixture
def nonfaces(tiny_data: Collection) -> np.ndarray:
    """Held-out non-faces as pixels."""
    return tiny_data.pixels(tiny_data.rows("test", is_face=False))
