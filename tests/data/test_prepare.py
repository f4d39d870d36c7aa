from __future__ import annotations

import dataclasses
import errno
import json
import os
import pickle
import random
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import vaelab
from vaelab.data import chunks as chunks_module
from vaelab.data import prepare as prepare_module
from vaelab.data.archive import unpack
from vaelab.data.prepare import prepare
from vaelab.data.sources import Folder, MitH5, Synthetic
from vaelab.data.sources.files import FilesReader
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError


@pytest.fixture
def pictures(tmp_path: Path, write_scenes) -> Path:
    """Forty pictures and, among them, two that are none."""
    folder = tmp_path / "pictures"
    write_scenes(folder, 40)
    (folder / "picture7.png").write_bytes(b"no picture")
    (folder / "picture31.png").write_bytes(b"")
    return folder


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    """Four pictures of 16x16 to a chunk."""
    monkeypatch.setattr(prepare_module, "_CHUNK_BYTES", 4 * 16 * 16 * 3)


@pytest.fixture
def decoded_files(monkeypatch) -> list[str]:
    """Names of the files that are decoded from here on, in this process."""
    names: list[str] = []
    read = FilesReader.read

    def noting(self, records, size):
        names.extend(records["_file"])
        return read(self, records, size)

    monkeypatch.setattr(FilesReader, "read", noting)
    return names


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


class Interrupted(Exception):
    pass


def interrupt_at(limit: int):
    def progress(done: int, total: int, images_per_second: float) -> None:
        if done >= limit:
            raise Interrupted

    return progress


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupted_work_continues_where_it_was(pictures, tmp_path, small_chunks, decoded_files, workers):
    whole = prepare(Folder(pictures), tmp_path / "whole", size=16, workers=1)
    out = tmp_path / "out"
    with pytest.raises(Interrupted):
        prepare(Folder(pictures), out, size=16, workers=workers, progress=interrupt_at(20))
    assert not out.exists()
    finished = len((tmp_path / "out.partial" / "journal.jsonl").read_text().splitlines())
    assert finished >= 5
    decoded_files.clear()
    continued = prepare(Folder(pictures), out, size=16, workers=1)
    assert len(decoded_files) == 40 - 4 * finished
    assert continued.fingerprint == whole.fingerprint
    assert continued.manifest.rejected == whole.manifest.rejected
    assert not (tmp_path / "out.partial").exists()


def test_an_archive_unpacked_again_continues(pictures, tmp_path, small_chunks, decoded_files):
    archive = Path(shutil.make_archive(str(tmp_path / "sent"), "gztar", pictures))
    unpack(archive, tmp_path / "once")
    with pytest.raises(Interrupted):
        prepare(Folder(tmp_path / "once"), tmp_path / "out", size=16, workers=1, progress=interrupt_at(20))
    decoded_files.clear()
    unpack(archive, tmp_path / "again")
    prepare(Folder(tmp_path / "again"), tmp_path / "out", size=16, workers=1)
    assert len(decoded_files) == 20


def test_a_half_written_journal_line_is_done_again(pictures, tmp_path, small_chunks, decoded_files):
    whole = prepare(Folder(pictures), tmp_path / "whole", size=16, workers=1)
    with pytest.raises(Interrupted):
        prepare(Folder(pictures), tmp_path / "out", size=16, workers=1, progress=interrupt_at(20))
    journal = tmp_path / "out.partial" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-3])
    decoded_files.clear()
    assert prepare(Folder(pictures), tmp_path / "out", size=16, workers=1).fingerprint == whole.fingerprint
    assert len(decoded_files) == 24


def test_a_source_that_changed_meanwhile_starts_anew(pictures, tmp_path, small_chunks, decoded_files, scene):
    with pytest.raises(Interrupted):
        prepare(Folder(pictures), tmp_path / "out", size=16, workers=1, progress=interrupt_at(20))
    scene(99, 16, 16).save(pictures / "picture0.png")
    decoded_files.clear()
    store = prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    assert len(decoded_files) == 40
    assert (store.pixels[0] == np.asarray(scene(99, 16, 16))).all()


@pytest.mark.parametrize("step", ["_copy_kept", "_labels", "fingerprint", "counts_of", "rename"])
def test_interrupted_while_finishing(pictures, tmp_path, monkeypatch, step):
    whole = prepare(Folder(pictures), tmp_path / "whole", size=16, workers=1)

    def stop(*_, **__):
        raise Interrupted

    owner = {"_copy_kept": prepare_module._Job, "rename": Path}.get(step, prepare_module)
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, stop)
        with pytest.raises(Interrupted):
            prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    assert not (tmp_path / "out").exists()
    assert prepare(Folder(pictures), tmp_path / "out", size=16, workers=1).fingerprint == whole.fingerprint


