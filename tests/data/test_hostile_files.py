"""Two hundred files, half of them damaged on purpose, through one prepare: every one is accounted for.

Each file is made from a known picture. An accepted one has to show that picture; the others have to be rejected
with the right reason. Nothing here is downloaded, and every byte is the same in every run.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from vaelab.data.prepare import prepare
from vaelab.data.sources import CsvTable, Folder
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError

NUM_FILES = 200
SIZE = 32


@dataclass(frozen=True)
class Hostile:
    """One file: its name, its bytes, and either the picture it shows or the beginning of the reason against it."""

    name: str
    data: bytes
    shows: Image.Image | None = None
    reason: str = ""
    tolerance: float = 4.0


Scene = Callable[..., Image.Image]
Encode = Callable[..., bytes]


def oriented(scene: Image.Image, orientation: int) -> tuple[Image.Image, Image.Exif]:
    """The picture as a camera stores it, and the tag that turns it upright."""
    undo = [None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
            Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE,
            Image.Transpose.ROTATE_270][orientation - 1]  # fmt: skip
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return (scene if undo is None else scene.transpose(undo)), exif


def readable(scene: Scene, encode: Encode) -> Iterator[Hostile]:
    """Unusual files that show a picture all the same."""
    for seed in range(3):
        picture = scene(seed, 50, 50)
        grey = picture.convert("L")
        clear = picture.convert("RGBA")
        clear.putalpha(Image.linear_gradient("L").resize(picture.size))
        on_white = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), clear).convert("RGB")
        sixteen = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
        few = picture.quantize(16)
        other = scene(seed + 50, 50, 50)
        plain: list[tuple[str, str, Image.Image, Image.Image, dict[str, Any]]] = [
            ("baseline.jpg", "JPEG", picture, picture, {"quality": 95}),
            ("progressive.jpg", "JPEG", picture, picture, {"quality": 95, "progressive": True}),
            ("restarts.jpg", "JPEG", picture, picture, {"quality": 95, "restart_marker_blocks": 2}),
            ("grey.jpg", "JPEG", grey, grey, {"quality": 95}),
            ("print.jpg", "JPEG", picture.convert("CMYK"), picture, {"quality": 95}),
            ("colour.png", "PNG", picture, picture, {}),
            ("grey.png", "PNG", grey, grey, {}),
            ("sixteen.png", "PNG", sixteen, grey, {}),
            ("palette.png", "PNG", few, few, {}),
            ("clear.png", "PNG", clear, on_white, {}),
            ("grey-clear.png", "PNG", on_white.convert("LA"), on_white.convert("L"), {}),
            ("one-bit.png", "PNG", picture.convert("1"), picture.convert("1"), {}),
            ("animated.png", "PNG", picture, picture, {"save_all": True, "append_images": [other]}),
            ("animated.gif", "GIF", few, few, {"save_all": True, "append_images": [other.quantize(16)]}),
            ("animated.webp", "WEBP", picture, picture, {"save_all": True, "append_images": [other], "lossless": True}),
            ("lossy.webp", "WEBP", picture, picture, {"quality": 95}),
            ("clear.webp", "WEBP", clear, on_white, {"lossless": True}),
            ("packed.tiff", "TIFF", picture, picture, {"compression": "tiff_lzw"}),
            ("sixteen.tiff", "TIFF", sixteen, grey, {}),
            ("pages.tiff", "TIFF", picture, picture, {"save_all": True, "append_images": [other]}),
            ("windows.bmp", "BMP", picture, picture, {}),
            ("plain.ppm", "PPM", picture, picture, {}),
            ("wavelets.jp2", "JPEG2000", picture, picture, {}),
            ("video.avif", "AVIF", picture, picture, {"quality": 95}),
            ("wrong-extension.gif", "JPEG", picture, picture, {"quality": 95}),
            ("no-extension", "PNG", picture, picture, {}),
            ("text.txt", "WEBP", picture, picture, {"quality": 95}),
        ]  # fmt: skip
        for name, format, stored, shows, options in plain:
            tolerance = 8.0 if "one-bit" in name else 4.0
            yield Hostile(f"good/{seed}-{name}", encode(stored, format, **options), shows, tolerance=tolerance)
        trailing = encode(picture, "JPEG", quality=95) + b"\xff\xd8 something after the end \xff\xd9"
        yield Hostile(f"good/{seed}-trailing.jpg", trailing, picture)
        odd_exif = encode(picture, "JPEG", quality=95, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x05odd")
        yield Hostile(f"good/{seed}-odd-exif.jpg", odd_exif, picture)
    for orientation in range(1, 9):
        stored, exif = oriented(scene(orientation, 50, 50), orientation)
        data = encode(stored, "JPEG", quality=95, exif=exif)
        yield Hostile(f"good/turned-{orientation}.jpg", data, scene(orientation, 50, 50))
        lossless = encode(stored, "WEBP", lossless=True, exif=exif)
        yield Hostile(f"good/turned-{orientation}.webp", lossless, scene(orientation, 50, 50))
    big = scene(40, 2100, 1400)
    yield Hostile("good/large.jpg", encode(big, "JPEG", quality=95), big.crop((350, 0, 1750, 1400)))


def damaged(scene: Scene, encode: Encode) -> Iterator[Hostile]:
    """Files that must not become pictures."""
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    for format in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF"):
        data = encode(noise, format)
        for percent in (0.1, 30, 60, 90, 97):
            cut = data[: max(4, int(len(data) * percent / 100))]
            reason = "not a picture" if percent < 1 and format not in ("JPEG2000", "PPM") else ""
            yield Hostile(f"bad/cut-{percent}.{format.lower()}", cut, reason=reason)
    for progressive in (False, True):
        data = encode(noise, "JPEG", progressive=progressive)
        for percent in (35, 55, 75, 95):
            closed = data[: len(data) * percent // 100] + b"\xff\xd9"
            name = f"bad/closed-{percent}-{'progressive' if progressive else 'baseline'}.jpg"
            yield Hostile(name, closed, reason="damaged")
    large = encode(noise.resize((640, 640), Image.Resampling.NEAREST), "JPEG")  # decoded at a fraction of its size
    for percent in (20, 50, 70, 90):
        closed = large[: len(large) * percent // 100] + b"\xff\xd9"
        yield Hostile(f"bad/closed-{percent}-large.jpg", closed, reason="damaged")
    for number in range(4):
        yield Hostile(f"bad/empty-{number}.jpg", b"", reason="empty file")
        yield Hostile(f"bad/text-{number}.png", b"This is no picture. " * (number + 1), reason="not a picture")
        random_bytes = np.random.default_rng(number).bytes(500 * (number + 1))
        yield Hostile(f"bad/random-{number}.webp", random_bytes, reason="not a picture")
        side = (1, 3, 5, 7)[number]
        yield Hostile(f"bad/tiny-{side}.png", encode(scene(0, side, 40), "PNG"), reason="too small")
    for name, data in {
        "page.html": b"<!DOCTYPE html><html><body>404</body></html>",
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "drawing.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nshowpage\n",
        "paper.pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        "packed.jpg": b"\x1f\x8b\x08\x00" + b"\0" * 60,
        "zeros.jpg": b"\0" * 4096,
        "starts.jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF",
        "icon.ico": encode(scene(0), "ICO"),
    }.items():
        yield Hostile(f"bad/{name}", data, reason="" if name == "starts.jpg" else "not a picture")
    for width, height in ((20_000, 20_000), (70_000, 2_000), (2**31 - 1, 2**31 - 1)):
        yield Hostile(f"bad/huge-{width}.png", huge_png(width, height), reason="gigantic")
    yield Hostile("bad/huge.jpg", huge_jpeg(encode(scene(0), "JPEG")), reason="gigantic")
    yield Hostile("bad/float.tiff", encode(Image.fromarray(np.zeros((16, 16), np.float32)), "TIFF"), reason="undefined")
    yield Hostile("bad/long.tiff", encode(Image.fromarray(np.zeros((16, 16), np.int32)), "TIFF"), reason="undefined")
    checksum = bytearray(encode(noise, "PNG"))
    checksum[len(checksum) // 2] ^= 0xFF
    yield Hostile("bad/flipped.png", bytes(checksum), reason="damaged")


def huge_png(width: int, height: int) -> bytes:
    """A header that promises far more pixels than the file holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def huge_jpeg(data: bytes) -> bytes:
    """A JPEG whose frame header claims 65,500 x 65,500 pixels."""
    frame = data.index(b"\xff\xc0")
    return data[: frame + 5] + struct.pack(">HH", 65_500, 65_500) + data[frame + 9 :]


