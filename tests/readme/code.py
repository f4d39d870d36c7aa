"""What follows from the code: its files, settings and recipes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.readme.places import ROOT
from tests.rooms import ROWS
from vaelab.config import TrainConfig, options
from vaelab.recipes import RECIPES


def layers_block() -> str:
    """The rooms of the core by what they may import, a row each, and the pages above them."""
    rows = [" ".join(f"`{room}`" for room in sorted(row)) for row in ROWS if "__main__" not in row]
    return "\n".join(f"{floor}. {row}" for floor, row in enumerate([*rows, "`pages`"], start=1))


def tree_block() -> str:
    """Every source file with the first sentence of its docstring."""
    lines = [f"{'app.py':33}{_summary(ROOT / 'app.py')}", "pages/"]
    lines += _folder(ROOT / "pages", "  ")
    for name in ("vaelab", "benchmarks"):
        lines += [f"{name + '/':33}{_summary(ROOT / name / '__init__.py')}", *_folder(ROOT / name, "  ")]
    return "```\n" + "\n".join(line.rstrip() for line in lines) + "\n```"


def settings_block() -> str:
    """Every setting of a training: flag, default, meaning."""
    lines = ["| flag | default | meaning |", "|---|---|---|"]
    for _, name, _, value, about in options(TrainConfig()):
        shown = (
            " ".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else value
        )
        unit = f" [{about.unit}]" if about.unit else ""
        lines.append(f"| `--{name.replace('_', '-')}` | {shown} | {about.help}{unit} |")
    return "\n".join(lines)


def recipes_block() -> str:
    """Every recipe: network, what it minimises, how long."""
    lines = ["| recipe | network | loss | images seen |", "|---|---|---|---|"]
    for name, config in RECIPES.items():
        loss = f"{config.loss.likelihood}, {config.loss.effective_beta}" if config.has_decoder else "cross-entropy"
        if config.debias.aggregation != "none":
            loss += f", faces re-drawn by `{config.debias.aggregation}`"
        latent = f", {config.model.latent} latents" if config.has_decoder else ""
        lines.append(f"| `{name}` | {config.model.model}{latent} | {loss} | {config.optim.num_images:,} |")
    return "\n".join(lines)


def _folder(folder: Path, indent: str) -> Iterator[str]:
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield f"{indent + path.name:33}{_summary(path)}"
    for inner in sorted(path.parent for path in folder.glob("*/__init__.py")):
        yield f"{indent + inner.name + '/':33}{_summary(inner / '__init__.py')}"
        yield from _folder(inner, indent + "  ")


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not docstring:
        raise ValueError(f"{path.relative_to(ROOT)} has no docstring; its first sentence is its line in the README")
    sentence = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"(?<=[^.])\.\s", sentence)[0].removesuffix(".")
