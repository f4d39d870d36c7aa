"""What a report is made of, whatever it is written as: sections of paragraphs, verdicts, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "plain"]


@dataclass(frozen=True)
class Paragraph:
    """Some sentences; `is_caution` for those that a reader must not pass over."""

    text: str
    is_caution: bool = False


@dataclass(frozen=True)
class Ruling:
    """A verdict: its word, its sentence, and whether it is a gain, a loss or neither."""

    word: str
    sentence: str
    tone: Tone


@dataclass(frozen=True)
class Table:
    """Rows under a heading; the first column names the row, the others are figures unless they are `words`.

    Attributes:
        name: of its CSV file; empty where the figures stand in another table's file.
        greyed: places of rows that take no part in summaries.
        words: places of columns that hold text.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    greyed: frozenset[int] = frozenset()
    words: frozenset[int] = frozenset({0})


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure as text for the web and as pixels for everything else.

    Attributes:
        name: of its file.
        svg: the drawing as an `svg` element.
        png: the same drawing, PNG.
        width, height: in inches, as drawn.
        alt: what it shows, for who cannot see it.
        caption: how to read it.
    """

    name: str
    svg: str
    png: bytes
    width: float
    height: float
    alt: str
    caption: str


Block = Paragraph | Ruling | Table | Picture


@dataclass(frozen=True, eq=False)
class Section:
    """Blocks under a title."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, eq=False)
class Document:
    """The whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]

    def pictures(self) -> Sequence[Picture]:
        """All figures, in their order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Picture)]
