"""Run folders: read fresh, replaced whole, and honest about a training that is gone."""

import errno
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vaelab.config import TrainConfig
from vaelab.errors import RunError
from vaelab.runs.store import HEARTBEAT_TIMEOUT_SECONDS, TICKET, Run, RunStatus, find_run, list_runs


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(TrainConfig(recipe="tiny"), tmp_path, "first", {"faces": "abc"})


def edit_status(run: Run, **values: Any) -> None:
    path = run.dir / "status.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_new_run_is_queued_and_holds_its_exact_config(run: Run) -> None:
    assert run.status.state == "queued"
    assert run.config == TrainConfig(recipe="tiny")
    assert run.about["data_fingerprints"] == {"faces": "abc"}
    assert Run.open(run.dir).config == run.config


def test_a_run_that_fails_while_it_is_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failed(Exception):
        pass

    write = Run._write_json

    def write_one(run: Run, name: str, value: Mapping[str, Any]) -> None:
        write(run, name, value)
        raise Failed

    monkeypatch.setattr(Run, "_write_json", write_one)
    with pytest.raises(Failed):
        Run.create(TrainConfig(), tmp_path, "half")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    assert Run.create(TrainConfig(), tmp_path, "half").status.state == "queued"


def test_a_kill_while_a_run_is_made_takes_no_name(tmp_path: Path) -> None:
    killed = (
        "import os, sys, pathlib; from vaelab.config import TrainConfig; from vaelab.runs.store import Run\n"
        "write = Run._write_json\n"
        "Run._write_json = lambda *given: (write(*given), os._exit(9))\n"
        "Run.create(TrainConfig(), pathlib.Path(sys.argv[1]), 'half')"
    )
    assert subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False).returncode == 9
    assert [path.name[:5] for path in tmp_path.iterdir()] == [".new-"]
    assert list_runs(tmp_path) == []
    run = Run.create(TrainConfig(), tmp_path, "half")
    assert list_runs(tmp_path) == [run]


def test_a_run_names_itself_after_time_and_recipe(tmp_path: Path) -> None:
    ids = {Run.create(TrainConfig(recipe="tiny"), tmp_path).id for _ in range(3)}
    assert len(ids) == 3
    assert all("-tiny-" in run_id for run_id in ids)


def test_a_run_of_an_oddly_called_recipe_has_a_name_all_the_same(tmp_path: Path) -> None:
    assert "-beta--4-" in Run.create(TrainConfig(recipe="beta: 4"), tmp_path).id


@pytest.mark.parametrize(
    "name", ["../out", "a/b", ".hidden", "..", "beta:4", "two words", "-x", "a\\b", "a\n", "what?"]
)
def test_a_name_that_would_not_do_everywhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="cannot name a run"):
        Run.create(TrainConfig(), tmp_path / "runs", name)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["![x](//elsewhere/x.png)", "[text](there)", ":red[smile]", "$x$", "a `b`", "<b>"])
def test_a_slider_s_name_that_a_page_would_not_show_as_it_is_is_refused(run: Run, name: str) -> None:
    run.name_slider("p0", "Lächeln (weit), 50 %")
    with pytest.raises(RunError, match="leave out"):
        run.name_slider("p0", name)
    assert run.slider_names == {"p0": "Lächeln (weit), 50 %"}


def test_a_name_is_given_once(run: Run) -> None:
    with pytest.raises(RunError, match=r"already a run 'first' in .*; use another name, or resume it if unfinished"):
        Run.create(TrainConfig(), run.dir.parent, "first")


def test_a_root_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="run folder"):
        Run.create(TrainConfig(), tmp_path / "file", "x")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run folder"):
        Run.open(tmp_path)


def test_a_run_is_found_by_name_and_by_folder_and_else_the_known_ones_are_named(run: Run) -> None:
    assert find_run("first", run.dir.parent) == run
    assert find_run(str(run.dir), Path("nowhere")) == run
    with pytest.raises(RunError, match=r"no run 'second'.*first"):
        find_run("second", run.dir.parent)


def test_runs_that_ship_come_first_then_the_newest(tmp_path: Path) -> None:
    for name in ("20250101-a", "20250301-c", "20250201-b"):
        Run.create(TrainConfig(), tmp_path, name)
    (tmp_path / "20250101-a" / "README.md").write_text("# A card")
    (tmp_path / "no-run").mkdir()
    assert [run.id for run in list_runs(tmp_path)] == ["20250101-a", "20250301-c", "20250201-b"]
    assert list_runs(tmp_path / "nowhere") == []
    assert find_run("20250101-a", tmp_path).card == "# A card"


# --- status


def test_the_status_comes_back_with_host_process_and_time(run: Run) -> None:
    run.write_status(RunStatus("running", 320, 1.5, message="going"))
    status = run.status
    assert (status.state, status.images_seen, status.train_seconds, status.message) == ("running", 320, 1.5, "going")
    assert (status.host, status.pid) == (socket.gethostname(), os.getpid())
    assert abs(status.updated - time.time()) < 60


