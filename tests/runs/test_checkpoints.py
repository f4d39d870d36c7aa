"""Weights: written whole, loaded strictly, never unpickled."""

import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from vaelab.config import TrainConfig
from vaelab.errors import CheckpointError
from vaelab.rng import generator
from vaelab.runs.checkpoints import load_weights, read_checkpoint, write_checkpoint
from vaelab.runs.store import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(TrainConfig(), tmp_path, "first")


def layer(inputs: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 2), nn.BatchNorm1d(2))


def test_tensors_and_record_come_back_bit_for_bit(run: Run) -> None:
    noise = torch.randn(2, 3, 4, 4, generator=generator(0, "noise"))
    tensors = {
        "a.weight": noise.to(memory_format=torch.channels_last),
        "a.count": torch.tensor(7),
        "b": torch.tensor([float("inf"), -0.0], dtype=torch.float64),
    }
    write_checkpoint(run, run.weights_path, tensors, {"images_seen": 32, "seconds": 0.1})
    found = read_checkpoint(run.weights_path)
    assert found.record == {"images_seen": 32, "seconds": 0.1}
    assert found.tensors.keys() == tensors.keys()
    assert all(torch.equal(found.tensors[name], tensors[name]) for name in tensors)
    assert all(found.tensors[name].dtype == tensors[name].dtype for name in tensors)
    assert set(found.part("a")) == {"weight", "count"}


def test_a_missing_file_says_what_to_do(run: Run) -> None:
    with pytest.raises(CheckpointError, match="does not exist; train or resume"):
        read_checkpoint(run.weights_path)


class Bomb:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_not_opened(run: Run, tmp_path: Path) -> None:
    run.weights_path.write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(run.weights_path)
    torch.save({"weight": torch.zeros(2)}, run.weights_path)
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(run.weights_path)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("keep", [0, 1, 7, 40, -1])
def test_a_file_cut_short_is_refused(run: Run, keep: int) -> None:
    write_checkpoint(run, run.weights_path, {"a": torch.zeros(100)}, {})
    run.weights_path.write_bytes(run.weights_path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(run.weights_path)


def test_what_fits_is_loaded() -> None:
    source, target = layer(), layer()
    load_weights(target, source.state_dict(), "file")
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in target.state_dict().items())


def test_the_tensor_that_is_missing_is_named() -> None:
    tensors = layer().state_dict()
    del tensors["1.running_mean"]
    with pytest.raises(CheckpointError, match=r"file has no tensor '1\.running_mean'"):
        load_weights(layer(), tensors, "file")


def test_the_tensor_that_is_unknown_is_named() -> None:
    with pytest.raises(CheckpointError, match="tensor 'extra' that the network does not know"):
        load_weights(layer(), layer().state_dict() | {"extra": torch.zeros(1)}, "file")


def test_the_tensor_of_another_shape_is_named_with_both_shapes() -> None:
    with pytest.raises(CheckpointError, match=r"0\.weight has shape \(2, 5\), the network needs \(2, 3\)"):
        load_weights(layer(3), layer(5).state_dict(), "file")


def test_a_refused_file_changes_nothing() -> None:
    target = layer()
    before = {name: value.clone() for name, value in target.state_dict().items()}
    with pytest.raises(CheckpointError):
        load_weights(target, layer(5).state_dict(), "file")
    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())
