"""`watch`, `runs ACTION` and the commands that steer a training, called as a person would."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaelab.runs.store import Run, RunStatus

Call = Callable[..., Any]


@pytest.fixture
def run(trained: Callable[[str], Run]) -> Run:
    return trained("vae")


def test_watch_draws_the_curves_once(vaelab: Call, run: Run) -> None:
    run.append_metrics("event", 400, what="beta", old=1.0, new=2.0)
    answer = vaelab("watch", run.id, "--root", run.dir.parent, "--once")
    assert answer.code == 0
    assert "run vae: done, 800 of 800 images (100%)" in answer.out
    assert "recon_loss, nats per image" in answer.out
    assert "400 images: beta 1 -> 2" in answer.out
    dots = {character for character in answer.out if 0x2800 < ord(character) <= 0x28FF}
    assert len(dots) > 3, "a curve is more than a flat line"


def test_a_run_that_was_stopped_is_called_so(vaelab: Call, run: Run) -> None:
    run.write_status(RunStatus("stopped", 400))
    assert "run vae: stopped, 400 of" in vaelab("watch", run.id, "--root", run.dir.parent, "--once").out
    assert "  stopped  " in vaelab("runs", "--search", "stopped", "--root", run.dir.parent).out
    assert json.loads(vaelab("runs", "--json", "--root", run.dir.parent).out)[0]["state"] == "stopped"


def test_watch_piped_gives_each_report_a_line(vaelab: Call, run: Run) -> None:
    lines = vaelab("watch", run.id, "--root", run.dir.parent).out.splitlines()
    assert len(lines) == len(run.metrics("train")) + 1
    assert lines[-1].startswith("run vae: done")


def test_watch_tells_of_damaged_lines(vaelab: Call, run: Run) -> None:
    with (run.dir / "metrics.jsonl").open("a") as file:
        file.write("not json\n")
    assert "1 damaged line, passed over" in vaelab("watch", run.id, "--root", run.dir.parent, "--once").out


def test_a_run_is_found_by_its_tags_and_notes(vaelab: Call, run: Run) -> None:
    root = run.dir.parent
    assert vaelab("runs", "--root", root, "tag", run.id, "smooth", "old").out.strip() == "old, smooth"
    assert vaelab("runs", "tag", run.id, "old", "--remove", "--root", root).out.strip() == "smooth"
    assert vaelab("runs", "--root", root, "note", run.id, "blurs the hair").code == 0
    for words, found in (("smooth", 1), ("hair VAE", 1), ("nothing", 0)):
        rows = json.loads(vaelab("runs", "--root", root, "--search", words, "--json").out)
        assert len(rows) == found, words


def test_a_damaged_run_is_named_and_hides_no_other(vaelab: Call, run: Run) -> None:
    root = run.dir.parent
    damaged = Run.create(run.config, root, "torn")
    (damaged.dir / "status.json").write_text("{")
    shown = vaelab("runs", "--root", root, "--sort", "images")
    assert shown.code == 0, shown.err
    sound, torn = sorted(shown.out.splitlines()[1:], key=lambda line: line.startswith("torn"))
    assert "800 of 800" in sound
    assert "damaged    status.json of run torn is damaged" in torn
    rows = json.loads(vaelab("runs", "--root", root, "--search", "torn", "--json").out)
    assert [(row["state"], row["images_seen"]) for row in rows] == [("damaged", 0)]


def test_runs_are_compared_by_settings_and_measurements(vaelab: Call, trained: Callable[[str], Run]) -> None:
    one, other = trained("vae"), trained("residual")
    one.write_report("test", {"detection": {"overall": {"rate": 0.5, "low": 0.4, "high": 0.6, "count": 90}}})
    root = one.dir.parent
    shown = json.loads(vaelab("runs", "--root", root, "compare", one.id, other.id, "--all", "--json").out)
    assert shown["settings"]["model"] == ["vae", "residual"]
    assert "latent" not in shown["settings"], "both have the same"
    assert shown["measures"]["test.detection.overall"] == [{"value": 0.5, "low": 0.4, "high": 0.6, "count": 90}, None]
    assert all(measure["value"] > 0 for measure in shown["measures"]["validation.psnr"])
    text = vaelab("runs", "--root", root, "compare", one.id, other.id, "--all").out
    assert "0.5 (0.4 to 0.6, n 90)" in text


def test_a_deleted_run_is_restored(vaelab: Call, run: Run) -> None:
    root = run.dir.parent
    assert vaelab("runs", "--root", root, "delete", run.id).code == 0
    assert json.loads(vaelab("runs", "--root", root, "--json").out) == []
    assert vaelab("runs", "--root", root, "restore", run.id).code == 0
    assert run.status.state == "done"
    missing = vaelab("runs", "--root", root, "restore", "other")
    assert (missing.code, "no run 'other' in the trash" in missing.err) == (1, True)


def test_a_run_goes_out_and_comes_in(vaelab: Call, run: Run, tmp_path: Path) -> None:
    root, file = run.dir.parent, tmp_path / "out.zip"
    assert vaelab("runs", "--root", root, "export", run.id, "--out", file).code == 0
    assert vaelab("runs", "--root", root, "import", file).out.strip() == "vae-2"
    refused = vaelab("runs", "--root", root, "import", run.dir / "log.txt")
    assert (refused.code, "no sound zip file" in refused.err) == (1, True)


def test_an_export_that_cannot_be_written_leaves_nothing(
    vaelab: Call, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refused)
        answer = vaelab("runs", "export", run.id, "--root", run.dir.parent, "--out", folder / "out.zip")
    assert answer.code == 1
    assert "choose another folder" in answer.err
    assert "--root" not in answer.err
    assert list(folder.iterdir()) == []


def test_reports_go_to_tensorboard(vaelab: Call, run: Run, tmp_path: Path) -> None:
    for _ in range(2):
        assert vaelab("runs", "--root", run.dir.parent, "export", run.id, "--tensorboard", tmp_path / "tb").code == 0
    (file,) = (tmp_path / "tb" / run.id).iterdir()
    content = file.read_bytes()
    assert b"train/loss" in content
    assert b"validation/psnr" in content


@pytest.mark.parametrize(
    ("command", "flags", "asked"),
    [
        ("pause", [], {"pause": True}),
        ("unpause", [], {"pause": False}),
        ("save", [], {"save_now": 1}),
        ("set", ["--beta", 2], {"beta": 2.0}),
        ("set", ["--beta", 2, "--learning-rate", 1e-4], {"beta": 2.0, "learning_rate": 1e-4}),
    ],
)
def test_a_running_training_is_asked(
    vaelab: Call, run: Run, command: str, flags: list[object], asked: dict[str, object]
) -> None:
    run.write_status(RunStatus("running", 320))
    answer = vaelab(command, run.id, "--root", run.dir.parent, *flags)
    assert answer.code == 0, answer.err
    assert {name: value for name, value in vars(run.control).items() if value} == {
        name: value for name, value in asked.items() if value
    }
    assert run.control.pause == asked.get("pause")


def test_stop_asks_a_running_training(vaelab: Call, run: Run) -> None:
    run.write_status(RunStatus("running", 320))
    assert vaelab("stop", run.id, "--root", run.dir.parent).code == 0
    assert run.is_cancel_requested


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pause"], "is done"),
        (["stop"], "nothing to stop"),
        (["set"], "nothing to set"),
        (["set", "--beta", "-1"], "beta is -1"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(vaelab: Call, run: Run, arguments: list[str], said: str) -> None:
    command, *flags = arguments
    answer = vaelab(command, run.id, "--root", run.dir.parent, *flags)
    assert (answer.code, said in answer.err) == (1, True), answer.err
    assert "Traceback" not in answer.err