def test_a_running_run_whose_process_is_gone_is_lost(run: Run) -> None:
    run.write_status(RunStatus("running"))
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    edit_status(run, pid=child.pid)
    assert run.status.state == "lost"


@pytest.mark.parametrize(("silence", "state"), [(0.0, "running"), (2 * HEARTBEAT_TIMEOUT_SECONDS, "lost")])
def test_a_run_on_another_machine_is_lost_when_it_falls_silent(run: Run, silence: float, state: str) -> None:
    run.write_status(RunStatus("running"))
    edit_status(run, host="another", updated=time.time() - silence)
    assert run.status.state == state


@pytest.mark.parametrize("state", ["queued", "done", "stopped", "failed"])
def test_only_a_running_run_can_be_lost(run: Run, state: str) -> None:
    run.write_status(RunStatus(state))
    edit_status(run, host="another", updated=0.0)
    assert run.status.state == state


def test_a_run_that_nobody_will_begin_is_lost(run: Run) -> None:
    """Ctrl-C while `train` imports torch leaves a folder that says queued."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    edit_status(run, pid=child.pid)
    assert run.status.state == "lost"
    assert "resume" in run.status.message
    (run.dir / TICKET).write_text('{"since": 1}')
    assert run.status.state == "queued", "whoever advances the queue begins it"


def test_a_state_that_an_earlier_version_called_otherwise_is_read_as_what_it_is(run: Run) -> None:
    run.write_status(RunStatus("stopped", 400))
    edit_status(run, state="cancelled")
    assert (run.status.state, run.status.images_seen) == ("stopped", 400)


def test_a_status_of_a_later_version_is_still_read(run: Run) -> None:
    edit_status(run, mood="good")
    assert run.status == replace(run.status, state="queued")


@pytest.mark.parametrize(
    ("name", "value"), [("images_seen", "x"), ("state", None), ("updated", "now"), ("pid", 1.5), ("message", 3)]
)
def test_a_status_whose_values_are_of_another_type_is_damaged(run: Run, name: str, value: Any) -> None:
    edit_status(run, **{name: value})
    with pytest.raises(RunError, match=rf"status\.json is damaged: its {name}"):
        _ = run.status


@pytest.mark.parametrize("config", [5, "x", [1], None])
def test_a_config_that_is_no_object_is_told(run: Run, config: Any) -> None:
    (run.dir / "config.json").write_text(json.dumps({"config": config}))
    with pytest.raises(RunError, match=r"config\.json"):
        _ = Run(run.dir).config


@pytest.mark.parametrize("content", [b"[]", b"3", b'{"\xff": 1}'])
def test_a_file_that_is_no_json_object_is_damaged(run: Run, content: bytes) -> None:
    (run.dir / "status.json").write_bytes(content)
    with pytest.raises(RunError, match=r"status\.json of run first is damaged"):
        _ = run.status


def test_labels_of_another_kind_are_passed_over(run: Run) -> None:
    (run.dir / "record.json").write_text('{"tags": 5}')
    assert run.tags == ()
    (run.dir / "record.json").write_text('{"tags": [5]}')
    assert run.tags == ("5",)


@pytest.mark.parametrize("name", ["status.json", "config.json"])
def test_a_damaged_or_missing_file_is_named(run: Run, name: str) -> None:
    def read() -> object:
        again = Run(run.dir)
        return again.status if name == "status.json" else again.config

    (run.dir / name).write_text('{"half')
    with pytest.raises(RunError, match=name):
        read()
    (run.dir / name).unlink()
    with pytest.raises(RunError, match=name):
        read()


# --- files


def test_a_file_is_replaced_whole_or_not_at_all(run: Run) -> None:
    with run.replacing("thing") as file:
        file.write(b"old")

    def fail_halfway() -> None:
        with run.replacing("thing") as file:
            file.write(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_halfway()
    assert (run.dir / "thing").read_bytes() == b"old"
    assert not list(run.dir.glob("*.partial")) + list(run.dir.glob(".*.partial"))


def test_a_read_only_folder_is_told_when_a_stop_is_asked_for_or_taken_back(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "touch", read_only)
    monkeypatch.setattr(Path, "unlink", read_only)
    for deed in (run.request_cancel, run.clear_cancel):
        with pytest.raises(RunError, match=r"Read-only file system.*change its permissions"):
            deed()


def test_a_disk_that_refuses_is_told_as_a_run_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"cannot write status\.json.*No space left"):
        run.write_status(RunStatus("running"))
    assert run.status.state == "queued"


def test_metrics_come_back_in_order_and_by_kind(run: Run) -> None:
    run.append_metrics("train", 10, loss=1.0)
    run.append_metrics("validation", 10, loss=2.0)
    run.append_metrics("train", 20, loss=0.5)
    assert [row["loss"] for row in run.metrics()] == [1.0, 2.0, 0.5]
    assert [row["images_seen"] for row in run.metrics("train")] == [10, 20]


def test_a_torn_last_line_is_ignored(run: Run) -> None:
    assert run.metrics() == []
    run.append_metrics("train", 10, loss=1.0)
    with (run.dir / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "images_se')
    assert [row["images_seen"] for row in run.metrics()] == [10]


def test_later_reports_are_forgotten_and_a_torn_line_with_them(run: Run) -> None:
    for seen in (10, 20, 30):
        run.append_metrics("train", seen, loss=1.0)
    with (run.dir / "metrics.jsonl").open("a") as file:
        file.write('{"kind"')
    run.forget_metrics_after(20)
    run.append_metrics("train", 30, loss=2.0)
    assert [(row["images_seen"], row["loss"]) for row in run.metrics()] == [(10, 1.0), (20, 1.0), (30, 2.0)]


def test_a_request_to_stop_is_a_file_that_anyone_can_make_and_take_back(run: Run) -> None:
    other = Run.open(run.dir)
    other.request_cancel()
    assert run.is_cancel_requested
    other.clear_cancel()
    other.clear_cancel()
    assert not run.is_cancel_requested


def test_reports_come_back_by_name(run: Run) -> None:
    run.write_report("test", {"psnr": 20.0})
    run.write_report("val", {"psnr": 21.0})
    assert run.reports() == {"test": {"psnr": 20.0}, "val": {"psnr": 21.0}}


def test_the_log_is_for_people(run: Run) -> None:
    run.log("first")
    run.log("second")
    lines = (run.dir / "log.txt").read_text().splitlines()
    assert [line.split()[-1] for line in lines] == ["first", "second"]


def test_runs_can_be_watched_without_torch() -> None:
    code = "import sys, vaelab.runs.store, vaelab.data.store, vaelab.config; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_a_tiny_config_is_kept_exactly(tmp_path: Path, tiny_config: Callable[..., TrainConfig]) -> None:
    config = tiny_config(model="dbvae", aggregation="tempered", alpha=0.125)
    assert Run(Run.create(config, tmp_path, "x").dir).config == config


# --- damage and records


def test_a_damaged_line_is_passed_over_and_told(run: Run) -> None:
    run.append_metrics("train", 10, loss=1.0)
    with (run.dir / "metrics.jsonl").open("ab") as file:
        file.write(b'{"kind": "train", "images_se\n\xff\xfe\n[]\n{"kind": "train", "images_seen": "ten"}\n')
    run.append_metrics("train", 20, loss=0.5)
    assert [row["images_seen"] for row in run.metrics()] == [10, 20]
    assert run.damaged_metrics() == [2, 3, 4, 5]
    run.forget_metrics_after(20)
    assert run.damaged_metrics() == []
    assert [row["images_seen"] for row in run.metrics()] == [10, 20]
    assert "4 damaged lines left out (line 2, 3, 4, 5)" in (run.dir / "log.txt").read_text()


def test_interventions_outlive_a_resume(run: Run) -> None:
    run.append_metrics("train", 10, loss=1.0)
    run.append_metrics("event", 30, what="beta", old=1.0, new=2.0)
    run.append_metrics("train", 40, loss=0.5)
    run.forget_metrics_after(20)
    run.append_metrics("train", 20, loss=0.7)
    assert [(row["kind"], row["images_seen"]) for row in run.metrics()] == [("train", 10), ("train", 20), ("event", 30)]


def test_a_lost_run_says_what_probably_happened_and_what_to_do(run: Run) -> None:
    run.write_status(RunStatus("paused"))
    edit_status(run, birth="1")  # the number was given to another process since
    if Path("/proc").is_dir():
        assert run.status.state == "lost"
        assert "ended without a word" in run.status.message
        assert "resume goes on" in run.status.message


def test_a_zombie_is_gone(run: Run) -> None:
    if not Path("/proc").is_dir():
        pytest.skip("zombies are told apart by /proc")
    child = subprocess.Popen([sys.executable, "-c", ""])
    run.write_status(RunStatus("running"), pid=child.pid)
    deadline = time.monotonic() + 30
    while run.status.state != "lost":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.wait()


def test_tags_and_notes_are_kept_with_the_run(run: Run) -> None:
    assert (run.tags, run.notes) == ((), "")
    run.set_record(tags=["b ", "a", "b", ""])
    run.set_record(notes=" looks well ")
    assert (run.tags, run.notes) == (("a", "b"), "looks well")
    run.set_record(tags=[])
    assert (run.tags, run.notes) == ((), "looks well")


def test_a_setting_that_an_older_version_did_not_know_has_its_default(run: Run) -> None:
    path = run.dir / "config.json"
    about = json.loads(path.read_text())
    del about["config"]["model"]["depth"], about["config"]["debias"]
    path.write_text(json.dumps(about))
    assert Run.open(run.dir).config == run.config


def test_a_setting_that_only_a_newer_version_knows_is_refused_by_name(run: Run) -> None:
    path = run.dir / "config.json"
    about = json.loads(path.read_text())
    about["config"]["model"]["shape"] = "round"
    path.write_text(json.dumps(about))
    with pytest.raises(RunError, match=r"no setting 'shape'.*written by vaelab.*delete the setting"):
        _ = Run.open(run.dir).config
