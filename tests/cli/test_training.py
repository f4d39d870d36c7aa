"""`train`, `resume` and `runs`: flags from the config, numbers as JSON, errors as one sentence."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaelab.cli import build_parser
from vaelab.cli.settings import given_settings
from vaelab.config import TrainConfig, flags_of, from_dict, options
from vaelab.errors import Cancelled, DataError
from vaelab.recipes import RECIPES
from vaelab.runs.store import Run, RunStatus

Call = Callable[..., Any]


@pytest.fixture
def small(data_dir: Path, tmp_path: Path) -> list[object]:
    """Flags that make a recipe tiny."""
    return [
        "--datasets", "tiny-16", "--data-dir", data_dir, "--size", 16, "--latent", 4, "--width", 4,
        "--num-images", 64, "--batch-size", 16, "--report-every", 32, "--device", "cpu", "--precision", "float32",
        "--root", tmp_path / "runs",
    ]  # fmt: skip


def is_one_sentence(answer: Any) -> bool:
    lines = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    return len(lines) == 1 and answer.err.splitlines()[-1] == lines[0] and "Traceback" not in answer.err


def test_every_setting_has_a_flag_that_says_what_it_does(vaelab: Call) -> None:
    answer = vaelab("train", "--help")
    assert answer.code == 0
    shown = " ".join(answer.out.split())
    for _, name, _, _, about in options(TrainConfig()):
        assert f"--{name.replace('_', '-')}" in shown, name
        assert " ".join(about.help.split()[:4]) in shown, name
    for recipe in RECIPES:
        assert recipe in shown


@pytest.mark.parametrize("command", ["data", "train", "resume", "encode", "evaluate", "reconstruct", "sample", "runs"])
def test_every_command_explains_itself(vaelab: Call, command: str) -> None:
    answer = vaelab(command, "--help")
    assert answer.code == 0
    assert len(answer.out) > 200
    assert command in vaelab("--help").out


def test_flags_change_one_setting_each_and_nothing_else(vaelab: Call) -> None:
    shown = json.loads(vaelab("train", "--recipe", "dbvae", "--alpha", 0.5, "--no-flip", "--show").out)
    expected = RECIPES["dbvae"].to_dict()
    expected["debias"]["alpha"] = 0.5
    expected["data"]["flip"] = False
    assert from_dict(shown) == from_dict(expected)


@pytest.mark.parametrize("name", [name for _, name, *_ in options(TrainConfig())])
def test_every_changed_setting_comes_back_from_its_words_on_the_command_line(name: str) -> None:
    _, _, kind, value, about = next(option for option in options(TrainConfig()) if option[1] == name)
    changed: Any = ("a b", "c")
    if kind is bool:
        changed = not value
    elif about.choices:
        changed = next(choice for choice in about.choices if choice != value)
    elif kind is str:
        changed = "two words"
    elif kind is int:
        changed = value + 1
    elif kind is float:
        changed = min(max(value / 3 + 1e-7, about.low), about.high)
    parsed = build_parser("train").parse_args(["train", *flags_of({name: changed})])
    assert given_settings(parsed) == {name: changed}


def test_a_random_backbone_has_a_flag_of_its_own(vaelab: Call) -> None:
    shown = json.loads(vaelab("train", "--recipe", "vgg19-transfer", "--random-backbone", "--show").out)
    assert shown["model"]["backbone"] == "random"
    refused = vaelab("train", "--random-backbone", "--show")
    assert refused.code == 1
    assert "only model vgg19" in refused.err


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_every_recipe_can_be_shown(vaelab: Call, recipe: str) -> None:
    assert from_dict(json.loads(vaelab("train", "--recipe", recipe, "--show").out)) == RECIPES[recipe]


# vgg19 and pyramid halve pictures too often for the tiny ones: tests/training/test_features.py and test_start.py
@pytest.mark.parametrize(
    "recipe", [name for name, one in RECIPES.items() if one.model.model not in ("vgg19", "pyramid")]
)
def test_every_recipe_trains(vaelab: Call, small: list[object], tmp_path: Path, recipe: str) -> None:
    answer = vaelab("train", "--recipe", recipe, "--name", "first", "--json", *small)
    assert answer.code == 0, answer.err
    result = json.loads(answer.out)
    assert (result["run"], result["state"], result["images_seen"]) == ("first", "done", 64)
    assert result["train"]["images_seen"] == 64
    run = Run.open(tmp_path / "runs" / "first")
    assert run.config.recipe == recipe
    assert (run.config.loss.effective_beta in answer.err) == run.config.has_decoder
    assert set(run.about["data_fingerprints"]) == {"tiny-16"}


def test_without_json_nothing_goes_to_standard_output(vaelab: Call, small: list[object]) -> None:
    answer = vaelab("train", "--name", "first", *small)
    assert answer.code == 0
    assert answer.out == ""
    assert "first" in answer.err


def test_runs_lists_what_was_trained(vaelab: Call, small: list[object], tmp_path: Path) -> None:
    root = tmp_path / "runs"
    empty = vaelab("runs", "--root", root)
    assert (empty.code, empty.out) == (0, "")
    assert "train" in empty.err
    assert json.loads(vaelab("runs", "--root", root, "--json").out) == []
    vaelab("train", "--name", "first", *small)
    (row,) = json.loads(vaelab("runs", "--root", root, "--json").out)
    assert (row["run"], row["state"], row["images_seen"], row["num_images"]) == ("first", "done", 64, 64)
    assert row["psnr"] > 0
    assert "first" in vaelab("runs", "--root", root).out


def test_a_stopped_run_is_resumed_to_its_end(vaelab: Call, small: list[object], tmp_path: Path) -> None:
    root = tmp_path / "runs"
    vaelab("train", "--name", "whole", *small)
    run = Run.create(Run.open(root / "whole").config, root, "stopped")
    run.request_cancel()
    # a request that is older than `resume` is taken back, so ask through the training itself
    from vaelab.errors import Cancelled
    from vaelab.training.loop import train

    with pytest.raises(Cancelled):
        train(run)
    assert run.status.state == "stopped"
    answer = vaelab("resume", "stopped", "--root", root, "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["images_seen"] == 64
    assert run.weights_path.read_bytes() == Run.open(root / "whole").weights_path.read_bytes()


def test_a_request_to_stop_ends_with_130(vaelab: Call, small: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "is_cancel_requested", True)
    answer = vaelab("train", "--name", "first", *small)
    assert answer.code == 130
    assert "resume first" in answer.err


def test_ctrl_c_before_the_training_begins_ends_with_130_and_no_traceback(
    vaelab: Call, small: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vaelab.training.job.run_training", interrupted)
    answer = vaelab("train", "--name", "first", *small)
    assert answer.code == 130
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--size", 20], "size is 20"),
        (["--datasets", "nowhere"], "nowhere"),
        (["--size", 32], "--size 16"),
        (["--name", "a/b"], "a/b"),
        (["--aggregation", "max"], "aggregation"),
        (["--beta", "nan"], "beta"),
        (["--latent", 0], "latent"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(vaelab: Call, small: list[object], flags: list[object], named: str) -> None:
    answer = vaelab("train", *small, *flags)
    assert answer.code == 1
    assert is_one_sentence(answer), answer.err
    assert named in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("flags", [["--batch-size", "many"], ["--recipe", "soup"], ["--unknown"], ["--model", "gan"]])
def test_wrong_usage_ends_with_2(vaelab: Call, flags: list[object]) -> None:
    assert vaelab("train", *flags).code == 2


def test_missing_data_is_told_with_its_commands_and_with_what_needs_none(vaelab: Call, tmp_path: Path) -> None:
    answer = vaelab("train", "--recipe", "mit-dbvae", "--data-dir", tmp_path, "--root", tmp_path / "runs")
    assert answer.code == 1
    assert is_one_sentence(answer)
    for told in ("fairface-64", "data prepare fairface", "data prepare class-folders", "--datasets synthetic-64"):
        assert told in answer.err


def test_the_same_name_twice_is_refused(vaelab: Call, small: list[object]) -> None:
    vaelab("train", "--name", "first", *small)
    answer = vaelab("train", "--name", "first", *small)
    assert answer.code == 1
    assert "already a run 'first'" in answer.err


def test_there_is_nothing_to_resume_in_a_finished_or_unknown_run(
    vaelab: Call, small: list[object], tmp_path: Path
) -> None:
    vaelab("train", "--name", "first", *small)
    done = vaelab("resume", "first", "--root", tmp_path / "runs")
    unknown = vaelab("resume", "second", "--root", tmp_path / "runs")
    assert (done.code, unknown.code) == (1, 1)
    assert "done after 64 images" in done.err
    assert "no run 'second'" in unknown.err


def test_a_training_that_was_stopped_goes_on_by_the_same_command(
    vaelab: Call, small: list[object], tmp_path: Path
) -> None:
    vaelab("train", "--name", "first", *small)
    again = vaelab("train", "--name", "first", "--resume", *small)
    assert again.code == 0
    assert "run first is done after 64 images" in again.err
    run = Run.open(tmp_path / "runs" / "first")
    run.write_status(RunStatus("stopped"))
    run.state_path.unlink()
    run.request_cancel()  # what asked it to stop is long past
    assert vaelab("train", "--name", "first", "--resume", *small).code == 0
    assert run.status.state == "done"


def test_a_training_goes_on_only_with_its_own_settings(vaelab: Call, small: list[object]) -> None:
    assert vaelab("train", "--name", "first", "--resume", *small).code == 0
    other = vaelab("train", "--name", "first", "--resume", *small, "--beta", "2")
    nameless = vaelab("train", "--resume", *small)
    assert (other.code, nameless.code) == (1, 1)
    assert "other settings (beta 1.0, not 2.0)" in other.err
    assert "--name" in nameless.err


def test_further_processes_find_the_run_by_its_name(
    vaelab: Call, small: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    answer = vaelab("train", *small)
    assert answer.code == 1
    assert "--name" in answer.err


def test_a_damaged_run_is_told_in_one_sentence(vaelab: Call, small: list[object], tmp_path: Path) -> None:
    vaelab("train", "--name", "first", *small)
    (tmp_path / "runs" / "first" / "config.json").write_text("{")
    answer = vaelab("watch", "first", "--once", "--root", tmp_path / "runs")
    assert answer.code == 1
    assert "config.json" in answer.err


@pytest.mark.parametrize(
    ("ends", "under_torchrun", "goes_on"),
    [
        ("done", True, True),
        ("stopped", True, True),
        ("interrupted", True, False),
        ("failed", True, False),
        ("failed", False, True),
    ],
)
def test_the_queue_goes_on_unless_torchrun_starts_the_training_anew_or_gives_the_machine_back(
    vaelab: Call,
    small: list[object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends: str,
    under_torchrun: bool,
    goes_on: bool,
) -> None:
    def run_training(run: Run, *_: object) -> RunStatus:
        if ends == "interrupted":
            os.kill(os.getpid(), signal.SIGTERM)
            assert run.is_cancel_requested
        status = RunStatus("stopped" if ends == "interrupted" else ends)
        run.write_status(status)
        if status.state == "stopped":
            raise Cancelled("stopped")
        if ends == "failed":
            raise DataError("lost")
        return status

    before, advanced = signal.signal(signal.SIGTERM, signal.SIG_DFL), list[Path]()
    monkeypatch.setattr("vaelab.training.job.run_training", run_training)
    monkeypatch.setattr("vaelab.jobs.advance", advanced.append)
    if under_torchrun:
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "any")
    answer = vaelab("train", "--name", "first", *small)
    signal.signal(signal.SIGTERM, before)
    assert answer.code == (1 if ends == "failed" else 0)
    assert bool(advanced) == goes_on
