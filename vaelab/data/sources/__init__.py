"""Where pictures come from: one file per family, one entry per family in `SOURCES`."""

from vaelab.data.sources.base import Listing, Reader, Source
from vaelab.data.sources.class_folders import ClassFolders
from vaelab.data.sources.fairface import FairFace

SOURCES: dict[str, type[Source]] = {
    "fairface": FairFace,
    "class-folders": ClassFolders,
}

__all__ = ["SOURCES", "ClassFolders", "FairFace", "Listing", "Reader", "Source"]
