"""A run folder as a zip file, and back: what comes in is checked before anything lies where runs lie.

The archive holds one folder, named like the run. Only files that a run folder may have pass; a path that leaves the
folder, a link, a device, an encrypted entry, a doubled name or a bomb refuses the whole archive.
"""

from __future__ import annotations

import contextlib
import io
import json
import lzma
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath

from vaelab.errors import DataError, RunError
from vaelab.runs.files import telling
from vaelab.runs.names import as_name
from vaelab.runs.store import Run
from vaelab.runs.trash import move_to_free_name

STATE_NAME = "state-latest.safetensors"
ALLOWED = re.compile(
    r"(config|status|record|names|familiarity)\.json|report-[\w.-]+\.json|metrics\.jsonl|log\.txt|README\.md|"
    r"labels-by-eye\.(csv|md)|(weights-latest|state-latest|latents|directions|priors|(map|film)-[0-9a-f]{16})\.safetensors|latents\.parquet|"
    r"(samples|results)-[\w.-]+\.png|previews/(originals|(recon|samples)-\d{9,12})\.png|"
    r"frames/(faces\.parquet|latents-\d{9,12}\.safetensors)"
)
FOLDERS = ("previews", "frames")
MOST_FILES = 1_000
MOST_BYTES = 4 * 2**30
MOST_RATIO = 200
"""Text of a run shrinks by 30 at most; what shrinks by hundreds was made to burst."""
RATIO_MATTERS_BYTES = 2**20
_DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    ValueError,
)


def export_zip(run: Run, include_state: bool = False) -> bytes:
    """The run as a zip file; with its state it can be resumed elsewhere, without it is a third of the size.

    Host and process are left out of the status, and a run at work is exported as one that was stopped.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(run.dir.rglob("*")):
            name = path.relative_to(run.dir).as_posix()
            if not path.is_file() or path.is_symlink() or not ALLOWED.fullmatch(name) or name == "status.json":
                continue
            if name == STATE_NAME and not include_state:
                continue
            is_packed = path.suffix in (".safetensors", ".png", ".parquet")
            with contextlib.suppress(FileNotFoundError):  # a preview that was thinned out meanwhile
                archive.write(path, f"{run.id}/{name}", zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED)
        status = replace(run.status, host="", pid=0, birth="")
        if status.state not in ("done", "failed"):
            status = replace(status, state="stopped", message=f"exported while {status.state}")
        archive.writestr(f"{run.id}/status.json", json.dumps(asdict(status), indent=1), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def import_zip(file: Path | io.BytesIO, root: Path, check: Callable[[Run], None]) -> Run:
    """The run in a zip file, as a new run under `root`; an id that is taken gets a number.

    Args:
        check: looks at the unpacked run before it is put among the others, and raises what refuses it.

    Raises:
        DataError: the file is no zip, is damaged, or holds something that no run folder has.
        RunError: its config does not fit this version, or `root` cannot be written to.
    """
    with telling(f"cannot import into {root}", root):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".import-") as temporary:
            folder = Path(temporary) / "run"
            try:
                with zipfile.ZipFile(file) as archive:
                    run_id, entries = _checked_entries(archive)
                    _unpack(archive, entries, folder)
            except _DAMAGED as error:
                raise DataError(f"this is no sound zip file ({error}); export the run again") from error
            run = Run.open(folder)
            _settle(run)
            check(run)
            return Run(move_to_free_name(folder, root, run_id))


def _checked_entries(archive: zipfile.ZipFile) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """The run's name and its files by their path in the run folder.

    Raises:
        DataError: names the first entry that may not be there, and why.
    """
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(archive.infolist()) > MOST_FILES:
        raise DataError(f"the archive has {len(archive.infolist()):,} entries; a run has at most {MOST_FILES:,}")
    total = sum(info.file_size for info in infos)
    if total > MOST_BYTES:
        raise DataError(f"the archive unpacks to {total / 2**30:,.1f} GiB; at most {MOST_BYTES / 2**30:.0f} are taken")
    for info in infos:
        reason = _reason_against(info)
        if reason:
            raise DataError(f"the archive is refused: its entry {info.filename[:80]!r} {reason}")
    tops = {PurePosixPath(info.filename).parts[0] for info in infos if "/" in info.filename}
    bare = {info.filename for info in infos}
    top = tops.pop() if len(tops) == 1 and "config.json" not in bare else ""
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename.removeprefix(f"{top}/") if top else info.filename
        if not ALLOWED.fullmatch(name):
            raise DataError(f"the archive is refused: {info.filename[:80]!r} is nothing that a run folder has")
        if name in entries:
            raise DataError(f"the archive is refused: it holds {name!r} twice")
        entries[name] = info
    if "config.json" not in entries:
        raise DataError("the archive holds no config.json, so it is no run; take one that was exported from a run")
    return as_name(top) or "imported", entries


def _reason_against(info: zipfile.ZipInfo) -> str:
    """Why an entry is refused; empty if it is a plain file that stays inside."""
    path = PurePosixPath(info.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in info.orig_filename or ":" in info.filename:
        return "leads out of the folder"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "is a link or a device, not a file"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.file_size > RATIO_MATTERS_BYTES and info.file_size > MOST_RATIO * max(info.compress_size, 1):
        return f"would burst to {info.file_size / max(info.compress_size, 1):,.0f} times its size"
    return ""


def _unpack(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], folder: Path) -> None:
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    for name, info in entries.items():
        with archive.open(info) as source, (folder / name).open("wb") as target:
            shutil.copyfileobj(source, target, 2**20)  # ends at the size that was declared and judged
    for name in FOLDERS:
        if not any((folder / name).iterdir()):
            (folder / name).rmdir()


def _settle(run: Run) -> None:
    """Make an unpacked folder a run of this machine: no process has it, and it does not ship.

    Raises:
        DataError, RunError: a file is damaged.
    """
    for path in run.dir.glob("*.json"):
        try:
            is_object = isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
        except ValueError as error:
            raise DataError(f"the archive is refused: its {path.name} is damaged ({error})") from error
        if not is_object:
            raise DataError(f"the archive is refused: its {path.name} is no JSON object")
    run.config  # noqa: B018  refuses settings that this version does not know
    card = run.card
    if card is not None:  # with a card it would count as one that ships, which nobody can delete
        (run.dir / "README.md").unlink()
        if not run.notes:
            run.set_record(notes=card)
    if not (run.dir / "status.json").is_file():
        raise RunError("the archive holds no status.json, so it is not whole; export the run again")
    status = run.status
    state = status.state if status.state in ("done", "failed") else "stopped"
    run.replace_status(replace(status, state=state, host="", pid=0, birth=""))
