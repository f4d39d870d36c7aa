from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaelab.cli import data as data_command
from vaelab.cli import data_report
from vaelab.cli.sources import FLAGS
from vaelab.data.sources import SOURCES
from vaelab.errors import Cancelled, DataError


@pytest.fixture
def vaelab(capsys):
    """Runs one `data` command; its exit code, what it printed, and what it told on standard error."""
    parser = argparse.ArgumentParser(prog="vaelab")
    data_command.add_parser(parser.add_subparsers())

    def run(*words: str | Path) -> tuple[int, str, str]:
        parsed = parser.parse_args(["data", *map(str, words)])
        code = parsed.run(parsed)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def write_pictures() -> Callable[[Path, int], None]:
    """Writes pictures of noise into a folder."""

    def write(folder: Path, count: int) -> None:
        folder.mkdir()
        for number in range(count):
            noise = np.random.default_rng(number).integers(0, 255, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(noise).save(folder / f"{number}.png")

    return write


@pytest.fixture
def drawn(vaelab, tmp_path) -> Path:
    """A folder of data sets that holds `drawn-16`."""
    options = (
        "--num-faces",
        "30",
        "--num-nonfaces",
        "20",
        "--size",
        "16",
        "--workers",
        "1",
        "--name",
        "drawn-16",
    )
    code, _, _ = vaelab("prepare", "synthetic", "--data-dir", tmp_path, *options)
    assert code == 0
    return tmp_path


def test_defaults_make_the_embedded_data_set():
    parser = argparse.ArgumentParser()
    data_command.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["data", "prepare", "synthetic"])
    assert (parsed.num_faces, parsed.num_nonfaces, parsed.size, parsed.seed) == (8_000, 2_000, 64, 0)
    assert (parsed.stem, parsed.data_dir) == ("synthetic", Path("data"))


def test_every_field_of_every_source_has_a_flag_with_help():
    for source in SOURCES.values():
        for field in dataclasses.fields(source):
            assert FLAGS[field.name]["help"]


@pytest.mark.parametrize("source", list(SOURCES))
def test_every_source_has_its_help(vaelab, capsys, source):
    with pytest.raises(SystemExit) as stop:
        vaelab("prepare", source, "--help")
    assert stop.value.code == 0
    assert SOURCES[source].summary.split(":")[0] in " ".join(capsys.readouterr().out.split())


def test_prepare_says_what_it_made(vaelab, drawn):
    code, out, _ = vaelab(
        "prepare",
        "synthetic",
        "--data-dir",
        drawn,
        "--num-faces",
        "10",
        "--num-nonfaces",
        "0",
        "--size",
        "16",
    )
    assert code == 0
    assert "synthetic-16: 10 pictures of 16x16 from synthetic" in out
    assert "licence: drawn by vaelab itself" in out
    assert (drawn / "synthetic-16" / "pixels.u8").stat().st_size == 10 * 16 * 16 * 3


def test_prepare_json_is_one_object_and_nothing_else(vaelab, tmp_path, write_pictures):
    write_pictures(tmp_path / "in", 5)
    (tmp_path / "in" / "empty.png").touch()
    words = ("folder", "--root", tmp_path / "in", "--data-dir", tmp_path / "data", "--size", "16", "--json")
    code, out, _ = vaelab("prepare", *words, "--terms", "mine", "--crop", "margin:0.1", "--non-faces", "--workers", "1")
    facts = json.loads(out)
    assert code == 0
    assert facts["path"] == str(tmp_path / "data" / "folder-16")
    assert facts["counts"]["by_is_face"] == {"true": 0, "false": 5}
    assert facts["crop"] == "margin:0.1"
    assert facts["licence"] == "mine"
    assert facts["rejected_by_reason"] == {"empty file (0 bytes)": 1}
    assert "rejected" not in facts


def test_shares_reach_the_renderer(vaelab, tmp_path):
    shares = json.dumps({"skin": {"dark": 0.2, "light": 0.8}})
    words = ("--num-faces", "10", "--num-nonfaces", "0", "--size", "16", "--workers", "1", "--shares", shares)
    vaelab("prepare", "synthetic", "--data-dir", tmp_path, *words)
    _, out, _ = vaelab("show", "synthetic-16", "--data-dir", tmp_path, "--json")
    assert json.loads(out)["labels"]["skin"] == {"light": 8, "dark": 2}


