"""Latents of a training on its way: the same held-out faces at each validation, for a map over training.

frames/faces.parquet                      the faces: image_id and labels, one row each
frames/latents-<images_seen>.safetensors  their posterior means then, in the rows of that table
"""

from pathlib import Path

from vaelab.runs import clocked
from vaelab.runs.store import Run

FACES = "faces.parquet"
KIND, ENDING = "latents", "safetensors"
MOST_FRAMES = 40
"""As many as a film needs to move smoothly: 10 MB with 128 latents."""
MOST_FACES = 1000
"""Faces in a frame: enough for neighbourhoods, and few enough to encode in a fraction of a validation."""


def faces_path(run: Run) -> Path:
    """Which faces the frames are of."""
    return run.frames_dir / FACES


def frame_path(run: Run, images_seen: int) -> Path:
    """Where the frame of a clock value is kept."""
    return run.frames_dir / clocked.clocked_name(KIND, images_seen, ENDING)


def frames_of(run: Run) -> list[tuple[int, Path]]:
    """(images_seen, path) of each frame, oldest first."""
    return clocked.clocked_in(run.frames_dir, KIND, ENDING)


def has_frames(run: Run) -> bool:
    """Whether the run kept latents on its way."""
    return faces_path(run).is_file() and bool(frames_of(run))


def thin_out_frames(run: Run, most: int = MOST_FRAMES) -> None:
    """Delete frames until at most `most` stay, evenly spread, the first and the last among them."""
    clocked.thin_out(run.frames_dir, KIND, ENDING, most)


def forget_frames_after(run: Run, images_seen: int) -> None:
    """Delete what a run resumed from `images_seen` leaves again."""
    clocked.forget_after(run.frames_dir, KIND, ENDING, images_seen)
