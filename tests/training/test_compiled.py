"""A compiled step: the same training, and a sentence where nothing can compile it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vaelab.config import TrainConfig, replace
from vaelab.errors import ConfigError
from vaelab.losses import LossParts
from vaelab.runs.store import Run
from vaelab.training.step import compiled

ROOT = Path(__file__).parents[2]
TRAIN = "import sys, vaelab.runs.store as s, vaelab.training.loop as l; l.train(s.Run(s.Path(sys.argv[1])))"


def test_without_a_compiler_the_first_call_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._inductor.config as inductor

    monkeypatch.setattr(inductor.cpp, "cxx", ("no-such-compiler",))
    monkeypatch.setattr(inductor, "force_disable_caches", True)
    step = compiled(lambda images: LossParts(images.square().sum()))
    with pytest.raises(ConfigError, match=r"^torch cannot compile .*; install a C\+\+ compiler"):
        step(torch.rand(4, 4))


def test_an_error_of_the_step_itself_comes_as_it_is() -> None:
    def step(images: torch.Tensor) -> LossParts:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        compiled(step)(torch.rand(4, 4))


@pytest.mark.thorough
@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler on this machine")
def test_compiled_it_is_the_same_training(tmp_path: Path, tiny_config: Callable[..., TrainConfig]) -> None:
    config = tiny_config(model="dbvae", num_images=160, precision="float32")
    losses = []
    for compiles in (False, True):  # in processes of their own: the tests' shape checks cannot be compiled
        run = Run.create(replace(config, compile=compiles), tmp_path, f"compiled-{compiles}")
        subprocess.run([sys.executable, "-c", TRAIN, str(run.dir)], check=True, cwd=ROOT)
        losses.append([row["loss"] for row in run.metrics("train")])
    assert losses[0][0] > losses[0][-1]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
