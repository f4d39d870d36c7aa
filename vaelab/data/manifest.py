"""What a prepared store says of itself in `manifest.json`; read by pages that need no more, so without pandas."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaelab.errors import DataError

FORMAT = 1
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class Rejected:
    """A picture that a source named and the store does not hold."""

    image_id: str
    reason: str


@dataclass(frozen=True)
class Manifest:
    """What a prepared store holds and where it came from.

    Attributes:
        name: name of the store's folder when it was made.
        source: name of the source family, as in `vaelab.data.sources.SOURCES`.
        settings: what the source was told (paths as given, counts, seeds).
        crop: the square that was kept of each picture; see `vaelab.data.images.Crop`.
        size: side of the pictures in pixels.
        counts: rows `by_split`, `by_is_face` (keys "true", "false") and in `total`.
        fingerprint: SHA-256 over size, labels and pixels.
        licence: one line: terms and whom to credit.
        rejected: every picture that was left out, with its reason, in source order; one with two faults stands twice.
        notes: what the source warns about.
        request: SHA-256 of what was asked for; the same request finds this store ready.
        format: number of this layout.
    """

    name: str
    source: str
    crop: str
    size: int
    counts: Mapping[str, Any]
    fingerprint: str
    licence: str
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    request: str = ""
    format: int = FORMAT

    @property
    def num_rejected(self) -> int:
        """Pictures that were left out."""
        return len({item.image_id for item in self.rejected})

    def to_json(self) -> str:
        """The manifest as indented JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    @staticmethod
    def read(path: Path) -> Manifest:
        """Reads `manifest.json`.

        Raises:
            DataError: missing, damaged or of another format.
        """
        try:
            values: Any = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read ({error}); {replace_hint(path.parent.name)}") from error
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            met = values.get("format") if isinstance(values, dict) else type(values).__name__
            raise DataError(f"{path} has format {met!r}, expected {FORMAT}; {replace_hint(path.parent.name)}")
        names = {item.name for item in dataclasses.fields(Manifest)}
        if set(values) != names:
            odd = sorted(set(values) ^ names)
            raise DataError(f"{path} lacks or has unknown entries: {', '.join(odd)}; {replace_hint(path.parent.name)}")
        values["rejected"] = tuple(Rejected(**item) for item in values["rejected"])
        values["notes"] = tuple(values["notes"])
        return Manifest(**values)


def are_drawn(datasets: Sequence[str], data_dir: Path) -> bool:
    """Whether the program drew all faces of these data sets itself, so that every label is exact."""
    return all(_are_drawn(data_dir / name) for name in datasets)


def _are_drawn(store: Path) -> bool:
    """Those of one data set. Where there is no such store, as before its pictures are drawn, its name tells."""
    try:
        manifest = Manifest.read(store / MANIFEST_FILE)
    except DataError:
        return store.name.startswith("synthetic-")
    if not manifest.counts["by_is_face"]["true"]:
        return True
    if manifest.source == "subset":
        return _are_drawn(Path(manifest.settings["root"]))
    return manifest.source == "synthetic"


def prepare_hint(name: str) -> str:
    """What to do when the store `name` is missing."""
    return f"make it with `python -m vaelab data prepare SOURCE --name {name}`"


def replace_hint(name: str) -> str:
    """What to do when the store `name` is there, and is not what it should be."""
    return f"make it anew with `python -m vaelab data prepare SOURCE --name {name} --replace`"


def damaged_store(store: Path, error: Exception) -> DataError:
    """What a store says whose files cannot be read."""
    return DataError(f"the store in {store} is damaged ({error}); {replace_hint(store.name)}")
