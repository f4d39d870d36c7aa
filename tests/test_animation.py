"""Films of faces: every frame in its place, playable, and marked as generated in a way that can be read back."""

import io
import json

import av
import numpy as np
import pytest
from PIL import Image

from vaelab.animation import MAX_FRAMES, gif_bytes, mp4_bytes
from vaelab.errors import DataError
from vaelab.rng import numpy_generator

NUM, SIDE = 5, 16


@pytest.fixture
def frames() -> np.ndarray:
    """Smooth colours, as those of faces: what a palette and a film codec are made for."""
    random = numpy_generator(0, "frames")
    corners = random.integers(40, 220, (NUM, 2, 2, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(corner).resize((SIDE, SIDE))) for corner in corners])


def test_a_gif_shows_every_frame_for_its_time(frames: np.ndarray) -> None:
    gif = Image.open(io.BytesIO(gif_bytes(frames, 0.08, {}, side=SIDE)))
    assert gif.n_frames == NUM  # type: ignore[attr-defined]
    assert gif.info["loop"] == 0
    for index, frame in enumerate(frames):
        gif.seek(index)
        assert gif.info["duration"] == 80
        error = np.abs(np.asarray(gif.convert("RGB"), float) - frame).mean()
        assert error < 8, f"frame {index}"


def test_equal_frames_are_not_dropped(frames: np.ndarray) -> None:
    """A pause is part of the film; whether it is kept as frames or as a longer one does not matter."""
    gif = Image.open(io.BytesIO(gif_bytes(frames[[0, 0, 1]], 0.1, {}, side=SIDE)))
    durations = 0
    for index in range(gif.n_frames):  # type: ignore[attr-defined]
        gif.seek(index)
        durations += gif.info["duration"]
    assert durations == 300


def test_a_gif_says_that_it_was_generated(frames: np.ndarray) -> None:
    gif = Image.open(io.BytesIO(gif_bytes(frames, 0.1, {"model": "face-vae", "z": [0.5]})))
    comment = json.loads(gif.info["comment"])
    assert comment["generated"] is True
    assert "no real person" in comment["description"]
    assert comment["vaelab"] == {"model": "face-vae", "z": [0.5]}
    assert gif.size == (256, 256)


def test_a_long_note_survives_in_a_gif(frames: np.ndarray) -> None:
    """Comments come in blocks of 255 bytes: a recipe is longer than one."""
    about = {"z": numpy_generator(0, "z").standard_normal(512).tolist()}
    gif = Image.open(io.BytesIO(gif_bytes(frames, 0.1, about, side=SIDE)))
    assert json.loads(gif.info["comment"])["vaelab"] == about


@pytest.mark.parametrize(("side", "kept"), [(32, 32), (33, 34), (16, 16)])
def test_a_film_can_be_played(frames: np.ndarray, side: int, kept: int) -> None:
    with av.open(io.BytesIO(mp4_bytes(frames, 12.5, {"model": "face-vae"}, side=side))) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (kept, kept)
        assert float(stream.average_rate or 0) == 12.5
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)]
    assert len(shown) == NUM
    for picture, frame in zip(shown, frames, strict=True):
        whole = np.asarray(Image.fromarray(frame).resize((side, side), Image.Resampling.LANCZOS), float)
        assert np.abs(picture[:side, :side] - whole).mean() < 8


def test_a_film_says_that_it_was_generated(frames: np.ndarray) -> None:
    about = {"model": "face-vae", "faces": ["val/1.jpg", "val/2.jpg"], "z": [0.1] * 300}
    with av.open(io.BytesIO(mp4_bytes(frames, 10, about))) as film:
        assert film.metadata["title"] == "Generated face"
        comment = json.loads(film.metadata["comment"])
    assert comment["generated"] is True
    assert comment["vaelab"] == about


def test_a_sheet_of_odd_height_is_filled_up(frames: np.ndarray) -> None:
    with av.open(io.BytesIO(mp4_bytes(frames[:, :15], 10, {}, side=16))) as film:
        assert (film.streams.video[0].width, film.streams.video[0].height) == (16, 16)


@pytest.mark.parametrize("make", [gif_bytes, mp4_bytes])
@pytest.mark.parametrize(
    ("count", "side", "word"),
    [(0, 64, "at least one"), (MAX_FRAMES + 1, 64, "fewer steps"), (2, 4, "4 pixels"), (2, 9999, "9999 pixels")],
)
def test_what_cannot_be_a_film_is_refused(make: object, count: int, side: int, word: str) -> None:
    speed = 0.1 if make is gif_bytes else 10.0
    with pytest.raises(DataError, match=word):
        make(np.zeros((count, 2, 2, 3), np.uint8), speed, {}, side=side)  # type: ignore[operator]


@pytest.mark.parametrize("speed", [0.0, float("nan"), 1e9])
def test_a_speed_that_cannot_be_kept_is_refused(frames: np.ndarray, speed: float) -> None:
    with pytest.raises(DataError, match="per frame"):
        gif_bytes(frames, speed, {})
    with pytest.raises(DataError, match="per second"):
        mp4_bytes(frames, speed, {})