KILLED = """
    import sys
    from pathlib import Path
    from vaelab.data import prepare as prepare_module
    from vaelab.data.sources import Folder

    prepare_module._CHUNK_BYTES = 8 * 64 * 64 * 3
    if __name__ == "__main__":
        print(prepare_module.prepare(Folder(Path(sys.argv[1])), sys.argv[2], size=64, workers=2).fingerprint)
"""


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(vaelab.__file__).parents[1])}


@pytest.fixture
def killable(tmp_path: Path, write_scenes) -> list[str]:
    """A command that prepares 400 pictures, one of them empty, in 50 chunks on two workers."""
    write_scenes(tmp_path / "in", 400, size=96)
    (tmp_path / "in" / "picture123.png").write_bytes(b"")
    script = tmp_path / "prepare_once.py"
    script.write_text(textwrap.dedent(KILLED))
    return [sys.executable, str(script), str(tmp_path / "in"), str(tmp_path / "out")]


def run_and_kill(command: list[str], journal: Path, lines: int, seconds: float) -> int:
    """Kills the command, not its workers, when the journal has so many lines, and a moment later; its id."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT, start_new_session=True)
    while not journal.exists() or journal.read_bytes().count(b"\n") < lines:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    time.sleep(seconds)
    process.kill()
    process.wait()
    return process.pid


def wait_for_workers(group: int, seconds: float) -> bool:
    """Whether every process of the killed command's group ends within that time; kills what is left."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    os.killpg(group, signal.SIGKILL)
    return False


@pytest.mark.thorough
def test_killed_at_random_moments_and_continued(killable, tmp_path):
    """Nothing is lost or doubled, and no worker outlives its parent."""
    moments = random.Random(5)
    for lines in (2, 25):
        journal = tmp_path / "out.partial" / "journal.jsonl"
        group = run_and_kill(killable, journal, lines, moments.uniform(0, 0.02))
        assert wait_for_workers(group, seconds=60)
    assert not (tmp_path / "out").exists()
    done = subprocess.run(killable, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    whole = prepare(Folder(tmp_path / "in"), tmp_path / "whole", size=64, workers=1)
    assert done.stdout.strip() == whole.fingerprint
    assert len(whole) == 399


MEMORY = """
    import resource, sys
    from pathlib import Path
    import h5py
    from vaelab.data.prepare import prepare
    from vaelab.data.sources import MitH5

    def peak_mb(count):
        path = Path(sys.argv[1]) / f"{count}.h5"
        with h5py.File(path, "w") as file:  # pixels are never written: they read as the fill value
            file.create_dataset("images", (count, 32, 32, 3), "u1", chunks=(64, 32, 32, 3))
            file.create_dataset("labels", data=[[row % 2] for row in range(count)])
        prepare(MitH5(path), path.with_suffix(""), size=32, workers=1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

    small = peak_mb(2_000)
    print(small, peak_mb(20_000))
"""


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path):
    """18,000 more pictures are 55 MB of pixels; the peak may grow by their labels only."""
    script = [sys.executable, "-c", textwrap.dedent(MEMORY), str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    small, large = map(float, done.stdout.split())
    assert large - small < 25


def test_full_disk_is_said_before_anything_is_decoded(pictures, tmp_path, decoded_files):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(DataError, match=r"cannot write the store .* make room"):
            prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert decoded_files == []
    assert len(prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)) == 38


def test_disk_that_fills_up_later_loses_nothing(pictures, tmp_path, small_chunks, monkeypatch, decoded_files):
    write = os.pwrite

    def full_after_two_chunks(descriptor, data, offset):
        if offset >= 2 * 4 * 16 * 16 * 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2 + 1], offset)  # and short writes before

    with monkeypatch.context() as patch:
        patch.setattr(chunks_module.os, "pwrite", full_after_two_chunks)
        with pytest.raises(DataError, match="No space left on device"):
            prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)
    whole = prepare(Folder(pictures), tmp_path / "whole", size=16, workers=1)
    decoded_files.clear()
    assert prepare(Folder(pictures), tmp_path / "out", size=16, workers=1).fingerprint == whole.fingerprint
    assert len(decoded_files) == 32


def test_place_that_cannot_be_written(pictures, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot write the store"):
        prepare(Folder(pictures), tmp_path / "file" / "out", size=16, workers=1)


def test_two_prepares_of_one_store_do_not_meet(pictures, tmp_path):
    def second(done: int, total: int, images_per_second: float) -> None:
        with pytest.raises(DataError, match="another prepare is at work"):
            prepare(Folder(pictures), tmp_path / "out", size=16, workers=1)

    assert len(prepare(Folder(pictures), tmp_path / "out", size=16, workers=1, progress=second)) == 38


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
