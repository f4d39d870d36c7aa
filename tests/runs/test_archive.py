"""Zip files of runs: whole on the way out, and on the way in refused for anything that no run folder has."""

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vaelab.errors import CheckpointError, DataError, RunError
from vaelab.evaluation.frames import TrainingFrames
from vaelab.jobs.exchange import import_zip
from vaelab.runs.archive import export_zip
from vaelab.runs.store import Run, RunStatus, list_runs

Trained = Callable[[str], Run]


def zipped(files: dict[str, bytes | str], **settings: int) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = settings.get("attributes", 0o644 << 16)
            archive.writestr(info, content)
    file.seek(0)
    return file


def files_of(run: Run) -> dict[str, bytes | str]:
    with zipfile.ZipFile(io.BytesIO(export_zip(run))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_run_comes_back_whole(trained: Trained, tmp_path: Path) -> None:
    run = trained("vae")
    run.set_record(["kept"], "a note")
    taken = import_zip(io.BytesIO(export_zip(run)), tmp_path / "other")
    assert taken.id == run.id
    assert taken.config == run.config
    assert taken.weights_path.read_bytes() == run.weights_path.read_bytes()
    assert taken.metrics() == run.metrics()
    assert (taken.tags, taken.notes) == (("kept",), "a note")
    assert taken.previews("recon")
    assert TrainingFrames.read(taken).fingerprint == TrainingFrames.read(run).fingerprint
    assert (taken.status.state, taken.status.pid, taken.status.host) == ("done", 0, "")
    assert not taken.state_path.is_file()


def test_with_its_state_it_can_be_resumed(trained: Trained, tmp_path: Path) -> None:
    run = trained("vae")
    taken = import_zip(io.BytesIO(export_zip(run, include_state=True)), tmp_path / "other")
    assert taken.state_path.read_bytes() == run.state_path.read_bytes()


def test_a_taken_id_gets_a_number(trained: Trained) -> None:
    run = trained("vae")
    content = export_zip(run)
    assert [import_zip(io.BytesIO(content), run.dir.parent).id for _ in range(2)] == ["vae-2", "vae-3"]


def test_a_run_at_work_comes_in_as_stopped(trained: Trained, tmp_path: Path) -> None:
    run = trained("vae")
    run.write_status(RunStatus("running", 320))
    taken = import_zip(io.BytesIO(export_zip(run)), tmp_path / "other")
    assert (taken.status.state, taken.status.images_seen) == ("stopped", 320)


def test_a_card_becomes_a_note_so_that_the_run_can_be_deleted(trained: Trained, tmp_path: Path) -> None:
    run = trained("vae")
    run.write_card("# A card")
    taken = import_zip(io.BytesIO(export_zip(run)), tmp_path / "other")
    assert not taken.is_shipped
    assert taken.notes == "# A card"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../outside.json", "leads out of the folder"),
        ("vae/../../outside.json", "leads out of the folder"),
        ("/etc/passwd", "leads out of the folder"),
        ("..\\outside.json", "leads out of the folder"),
        ("C:/outside.json", "leads out of the folder"),
        ("vae/run.py", "nothing that a run folder has"),
        ("vae/lock", "nothing that a run folder has"),
        ("vae/previews/deep/er.png", "nothing that a run folder has"),
        ("vae/weights-latest.safetensors.pkl", "nothing that a run folder has"),
    ],
)
def test_what_leaves_the_folder_or_does_not_belong_refuses_the_archive(
    trained: Trained, tmp_path: Path, name: str, said: str
) -> None:
    root = tmp_path / "other"
    with pytest.raises(DataError, match=said):
        import_zip(zipped(files_of(trained("vae")) | {name: b"{}"}), root)
    assert list_runs(root) == []
    assert not list(root.iterdir()), "nothing stays of a refused archive"
    assert not (tmp_path / "outside.json").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    hostile = zipped({"run/config.json": "/etc/passwd"}, attributes=(kind | 0o777) << 16)
    with pytest.raises(DataError, match="is a link or a device"):
        import_zip(hostile, tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="would burst"):
        import_zip(zipped({"run/config.json": "{}", "run/metrics.jsonl": bytes(30 * 2**20)}), tmp_path)


