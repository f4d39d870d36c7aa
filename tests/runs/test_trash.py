"""Deleting with undo."""

import time
from pathlib import Path

import pytest

from vaelab.config import TrainConfig
from vaelab.errors import RunError
from vaelab.locks import locked
from vaelab.runs.store import TICKET, Run, RunStatus, find_run, list_runs
from vaelab.runs.trash import empty_trash, restore, trash, trashed


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(TrainConfig(), tmp_path, "first")


def test_a_deleted_run_comes_back_as_it_was(run: Run) -> None:
    run.append_metrics("train", 10, loss=1.0)
    folder = trash(run)
    assert list_runs(run.dir.parent) == []
    assert [(item.run_id, item.dir) for item in trashed(run.dir.parent)] == [("first", folder)]
    assert restore(folder) == run
    assert run.metrics()[0]["loss"] == 1.0
    assert trashed(run.dir.parent) == []


def test_a_name_given_again_meanwhile_is_kept_apart(run: Run) -> None:
    folder = trash(run)
    again = Run.create(TrainConfig(recipe="second"), run.dir.parent, "first")
    assert restore(folder).id == "first-2"
    assert again.config.recipe == "second"


def test_the_same_name_can_be_deleted_twice(run: Run) -> None:
    folders = {trash(run), trash(Run.create(TrainConfig(), run.dir.parent, "first"))}
    assert {item.dir for item in trashed(run.dir.parent)} == folders


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_run_at_work_is_not_deleted(run: Run, state: str) -> None:
    run.write_status(RunStatus(state))
    with pytest.raises(RunError, match=f"is {state} in process"):
        trash(run)
    assert find_run("first", run.dir.parent) == run


def test_a_damaged_run_is_deleted_unless_a_process_holds_it(run: Run) -> None:
    (run.dir / "status.json").write_text("{")
    with locked(run.dir / "lock"), pytest.raises(RunError, match="stop it"):
        trash(run)
    folder = trash(run)
    assert list_runs(run.dir.parent) == []
    assert restore(folder) == run


def test_a_waiting_run_is_not_deleted(run: Run) -> None:
    (run.dir / TICKET).write_text("{}")
    with pytest.raises(RunError, match="waits in the queue"):
        trash(run)


def test_a_run_that_ships_is_not_deleted(run: Run) -> None:
    run.write_card("# A card")
    with pytest.raises(RunError, match="ships with the project"):
        trash(run)


def test_what_is_gone_cannot_be_restored(run: Run) -> None:
    folder = trash(run)
    assert empty_trash(run.dir.parent, older_than_days=1) == 0
    time.sleep(0.01)
    assert empty_trash(run.dir.parent) == 1
    with pytest.raises(RunError, match="the trash was emptied"):
        restore(folder)
    with pytest.raises(RunError, match="no deleted run"):
        restore(run.dir.parent / "elsewhere")