def write_special_files(folder: Path) -> dict[str, str]:
    """Links, pipes and names that no data set should hold; name -> beginning of the reason."""
    inside = folder / "special"
    inside.mkdir()
    outside = folder.parent / "secret.png"
    outside.write_bytes((folder / "good" / "0-colour.png").read_bytes())
    (inside / "out.png").symlink_to(outside)
    (inside / "relative.png").symlink_to("../../secret.png")
    (inside / "broken.png").symlink_to("nowhere.png")
    (inside / "loop").symlink_to("..")
    (inside / "outer").symlink_to(folder.parent)
    os.mkfifo(inside / "pipe.png")
    (inside / ".hidden.png").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(inside) + b"/caf\xe9.png")).write_bytes(b"x")
    return {
        "special/out.png": "symbolic link that leads out",
        "special/relative.png": "symbolic link that leads out",
        "special/broken.png": "broken symbolic link",
        "special/loop": "symbolic link",
        "special/outer": "symbolic link that leads out",
        "special/pipe.png": "not a plain file",
        "special/.hidden.png": "hidden file",
        "special/caf\\udce9.png": "file name is not valid UTF-8",
    }


def test_two_hundred_hostile_files_are_all_accounted_for(tmp_path, scene, encode):
    folder = tmp_path / "hostile"
    files = {file.name: file for file in (*readable(scene, encode), *damaged(scene, encode))}
    for file in files.values():
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    special = write_special_files(folder)
    assert len(files) + len(special) == NUM_FILES

    store = prepare(Folder(folder), tmp_path / "out", size=SIZE, workers=1)

    accepted = list(store.labels["image_id"])
    rejected = {item.image_id: item.reason for item in store.manifest.rejected}
    assert len(accepted) + len(store.manifest.rejected) == NUM_FILES
    assert set(accepted) | set(rejected) == set(files) | set(special)
    assert set(accepted) == {file.name for file in files.values() if file.shows is not None}
    wrong = [
        f"{name}: {reason}" for name, reason in rejected.items()
        if not reason or not reason.startswith(special.get(name) or files[name].reason)
    ]  # fmt: skip
    assert wrong == []
    different = {name: distance(store, row, files[name]) for row, name in enumerate(accepted)}
    assert {name: found for name, found in different.items() if found > files[name].tolerance} == {}


