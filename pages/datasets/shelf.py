"""Which data sets are prepared on this machine, read from their manifests alone. Pure: no Streamlit here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vaelab.data.manifest import MANIFEST_FILE, Manifest
from vaelab.data.ordering import natural_key
from vaelab.errors import DataError
from vaelab.settings import EMBEDDED

DATA_DIR = Path("data")
PARTIAL = ".partial"


@dataclass(frozen=True)
class Shelved:
    """One folder under `data`: a store, one that is damaged, or one on its way.

    Attributes:
        manifest: what the store holds; None where it is damaged or unfinished.
        trouble: why there is no manifest, for people.
    """

    name: str
    manifest: Manifest | None = None
    trouble: str = ""


def shelf(data_dir: Path = DATA_DIR) -> list[Shelved]:
    """Every data set under `data_dir`, by name."""
    folders = [path for path in data_dir.glob("*") if path.is_dir()] if data_dir.is_dir() else []
    found = []
    for path in sorted(folders, key=lambda folder: natural_key(folder.name)):
        if path.suffix == PARTIAL:
            found.append(Shelved(path.stem, trouble="unfinished; preparing the same pictures again goes on with it"))
        elif (path / MANIFEST_FILE).is_file():
            try:
                found.append(Shelved(path.name, Manifest.read(path / MANIFEST_FILE)))
            except DataError as error:
                found.append(Shelved(path.name, trouble=str(error)))
    return found


def trainable(size: int, data_dir: Path = DATA_DIR) -> list[str]:
    """Data sets that a training at this picture size may name; the embedded one is drawn when it is first used."""
    names = [item.name for item in shelf(data_dir) if item.manifest is not None and item.manifest.size == size]
    return names if EMBEDDED in names or size != 64 else [EMBEDDED, *names]
