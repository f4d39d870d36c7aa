"""The report as one web page that needs nothing beside it: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined

from vaelab.audit.report.document import Document, Paragraph, Picture, Ruling


def page_of(document: Document) -> str:
    """The HTML text. All that comes from data is escaped."""
    environment = Environment(
        loader=PackageLoader("vaelab.audit.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name, kind in (("paragraph", Paragraph), ("ruling", Ruling), ("picture", Picture)):
        environment.tests[name] = lambda block, kind=kind: isinstance(block, kind)
    environment.filters["data_address"] = _data_address
    return environment.get_template("page.html.jinja").render(document=document)


def _data_address(picture: Picture) -> str:
    """The drawing inside its own address; as an image, its identifiers cannot meet those of another one."""
    return "data:image/svg+xml;base64," + base64.b64encode(picture.svg.encode()).decode()
