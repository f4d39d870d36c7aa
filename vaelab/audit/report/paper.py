"""The report as a PDF: the same document as the web page, on A4."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, TableCellFillMode
from fpdf.fonts import FontFace

from vaelab.audit.report.document import Block, Document, Paragraph, Picture, Ruling, Table

INK, SOFT, LINE, SHADE = (34, 33, 31), (107, 104, 98), (222, 218, 211), (241, 239, 235)
TONES = {"good": (15, 107, 102), "bad": (163, 52, 43), "plain": SOFT}
CAUTION = (138, 90, 0)
FONT, MARGIN, TEXT_SIZE, TABLE_SIZE = "DejaVu", 18, 9, 7
FIGURE_WIDTH = 160
LINE_HEIGHT = 1.45
CREATED = datetime(2000, 1, 1, tzinfo=UTC)
"""The same report gives the same bytes."""


class _Paper(FPDF):
    """A4 with page numbers."""

    def footer(self) -> None:
        """The page's number."""
        self.set_y(-12)
        self.set_font(FONT, size=7)
        self.set_text_color(*SOFT)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")


def pdf_of(document: Document) -> bytes:
    """The PDF file."""
    paper = _Paper(format="A4")
    paper.set_margin(MARGIN)
    paper.set_auto_page_break(auto=True, margin=MARGIN)
    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    paper.add_font(FONT, fname=fonts / "DejaVuSans.ttf")
    paper.add_font(FONT, style="B", fname=fonts / "DejaVuSans-Bold.ttf")
    paper.set_title(document.title)
    paper.set_creation_date(CREATED)
    paper.set_lang("en")
    paper.add_page()
    _text(paper, document.title, 17, bold=True)
    _text(paper, document.subtitle, TEXT_SIZE, SOFT)
    for section in document.sections:
        if paper.will_page_break(_height(section.blocks[0]) + 30):  # a title does not stand alone at a page's end
            paper.add_page()
        paper.ln(5)
        paper.start_section(section.title)
        _text(paper, section.title, 13, bold=True)
        paper.set_draw_color(*LINE)
        paper.line(paper.l_margin, paper.get_y(), paper.w - paper.r_margin, paper.get_y())
        paper.ln(2)
        for block in section.blocks:
            if isinstance(block, Paragraph):
                _marked(paper, block.text, CAUTION) if block.is_caution else _text(paper, block.text, TEXT_SIZE)
            elif isinstance(block, Ruling):
                _marked(paper, f"**{block.word.capitalize()}**   {block.sentence}", TONES[block.tone])
            elif isinstance(block, Picture):
                _picture(paper, block)
            else:
                _table(paper, block)
    return bytes(paper.output())


def _height(block: Block) -> float:
    """Millimetres that a block needs to begin with."""
    return FIGURE_WIDTH * block.height / block.width if isinstance(block, Picture) else 25.0


def _text(paper: FPDF, text: str, size: float, colour: tuple[int, int, int] = INK, *, bold: bool = False) -> None:
    paper.set_font(FONT, style="B" if bold else "", size=size)
    paper.set_text_color(*colour)
    paper.multi_cell(0, size * 0.3528 * LINE_HEIGHT, text, align="L", new_x="LMARGIN", new_y="NEXT")
    paper.ln(1.2)


def _marked(paper: FPDF, text: str, colour: tuple[int, int, int]) -> None:
    """A paragraph with a bar at its left; `**` marks what is bold."""
    paper.set_font(FONT, size=TEXT_SIZE)
    paper.set_text_color(*INK)
    height = TEXT_SIZE * 0.3528 * LINE_HEIGHT
    width = paper.epw - 4
    needed = paper.multi_cell(width, height, text, align="L", markdown=True, dry_run=True, output="HEIGHT")
    assert isinstance(needed, float)
    if paper.will_page_break(needed):  # the bar cannot be drawn over two pages
        paper.add_page()
    top = paper.get_y()
    paper.set_x(paper.l_margin + 4)
    paper.multi_cell(width, height, text, align="L", markdown=True, new_x="LMARGIN", new_y="NEXT")
    paper.set_fill_color(*colour)
    paper.rect(paper.l_margin, top, 1, paper.get_y() - top, style="F")
    paper.ln(2)


def _picture(paper: FPDF, picture: Picture) -> None:
    width = min(FIGURE_WIDTH, paper.epw)
    if paper.will_page_break(width * picture.height / picture.width + 10):
        paper.add_page()
    paper.image(io.BytesIO(picture.png), w=width, alt_text=picture.alt)
    paper.ln(1)
    _text(paper, picture.caption, 7.5, SOFT)


def _table(paper: FPDF, table: Table) -> None:
    if paper.will_page_break(24):
        paper.add_page()
    paper.ln(1.5)
    _text(paper, table.title, TEXT_SIZE, bold=True)
    paper.set_font(FONT, size=TABLE_SIZE)
    paper.set_draw_color(*LINE)
    paper.set_fill_color(255)  # a row in a style of its own is filled with the last colour
    heading = FontFace(emphasis="BOLD", color=SOFT, fill_color=SHADE)
    with paper.table(
        col_widths=_widths(paper, table),
        text_align=tuple("LEFT" if place in table.words else "RIGHT" for place in range(len(table.head))),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        cell_fill_mode=TableCellFillMode.NONE,
        headings_style=heading,
        line_height=TABLE_SIZE * 0.3528 * 1.5,
        padding=(0.6, 1.2),
    ) as drawn:
        drawn.row(table.head)
        for place, row in enumerate(table.rows):
            drawn.row(row, style=FontFace(color=(160, 156, 148) if place in table.greyed else INK))
    paper.set_text_color(*INK)
    paper.ln(1.2)
    if table.note:
        _text(paper, table.note, 7.5, SOFT)


def _widths(paper: FPDF, table: Table) -> tuple[float, ...]:
    """Shares of the width: what each column's longest cell asks for, long texts bounded."""
    asked = [
        max(paper.get_string_width(row[place]) for row in (table.head, *table.rows)) for place in range(len(table.head))
    ]
    bound = paper.epw * 0.55
    return tuple(min(max(width, 8.0), bound) + 3.0 for width in asked)
