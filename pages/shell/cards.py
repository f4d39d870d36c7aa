"""Model cards, reports and settings as things a page can show. Pure: no Streamlit here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaelab.config import TrainConfig, options
from vaelab.runs.comparison import differing_settings
from vaelab.runs.store import Run

PICTURE = re.compile(
    r"^!\[(?P<alt>[^\]]*)\]\((?P<name>[A-Za-z0-9][A-Za-z0-9_.-]*\.(?:png|jpg|jpeg|webp))\)\s*$", re.MULTILINE
)
"""A picture on a line of its own, in the same folder as the card."""


@dataclass(frozen=True)
class CardPart:
    """A stretch of Markdown, or a picture with its alternative text."""

    text: str
    picture: str | None = None


def card_parts(card: str) -> list[CardPart]:
    """The card cut at its pictures, without front matter and first heading, which the page shows itself."""
    body = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL).lstrip()
    body = _lower_headings(re.sub(r"\A# .*\n", "", body))
    parts, position = [], 0
    for found in PICTURE.finditer(body):
        parts += [CardPart(body[position : found.start()]), CardPart(found["alt"], found["name"])]
        position = found.end()
    parts.append(CardPart(body[position:]))
    return [part for part in parts if part.picture or part.text.strip()]


def result_rows(report: Mapping[str, Any]) -> pd.DataFrame:
    """A report as a table of measures and values, nested ones joined by a dot."""
    return pd.DataFrame(list(_flat(report, "")), columns=["Measure", "Value"])


def settings_rows(config: TrainConfig) -> pd.DataFrame:
    """Every setting with its value, unit and meaning; in plain text, since cells of a table show no Markdown."""
    rows = [
        (name.replace("_", " "), _plain(value), about.unit, about.help.replace("`", ""))
        for _, name, _, value, about in options(config)
    ]
    return pd.DataFrame(rows, columns=["Setting", "Value", "Unit", "Meaning"])


def differing_rows(runs: Sequence[Run]) -> pd.DataFrame:
    """The settings that are not the same in all `runs`, a column for each run, and what they mean."""
    differing = [name.replace("_", " ") for name in differing_settings(runs)]
    tables = {run.id: settings_rows(run.config) for run in runs}
    first = tables[runs[0].id]
    values = {run_id: table["Value"] for run_id, table in tables.items()}
    table = pd.DataFrame({"Setting": first["Setting"], **values, "Meaning": first["Meaning"]})
    return table[table["Setting"].isin(differing)].reset_index(drop=True)


def _lower_headings(text: str) -> str:
    """Every heading one level down, since the model's name is above them all; code is left alone."""
    lines, in_code = [], False
    for line in text.split("\n"):
        in_code ^= line.startswith("```")
        lines.append("#" + line if re.match(r"#{1,5} ", line) and not in_code else line)
    return "\n".join(lines)


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{prefix} · {key}" if prefix else str(key)
        name = name.replace("_", " ")
        if isinstance(value, Mapping) and (estimate := _estimate(value)):
            yield name, estimate
        elif isinstance(value, Mapping):
            yield from _flat(value, name)
        else:
            yield name, _plain(value)


def _estimate(value: Mapping[str, Any]) -> str:
    """`25.3 (25.2 to 25.4), n = 5,000` for a value with an interval; empty for anything else."""
    centre = next((value[name] for name in ("value", "mean", "rate") if name in value), None)
    if centre is None or not {"low", "high"} <= value.keys():
        return ""
    count = next((f", n = {_plain(value[name])}" for name in ("n", "count") if name in value), "")
    return f"{_plain(centre)} ({_plain(value['low'])} to {_plain(value['high'])}){count}"


def _plain(value: object) -> str:
    """A value for people: four significant digits, intervals as `a to b`, long lists as their length."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        if len(value) == 2 and all(isinstance(item, float) for item in value):
            return f"{_plain(value[0])} to {_plain(value[1])}"
        return ", ".join(_plain(item) for item in value) if len(value) <= 8 else f"{len(value)} values"
    return "–" if value is None else str(value)
