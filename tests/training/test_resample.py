"""The resampling pass: each face's own mean, whatever the chunks and processes, without the decoder."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.debiasing import Resampling
from vaelab.models import build_model
from vaelab.models.network import Network
from vaelab.recipes import RECIPES
from vaelab.training import resample as resampling_pass
from vaelab.training.distributed import Ranks
from vaelab.training.feed import Feed
from vaelab.training.pixels import images_on
from vaelab.training.resample import NUM_EXTREMES, encode_faces, resampling_metrics

CPU = torch.device("cpu")
Encode = Callable[..., tuple[np.ndarray, np.ndarray | None]]


@pytest.fixture
def network(tiny_config: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch) -> Network:
    """A DB-VAE that cannot decode, so whoever decodes is found out."""
    made = build_model(tiny_config(model="dbvae", aggregation="gaussian"))

    def refuse(network: Network, z: Any) -> Any:
        raise AssertionError("resampling decodes nothing")

    monkeypatch.setattr(type(made), "decode", refuse)
    monkeypatch.setattr(resampling_pass, "CHUNK", 50)  # the tiny data set has more faces, and no multiple of it
    return made


@pytest.fixture
def encoded(network: Network, tiny_data: Collection, tiny_config: Callable[..., TrainConfig]) -> Encode:
    """Encodes the training faces of `tiny-16`; any setting can be given by name."""

    def encode(ranks: Ranks = Ranks(), **settings: Any) -> tuple[np.ndarray, np.ndarray | None]:  # noqa: B008  # frozen
        config = tiny_config(**({"model": "dbvae", "aggregation": "gaussian"} | settings))
        return encode_faces(network, Feed(tiny_data, config, CPU, ranks), config, CPU, ranks)

    return encode


def test_each_face_has_its_own_posterior(encoded: Encode, network: Network, tiny_data: Collection) -> None:
    mu, std = encoded()
    rows = tiny_data.rows("train", is_face=True)
    assert len(rows) % 50
    network.eval()
    with torch.inference_mode():
        expected = network.encode(images_on(tiny_data.pixels(rows), CPU)).posterior
    assert expected is not None
    assert std is not None
    np.testing.assert_allclose(mu, expected.mu.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(std, expected.std.numpy(), rtol=1e-4)


def test_deviations_are_kept_only_for_an_aggregation_that_asks(encoded: Encode) -> None:
    mu, std = encoded(aggregation="max")
    assert std is None
    np.testing.assert_array_equal(mu, encoded()[0])


@pytest.mark.parametrize("has_room", [True, False])
def test_latents_of_very_many_faces_lie_in_a_file_where_the_disk_has_room(
    encoded: Encode, monkeypatch: pytest.MonkeyPatch, has_room: bool
) -> None:
    in_memory = encoded()

    def refuse(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(resampling_pass, "MOST_IN_MEMORY", 0)
    if not has_room:
        monkeypatch.setattr("os.posix_fallocate", refuse)
    mapped = encoded()
    for one, other in zip(in_memory, mapped, strict=True):
        assert other is not None
        assert isinstance(other, np.memmap) == has_room
        np.testing.assert_array_equal(one, other)


def test_processes_share_the_chunks_and_their_sum_is_one_process_bit_for_bit(
    encoded: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = encoded()
    monkeypatch.setattr(resampling_pass, "sum_over_ranks", lambda values, ranks, device: None)
    parts = [encoded(Ranks(rank, 3))[0] for rank in range(3)]
    assert all(part.any() for part in parts)
    np.testing.assert_array_equal(sum(parts), whole)


def test_a_pass_of_a_detector_is_two_images_for_each_face(tiny_config: Callable[..., TrainConfig]) -> None:
    config = tiny_config(model="dbvae", aggregation="max")
    assert config.images_between_resamplings(300) == 600
    assert RECIPES["dbvae"].images_between_resamplings(300) == 1_200
    assert RECIPES["mit-dbvae"].images_between_resamplings(300) == 600
    assert tiny_config(model="dbvae", aggregation="max", refresh_every=64).images_between_resamplings(300) == 64


def test_the_shares_of_groups_are_those_of_the_labels_and_are_read_once(
    tiny_config: Callable[..., TrainConfig], tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(tiny_data, tiny_config(model="dbvae"), torch.device("cpu"), Ranks())
    probs = np.random.default_rng(0).dirichlet(np.ones(len(feed.face_rows)))
    found = resampling_metrics(Resampling(probs, num_active=3), tiny_data, feed)
    labels = tiny_data.labels.loc[feed.face_rows]
    assert {"skin", "hair"} <= found["groups"].keys()
    assert not {"image_id", "split", "dataset", "age"} & found["groups"].keys()
    for column, shares in found["groups"].items():
        values = labels[column].astype(object)
        expected = pd.Series(probs, labels.index).groupby(values).sum()
        assert {name: share["drawn"] for name, share in shares.items()} == pytest.approx(expected.to_dict(), abs=1e-6)
        counts = (values.value_counts() / len(values)).to_dict()
        assert {name: share["data"] for name, share in shares.items()} == pytest.approx(counts, abs=1e-6)
    read: list[Sequence[str] | None] = []
    table = Collection.table

    def counted(self: Collection, rows: np.ndarray, columns: Sequence[str] | None = None) -> pd.DataFrame:
        read.append(columns)
        return table(self, rows, columns)

    monkeypatch.setattr(Collection, "table", counted)
    assert resampling_metrics(Resampling(probs, num_active=3), tiny_data, feed) == found
    assert read == [["image_id"]], "the most and the least drawn faces have names"
    order = np.argsort(probs)
    for name, faces in (("most_drawn", order[::-1][:NUM_EXTREMES]), ("least_drawn", order[:NUM_EXTREMES])):
        names = tiny_data.labels["image_id"].to_numpy()[feed.face_rows[faces]].tolist()
        assert [row["image_id"] for row in found[name]] == names
        assert [row["prob"] for row in found[name]] == probs[faces].tolist()


@pytest.mark.parametrize("values", [1, 3, 40])
def test_of_equal_probabilities_the_earlier_face_is_named(
    tiny_data: Collection, tiny_config: Callable[..., TrainConfig], values: int
) -> None:
    feed = Feed(tiny_data, tiny_config(model="dbvae"), torch.device("cpu"), Ranks())
    weights = np.random.default_rng(0).integers(1, 1 + values, len(feed.face_rows)).astype(np.float64)
    found = resampling_metrics(Resampling(weights / weights.sum(), num_active=3), tiny_data, feed)
    for name, order in (("most_drawn", -weights), ("least_drawn", weights)):
        faces = np.argsort(order, kind="stable")[:NUM_EXTREMES]
        names = tiny_data.labels["image_id"].to_numpy()[feed.face_rows[faces]].tolist()
        assert [row["image_id"] for row in found[name]] == names
