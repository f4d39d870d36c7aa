"""Photos to leave out, such as those that show people: a text file with one file name per line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from vaelab.errors import DataError
from vaelab.wording import listed

MOST_TOLD = 5
"""Names in a note; of more, the number."""


@dataclass(frozen=True)
class LeftOut:
    """The names in a list of photos to leave out.

    Attributes:
        path: of the list; None for no list, which leaves nothing out.
    """

    path: Path | None = None
    names: frozenset[str] = frozenset()

    @staticmethod
    def read(path: Path | None) -> LeftOut:
        """The list in a text file; blanks around a name and empty lines count for nothing.

        Raises:
            DataError: it cannot be read, or is no UTF-8.
        """
        if path is None:
            return LeftOut()
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()  # Windows' editors begin a file with a mark
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read the list of photos to leave out, {path}: {error}") from error
        return LeftOut(path, frozenset(line.strip() for line in lines if line.strip()))

    def __contains__(self, photo: str) -> bool:
        """Whether a photo is left out, by its name in whatever folder."""
        return PurePath(photo).name in self.names

    def notes(self, photos: Iterable[str]) -> tuple[str, ...]:
        """A sentence about the names that none of all the photos has; nothing where there are none."""
        missing = sorted(self.names - {PurePath(photo).name for photo in photos})
        if not missing:
            return ()
        told = listed([repr(name) for name in missing], MOST_TOLD)
        return (f"{self.path} names photos that are not there: {told}; a misspelt one is not left out",)
