"""The training that a visitor is about to start. One draft in the session; the sidebar and the form both show it."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from vaelab.config import TrainConfig, flags_of, options, replace
from vaelab.errors import ConfigError
from vaelab.recipes import RECIPES

DRAFT = "launch.draft"
FIRST_RECIPE = "first-minute"


@dataclass(frozen=True)
class Draft:
    """A recipe and what is changed of it; it may not fit together yet.

    Attributes:
        recipe: key in RECIPES.
        changes: settings by name that differ from the recipe's.
        name: name of the run; empty for one made of date and recipe.
    """

    recipe: str = FIRST_RECIPE
    changes: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def base(self) -> TrainConfig:
        """The recipe as it is."""
        return RECIPES[self.recipe]

    def value(self, setting: str) -> Any:
        """What a setting stands at."""
        return self.changes[setting] if setting in self.changes else values_of(self.base)[setting]

    def changed(self, setting: str, value: Any) -> Draft:
        """The draft with one setting changed; a value that is the recipe's own is no change."""
        rest = {name: kept for name, kept in self.changes.items() if name != setting}
        is_own = value == values_of(self.base)[setting]
        return dataclasses.replace(self, changes=rest if is_own else {**rest, setting: value})

    def settled(self) -> tuple[TrainConfig | None, dict[str, str]]:
        """The config, or None with a sentence for each setting that is wrong; under `""` where no setting is named.

        A wrong change is set aside and the rest looked at again, so that one mistake does not hide another.
        """
        changes, troubles = dict(self.changes), {}
        while True:
            try:
                config = replace(self.base, **changes)
            except ConfigError as error:
                about = named(str(error))
                troubles[about] = str(error)
                if about not in changes:
                    return None, troubles
                del changes[about]
            else:
                return (None if troubles else config), troubles

    def command(self) -> str:
        """The command line that starts the same training."""
        words = ["python", "-m", "vaelab", "train", "--recipe", self.recipe]
        if self.name:
            words += ["--name", self.name]
        return shlex.join([*words, *flags_of(self.changes)])


def values_of(config: TrainConfig) -> dict[str, Any]:
    """Every setting's value by its name."""
    return {name: value for _, name, _, value, _ in options(config)}


def named(message: str) -> str:
    """The setting that a message is about: the first one it names; empty if it names none."""
    known = {name for _, name, *_ in options(TrainConfig())}
    return next((word for word in re.findall(r"[a-z_]+", message) if word in known), "")


def draft() -> Draft:
    """What the visitor has drafted so far."""
    kept: Draft = st.session_state.get(DRAFT) or Draft()
    return kept


def keep_draft(changed: Draft) -> None:
    """Show `changed` from the next draw on."""
    st.session_state[DRAFT] = changed


def choose_recipe(recipe: str) -> None:
    """Begin at a recipe; what was changed of another one is dropped, since it belonged to that one."""
    keep_draft(Draft(recipe=recipe, name=draft().name))


def change_setting(setting: str, value: Any) -> None:
    """Change one setting of the draft."""
    keep_draft(draft().changed(setting, value))
