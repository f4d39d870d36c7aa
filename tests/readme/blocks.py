"""Every marked block of the README and of what was measured, and both with all of them as they are now."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.readme.audits import audits_block, coverage_block, verdicts_block
from tests.readme.bench import reading_block, speed_block
from tests.readme.code import layers_block, recipes_block, settings_block, tree_block
from tests.readme.headline import headline_block
from tests.readme.models import detecting_block, measured_block, models_block, objectives_block, priors_block
from tests.readme.places import MEASURED, README
from tests.readme.speed import compiling_block, growth_block, limits_block, maps_block

DOCUMENTS: Mapping[Path, Mapping[str, Callable[[], str]]] = {
    README: {
        "recipes": recipes_block,
        "models": models_block,
        "verdicts": verdicts_block,
        "headline": headline_block,
        "layers": layers_block,
        "tree": tree_block,
        "settings": settings_block,
    },
    MEASURED: {
        "detecting": detecting_block,
        "measured": measured_block,
        "priors": priors_block,
        "objectives": objectives_block,
        "audits": audits_block,
        "coverage": coverage_block,
        "speed": speed_block,
        "limits": limits_block,
        "compiling": compiling_block,
        "reading": reading_block,
        "growth": growth_block,
        "maps": maps_block,
    },
}
"""The blocks of each document."""


def with_blocks(document: Path) -> str:
    """The text of `document` with every marked block as the code has it now."""
    text = document.read_text(encoding="utf-8")
    for name, block in DOCUMENTS[document].items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- end {name} -->)", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"{document} needs the markers <!-- {name} --> and <!-- end {name} --> exactly once")
        made = block()
        text = pattern.sub(lambda found, made=made: str(found.group(1) + made + found.group(2)), text)
    return text
