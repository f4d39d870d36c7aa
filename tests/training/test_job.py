"""However a training ends, its status says why in words, and its last state stays."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.errors import Cancelled, DataError, RunError
from vaelab.runs import files
from vaelab.runs.checkpoints import read_checkpoint
from vaelab.runs.store import Run
from vaelab.training import job
from vaelab.training.job import run_training

MakeConfig = Callable[..., TrainConfig]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
    ],
    ids=["python", "cuda", "cpu", "driver", "cublas", "cudnn", "mps"],
)
def test_out_of_memory_is_told_with_what_helps(
    tmp_path: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(job, "train", fail)
    run = Run.create(tiny_config(), tmp_path, "large")
    with pytest.raises(type(error)):
        run_training(run)
    assert run.status.state == "failed"
    assert run.status.message.startswith("out of memory with batch_size 16 at 16 pixels")
    assert "smaller batch_size" in run.status.message


def test_another_runtime_error_is_not_taken_for_it(tmp_path: Path, tiny_config: MakeConfig) -> None:
    assert not job.is_out_of_memory(RuntimeError("shapes do not fit"))


def test_of_several_processes_that_fail_the_one_with_a_reason_is_heard(
    tmp_path: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tiny_config(), tmp_path, "together")
    writing = run.dir / ".state-latest.safetensors-x.partial"
    writing.touch()
    monkeypatch.setenv("WORLD_SIZE", "2")

    def fail(rank: int, error: Exception) -> str:
        def train(*_: object) -> None:
            raise error

        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setattr(job, "train", train)
        with pytest.raises(type(error)):
            run_training(run)
        return run.status.message

    assert fail(1, RuntimeError("Connection closed by peer")) == "RuntimeError: Connection closed by peer"
    assert writing.exists(), "the first process may be writing it"
    assert fail(0, DataError("no data")) == "no data"
    assert not writing.exists()
    assert fail(1, RuntimeError("Connection closed by peer")) == "no data"
    assert fail(1, MemoryError()).startswith("out of memory")


def fill_up_after(monkeypatch: pytest.MonkeyPatch, name: str, times: int = 1) -> None:
    """From the `times`-th file called `name` on, the disk is full for files of that name."""
    fsync, seen = os.fsync, []

    def full(descriptor: int) -> None:
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if f".{name}-" in path:
            seen.append(path)
            if len(seen) > times:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(files.os, "fsync", full)


def test_a_full_disk_fails_the_run_and_keeps_the_last_state(
    tmp_path: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tiny_config(), tmp_path, "full")
    with monkeypatch.context() as patch:
        fill_up_after(patch, "state-latest.safetensors")
        with pytest.raises(RunError, match="No space left"):
            run_training(run)
    assert run.status.state == "failed"
    assert "No space left on device" in run.status.message
    assert "MiB are free" in run.status.message
    assert "resume the run" in run.status.message
    assert read_checkpoint(run.state_path).record["images_seen"] == 80
    assert not list(run.dir.glob(".*.partial"))
    run_training(run)
    assert run.status.state == "done"


def test_even_without_room_for_a_new_status_the_old_one_says_failed(
    tmp_path: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tiny_config(), tmp_path, "full")
    with monkeypatch.context() as patch:
        fill_up_after(patch, "status.json", times=2)
        with pytest.raises(RunError, match="No space left"):
            run_training(run)
    assert run.status.state == "failed"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    mounted = subprocess.run(["mount", *options], capture_output=True, check=False) if hasattr(os, "geteuid") else None
    if mounted is None or mounted.returncode:
        pytest.skip("a small disk can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_really_fills_up_loses_nothing(small_disk: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(num_images=320), small_disk, "full")
    ballast = small_disk / "ballast"

    def fill(report: dict[str, Any]) -> None:
        if report["images_seen"] == 96:
            ballast.write_bytes(bytes(files.free_bytes(small_disk)))

    with pytest.raises(RunError, match="No space left"):
        run_training(run, fill)
    assert run.status.state == "failed"
    assert "No space left" in run.status.message
    assert read_checkpoint(run.state_path).record["images_seen"] == 80
    ballast.unlink()
    run_training(run)
    assert run.status.state == "done"


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tiny_config(), tmp_path, "locked")

    def refuse(*_: object, **__: object) -> tuple[int, str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    with pytest.raises(RunError, match=r"Permission denied.*change its permissions"):
        run_training(run)


def test_data_removed_meanwhile_are_missed_at_the_resume(
    tmp_path: Path, tiny_config: MakeConfig, data_dir: Path
) -> None:
    copy = tmp_path / "data"
    copy.mkdir()
    for path in (data_dir / "tiny-16").iterdir():
        (copy / "tiny-16").mkdir(exist_ok=True)
        (copy / "tiny-16" / path.name).write_bytes(path.read_bytes())
    run = Run.create(tiny_config(data_dir=str(copy)), tmp_path, "orphan")

    def remove(report: dict[str, Any]) -> None:
        if report["images_seen"] == 32:
            (copy / "tiny-16").rename(copy / "moved")
        if report["images_seen"] == 64:
            run.request_cancel()

    with pytest.raises(Cancelled):  # open files outlive their names, so the training itself goes on
        run_training(run, remove)
    with pytest.raises(DataError, match="no prepared data"):
        run_training(run)
    assert "no prepared data" in run.status.message
    assert read_checkpoint(run.state_path).record["images_seen"] == 80
    (copy / "moved").rename(copy / "tiny-16")
    run.know_data({"tiny-16": "0" * 64})
    with pytest.raises(DataError, match=r"not the one that run orphan began with.*put the old one back"):
        run_training(run)
