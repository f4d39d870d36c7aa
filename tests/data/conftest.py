"""Pictures in which every corner, colour channel and direction can be told apart, and a folder of them to prepare."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vaelab.data import prepare as prepare_module
from vaelab.data.sources.files import FilesReader


def scene_pixels(seed: int = 0, width: int = 48, height: int = 48) -> np.ndarray:
    """(height, width, 3) uint8: a smooth picture without symmetry, whose colours depend on the seed."""
    generator = np.random.default_rng(seed)
    across, down = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    corners = generator.uniform(20, 235, (2, 2, 3))
    corners[1, 1] = (230, 60, 30)  # never the grey with which decoders fill what is missing
    planes = [
        corners[0, 0, c] * (1 - across) * (1 - down) + corners[0, 1, c] * across * (1 - down)
        + corners[1, 0, c] * (1 - across) * down + corners[1, 1, c] * across * down
        for c in range(3)
    ]  # fmt: skip
    return np.stack(planes, axis=-1).round().astype(np.uint8)


def scene_picture(seed: int = 0, width: int = 48, height: int = 48) -> Image.Image:
    """The same as a Pillow picture."""
    return Image.fromarray(scene_pixels(seed, width, height))


def encode(picture: Image.Image, format: str, **options: Any) -> bytes:
    """The file that Pillow writes."""
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture(name="scene_pixels")
def scene_pixels_fixture() -> Callable[..., np.ndarray]:
    return scene_pixels


@pytest.fixture(name="scene")
def scene_fixture() -> Callable[..., Image.Image]:
    return scene_picture


@pytest.fixture(name="encode")
def encode_fixture() -> Callable[..., bytes]:
    return encode


@pytest.fixture
def write_scenes() -> Callable[..., list[str]]:
    """Writes numbered PNGs into a folder; returns their names in natural order."""

    def write(folder: Path, count: int, size: int = 16) -> list[str]:
        folder.mkdir(parents=True, exist_ok=True)
        names = [f"picture{number}.png" for number in range(count)]
        for number, name in enumerate(names):
            scene_picture(number, size, size).save(folder / name)
        return names

    return write


@pytest.fixture
def pictures(tmp_path: Path, write_scenes) -> Path:
    """Forty pictures and, among them, two that are none."""
    folder = tmp_path / "pictures"
    write_scenes(folder, 40)
    (folder / "picture7.png").write_bytes(b"no picture")
    (folder / "picture31.png").write_bytes(b"")
    return folder


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    """Four pictures of 16x16 to a chunk."""
    monkeypatch.setattr(prepare_module, "_CHUNK_BYTES", 4 * 16 * 16 * 3)


@pytest.fixture
def decoded_files(monkeypatch) -> list[str]:
    """Names of the files that are decoded from here on, in this process."""
    names: list[str] = []
    read = FilesReader.read

    def noting(self, records, size):
        names.extend(records["_file"])
        return read(self, records, size)

    monkeypatch.setattr(FilesReader, "read", noting)
    return names
