"""What a command pays before it does anything."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from vaelab.cli import ROOMS, build_parser

SLOW = ("torch", "sklearn", "scipy.stats", "matplotlib", "streamlit", "umap", "plotly")
WITHOUT_PANDAS = ("runs", "watch", "stop", "serve", "directions")
ROOT = Path(__file__).parents[2]


def imported(command: str, names: tuple[str, ...]) -> str:
    """Those of `names` that a fresh Python has imported once it can parse the command."""
    code = f"import sys; from vaelab.cli import build_parser; build_parser({command!r})"
    code += f"; print([name for name in {names} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_the_command_line_imports_nothing_that_most_commands_do_not_need() -> None:
    assert imported("", SLOW).strip() == "[]"


@pytest.mark.parametrize("command", WITHOUT_PANDAS)
def test_commands_that_need_no_table_do_not_import_pandas(command: str) -> None:
    assert imported(command, ("pandas",)).strip() == "[]"


def test_every_command_is_in_the_room_that_adds_it() -> None:
    whole = commands_of(build_parser())
    assert whole == [name for names in ROOMS.values() for name in names]
    for names in ROOMS.values():
        for name in names:
            assert commands_of(build_parser(name)) == list(names)


def commands_of(parser: argparse.ArgumentParser) -> list[str]:
    (choices,) = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return list(choices)
