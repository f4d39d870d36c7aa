"""Every marked block of the README, and the README with all of them as they are now."""

from __future__ import annotations

import re

from tests.readme.audits import audits_block, coverage_block
from tests.readme.bench import reading_block, speed_block
from tests.readme.code import recipes_block, settings_block, tree_block
from tests.readme.models import detecting_block, measured_block, models_block, objectives_block, priors_block
from tests.readme.speed import compiling_block, growth_block, limits_block, maps_block

BLOCKS = {
    "tree": tree_block,
    "settings": settings_block,
    "recipes": recipes_block,
    "models": models_block,
    "speed": speed_block,
    "limits": limits_block,
    "compiling": compiling_block,
    "reading": reading_block,
    "growth": growth_block,
    "objectives": objectives_block,
    "coverage": coverage_block,
    "measured": measured_block,
    "audits": audits_block,
    "maps": maps_block,
    "detecting": detecting_block,
    "priors": priors_block,
}


def with_blocks(text: str) -> str:
    """`text` with every marked block as the code has it now."""
    for name, block in BLOCKS.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- end {name} -->)", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"README.md needs the markers <!-- {name} --> and <!-- end {name} --> exactly once")
        made = block()
        text = pattern.sub(lambda found, made=made: str(found.group(1) + made + found.group(2)), text)
    return text
