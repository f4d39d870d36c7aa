"""Files that a stranger might send as a photo: cut short, bombs, wrong types, extreme sizes, odd colour spaces."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image


def hostile_files() -> dict[str, bytes]:
    """Files that must be refused in words, by what is wrong with them."""
    jpeg, png = encoded("JPEG"), encoded("PNG")
    files = {
        "empty": b"",
        "one byte": b"\xff",
        "noise": bytes(np.random.default_rng(0).integers(0, 256, 5000, np.uint8)),
        "zeros": bytes(5000),
        "text": b"this is no picture, " * 50,
        "html": b"<html><img src='x' onerror='alert(1)'></html>",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>",
        "pdf": b"%PDF-1.7\n" + bytes(100),
        "heic": b"\x00\x00\x00\x18ftypheic" + bytes(200),
        "zip": b"PK\x03\x04" + bytes(200),
        "elf": b"\x7fELF" + bytes(200),
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\nquit\n",
        "jpeg's first bytes": jpeg[:2],
        "png's first bytes": png[:8],
        "png bomb": png_header(60_000, 60_000),
        "png that claims no pixels": png_header(0, 0),
        "png without data": png_header(64, 64),
        "gif bomb": b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + bytes(20),
        "bmp bomb": b"BM" + struct.pack("<IHHIIii", 54, 0, 0, 54, 40, 50_000, 50_000) + bytes(40),
        "one pixel": encoded("PNG", (1, 1)),
        "a line": encoded("PNG", (5000, 1)),
        "floats": encoded("TIFF", mode="F"),
        "integers": encoded("TIFF", mode="I"),
    }
    for share in (0.1, 0.3, 0.5, 0.8, 0.95):
        files |= {f"{name} cut at {share:.0%}": data[: int(share * len(data))]
                  for name, data in (("jpeg", jpeg), ("png", png))}  # fmt: skip
    return files


def odd_files() -> dict[str, bytes]:
    """Unusual pictures that are fine all the same."""
    return {
        "grey": encoded("PNG", mode="L"),
        "bilevel": encoded("PNG", mode="1"),
        "palette": encoded("PNG", mode="P"),
        "transparent": encoded("PNG", mode="RGBA"),
        "grey with alpha": encoded("PNG", mode="LA"),
        "cmyk": encoded("JPEG", mode="CMYK"),
        "16 bits": encoded("PNG", mode="I;16"),
        "webp": encoded("WEBP"),
        "narrow": encoded("PNG", (2000, 9)),
        "high": encoded("PNG", (9, 2000)),
        "smaller than a window": encoded("PNG", (20, 20)),
    }


def encoded(kind: str, size: tuple[int, int] = (120, 90), mode: str = "RGB") -> bytes:
    """A picture of noise as a file."""
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    if mode == "I;16":
        picture = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(noise).convert("L" if mode in ("F", "I", "LA") else "RGB").convert(mode)
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body
