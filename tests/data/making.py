"""What the tests of sources share: a store at once, reasons of rejection, a tar of given bytes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from vaelab.data.prepare import prepare
from vaelab.data.sources import Listing, Source
from vaelab.data.store import DatasetStore


def store_of(source: Source, out: Path, size: int = 16) -> DatasetStore:
    return prepare(source, out, size=size, workers=1)


def reasons(listing: Listing) -> dict[str, str]:
    return {item.image_id: item.reason for item in listing.rejected}


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path
