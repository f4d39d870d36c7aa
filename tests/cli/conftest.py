"""The command line, called as a person would."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from vaelab.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command gave: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def vaelab(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """`vaelab("runs", "--json")` runs `python -m vaelab runs --json` in this process."""

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse: help and wrong usage
            code = stop.code if isinstance(stop.code, int) else 1
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call