def test_list_shows_stores_damage_and_unfinished_work(vaelab, drawn):
    (drawn / "broken").mkdir()
    (drawn / "broken" / "manifest.json").write_text("{")
    (drawn / "begun-64.partial").mkdir()
    (drawn / "unrelated").mkdir()
    _, out, _ = vaelab("list", "--data-dir", drawn, "--json")
    states = {row["name"]: row["state"] for row in json.loads(out)}
    assert states == {"begun-64": "unfinished", "broken": "damaged", "drawn-16": "ready"}
    _, text, _ = vaelab("list", "--data-dir", drawn)
    assert [line.split()[:2] for line in text.splitlines()[1:]] == [
        ["begun-64", "unfinished"], ["broken", "damaged"], ["drawn-16", "ready"],
    ]  # fmt: skip


def test_list_of_nothing_says_how_to_begin(vaelab, tmp_path):
    assert "data prepare synthetic" in vaelab("list", "--data-dir", tmp_path / "none")[1]
    assert vaelab("list", "--data-dir", tmp_path / "none", "--json")[1].strip() == "[]"


def test_show_counts_labels_by_split(vaelab, drawn):
    code, out, _ = vaelab("show", "drawn-16", "--data-dir", drawn, "--verify")
    assert code == 0
    assert "faces 30, non-faces 20" in out
    assert "verified" in out
    skin = out.splitlines().index(next(line for line in out.splitlines() if line.startswith("skin ")))
    counts = [int(number) for line in out.splitlines()[skin + 1 : skin + 4] for number in line.split()[1:]]
    assert sum(counts) == 30


def test_show_lists_rejected_files(vaelab, tmp_path, write_pictures):
    write_pictures(tmp_path / "in", 2)
    (tmp_path / "in" / "empty.png").touch()
    vaelab("prepare", "folder", "--root", tmp_path / "in", "--data-dir", tmp_path, "--name", "x", "--size", "16")
    _, out, _ = vaelab("show", "x", "--data-dir", tmp_path, "--rejected")
    assert "rejected empty.png: empty file (0 bytes)" in out
    _, out, _ = vaelab("show", "x", "--data-dir", tmp_path, "--json", "--verify")
    assert json.loads(out)["rejected"] == [{"image_id": "empty.png", "reason": "empty file (0 bytes)"}]
    assert json.loads(out)["verified"] is True


def test_errors_are_raised_for_the_command_line_to_say(vaelab, tmp_path):
    with pytest.raises(DataError, match="no prepared data"):
        vaelab("show", "nothing", "--data-dir", tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        vaelab("prepare", "folder", "--root", tmp_path / "none", "--data-dir", tmp_path)
    with pytest.raises(DataError, match="workers must"):
        vaelab("prepare", "synthetic", "--data-dir", tmp_path, "--workers", "0")


@pytest.mark.parametrize(
    "words",
    [
        ("prepare",),
        ("prepare", "imagenet"),
        ("prepare", "folder"),
        ("prepare", "folder", "--root", ".", "--crop", "round"),
        ("prepare", "synthetic", "--shares", "skin"),
        ("prepare", "synthetic", "--shares", "[1]"),
        ("prepare", "synthetic", "--size", "big"),
        ("show",),
    ],
)
def test_wrong_usage_exits_with_two(vaelab, words):
    with pytest.raises(SystemExit) as stop:
        vaelab(*words)
    assert stop.value.code == 2


def test_stopping_says_that_it_can_continue(vaelab, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(data_command, "prepare", stopped)
    with pytest.raises(Cancelled, match="continues where it was"):
        vaelab("prepare", "synthetic", "--data-dir", tmp_path)


def test_report_cuts_long_lists(vaelab, drawn, monkeypatch):
    monkeypatch.setattr(data_report, "_MAX_LINES", 1)
    assert "other values" in vaelab("show", "drawn-16", "--data-dir", drawn)[1]
