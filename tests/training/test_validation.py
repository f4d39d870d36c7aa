"""Validation: the training's loss on held-out pictures, with the same noise each time."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tests.apple_gpu import OnAppleGpu
from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.evaluation.reconstruction import psnr
from vaelab.inference import FaceModel
from vaelab.losses import LossParts
from vaelab.models import build_model
from vaelab.rng import generator
from vaelab.runs.store import Run
from vaelab.training import held_out
from vaelab.training.held_out import HeldOut
from vaelab.training.pixels import images_on
from vaelab.training.step import Objective
from vaelab.training.validation import _batch_means, validate

CPU = torch.device("cpu")


@pytest.mark.parametrize("model", ["cnn", "vae", "dbvae", "residual"])
def test_two_validations_are_equal_and_leave_the_network_as_it_was(
    tiny_config: Callable[..., TrainConfig], tiny_data: Collection, model: str
) -> None:
    config = tiny_config(model=model)
    objective = Objective(build_model(config), config.loss)
    before = {name: value.clone() for name, value in objective.state_dict().items()}
    torch.rand(3)
    first = validate(objective, HeldOut.of(tiny_data, config), config, CPU)
    torch.rand(3)
    assert first == validate(objective, HeldOut.of(tiny_data, config), config, CPU)
    assert objective.training
    assert all(torch.equal(value, before[name]) for name, value in objective.state_dict().items())


def test_it_is_the_training_loss(tiny_config: Callable[..., TrainConfig], tiny_data: Collection) -> None:
    config = tiny_config(model="dbvae", beta=2.0, classifier_weight=5.0)
    objective = Objective(build_model(config), config.loss)
    faces, others = tiny_data.rows("val", is_face=True), HeldOut.of(tiny_data, config).others
    images = images_on(tiny_data.pixels(np.concatenate([faces, others])), CPU)
    eps = torch.randn(len(faces), config.model.latent, generator=generator(config.run.seed, "validation"))
    objective.eval()
    with torch.no_grad():
        parts = objective(images, len(faces), eps, torch.tensor(2.0))
    found = validate(objective, HeldOut.of(tiny_data, config), config, CPU)
    assert found["loss"] == pytest.approx(float(parts.loss), rel=1e-5)
    assert found["recon_loss"] == pytest.approx(float(parts.recon_loss.mean()), rel=1e-5)
    logits = objective.network.encode(images).face_logit
    assert logits is not None
    right = (logits > 0) == (torch.arange(len(images)) < len(faces))
    assert found["accuracy"] == pytest.approx(float(right.float().mean()))


@pytest.mark.parametrize(("model", "faces"), [("vae", 16), ("dbvae", 8)])
def test_it_looks_at_as_many_faces_at_a_time_as_a_batch_of_training_has(
    tiny_config: Callable[..., TrainConfig], tiny_data: Collection, monkeypatch: pytest.MonkeyPatch,
    model: str, faces: int,
) -> None:  # fmt: skip
    """Sigma, the total correlation and the kernel distance are estimated within a batch, and depend on its size."""
    config = tiny_config(model=model, batch_size=16)
    objective = Objective(build_model(config), config.loss)
    sizes: list[int] = []
    forward = objective.forward

    def counted(images: torch.Tensor, num_faces: int, *rest: torch.Tensor) -> LossParts:
        sizes.append(num_faces)
        return forward(images, num_faces, *rest)

    monkeypatch.setattr(objective, "forward", counted)
    held_out = HeldOut.of(tiny_data, config)
    validate(objective, held_out, config, CPU)
    assert sum(sizes) == len(held_out.faces)
    assert set(sizes[:-1]) == {faces}


def test_an_apple_gpu_needs_no_float64() -> None:
    kl_per_dim = torch.rand(4)
    parts = LossParts(torch.tensor(1.0), kl=torch.rand(3), kl_per_dim=kl_per_dim.as_subclass(OnAppleGpu))
    found = _batch_means(parts, torch.rand(3, 3, 8, 8), None)["kl_per_dim"]
    assert isinstance(found, np.ndarray)
    assert (found == kl_per_dim.double().numpy()).all()


def test_with_few_non_faces_it_is_still_of_as_many(
    tiny_config: Callable[..., TrainConfig], tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the loss would be that of batches with more faces than a training's have, and higher by that alone."""
    config = tiny_config(model="dbvae", beta=2.0, classifier_weight=5.0)
    objective = Objective(build_model(config), config.loss)
    whole = HeldOut.of(tiny_data, config)
    rows = Collection.rows

    def few(self: Collection, split: str, is_face: bool, limit: int = 0) -> np.ndarray:
        return rows(self, split, is_face, limit) if is_face else rows(self, split, is_face, 3)

    monkeypatch.setattr(Collection, "rows", few)
    held_out = HeldOut.of(tiny_data, config)
    assert held_out.num_others == len(set(held_out.others)) == 3
    assert len(held_out.others) == len(held_out.faces) == len(whole.others)
    taken: list[int] = []

    def counted(losses: np.ndarray, is_face: np.ndarray, labels: object) -> dict[str, object]:
        taken.extend(int((is_face == kind).sum()) for kind in (True, False))
        return {}

    monkeypatch.setattr("vaelab.training.validation.recall_by_group", counted)
    found, expected = (validate(objective, some, config, CPU) for some in (held_out, whole))
    assert taken[:2] == [len(held_out.faces), 3], "a threshold counts each non-face once"
    assert found["recon_loss"] == expected["recon_loss"]
    assert found["loss"] == pytest.approx(expected["loss"], rel=0.02), "faces and non-faces weigh as before"


def test_pictures_are_held_out_of_every_data_set_and_the_same_each_time(
    tiny_config: Callable[..., TrainConfig], tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = Collection(tiny_data.stores * 2)
    monkeypatch.setattr(held_out, "MAX_PICTURES", 12)
    found, again = (HeldOut.of(twice, tiny_config(model="dbvae")) for _ in range(2))
    for rows, same in ((found.faces, again.faces), (found.others, again.others)):
        assert len(rows) == 12
        assert 0 < (rows < len(tiny_data.labels)).sum() < 12
        assert np.array_equal(rows, same)


def test_psnr_is_that_of_the_saved_model(trained: Callable[[str], Run], tiny_data: Collection) -> None:
    run = trained("residual")
    pixels = tiny_data.pixels(tiny_data.rows("val", is_face=True))
    expected = psnr(pixels, FaceModel.load(run).reconstruct(pixels)).mean()
    assert run.metrics("validation")[-1]["psnr"] == pytest.approx(expected, abs=0.05)  # rounding to 8 bits


def test_regions_of_the_face_are_left_out_where_faces_are_cut_otherwise(
    tiny_config: Callable[..., TrainConfig], tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaelab.evaluation.regions.MIN_FACES", 2)
    config = tiny_config(model="vae")
    objective = Objective(build_model(config), config.loss)
    drawn = validate(objective, HeldOut.of(tiny_data, config), config, CPU)
    assert "psnr" in drawn
    assert "regions" not in drawn
    monkeypatch.setattr(held_out, "are_boxes_fitting", lambda manifest: True)
    assert "regions" in validate(objective, HeldOut.of(tiny_data, config), config, CPU)


def test_without_held_out_pictures_there_is_nothing_to_say(
    tiny_config: Callable[..., TrainConfig], tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(model="vae")
    monkeypatch.setattr(Collection, "rows", lambda self, split, is_face, limit=0: np.empty(0, np.int64))
    assert validate(Objective(build_model(config), config.loss), HeldOut.of(tiny_data, config), config, CPU) == {}