def distance(store: DatasetStore, row: int, file: Hostile) -> float:
    """Mean absolute difference between what was stored and the picture that the file was made from, 0 to 255."""
    assert file.shows is not None
    expected = file.shows.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    return float(np.abs(store.pixels[row].astype(float) - np.asarray(expected).astype(float)).mean())


def test_the_pictures_are_told_apart_by_that_distance(scene):
    """A swap of red and blue, a half turn or another seed is much further away than the tolerance."""
    pixels = np.asarray(scene(0, SIZE, SIZE)).astype(float)
    for other in (pixels[..., ::-1], pixels[::-1, ::-1], np.asarray(scene(1, SIZE, SIZE)), 255 - pixels):
        assert np.abs(pixels - other).mean() > 12


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_files_without_permission_are_rejected_by_name(tmp_path, write_scenes):
    write_scenes(tmp_path / "in", 3)
    (tmp_path / "in" / "picture1.png").chmod(0)
    store = prepare(Folder(tmp_path / "in"), tmp_path / "out", size=16, workers=1)
    assert [item.reason for item in store.manifest.rejected] == ["cannot be read: Permission denied"]


def test_duplicate_names_cannot_come_in(tmp_path, write_scenes):
    write_scenes(tmp_path / "in", 2)
    (tmp_path / "in" / "labels.csv").write_text("file,age\npicture0.png,3\npicture1.png,4\npicture0.png,5\n")
    with pytest.raises(DataError, match="more than once: 'picture0"):
        prepare(CsvTable(tmp_path / "in"), tmp_path / "out", size=16, workers=1)