def test_a_file_whose_size_is_a_lie_is_refused(trained: Trained, tmp_path: Path) -> None:
    """The directory says 10 bytes, the data are more: reading ends at what was declared, and the checksum tells."""
    content = bytearray(zipped(files_of(trained("vae")) | {"vae/log.txt": b"x" * 5000}).getvalue())
    entry = content.rindex(b"vae/log.txt")
    content[entry - 22 : entry - 18] = (10).to_bytes(4, "little")
    with pytest.raises(DataError, match="no sound zip"):
        import_zip(io.BytesIO(bytes(content)), tmp_path / "other")


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    many = {f"run/report-{number}.json": "{}" for number in range(1001)}
    with pytest.raises(DataError, match="at most 1,000"):
        import_zip(zipped(many), tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_doubled_name_is_refused(trained: Trained, tmp_path: Path) -> None:
    file = io.BytesIO(export_zip(trained("vae")))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("vae/config.json", "{}")
    with pytest.raises(DataError, match="twice"):
        import_zip(file, tmp_path / "other")


def test_frames_of_another_network_refuse_the_archive(trained: Trained, tmp_path: Path) -> None:
    run = trained("vae")
    first = min(run.frames_dir.glob("*.safetensors"))
    first.write_bytes(trained("residual").weights_path.read_bytes())
    with pytest.raises(CheckpointError, match=r"is of other faces or another network"):
        import_zip(io.BytesIO(export_zip(run)), tmp_path / "other")


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 but not really"])
def test_what_is_no_zip_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="no sound zip file"):
        import_zip(io.BytesIO(content), tmp_path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_damage_inside_a_file_is_told(tmp_path: Path, compression: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("run/config.json", json.dumps(list(range(3_000))))
    content = bytearray(file.getvalue())
    content[200:260] = bytes(60)
    with pytest.raises(DataError, match="no sound zip file"):
        import_zip(io.BytesIO(bytes(content)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_zip_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no config\.json"):
        import_zip(zipped({"run/log.txt": "hello"}), tmp_path)


def test_weights_of_another_network_are_refused(trained: Trained, tmp_path: Path) -> None:
    files = files_of(trained("vae"))
    about = json.loads(files["vae/config.json"])
    about["config"]["model"]["latent"] = 5
    with pytest.raises(CheckpointError, match="has shape"):
        import_zip(zipped(files | {"vae/config.json": json.dumps(about)}), tmp_path / "other")
    with pytest.raises(CheckpointError, match="damaged"):
        import_zip(zipped(files | {"vae/weights-latest.safetensors": b"not weights"}), tmp_path / "other")
    assert list_runs(tmp_path / "other") == []


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"format": 99}, "config format is 99"),
        ({"model": {"shape": "round"}}, "no setting 'shape'"),
        ({"model": {"latent": "many"}}, "latent is 'many'"),
    ],
)
def test_a_config_of_another_version_is_refused_by_name(
    trained: Trained, tmp_path: Path, config: dict[str, object], said: str
) -> None:
    files = files_of(trained("vae")) | {"vae/config.json": json.dumps({"vaelab": "9.9", "config": config})}
    with pytest.raises(RunError, match=said) as caught:
        import_zip(zipped(files), tmp_path / "other")
    assert "written by vaelab 9.9" in str(caught.value)


def test_a_damaged_file_is_named(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"names\.json is damaged"):
        import_zip(zipped(files_of(trained("vae")) | {"vae/names.json": '{"half'}), tmp_path / "other")


def test_a_status_that_would_break_the_list_refuses_the_archive(trained: Trained, tmp_path: Path) -> None:
    files = files_of(trained("residual"))
    name = next(name for name in files if name.endswith("status.json"))
    files[name] = json.dumps({**json.loads(files[name]), "images_seen": "x"})
    with pytest.raises(RunError, match="images_seen"):
        import_zip(zipped(files), tmp_path)
    assert list_runs(tmp_path) == []


def test_an_archive_may_have_its_files_at_the_top(trained: Trained, tmp_path: Path) -> None:
    bare = {name.removeprefix("vae/"): content for name, content in files_of(trained("vae")).items()}
    assert import_zip(zipped(bare), tmp_path / "other").id == "imported"
