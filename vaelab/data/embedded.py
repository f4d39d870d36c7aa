"""The embedded default: drawn faces that need no download, made on first use."""

from contextlib import ExitStack
from pathlib import Path

from vaelab.data.prepare import Progress, prepare
from vaelab.data.sources.drawn import Synthetic
from vaelab.errors import DataError
from vaelab.locks import locked
from vaelab.settings import EMBEDDED, DataConfig


def prepare_embedded(config: DataConfig, progress: Progress | None = None) -> None:
    """Draw the embedded data set if `config` names it and it is not there yet (10,000 pictures, some seconds).

    Of several processes that begin together the first draws it, and the others wait for it.

    Raises:
        DataError: it cannot be written.
    """
    folder = Path(config.data_dir) / EMBEDDED
    if EMBEDDED not in config.datasets or folder.is_dir():
        return
    with ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder.with_name(f".{EMBEDDED}.lock")))
        except OSError as error:
            raise DataError(
                f"cannot write {folder.parent}: {error.strerror or error}; change its permissions, or choose another "
                "--data-dir"
            ) from error
        if not folder.is_dir():
            prepare(Synthetic(), folder, size=64, progress=progress)
