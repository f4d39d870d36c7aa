"""Pictures of a training on its way: the same held-out faces and the same noise at each validation.

previews/originals.png              the held-out faces themselves
previews/recon-<images_seen>.png    what the model makes of them
previews/samples-<images_seen>.png  faces drawn from fixed noise
"""

from pathlib import Path

from vaelab.runs import clocked

KINDS = ("recon", "samples")
MOST_KEPT = 60
ENDING = "png"


def preview_name(kind: str, images_seen: int) -> str:
    """File name of a preview."""
    return clocked.clocked_name(kind, images_seen, ENDING)


def previews_in(folder: Path, kind: str) -> list[tuple[int, Path]]:
    """(images_seen, path) of each preview of a kind, oldest first."""
    return clocked.clocked_in(folder, kind, ENDING)


def thin_out(folder: Path, kind: str, most: int = MOST_KEPT) -> None:
    """Delete previews until at most `most` stay, evenly spread, the first and the last among them."""
    clocked.thin_out(folder, kind, ENDING, most)


def forget_previews_after(folder: Path, images_seen: int) -> None:
    """Delete what a run resumed from `images_seen` draws again."""
    for kind in KINDS:
        clocked.forget_after(folder, kind, ENDING, images_seen)
