"""Preparing in peace: rows, fingerprints, requests that find their store ready, and what a manifest says."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from vaelab.data import prepare as prepare_module
from vaelab.data.prepare import prepare
from vaelab.data.sources import Folder, MitH5, Synthetic
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError


def test_rows_are_the_sources_in_its_order(pictures, tmp_path, scene_pixels):
    store = prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    assert list(store.labels["image_id"]) == [f"picture{n}.png" for n in range(40) if n not in (7, 31)]
    expected = [scene_pixels(n, 16, 16) for n in range(40) if n not in (7, 31)]
    assert (store.pixels == np.stack(expected)).all()
    assert {item.image_id for item in store.manifest.rejected} == {"picture7.png", "picture31.png"}
    store.verify()


def test_fingerprint_is_the_same_for_any_number_of_workers(pictures, tmp_path, small_chunks):
    one = prepare(Folder(pictures), tmp_path / "one", size=16, workers=1)
    three = prepare(Folder(pictures), tmp_path / "three", size=16, workers=3)
    assert one.fingerprint == three.fingerprint
    assert one.manifest.rejected == three.manifest.rejected


def test_fingerprint_differs_when_a_pixel_or_a_label_does(pictures, tmp_path, scene):
    first = prepare(Folder(pictures), tmp_path / "first", size=16, workers=1)
    labelled = prepare(Folder(pictures, non_faces=True), tmp_path / "labelled", size=16, workers=1)
    picture = scene(0, 16, 16)
    picture.putpixel((3, 3), (1, 2, 3))
    picture.save(pictures / "picture0.png")
    changed = prepare(Folder(pictures), tmp_path / "changed", size=16, workers=1)
    assert len({first.fingerprint, labelled.fingerprint, changed.fingerprint}) == 3


def test_progress_counts_to_the_end(pictures, tmp_path, small_chunks):
    calls: list[tuple[int, int, float]] = []
    prepare(Folder(pictures), tmp_path / "out", size=16, workers=1, progress=lambda *call: calls.append(call))
    assert [done for done, _, _ in calls] == list(range(0, 41, 4))
    assert {total for _, total, _ in calls} == {40}
    assert all(rate > 0 for _, _, rate in calls[1:])


def test_limit_is_spread_over_the_source(pictures, tmp_path):
    store = prepare(Folder(pictures), tmp_path / "out", size=16, workers=1, limit=4)
    assert list(store.labels["image_id"]) == [
        "picture0.png",
        "picture10.png",
        "picture20.png",
        "picture30.png",
    ]
    assert "limited to 4 of 40" in store.manifest.notes[0]


def test_the_same_request_finds_its_store_ready(pictures, tmp_path, decoded_files):
    first = prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    assert len(decoded_files) == 40
    again = prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    assert len(decoded_files) == 40
    assert again.fingerprint == first.fingerprint


def test_another_request_is_refused_unless_it_may_replace(pictures, tmp_path):
    prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    with pytest.raises(DataError, match="taken by a store made from 'folder' by another request"):
        prepare(Folder(pictures), tmp_path / "out", size=24, workers=1)
    assert prepare(Folder(pictures), tmp_path / "out", size=24, workers=1, replace=True).size == 24


def flip_a_byte(store: Path) -> None:
    with (store / "pixels.u8").open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))


def truncate(store: Path) -> None:
    os.truncate(store / "pixels.u8", 100)


def cut_the_manifest(store: Path) -> None:
    os.truncate(store / "manifest.json", 100)


@pytest.mark.parametrize("damage", [flip_a_byte, truncate, cut_the_manifest])
def test_a_damaged_store_is_made_anew_as_its_message_says(pictures, tmp_path, decoded_files, damage):
    made = prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    damage(tmp_path / "out")
    with pytest.raises(DataError, match="--replace"):
        DatasetStore.open(tmp_path / "out").verify()
    if damage is not flip_a_byte:  # which only a look at every byte would show
        with pytest.raises(DataError, match=r"a store that is damaged; .*--replace it"):
            prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    again = prepare(Folder(pictures), tmp_path / "out", size=16, workers=1, replace=True)
    again.verify()
    assert again.fingerprint == made.fingerprint
    decoded_files.clear()
    prepare(Folder(pictures), tmp_path / "out", size=16, workers=1, replace=True)
    assert decoded_files == []  # what is whole is not made again


@pytest.mark.parametrize("replace", [False, True])
def test_terms_that_are_stated_later_reach_the_manifest(pictures, tmp_path, decoded_files, replace):
    made = prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    decoded_files.clear()
    source = Folder(pictures, terms="CC BY 4.0, A. Nonymous")
    store = prepare(source, tmp_path / "out", size=16, workers=1, replace=replace)
    assert decoded_files == []
    assert store.manifest.licence == "CC BY 4.0, A. Nonymous"
    assert store.manifest.settings["terms"] == "CC BY 4.0, A. Nonymous"
    told = {"licence": made.manifest.licence, "settings": made.manifest.settings}
    assert dataclasses.replace(store.manifest, **told) == made.manifest


def test_a_folder_that_is_no_store_is_never_replaced(pictures, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match="something that is no store"):
        prepare(Folder(pictures), tmp_path / "out", size=16, workers=1, replace=True)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "precious"


def test_nothing_usable_is_an_error_with_reasons(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").touch()
    with pytest.raises(DataError, match=r"none of 1 pictures could be used: empty file"):
        prepare(Folder(tmp_path / "in"), tmp_path / "out", size=16, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    (tmp_path / "in" / "a.jpg").unlink()
    with pytest.raises(DataError, match="no picture"):
        prepare(Folder(tmp_path / "in"), tmp_path / "out", size=16, workers=1)


@pytest.mark.parametrize("options", [{"size": 7}, {"size": 2000}, {"limit": 0}, {"workers": 0}])
def test_out_of_bounds_options_are_refused(pictures, tmp_path, options):
    with pytest.raises(DataError, match=f"{next(iter(options))} must"):
        prepare(Folder(pictures), tmp_path / "out", **({"size": 16} | options))


def test_manifest_is_readable_by_people_and_programs(pictures, tmp_path):
    store = prepare(Folder(pictures, terms="CC0, by me"), tmp_path / "out", size=16, workers=1)
    manifest = json.loads((store.path / "manifest.json").read_text())
    assert manifest["licence"] == "CC0, by me"
    assert manifest["settings"]["root"] == str(pictures)
    assert manifest["crop"] == "centre-square"
    assert [item["image_id"] for item in manifest["rejected"]] == ["picture7.png", "picture31.png"]


def test_drawn_pictures_are_the_same_in_any_chunking(tmp_path, monkeypatch):
    source = Synthetic(num_faces=20, num_nonfaces=10)
    one = prepare(source, tmp_path / "one", size=32, workers=1)
    monkeypatch.setattr(prepare_module, "_CHUNK_BYTES", 7 * 32 * 32 * 3)
    assert prepare(source, tmp_path / "other", size=32, workers=1).fingerprint == one.fingerprint


def test_sources_pickle(tmp_path):
    for source in (Folder(tmp_path), Synthetic(shares={"skin": {"dark": 1.0}}), MitH5(tmp_path / "x.h5")):
        assert pickle.loads(pickle.dumps(source)) == source
