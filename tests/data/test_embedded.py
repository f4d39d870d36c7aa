"""The embedded data set: drawn once, however many processes begin with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaelab.data.embedded import prepare_embedded
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError
from vaelab.settings import EMBEDDED, DataConfig

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys, time
from vaelab.data import embedded
from vaelab.data.sources.drawn import Synthetic
from vaelab.settings import EMBEDDED, DataConfig

def few():
    time.sleep(1)  # long enough for the other to come
    print("drawn")
    return Synthetic(num_faces=20, num_nonfaces=20)

embedded.Synthetic = few
embedded.prepare_embedded(DataConfig(datasets=(EMBEDDED,), data_dir=sys.argv[1]))
"""


def test_of_processes_that_begin_together_one_draws_and_the_others_wait(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "data")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(told) == ["", "drawn\n"]
    assert len(DatasetStore.open(tmp_path / "data" / EMBEDDED)) == 40


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot write .*--data-dir"):
        prepare_embedded(DataConfig(datasets=(EMBEDDED,), data_dir=str(tmp_path / "file")))
