"""Faces in motion, for keeping: GIF and MP4 files that say they were generated."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import av
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vaelab.errors import DataError

Frames = UInt8[np.ndarray, "frames height width 3"]

DEFAULT_SIDE = 256
MAX_SIDE = 1024
MAX_FRAMES = 600
"""At 600 frames of 256 pixels a GIF has some 20 MB: more than one would send, and all of it is in memory."""
QUALITY = "18"
"""x264's constant rate factor: no difference that one sees."""
TITLE = "Generated face"
DESCRIPTION = "Drawn by a variational autoencoder. Not a photograph; shows no real person."


def gif_bytes(frames: Frames, seconds_per_frame: float, about: Mapping[str, Any], side: int = DEFAULT_SIDE) -> bytes:
    """A GIF that repeats forever; its comment says that it was generated, and how (`about`, as JSON).

    Colours are reduced to 255 that all frames share, and not dithered: measured on films of faces, dots that dance
    from frame to frame double the flicker, the size of the file grows by half, and no colour gets nearer.

    Args:
        seconds_per_frame: 0.02 or more; browsers slow down what is faster. Kept to a hundredth of a second.
        side: width of the file, pixels; enlarged with Lanczos.

    Raises:
        DataError: no frames, too many, of no picture's shape, or a size or speed that cannot be kept.
    """
    if not 0.02 <= seconds_per_frame <= 10.0:
        raise DataError(f"{seconds_per_frame} seconds per frame; a GIF takes 0.02 to 10")
    images = [Image.fromarray(frame) for frame in _enlarged(frames, side)]
    palette = _shared_palette(images)
    first, *rest = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    file = io.BytesIO()
    first.save(
        file,
        "GIF",
        save_all=True,
        append_images=rest,
        duration=round(seconds_per_frame * 100) * 10,
        loop=0,
        optimize=False,  # it would drop colours one by one and give each frame a palette of its own
        comment=_comment(about).encode(),
    )
    return file.getvalue()


def mp4_bytes(frames: Frames, frames_per_second: float, about: Mapping[str, Any], side: int = DEFAULT_SIDE) -> bytes:
    """An MP4 (H.264, plays everywhere); its tags say that it was generated, and how (`about`, as JSON).

    Args:
        side: width of the file, pixels; enlarged with Lanczos; an odd one gets one pixel more, as H.264 wants.

    Raises:
        DataError: no frames, too many, of no picture's shape, or a size or speed that cannot be kept.
    """
    if not 1.0 <= frames_per_second <= 60.0:
        raise DataError(f"{frames_per_second} frames per second; a film takes 1 to 60")
    pictures = _enlarged(frames, side)
    height, width = pictures.shape[1:3]
    pictures = np.pad(pictures, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        container.metadata.update({"title": TITLE, "comment": _comment(about)})
        stream = container.add_stream("libx264", rate=Fraction(frames_per_second).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = pictures.shape[2], pictures.shape[1], "yuv420p"
        stream.options = {"crf": QUALITY, "preset": "medium"}
        stream.codec_context.thread_count = 1  # a training may run beside it
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def _comment(about: Mapping[str, Any]) -> str:
    return json.dumps({"generated": True, "description": DESCRIPTION, "software": "vaelab", "vaelab": dict(about)})


def _enlarged(frames: Frames, side: int) -> UInt8[np.ndarray, "frames new_height side 3"]:
    """The frames `side` pixels wide, of the same proportions.

    Raises:
        DataError: they are no frames, too many, or the side is out of bounds.
    """
    if not len(frames):
        raise DataError("there is no frame to animate; a film takes at least one")
    if len(frames) > MAX_FRAMES:
        raise DataError(f"{len(frames)} frames; at most {MAX_FRAMES} fit a file that one can send. Take fewer steps")
    if not 16 <= side <= MAX_SIDE:
        raise DataError(f"a film {side} pixels wide; choose 16 to {MAX_SIDE}")
    height = round(frames.shape[1] * side / frames.shape[2])
    if (height, side) == frames.shape[1:3]:
        return frames
    return np.stack([
        np.asarray(Image.fromarray(frame).resize((side, height), Image.Resampling.LANCZOS)) for frame in frames
    ])  # fmt: skip


def _shared_palette(images: list[Image.Image]) -> Image.Image:
    """255 colours for all frames, found on at most 16 of them side by side."""
    some = images[:: max(1, len(images) // 16)]
    strip = np.concatenate([np.asarray(image) for image in some], axis=1)
    return Image.fromarray(strip).quantize(255, method=Image.Quantize.MEDIANCUT)
