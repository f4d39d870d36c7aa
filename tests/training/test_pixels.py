"""Training pictures: the same bits from the memory map and from a copy that lies on the device."""

import numpy as np
import pytest
import torch

from vaelab.data.collection import Collection
from vaelab.training import pixels
from vaelab.training.pixels import MappedPixels, ResidentPixels, images_on, moved, room_for_pixels, training_pixels

CPU = torch.device("cpu")


def test_images_are_the_pixels_over_255(faces: np.ndarray) -> None:
    images = images_on(faces, CPU)
    assert images.dtype == torch.float32
    assert np.array_equal((images * 255).round().permute(0, 2, 3, 1).numpy(), faces)


@pytest.mark.parametrize(("device", "is_awaited"), [("cpu", True), ("mps", True), ("cuda", False)])
def test_only_cuda_is_not_waited_for(device: str, is_awaited: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Apple GPU may read from memory that was given back while the copy was under way."""
    asked: list[tuple[torch.device, bool]] = []

    def to(self: torch.Tensor, device: torch.device, non_blocking: bool = False) -> torch.Tensor:
        asked.append((device, non_blocking))
        return self

    monkeypatch.setattr(torch.Tensor, "to", to)
    moved(torch.zeros(3), torch.device(device))
    assert asked == [(torch.device(device), not is_awaited)]


@pytest.mark.parametrize("chunk", [7, 8_192])
def test_pictures_kept_on_the_device_are_those_of_the_memory_map(
    tiny_data: Collection, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ResidentPixels, "CHUNK", chunk)
    rows = np.concatenate([tiny_data.rows("train", is_face=face) for face in (True, False)])
    mapped, resident = MappedPixels(tiny_data, CPU), ResidentPixels(tiny_data, rows, CPU)
    asked = np.random.default_rng(0).permutation(rows)[:40]
    mirrored = np.arange(40) % 3 == 0
    plain = mapped.images(asked)
    assert torch.equal(plain, resident.images(asked))
    for dtype in (torch.float32, torch.bfloat16):
        for kept in (mapped, resident):
            found = kept.images(asked, dtype)
            assert torch.equal(found, plain.to(dtype))
            assert found.is_contiguous(memory_format=torch.channels_last)
    parts = [slice(start, start + 8) for start in range(0, 40, 8)]
    made = [
        kept.later([asked[part] for part in parts], [mirrored[part] for part in parts]) for kept in (mapped, resident)
    ]
    for part, one, other in zip(parts, *made, strict=True):
        images, marks = one(), torch.from_numpy(mirrored[part])
        assert torch.equal(images, other())
        assert torch.equal(images[marks], plain[part][marks].flip(3))
        assert torch.equal(images[~marks], plain[part][~marks])
        assert images.is_contiguous(memory_format=torch.channels_last)


def test_a_gpu_keeps_the_pictures_only_where_it_has_room(
    tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tiny_data.rows("train", is_face=True)
    size = len(rows) * 3 * 16 * 16
    kept: list[int] = []

    def keep(data: Collection, rows: np.ndarray, device: torch.device) -> ResidentPixels:
        kept.append(len(rows))
        return ResidentPixels(data, rows, CPU)

    monkeypatch.setattr(pixels, "ResidentPixels", keep)
    for free, is_kept in ((10 * size, True), (size, False)):
        kept.clear()
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda free=free: (free, 80 * 2**30))
        training_pixels(tiny_data, rows, torch.device("cuda"))
        assert bool(kept) == is_kept
        assert room_for_pixels(torch.device("cuda")) == int(0.4 * free)
    training_pixels(tiny_data, rows, CPU)
    assert not kept
    assert room_for_pixels(CPU) == 0
