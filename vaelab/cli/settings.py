"""Flags made from the fields of the config: one per setting, none for what was not given."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from typing import Any, get_type_hints

from vaelab.config import TrainConfig, options
from vaelab.errors import ConfigError
from vaelab.settings import SECTIONS


def add_settings(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """Add a flag for each setting but those named, grouped by section."""
    groups = {name: parser.add_argument_group(name, SECTIONS[name].__doc__) for name in SECTIONS}
    for section, name, kind, _, about in options(TrainConfig()):
        if name in without:
            continue
        flag = "--" + name.replace("_", "-")
        text = about.help.replace("%", "%%") + (f" [{about.unit}]" if about.unit else "")
        values: dict[str, Any] = {"help": text, "default": argparse.SUPPRESS, "dest": f"setting_{name}"}
        if kind is bool:
            groups[section].add_argument(flag, action=argparse.BooleanOptionalAction, **values)
        elif kind is int or kind is float:
            groups[section].add_argument(flag, type=kind, metavar="N" if kind is int else "X", **values)
        elif about.choices:
            groups[section].add_argument(flag, choices=about.choices, **values)
        else:
            groups[section].add_argument(flag, metavar="NAME", nargs=None if kind is str else "+", **values)
    if "backbone" not in without:
        groups["model"].add_argument(
            "--random-backbone",
            action="store_const",
            const="random",
            default=argparse.SUPPRESS,
            dest="setting_backbone",
            help="the same as --backbone random: no download, and nothing learned elsewhere",
        )


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given as flags, by name."""
    return {
        name.removeprefix("setting_"): tuple(value) if isinstance(value, list) else value
        for name, value in vars(arguments).items()
        if name.startswith("setting_")
    }


def parsed_setting(name: str, text: str) -> Any:
    """The value that `text` stands for in the setting `name`; bounds and choices are checked by the config.

    Raises:
        ConfigError: no such setting, or a text that is no such value.
    """
    kinds: Mapping[str, type] = {
        field: hint for cls in SECTIONS.values() for field, hint in get_type_hints(cls).items() if field in _fields(cls)
    }
    if name not in kinds:
        raise ConfigError(f"there is no setting {name!r}; settings are: {', '.join(sorted(kinds))}")
    kind: Any = kinds[name]
    if kind is bool:
        words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        if text.lower() not in words:
            raise ConfigError(f"{name} is {text!r}; expected true or false")
        return words[text.lower()]
    try:
        return (
            kind(text.replace("_", "")) if kind in (int, float) else (text if kind is str else tuple(text.split(",")))
        )
    except ValueError as error:
        raise ConfigError(f"{name} is {text!r}; expected {kind.__name__}") from error


def _fields(cls: type) -> Collection[str]:
    fields: Mapping[str, Any] = cls.__dataclass_fields__  # type: ignore[attr-defined]
    return fields.keys()
