"""What a recipe can learn from here: its own data sets, and whatever else is ready. Pure: no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pages.datasets.shelf import DATA_DIR, Shelved, shelf
from vaelab.config import TrainConfig
from vaelab.data.manifest import Manifest
from vaelab.recipe_notes import RECIPE_NOTES
from vaelab.settings import EMBEDDED

FOR_SEARCHES = ("cuts", "laid", "windows")
"""Sources of pictures that teach a search through photos: faces out of place, which no other recipe is offered."""


@dataclass(frozen=True)
class Supply:
    """One data set as it stands on this machine.

    Attributes:
        is_ready: whether a training can begin with it now.
        words: how it stands, for people.
    """

    name: str
    is_ready: bool
    words: str


@dataclass(frozen=True)
class Offer:
    """Data sets that are enough for a training together.

    Attributes:
        label: what they are to the recipe, in a few words.
    """

    supplies: tuple[Supply, ...]
    label: str = ""

    @property
    def datasets(self) -> tuple[str, ...]:
        """Their names, as the setting `datasets` has them."""
        return tuple(item.name for item in self.supplies)

    @property
    def missing(self) -> list[str]:
        """Those that a training cannot begin with yet."""
        return [item.name for item in self.supplies if not item.is_ready]

    @property
    def title(self) -> str:
        """`fairface-64 + nonfaces-64 · the recipe's own · missing`."""
        parts = [" + ".join(self.datasets), self.label, "missing" if self.missing else ""]
        return " · ".join(filter(None, parts))


def supply(name: str, size: int, data_dir: Path = DATA_DIR) -> Supply:
    """How the data set `name` stands for a training on pictures of `size` pixels."""
    return _supply(name, size, data_dir, shelf(data_dir))


def offers(config: TrainConfig) -> list[Offer]:
    """What a recipe can learn from: its own data first, ready or not; then what is ready, the drawn faces last.

    Ready data comes in this order: what the published project took, other data sets by name, and for a detector faces
    of one with the non-faces of another.
    """
    data_dir, size = Path(config.data.data_dir), config.data.size
    there = shelf(data_dir)
    found = {config.data.datasets: "the recipe's own"}
    if note := RECIPE_NOTES.get(config.recipe):
        found |= {names: "the published project's own" for names in note.labs_own if names not in found}
    fitting = {item.name: item.manifest for item in there if _fits(item, size)}
    found |= {names: "" for names in _combined(fitting, config.needs_nonfaces) if names not in found}
    drawn = found.pop((EMBEDDED,), "") or "drawn faces"
    if config.data.datasets == (EMBEDDED,):
        found = {(EMBEDDED,): drawn, **found}
    elif size == 64:
        found[EMBEDDED,] = drawn
    offered = [
        Offer(tuple(_supply(name, size, data_dir, there) for name in names), label) for names, label in found.items()
    ]
    return [offer for offer in offered if not offer.missing or offer.datasets == config.data.datasets]


def first_ready(offered: Sequence[Offer]) -> int:
    """Place of the first offer that a training can begin with; 0 where there is none."""
    return next((place for place, offer in enumerate(offered) if not offer.missing), 0)


def joined(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _supply(name: str, size: int, data_dir: Path, there: Sequence[Shelved]) -> Supply:
    found = next((item for item in there if item.name == name), None)
    if name == EMBEDDED and not (data_dir / EMBEDDED).is_dir():
        return Supply(name, True, "drawn by the first training that uses it, in some seconds")
    if found is None:
        return Supply(name, False, "not on this machine")
    if found.manifest is None:
        return Supply(name, False, found.trouble)
    if found.manifest.size != size:
        return Supply(name, False, f"holds pictures of {found.manifest.size} pixels, {size} are needed")
    return Supply(name, True, f"ready, {found.manifest.counts['total']:,} pictures")


def _fits(item: Shelved, size: int) -> bool:
    """Whether it holds pictures of this size to train on, and whole faces where it holds any."""
    manifest = item.manifest
    return (
        manifest is not None
        and manifest.size == size
        and manifest.source not in FOR_SEARCHES
        and bool(manifest.counts["by_split"].get("train"))
    )


def _combined(fitting: dict[str, Manifest | None], needs_nonfaces: bool) -> list[tuple[str, ...]]:
    """Names of fitting data sets that are enough for a training: one by itself, or faces and non-faces of two."""
    faces = [name for name, manifest in fitting.items() if _holds(manifest, "true")]
    others = [name for name, manifest in fitting.items() if _holds(manifest, "false")]
    if not needs_nonfaces:
        return [(name,) for name in faces]
    pure = [name for name in faces if name not in others]
    return [(name,) for name in faces if name in others] + [
        (name, other) for name in pure for other in others if other not in faces
    ]


def _holds(manifest: Manifest | None, is_face: str) -> bool:
    return manifest is not None and bool(manifest.counts["by_is_face"].get(is_face))
