"""What one step frees the next one gets, without asking the system."""

import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.runs.store import Run
from vaelab.training import loop
from vaelab.training.memory import keep_freed_memory

STEPS = 20
CHILD = f"""
import resource, sys
import torch
from vaelab.training.memory import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory(torch.device("cpu"))
for _ in range(2):  # the first time it is asked for
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range({STEPS}):
        torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Pieces of 64 MiB, which are more than glibc keeps as it comes."""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", CHILD, how], check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library decides for itself")
def test_kept_memory_is_not_asked_for_again() -> None:
    pages = 2**26 // resource.getpagesize()
    assert faults("given back") > STEPS * pages / 600, "even where the system gives huge pages"
    assert faults("kept") < pages / 10


def test_a_library_without_the_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaelab.training.memory.ctypes.CDLL", lambda _: object())
    assert not keep_freed_memory(torch.device("cpu"))


def test_a_training_on_a_gpu_leaves_the_c_library_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaelab.training.memory.ctypes.CDLL", lambda _: pytest.fail("it was asked"))
    assert not keep_freed_memory(torch.device("cuda"))


def test_a_training_keeps_memory_from_its_first_step_on_and_what_its_start_took_goes_back(
    monkeypatch: pytest.MonkeyPatch, tiny_config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    order = []
    for name in ("begin", "use_backbone", "keep_freed_memory", "descend"):
        real = getattr(loop, name)
        monkeypatch.setattr(loop, name, lambda *a, name=name, real=real: (order.append(name), real(*a))[1])
    monkeypatch.setattr(loop, "keep_freed_memory", lambda _: order.append("keep_freed_memory"))
    loop.train(Run.create(tiny_config(num_images=32), tmp_path, "run"))
    assert order[:4] == ["begin", "use_backbone", "keep_freed_memory", "descend"]
