"""The only code that knows the file names of a run folder. No torch here: pages read runs through it.

checkpoints/<run_id>/
  config.json                    the exact TrainConfig, format, code version, data fingerprints
  status.json                    RunStatus, replaced atomically
  metrics.jsonl                  one line per report
  log.txt                        sentences and tracebacks, for people
  weights-latest.safetensors     averaged weights only: what pages load
  state-latest.safetensors       all that resuming needs
  latents.safetensors, .parquet  posterior means, their statistics and labels: what pages need without a data set
  directions.safetensors         what sliders move: attributes, principal components, probes
  names.json                     names that people gave to sliders
  familiarity.json               how far held-out faces are from what the model knows: what a photo is ranked among
  report-<name>.json             evaluation results
  README.md                      model card; a run that has one ships with the project
  cancel                         exists = please stop
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from vaelab import __version__
from vaelab.config import TrainConfig, from_dict
from vaelab.errors import RunError

RUNS_DIR = Path("checkpoints")
STATES = ("queued", "running", "done", "cancelled", "failed", "lost")
HEARTBEAT_TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class RunStatus:
    """Where a run is; `lost` is derived on reading: it says running, but its process is gone or silent.

    Attributes:
        images_seen: the training clock, over all ranks.
        train_seconds: time spent in training steps, over all resumes.
        updated: Unix time of the last heartbeat.
        host, pid: the process that trains.
        message: a sentence for people, for example why it failed.
    """

    state: str = "queued"
    images_seen: int = 0
    train_seconds: float = 0.0
    updated: float = 0.0
    host: str = ""
    pid: int = 0
    message: str = ""


@dataclass(frozen=True)
class Run:
    """One run folder. Reading is always fresh from disk: any number of watchers see the same run."""

    dir: Path
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def create(
        cls,
        config: TrainConfig,
        root: Path = RUNS_DIR,
        name: str | None = None,
        fingerprints: Mapping[str, str] = {},
    ) -> Run:
        """Make the folder of a new run, `queued`; its id is `name` or date-time-recipe-hex.

        Raises:
            RunError: a run of this name exists, or the folder cannot be made.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        run_id = name or f"{stamp}-{config.recipe}-{secrets.token_hex(2)}"
        if Path(run_id).name != run_id or run_id.startswith("."):
            raise RunError(f"{run_id!r} cannot name a run; use letters, digits, '.', '_' and '-'")
        run = cls(root / run_id)
        try:
            run.dir.mkdir(parents=True)
        except FileExistsError:
            raise RunError(f"there is already a run {run_id!r} in {root}; resume it, or choose another name") from None
        except OSError as error:
            raise RunError(
                f"cannot make the run folder {run.dir}: {error.strerror}; check space and permissions"
            ) from error
        about = {"vaelab": __version__, "created": stamp, "data_fingerprints": dict(fingerprints)}
        run._write_json("config.json", {**about, "config": config.to_dict()})
        run.write_status(RunStatus())
        return run

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run in folder `path`.

        Raises:
            RunError: there is no such folder or it holds no config.json.
        """
        if not (path / "config.json").is_file():
            raise RunError(f"{path} is not a run folder; `python -m vaelab runs` lists the runs there are")
        return cls(path)

    @property
    def id(self) -> str:
        """Name of the run: that of its folder."""
        return self.dir.name

    @property
    def about(self) -> dict[str, Any]:
        """What config.json says: vaelab (version), created, data_fingerprints, config."""
        if "about" not in self._cache:  # written once, never changed
            self._cache["about"] = self._read_json("config.json")
        return dict(self._cache["about"])

    @property
    def config(self) -> TrainConfig:
        """The exact settings of the run."""
        return from_dict(self.about["config"])

    @property
    def status(self) -> RunStatus:
        """Where the run is now."""
        known = self._read_json("status.json")
        status = RunStatus(**{key: known[key] for key in asdict(RunStatus()) if key in known})
        return replace(status, state="lost") if status.state == "running" and _is_gone(status) else status

    def write_status(self, status: RunStatus) -> None:
        """Replace the status atomically; stamps host, process and time."""
        self.replace_status(replace(status, updated=time.time(), host=socket.gethostname(), pid=os.getpid()))

    def replace_status(self, status: RunStatus) -> None:
        """Replace the status atomically, as it is given."""
        self._write_json("status.json", asdict(status))

    def append_metrics(self, kind: str, images_seen: int, **values: Any) -> None:
        """Add one line to metrics.jsonl; `kind` is train, validation, resampling or event."""
        line = json.dumps({"kind": kind, "images_seen": images_seen, **values}, allow_nan=False)
        with (self.dir / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def metrics(self, kind: str | None = None) -> list[dict[str, Any]]:
        """All reports so far, oldest first; an unfinished last line is ignored."""
        path = self.dir / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
        rows = [json.loads(line) for line in lines]
        return [row for row in rows if kind is None or row["kind"] == kind]

    def forget_metrics_after(self, images_seen: int) -> None:
        """Drop what a run resumed from `images_seen` writes again.

        That is all later reports, and a resampling at that very clock: it opens the step that comes next.
        """
        again = ("resampling", images_seen)
        kept = [
            row
            for row in self.metrics()
            if row["images_seen"] <= images_seen and (row["kind"], row["images_seen"]) != again
        ]
        text = "".join(json.dumps(row) + "\n" for row in kept)
        with self.replacing("metrics.jsonl") as file:
            file.write(text.encode())

    def log(self, text: str) -> None:
        """Add a line for people to log.txt, with the time in UTC."""
        with (self.dir / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n")

    def request_cancel(self) -> None:
        """Ask the training to save and stop."""
        (self.dir / "cancel").touch()

    def clear_cancel(self) -> None:
        """Take a request to stop back."""
        (self.dir / "cancel").unlink(missing_ok=True)

    @property
    def is_cancel_requested(self) -> bool:
        """Whether somebody asked this run to stop."""
        return (self.dir / "cancel").exists()

    @property
    def weights_path(self) -> Path:
        """Averaged weights, safetensors."""
        return self.dir / "weights-latest.safetensors"

    @property
    def state_path(self) -> Path:
        """All that resuming needs, safetensors."""
        return self.dir / "state-latest.safetensors"

    @property
    def latents_path(self) -> Path:
        """Posterior means and their statistics, safetensors; the labels lie beside it as parquet."""
        return self.dir / "latents.safetensors"

    @property
    def directions_path(self) -> Path:
        """Directions in latent space and their probes, safetensors."""
        return self.dir / "directions.safetensors"

    @property
    def slider_names(self) -> dict[str, str]:
        """Names that people gave to sliders, by the slider's key."""
        return self._read_json("names.json") if (self.dir / "names.json").is_file() else {}

    def name_slider(self, key: str, name: str) -> None:
        """Give a slider a name that is kept with the run; an empty one takes its own name back."""
        names = {**self.slider_names, key: name.strip()}
        self._write_json("names.json", {known: text for known, text in names.items() if text})

    @property
    def familiarity_path(self) -> Path:
        """Held-out faces' distances from what the model knows, JSON."""
        return self.dir / "familiarity.json"

    @property
    def card(self) -> str | None:
        """The model card (Markdown), where there is one."""
        path = self.dir / "README.md"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    @property
    def is_shipped(self) -> bool:
        """Whether the run ships with the project: those that do have a card."""
        return (self.dir / "README.md").is_file()

    def write_card(self, text: str) -> None:
        """Give the run a model card; from now on it counts as one that ships."""
        with self.replacing("README.md") as file:
            file.write(text.encode())

    def write_report(self, name: str, report: Mapping[str, Any]) -> Path:
        """Keep an evaluation result as report-<name>.json."""
        self._write_json(f"report-{name}.json", report)
        return self.dir / f"report-{name}.json"

    def reports(self) -> dict[str, dict[str, Any]]:
        """All evaluation results by name."""
        paths = sorted(self.dir.glob("report-*.json"))
        return {path.stem.removeprefix("report-"): self._read_json(path.name) for path in paths}

    @contextlib.contextmanager
    def replacing(self, name: str) -> Iterator[IO[bytes]]:
        """A binary file that takes the place of `name` only once it is whole and on disk."""
        handle, temporary = tempfile.mkstemp(dir=self.dir, prefix=f".{name}-", suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(self.dir / name)
        except OSError as error:
            raise RunError(
                f"cannot write {name} of run {self.id}: {error.strerror}; the old file is untouched"
            ) from error
        finally:
            Path(temporary).unlink(missing_ok=True)

    def clear_leftovers(self) -> None:
        """Delete the unfinished files of a process that was killed while it wrote them."""
        for path in self.dir.glob(".*.partial"):
            path.unlink(missing_ok=True)

    def _write_json(self, name: str, value: Mapping[str, Any]) -> None:
        with self.replacing(name) as file:
            file.write((json.dumps(value, indent=1, allow_nan=False) + "\n").encode())

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            value: dict[str, Any] = json.loads((self.dir / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"run {self.id} has no {name}; the folder is not whole") from None
        except json.JSONDecodeError as error:
            raise RunError(f"{name} of run {self.id} is damaged ({error}); restore it or delete the run") from error
        return value


def list_runs(root: Path = RUNS_DIR) -> list[Run]:
    """The runs under `root`, shipped ones first, then the newest; folders that are no run are passed over."""
    runs = [Run(path.parent) for path in root.glob("*/config.json")]
    return sorted(sorted(runs, key=lambda run: run.id, reverse=True), key=lambda run: not run.is_shipped)


def find_run(run_id: str, root: Path = RUNS_DIR) -> Run:
    """The run called `run_id` under `root`, or in the folder `run_id`.

    Raises:
        RunError: there is none; the message names those there are.
    """
    for path in (root / run_id, Path(run_id)):
        if (path / "config.json").is_file():
            return Run.open(path)
    known = ", ".join(run.id for run in list_runs(root)[:8]) or "none yet"
    raise RunError(f"there is no run {run_id!r} in {root}; there are: {known}")


def _is_gone(status: RunStatus) -> bool:
    if status.host == socket.gethostname():
        try:
            os.kill(status.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False
    return time.time() - status.updated > HEARTBEAT_TIMEOUT_SECONDS
