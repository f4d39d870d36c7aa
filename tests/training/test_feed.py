"""Batches: known from the clock, faces first, and the same pictures however many processes share them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.errors import DataError
from vaelab.training.distributed import Ranks
from vaelab.training.feed import AHEAD, Feed
from vaelab.training.pixels import images_on

CPU = torch.device("cpu")


def feed(data: Collection, config: TrainConfig, rank: int = 0, world: int = 1) -> Feed:
    return Feed(data, config, CPU, Ranks(rank, world))


def test_a_detector_learns_from_faces_and_non_faces_half_and_half(
    tiny_data: Collection, tiny_config: Callable[..., TrainConfig]
) -> None:
    config = tiny_config(model="dbvae", flip=False)
    made = feed(tiny_data, config)
    batch = made.batch(320)
    assert batch.images.shape == (16, 3, 16, 16)
    assert batch.num_faces == 8
    assert batch.eps is not None
    assert batch.eps.shape == (8, 4)
    expected = images_on(tiny_data.pixels(made.face_rows[batch.face_positions]), CPU)
    assert torch.equal(batch.images[:8], expected)
    labels = tiny_data.labels
    nonfaces = images_on(tiny_data.pixels(np.flatnonzero(~labels["is_face"] & (labels["split"] == "train"))), CPU)
    for image in batch.images[8:]:
        assert (nonfaces == image).flatten(1).all(1).any()


def test_a_vae_learns_from_faces_alone(tiny_data: Collection, tiny_config: Callable[..., TrainConfig]) -> None:
    batch = feed(tiny_data, tiny_config(model="vae")).batch(0)
    assert batch.num_faces == len(batch.images) == 16
    assert batch.images.min() >= 0
    assert batch.images.max() <= 1


def test_a_classifier_needs_no_noise(tiny_data: Collection, tiny_config: Callable[..., TrainConfig]) -> None:
    assert feed(tiny_data, tiny_config(model="cnn")).batch(0).eps is None


@pytest.mark.parametrize("model", ["dbvae", "vae"])
def test_the_ranks_batches_make_up_the_global_one(
    tiny_data: Collection, tiny_config: Callable[..., TrainConfig], model: str
) -> None:
    config, world = tiny_config(model=model), 2
    whole = feed(tiny_data, config).batch(48)
    parts = [feed(tiny_data, config, rank, world).batch(48) for rank in range(world)]
    assert whole.eps is not None
    for rank, part in enumerate(parts):
        assert part.eps is not None
        assert part.num_faces == whole.num_faces // world
        assert torch.equal(part.images[: part.num_faces], whole.images[: whole.num_faces][rank::world])
        assert torch.equal(part.images[part.num_faces :], whole.images[whole.num_faces :][rank::world])
        assert torch.equal(part.eps, whole.eps[rank::world])


def test_a_batch_depends_on_the_clock_alone(tiny_data: Collection, tiny_config: Callable[..., TrainConfig]) -> None:
    config = tiny_config(model="dbvae")
    walked, jumped = feed(tiny_data, config), feed(tiny_data, config)
    for clock in range(0, 480, 16):
        walked.batch(clock)
    first, second = walked.batch(480), jumped.batch(480)
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.eps, second.eps)


def test_about_half_of_the_faces_are_mirrored(tiny_data: Collection, tiny_config: Callable[..., TrainConfig]) -> None:
    flipped, plain = (feed(tiny_data, tiny_config(model="vae", flip=flip, batch_size=256)) for flip in (True, False))
    mirrored, straight = flipped.batch(0).images, plain.batch(0).images
    same = (mirrored == straight).flatten(1).all(1)
    assert torch.equal(mirrored[~same], straight[~same].flip(3))
    assert 80 < int(same.sum()) < 176


def test_only_the_first_faces_are_used_where_so_set(
    tiny_data: Collection, tiny_config: Callable[..., TrainConfig]
) -> None:
    made = feed(tiny_data, tiny_config(model="vae", max_faces=5))
    assert len(made.face_rows) == 5
    assert set(made.batch(0).face_positions) == set(range(5))


def test_a_detector_without_non_faces_is_refused(
    tiny_data: Collection, tiny_config: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Collection.rows
    monkeypatch.setattr(
        Collection, "rows", lambda self, split, is_face, limit=0: rows(self, split, is_face, limit)[: 99 * is_face]
    )
    with pytest.raises(DataError, match="nonfaces"):
        feed(tiny_data, tiny_config(model="cnn"))


def test_what_was_drawn_ahead_is_drawn_again_by_new_probabilities(
    tiny_data: Collection, tiny_config: Callable[..., TrainConfig]
) -> None:
    config = tiny_config(model="dbvae")
    made, other = feed(tiny_data, config), feed(tiny_data, config)
    probs = np.arange(len(made.face_rows), dtype=np.float64)
    before = made.batch(16)
    made.faces.set_probs(probs / probs.sum())
    other.faces.set_probs(probs / probs.sum())
    assert not np.array_equal(made.batch(16).face_positions, before.face_positions)
    for images_seen in (32, 16, 16 * (AHEAD + 3)):  # onward, back, and past what is ahead
        mine, theirs = made.batch(images_seen), other.batch(images_seen)
        assert np.array_equal(mine.face_positions, theirs.face_positions)
        assert torch.equal(mine.images, theirs.images)
        assert mine.eps is not None
        assert theirs.eps is not None
        assert torch.equal(mine.eps, theirs.eps)


def test_large_batches_are_not_gathered_ahead(
    tiny_data: Collection, tiny_config: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(model="dbvae")
    plain = feed(tiny_data, config)
    gathered: list[int] = []
    pixels = Collection.pixels

    def counted(self: Collection, rows: np.ndarray) -> np.ndarray:
        gathered.append(len(rows))
        return pixels(self, rows)

    monkeypatch.setattr(Collection, "pixels", counted)
    plain.batch(0)
    assert gathered == [16] * AHEAD
    gathered.clear()
    monkeypatch.setattr("vaelab.training.feed.AHEAD_BYTES", 2 * 16 * 3 * 16**2)
    bounded = feed(tiny_data, config)
    for images_seen in (0, 16, 32):
        assert torch.equal(bounded.batch(images_seen).images, plain.batch(images_seen).images)
    assert gathered == [16] * 4
