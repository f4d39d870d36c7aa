"""Preparing in trouble: interrupted or killed it goes on later, a full disk loses nothing, little memory is enough."""

from __future__ import annotations

import errno
import os
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
from vaelab.data.sources import Folder
from vaelab.errors import DataError


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
