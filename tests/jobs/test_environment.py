"""How children are started."""

import os
from pathlib import Path

import pytest

from vaelab.jobs.environment import child_environment, start_detached

TOLD_BY_TORCHRUN = {
    *("RANK", "GROUP_RANK", "ROLE_RANK", "LOCAL_RANK", "ROLE_NAME", "MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS"),
    *("WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE"),
    *("TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_MAX_RESTARTS", "TORCHELASTIC_RUN_ID"),
    *("TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_ERROR_FILE"),
}


def test_a_child_of_a_process_of_torchrun_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TOLD_BY_TORCHRUN:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("MASTER_OF_THE_HOUSE", "stays")
    child = child_environment()
    assert not child.keys() & TOLD_BY_TORCHRUN
    assert child["MASTER_OF_THE_HOUSE"] == "stays"


def test_a_child_has_what_a_person_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    for name, value in {"OMP_NUM_THREADS": "3", "OMP_WAIT_POLICY": "ACTIVE", "PYTHONPATH": "/mine"}.items():
        monkeypatch.setenv(name, value)
    child = child_environment()
    assert (child["OMP_NUM_THREADS"], child["OMP_WAIT_POLICY"]) == ("3", "ACTIVE")
    assert child["PYTHONPATH"].split(os.pathsep) == [str(Path(__file__).parents[2]), "/mine"]


def test_a_detached_process_has_a_session_of_its_own_and_adds_what_it_says_to_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "teller.py").write_text(
        "import os, sys; print(os.getsid(0), sys.argv[1], repr(sys.stdin.read()), flush=True); raise SystemExit('over')"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    log = tmp_path / "log.txt"
    log.write_text("before\n")
    process = start_detached("teller", "hello", log_path=log)
    assert process.wait(60) == 1
    assert log.read_text().splitlines() == ["before", f"{process.pid} hello ''", "over"]
