"""Pictures of a training on its way: the same held-out faces and the same noise at each validation.

previews/originals.png              the held-out faces themselves
previews/recon-<images_seen>.png    what the model makes of them
previews/samples-<images_seen>.png  faces drawn from fixed noise
"""

from pathlib import Path

KINDS = ("recon", "samples")
MOST_KEPT = 60


def preview_name(kind: str, images_seen: int) -> str:
    """File name of a preview."""
    return f"{kind}-{images_seen:09d}.png"


def previews_in(folder: Path, kind: str) -> list[tuple[int, Path]]:
    """(images_seen, path) of each preview of a kind, oldest first."""
    found = [(path.stem.removeprefix(f"{kind}-"), path) for path in folder.glob(f"{kind}-*.png")]
    return sorted((int(clock), path) for clock, path in found if clock.isdecimal())


def thin_out(folder: Path, kind: str, most: int = MOST_KEPT) -> None:
    """Delete previews until at most `most` stay: always the one whose neighbours lie closest together.

    First and last stay, and those between them stay evenly spread however long the training goes on.
    """
    there = previews_in(folder, kind)
    while len(there) > max(most, 2):
        gaps = [there[place + 1][0] - there[place - 1][0] for place in range(1, len(there) - 1)]
        _, path = there.pop(1 + gaps.index(min(gaps)))
        path.unlink(missing_ok=True)


def forget_previews_after(folder: Path, images_seen: int) -> None:
    """Delete what a run resumed from `images_seen` draws again."""
    for kind in KINDS:
        for clock, path in previews_in(folder, kind):
            if clock > images_seen:
                path.unlink(missing_ok=True)
