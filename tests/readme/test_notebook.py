"""The README's notebook cells run, one after the other, as they stand there."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.readme.places import README, ROOT
from vaelab.runs.store import Run
from vaelab.settings import EMBEDDED

CELL = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_cells_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    section = README.read_text(encoding="utf-8").partition("## In a notebook")[2].partition("\n## ")[0]
    cells = CELL.findall(section)
    assert len(cells) == 3
    (tmp_path / "checkpoints").mkdir()
    for shipped in ("face-vae", "cnn"):
        (tmp_path / "checkpoints" / shipped).symlink_to(ROOT / "checkpoints" / shipped)
    drawn = ROOT / "data" / EMBEDDED
    if drawn.is_dir():  # else the training draws them itself
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / EMBEDDED).symlink_to(drawn)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for cell in cells:
        exec(cell, names)
    shapes = {name: np.shape(names[name]) for name in ("z", "faces", "mu", "std", "smiling", "drawn")}
    pictures = (8, 64, 64, 3)
    assert shapes == {
        "z": (8, 128), "faces": pictures, "mu": (8, 128), "std": (8, 128), "smiling": pictures, "drawn": pictures
    }  # fmt: skip
    said = capsys.readouterr().out
    assert "smile" in said
    assert "\n3200 " in said
    run = names["run"]
    assert isinstance(run, Run)
    assert run.status.state == "done"
    assert (run.id, run.config.loss.beta) == ("beta-4", 4.0)
