"""Where pictures come from: one file per family, one entry per family in `SOURCES`."""

from vaelab.data.sources.base import Listing, Reader, Source
from vaelab.data.sources.celeba import CelebA
from vaelab.data.sources.class_folders import ClassFolders
from vaelab.data.sources.csv_table import CsvTable
from vaelab.data.sources.cuts import Cuts
from vaelab.data.sources.drawn import Synthetic
from vaelab.data.sources.fairface import FairFace
from vaelab.data.sources.folder import Folder
from vaelab.data.sources.h5 import MitH5
from vaelab.data.sources.laid import Laid
from vaelab.data.sources.ppb import Ppb
from vaelab.data.sources.subset import Subset
from vaelab.data.sources.utkface import UTKFace
from vaelab.data.sources.windows import Windows

SOURCES: dict[str, type[Source]] = {
    "synthetic": Synthetic,
    "folder": Folder,
    "csv": CsvTable,
    "fairface": FairFace,
    "ppb": Ppb,
    "celeba": CelebA,
    "utkface": UTKFace,
    "class-folders": ClassFolders,
    "h5": MitH5,
    "subset": Subset,
    "cuts": Cuts,
    "windows": Windows,
    "laid": Laid,
}

__all__ = [
    "SOURCES",
    "CelebA",
    "ClassFolders",
    "CsvTable",
    "Cuts",
    "FairFace",
    "Folder",
    "Laid",
    "Listing",
    "MitH5",
    "Ppb",
    "Reader",
    "Source",
    "Subset",
    "Synthetic",
    "UTKFace",
    "Windows",
]
