"""What people ask of a running training: one small file per request, so that no two browsers overwrite each other.

requests/<time>-<hex>.json    {"what": "pause", "value": true}; the training takes it in order and deletes it

What it did then stands in metrics.jsonl as a line of kind `event`. A changed setting is part of the schedule from its
clock on: a resumed run follows the same events, never a request.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaelab.config import TrainConfig
from vaelab.config import replace as replace_settings
from vaelab.errors import ConfigError
from vaelab.runs.files import replacing

SETTINGS = ("beta", "learning_rate")
"""Settings that may change while a training runs; both are the highest value of their schedule."""
SWITCHES = ("pause", "save_now")


@dataclass(frozen=True)
class Request:
    """One thing that somebody asked for."""

    what: str
    value: float | bool
    path: Path


@dataclass(frozen=True)
class Control:
    """What is asked for and not yet done; None where nothing is.

    Attributes:
        pause: True to pause, False to go on.
        beta, learning_rate: the setting's new value.
        save_now: how many times to save.
    """

    pause: bool | None = None
    beta: float | None = None
    learning_rate: float | None = None
    save_now: int = 0


@dataclass(frozen=True)
class Intervention:
    """A setting that has another value from `images_seen` on."""

    images_seen: int
    what: str
    old: float
    new: float


def check_request(config: TrainConfig, what: str, value: float | bool) -> None:
    """Refuse what a training with these settings cannot do.

    Raises:
        ConfigError: no such request, or a value that the setting's own check refuses.
    """
    if what in SWITCHES:
        if not isinstance(value, bool):
            raise ConfigError(f"{what} is {value!r}; expected true or false")
        return
    if what not in SETTINGS:
        known = ", ".join((*SWITCHES, *SETTINGS))
        raise ConfigError(f"{what!r} cannot change while a training runs; these can: {known}")
    if what == "beta" and not config.has_decoder:
        raise ConfigError("beta weighs the KL of a VAE; this model is a detector alone and has none")
    if isinstance(value, bool):
        raise ConfigError(f"{what} is {value!r}; expected a number")
    replace_settings(config, **{what: value})


def submit(folder: Path, owner: str, asked: Mapping[str, float | bool]) -> None:
    """Leave requests for the training that reads `folder`, in the order given."""
    folder.mkdir(exist_ok=True)
    for what, value in asked.items():
        name = f"{time.time_ns():020d}-{secrets.token_hex(3)}.json"
        with replacing(folder, name, owner) as file:
            file.write(json.dumps({"what": what, "value": value}).encode())


def pending(folder: Path) -> list[Request]:
    """Requests that nobody has taken yet, oldest first; a file that is none is deleted."""
    found = []
    for path in sorted(folder.glob("[0-9]*.json")):
        try:
            asked = json.loads(path.read_text(encoding="utf-8"))
            found.append(Request(str(asked["what"]), asked["value"], path))
        except FileNotFoundError:  # taken in this moment
            continue
        except (ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
    return found


def forget_switches(folder: Path) -> None:
    """Delete what was asked of a training that ended before it could answer; a setting is still for the next one."""
    for request in pending(folder):
        if request.what not in SETTINGS:
            request.path.unlink(missing_ok=True)


def asked_for(requests: Iterable[Request]) -> Control:
    """The outcome of `requests` together; of two about the same thing the later one counts."""
    values: dict[str, Any] = {}
    for request in requests:
        if request.what == "save_now":
            values["save_now"] = values.get("save_now", 0) + 1
        elif request.what == "pause" or request.what in SETTINGS:
            values[request.what] = request.value
    return Control(**values)


def interventions(rows: Iterable[Mapping[str, Any]]) -> list[Intervention]:
    """The changed settings among reports (or a state's record), by the clock; of two at one clock the later counts."""
    found = {
        (int(row["images_seen"]), str(row["what"])): Intervention(
            int(row["images_seen"]), str(row["what"]), float(row["old"]), float(row["new"])
        )
        for row in rows
        if row.get("what") in SETTINGS and row.get("kind", "event") == "event"
    }
    return sorted(found.values(), key=lambda change: change.images_seen)


def settings_at(config: TrainConfig, changes: Sequence[Intervention], images_seen: int) -> TrainConfig:
    """The settings in force for the step that begins at `images_seen`."""
    values = {change.what: change.new for change in changes if change.images_seen <= images_seen}
    return replace_settings(config, **values) if values else config
