"""The embedded default: drawn faces that need no download, made on first use."""

from pathlib import Path

from vaelab.data.prepare import Progress, prepare
from vaelab.data.sources.drawn import Synthetic
from vaelab.settings import EMBEDDED, DataConfig


def prepare_embedded(config: DataConfig, progress: Progress | None = None) -> None:
    """Draw the embedded data set if `config` names it and it is not there yet (10,000 pictures, some seconds)."""
    folder = Path(config.data_dir) / EMBEDDED
    if EMBEDDED in config.datasets and not folder.is_dir():
        prepare(Synthetic(), folder, size=64, progress=progress)
