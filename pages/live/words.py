"""How a run stands, in words, colours and durations. Pure: no Streamlit here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vaelab.runs.store import Run, RunStatus

Color = Literal["green", "blue", "gray", "orange", "red", "violet"]


@dataclass(frozen=True)
class Look:
    """How a state is shown: its colour, its icon, and what it means for somebody who sees it for the first time."""

    color: Color
    icon: str
    meaning: str


LOOKS = {
    "queued": Look("gray", ":material/hourglass_top:", "It waits for the device and starts by itself."),
    "running": Look("blue", ":material/model_training:", "It trains now."),
    "paused": Look("violet", ":material/pause_circle:", "It holds everything in memory and goes on where it is."),
    "done": Look("green", ":material/check_circle:", "It saw all its images."),
    "stopped": Look("orange", ":material/stop_circle:", "It was stopped on request, its state is saved."),
    "failed": Look("red", ":material/error:", "Something went wrong."),
    "lost": Look("red", ":material/link_off:", "Its process is gone."),
}
CAN_RESUME = ("stopped", "failed", "lost")
UNDER_WAY = ("queued", "running", "paused")


def look(state: str) -> Look:
    """How `state` is shown; a state of a newer version is shown in grey."""
    return LOOKS.get(state, Look("gray", ":material/help:", "This version does not know the state."))


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    if seconds < 90:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def size_in_words(num_bytes: float) -> str:
    """`640 kB`, `12 MB`, `1.4 GB`."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if num_bytes >= unit:
            value = num_bytes / unit
            return f"{value:.1f} {name}" if value < 10 else f"{value:,.0f} {name}"
    return f"{num_bytes:.0f} bytes"


def progress_words(run: Run, status: RunStatus, images_per_second: float | None) -> str:
    """`12,000 of 16,000 images · 210 per second · 19 s left`."""
    total = run.config.optim.num_images
    words = [f"{status.images_seen:,} of {total:,} images"]
    if images_per_second and status.state == "running":
        words += [
            f"{images_per_second:,.0f} per second",
            f"{duration((total - status.images_seen) / images_per_second)} left",
        ]
    return " · ".join(words)
