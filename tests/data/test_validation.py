"""A source's faults are all told at once, each with its count, its names and what becomes of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.data.ppb_folder import ppb_rows, write_ppb
from vaelab.data.prepare import prepare
from vaelab.data.sources import CsvTable, FairFace, Folder, Ppb, Synthetic, UTKFace
from vaelab.data.sources.ppb import PUBLISHED
from vaelab.data.validation import Problem, Validation, validate
from vaelab.errors import DataError


def told(found: Validation) -> dict[str, tuple[str, int, tuple[str, ...]]]:
    return {problem.kind: (problem.effect, problem.count, problem.examples) for problem in found.problems}


@pytest.fixture
def broken_ppb(tmp_path: Path) -> Path:
    """A folder in the published layout with every fault that the specification names."""
    good, twin, missing, odd, empty, repeated, cut, tiny, stray = rows = ppb_rows({"DF": 3, "DM": 2, "LF": 2, "LM": 2})
    listed = [
        good, twin, missing, replace(odd, skin="olive", gender="?"), replace(empty, skin=""), repeated, repeated,
        replace(cut, country="Norway"), tiny,
    ]  # fmt: skip
    folder = write_ppb(tmp_path / "PPB-2017", listed, skin_column="bi_fitz", mark="\ufeff")
    pictures = folder / "imgs"
    shutil.copy(pictures / good.filename, pictures / twin.filename)
    (pictures / missing.filename).unlink()
    encoded = (pictures / cut.filename).read_bytes()
    (pictures / cut.filename).write_bytes(encoded[: len(encoded) * 3 // 4])
    Image.open(pictures / tiny.filename).resize((40, 50)).save(pictures / tiny.filename)
    Image.open(pictures / good.filename).save(pictures / stray.filename)
    assert len(rows) == 9
    return folder


def test_a_broken_ppb_folder_has_every_fault_named(broken_ppb: Path) -> None:
    good, twin, missing, odd, empty, repeated, cut, tiny, stray = ppb_rows({"DF": 3, "DM": 2, "LF": 2, "LM": 2})
    found = validate(Ppb(broken_ppb))
    assert not found.blocks
    assert (found.num_listed, found.num_usable) == (5, 4)
    kinds = told(found)
    assert kinds["no such file"] == ("left out", 1, (missing.filename,))
    assert kinds["unknown skin tone"] == ("left out", 1, (f"{odd.filename} ('olive')",))
    assert kinds["unknown gender"] == ("left out", 1, (f"{odd.filename} ('?')",))
    assert kinds["no skin tone"] == ("left out", 1, (empty.filename,))
    assert kinds["row repeated"][:2] == ("left out", 1)
    assert kinds["row repeated"][2][0].startswith(repeated.filename)
    assert kinds["no row in the table"] == ("left out", 1, (f"imgs/{stray.filename}",))
    assert kinds["unknown country"] == ("kept", 1, (f"imgs/{cut.filename} ('Norway')",))
    assert kinds["damaged"][:2] == ("left out", 1)
    assert kinds["the same picture again"] == (
        "kept", 1, (f"imgs/{twin.filename} (the same as imgs/{good.filename})",),
    )  # fmt: skip
    assert kinds["sides under 64 pixels"] == ("kept", 1, (f"imgs/{tiny.filename} (40x50)",))
    assert kinds["counts unlike the published ones"][2] == (
        "group DF: 2 pictures here, 271 published",
        "group DM: 0 pictures here, 318 published",
        "group LF: 2 pictures here, 295 published",
        "group LM: 1 pictures here, 386 published",
    )
    assert len(kinds) == 11


def test_what_only_warns_can_be_prepared(broken_ppb: Path, tmp_path: Path) -> None:
    found = validate(Ppb(broken_ppb))
    store = prepare(Ppb(broken_ppb), tmp_path / "out", size=16, workers=1)
    assert len(store) == found.num_usable
    left_out = sum(problem.count for problem in found.problems if problem.effect == "left out")
    assert len(store.manifest.rejected) == left_out


def test_what_blocks_cannot_be_prepared(tmp_path: Path, write_scenes: Callable[..., list[str]]) -> None:
    """The three ways: no table, one name twice, no picture that can be used."""
    (name,) = write_scenes(tmp_path / "twice", 1)
    (tmp_path / "twice" / "labels.csv").write_text(f"file\n{name}\n{name}\n")
    (tmp_path / "useless").mkdir()
    (tmp_path / "useless" / "a.jpg").write_bytes(b"no picture")
    sources = {
        "it cannot be read": Ppb(tmp_path / "none"),
        "two pictures by one name": CsvTable(tmp_path / "twice"),
        "no picture can be used": Folder(tmp_path / "useless"),
    }
    for kind, source in sources.items():
        found = validate(source)
        assert found.blocks
        assert found.problems[0].kind == kind
        assert found.problems[0].severity == "blocks"
        assert "cannot be prepared" in found.summary()
        with pytest.raises(DataError):
            prepare(source, tmp_path / "out", size=16, workers=1)


def test_a_whole_benchmark_has_no_problem(tmp_path: Path) -> None:
    folder = write_ppb(tmp_path / "all", ppb_rows(PUBLISHED), shared_picture=True)
    found = validate(Ppb(folder), decode=False)
    assert found.problems == ()
    assert (found.num_listed, found.num_usable) == (1270, None)
    assert "no problem; it can be prepared" in found.summary()


def test_fairface_values_and_counts_are_those_published(tmp_path: Path, write_scenes: Callable[..., list[str]]) -> None:
    for part in ("train", "val"):
        names = write_scenes(tmp_path / part, 2, 80)
        lines = [f"{part}/{names[0]},3-9,Male,White,True", f"{part}/{names[1]},old,Male,Martian,False"]
        (tmp_path / f"fairface_label_{part}.csv").write_text("\n".join(["file,age,gender,race,service_test", *lines]))
    kinds = told(validate(FairFace(tmp_path)))
    assert kinds["unknown age"][:2] == ("kept", 2)
    assert kinds["unknown race"][2] == ("train/picture1.png ('Martian')", "val/picture1.png ('Martian')")
    assert len(kinds["counts unlike the published ones"][2]) == 7
    assert kinds["the same picture again"][1] == 2  # both parts hold the same two
    effect, count, (example, _) = kinds["the same picture in two splits"]
    assert (effect, count) == ("kept", 2)
    assert example == "val/picture0.png in test, train/picture0.png in train"


def test_utkface_names_are_judged_by_the_source(tmp_path: Path, write_scenes: Callable[..., list[str]]) -> None:
    (name,) = write_scenes(tmp_path, 1, 70)
    (tmp_path / name).rename(tmp_path / "25_0_1_20170116174525125.png")
    shutil.copy(tmp_path / "25_0_1_20170116174525125.png", tmp_path / "61_1_20170109142408075.png")
    kinds = told(validate(UTKFace(tmp_path)))
    assert kinds == {
        "malformed name": ("left out", 1, ("61_1_20170109142408075.png (fewer than four fields)",)),
    }


def test_missing_labels_and_unnamed_files_of_a_table(tmp_path: Path, write_scenes: Callable[..., list[str]]) -> None:
    names = write_scenes(tmp_path, 4, 70)
    (tmp_path / "t.csv").write_text(f"file,mood\n{names[0]},glad\n{names[1]},\n{names[2]},sad\n")
    kinds = told(validate(CsvTable(tmp_path)))
    assert kinds == {
        "no mood": ("kept", 1, (names[1],)),
        "no row in the table": ("left out", 1, (names[3],)),
    }


def test_sources_without_files_are_checked_too() -> None:
    done: list[tuple[int, int]] = []
    source = Synthetic(num_faces=3, num_nonfaces=2)
    found = validate(source, size=16, progress=lambda now, total, _: done.append((now, total)))
    assert (found.num_usable, found.blocks) == (5, False)
    assert done[-1] == (5, 5)


def test_examples_are_few_and_counts_are_whole(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{number}.png").touch()
    (problem, *_) = (item for item in validate(Folder(tmp_path)).problems if item.effect == "left out")
    assert problem == Problem("empty file (0 bytes)", "left out", 9, tuple(f"{number}.png" for number in range(5)))


def test_it_is_json(broken_ppb: Path) -> None:
    found = validate(Ppb(broken_ppb))
    values = json.loads(json.dumps(found.to_dict()))
    assert values["blocks"] is False
    assert {item["severity"] for item in values["problems"]} == {"warns"}
    assert sum(item["count"] for item in values["problems"]) == sum(item.count for item in found.problems)
