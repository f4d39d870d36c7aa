"""The README says what the code does: its generated parts are current and its commands run."""

import re
import shlex
from pathlib import Path

import pytest

from tests.drawn import draw
from tests.readme.blocks import DOCUMENTS, with_blocks
from tests.readme.places import ROOT
from vaelab.audit.store import Audit
from vaelab.cli import audit as audit_command
from vaelab.cli import build_parser, main
from vaelab.config import differences

TEXTS = {document: document.read_text(encoding="utf-8") for document in DOCUMENTS}
COMMANDS = [
    command
    for text in TEXTS.values()
    for command in re.findall(r"^python -m vaelab (.*?)(?:\s+#.*)?$", text, re.MULTILINE)
]
TINY = "--num-images 64 --batch-size 16 --width 2 --latent 4 --report-every 32 --validate-every 64"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_generated_blocks_are_current(document: Path) -> None:
    assert with_blocks(document) == TEXTS[document], "run `make readme`"


def test_every_command_in_the_readme_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(COMMANDS) >= 5
    for command in COMMANDS:
        build_parser().parse_args(shlex.split(command))


@pytest.mark.parametrize(
    ("name", "shipped"), [("search", "fairface-white-90-search"), ("white-90", "fairface-white-90")]
)
def test_the_audits_that_ship_are_those_that_the_readme_makes(
    name: str, shipped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Audit.open(ROOT / "checkpoints" / "audits" / shipped).experiment
    monkeypatch.setattr(audit_command, "_training_values", lambda *_: list(expected.shares["race"]))
    (command,) = (command for command in COMMANDS if command.startswith(f"audit {name} "))
    words = [*shlex.split(command), "--root", str(tmp_path)]
    made = audit_command.experiment_of(build_parser().parse_args(words))
    assert (made.arms, made.seeds, made.shares) == (expected.arms, expected.seeds, expected.shares)
    assert made.columns == expected.columns
    for member in expected.members():
        assert differences(made.config_of(*member), expected.config_of(*member)) == []


def test_the_first_walk_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands about the run `first`, in their order, on a small version of the embedded data."""
    monkeypatch.chdir(tmp_path)
    draw(Path("data/synthetic-64"), 240, 40, 64)
    walk = [command for command in COMMANDS if re.search(r"\bfirst\b", command)]
    assert len(walk) >= 3
    for command in walk:
        words = shlex.split(command)
        if words[0] == "train":
            words += shlex.split(TINY)
        if words[0] == "encode":
            words += ["--split", "train"]
        assert main(words) == 0, command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", TEXTS[document])
    assert links
    for target, heading in links:
        place = (document.parent / target).resolve() if target else document
        assert place.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", place.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {_anchor(found) for found in headings}, f"{target}#{heading}"


def _anchor(heading: str) -> str:
    """What GitHub calls a heading in links."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
