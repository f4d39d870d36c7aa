"""Files that a training leaves at some values of its clock: <kind>-<images_seen>.<ending>, bounded in number."""

from pathlib import Path


def clocked_name(kind: str, images_seen: int, ending: str) -> str:
    """File name of what a training left at a clock value."""
    return f"{kind}-{images_seen:09d}.{ending}"


def clocked_in(folder: Path, kind: str, ending: str) -> list[tuple[int, Path]]:
    """(images_seen, path) of each file of a kind, oldest first."""
    found = [(path.stem.removeprefix(f"{kind}-"), path) for path in folder.glob(f"{kind}-*.{ending}")]
    return sorted((int(clock), path) for clock, path in found if clock.isdecimal())


def thin_out(folder: Path, kind: str, ending: str, most: int) -> None:
    """Delete files of a kind until at most `most` stay: always the one whose neighbours lie closest together.

    First and last stay, and those between them stay evenly spread however long the training goes on.
    """
    there = clocked_in(folder, kind, ending)
    while len(there) > max(most, 2):
        gaps = [there[place + 1][0] - there[place - 1][0] for place in range(1, len(there) - 1)]
        _, path = there.pop(1 + gaps.index(min(gaps)))
        path.unlink(missing_ok=True)


def forget_after(folder: Path, kind: str, ending: str, images_seen: int) -> None:
    """Delete what a run resumed from `images_seen` leaves again."""
    for clock, path in clocked_in(folder, kind, ending):
        if clock > images_seen:
            path.unlink(missing_ok=True)
