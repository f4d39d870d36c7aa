"""The only code that knows the file names of a run folder. No torch here: pages read runs through it.

checkpoints/<run_id>/
  config.json                    the exact TrainConfig, format, code version, data fingerprints
  status.json                    RunStatus, replaced atomically
  metrics.jsonl                  one line per report
  log.txt                        sentences and tracebacks, for people
  record.json                    tags and notes
  requests/                      what people ask of the running training: control.py
  previews/                      pictures of the training on its way: previews.py
  frames/                        latents of the same faces on its way: frames.py
  ticket.json                    the run waits in the queue; vaelab/jobs
  lock                           held by the process that trains
  weights-latest.safetensors     averaged weights only: what pages load
  state-latest.safetensors       all that resuming needs
  latents.safetensors, .parquet  posterior means, their statistics and labels: what pages need without a data set
  directions.safetensors         what sliders move: attributes, principal components, probes
  names.json                     names that people gave to sliders
  priors.safetensors             priors fitted to the latents of training faces, and how likely each holds others
  map-<key>.safetensors          places of the stored faces on a map: maps.py
  film-<key>.safetensors         places of the faces in frames/ over training
  decoder-<key>.onnx             the decoder as browsers run it: decoders.py
  drawn-<key>.png                the face a visitor meets first
  familiarity.json               how far held-out faces are from what the model knows: what a photo is ranked among
  report-<name>.json             evaluation results
  README.md                      model card; a run that has one ships with the project
  cancel                         exists = please stop
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from vaelab import __version__
from vaelab.config import TrainConfig
from vaelab.errors import ConfigError, RunError
from vaelab.runs.about import forget_about, read_about
from vaelab.runs.control import Control, asked_for, check_request, interventions, pending, settings_at, submit
from vaelab.runs.files import add_to_log, read_json, replacing, telling, write_json
from vaelab.runs.metrics import kept_after_resume, read_reports
from vaelab.runs.names import as_name, check_name, slider_name
from vaelab.runs.previews import previews_in
from vaelab.runs.status import HEARTBEAT_TIMEOUT_SECONDS, STATES, RunStatus
from vaelab.wording import counted

__all__ = ["HEARTBEAT_TIMEOUT_SECONDS", "RUNS_DIR", "STATES", "TICKET", "Run", "RunStatus", "find_run", "list_runs"]

RUNS_DIR = Path("checkpoints")
TICKET = "ticket.json"


@dataclass(frozen=True)
class Run:
    """One run folder. Reading is always fresh from disk: any number of watchers see the same run."""

    dir: Path

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
            RunError: a run of this name exists, none may be called so, or the folder cannot be made.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        run_id = name or f"{stamp}-{as_name(config.recipe)}-{secrets.token_hex(2)}"
        check_name(run_id)
        run = cls(root / run_id)
        if os.path.lexists(run.dir):
            raise RunError(f"there is already a run {run_id!r} in {root}; use another name, or resume it if unfinished")
        with telling(f"cannot make the run folder {run.dir}", root):
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=root, prefix=".new-") as hidden:  # a kill in here takes no name
                made = cls(Path(hidden) / run_id)
                made.dir.mkdir()
                made.write_status(RunStatus())
                about = {"vaelab": __version__, "created": stamp, "data_fingerprints": dict(fingerprints)}
                made._write_json("config.json", {**about, "config": config.to_dict()})
                made.dir.rename(run.dir)  # fails where somebody has just made a run of this name
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
        return dict(read_about(self.dir)[0])

    @property
    def config(self) -> TrainConfig:
        """The exact settings of the run; what an older version did not know yet has its default.

        Raises:
            RunError: it was written by a version that knows settings which this one does not.
        """
        about, read = read_about(self.dir)
        try:
            return read()
        except (ConfigError, KeyError, TypeError, ValueError) as error:
            written = about.get("vaelab", "unknown")
            raise RunError(
                f"config.json of run {self.id} does not fit this version: {error} (written by vaelab {written}, this "
                f"is {__version__}); use that version, or delete the setting from the file"
            ) from error

    @property
    def data_fingerprints(self) -> dict[str, str]:
        """Fingerprint of each data set of the training, by its name."""
        return dict(self.about.get("data_fingerprints", {}))

    def know_data(self, fingerprints: Mapping[str, str]) -> None:
        """Write down which data the training found, where it was not known when the run was made."""
        self._write_json("config.json", {**self.about, "data_fingerprints": dict(fingerprints)})
        forget_about()

    @property
    def status(self) -> RunStatus:
        """Where the run is now."""
        waits = self.has_ticket  # before the status, which is written anew before a ticket is taken away
        return RunStatus.read(self._read_json("status.json"), waits)

    @property
    def has_ticket(self) -> bool:
        """Whether the run waits in the queue."""
        return (self.dir / TICKET).is_file()

    def write_status(self, status: RunStatus, pid: int | None = None) -> None:
        """Replace the status atomically; stamps host, process (this one, unless another is given) and time."""
        self.replace_status(status.stamped(pid))

    def replace_status(self, status: RunStatus) -> None:
        """Replace the status atomically, as it is given."""
        self._write_json("status.json", asdict(status))

    def overwrite_status(self, status: RunStatus) -> None:
        """Write the status over the old one in place: the last resort on a full disk, where nothing new can be made."""
        with (
            telling(f"cannot write status.json of run {self.id}", self.dir),
            (self.dir / "status.json").open("r+") as f,
        ):
            f.write(json.dumps(asdict(status.stamped())))
            f.truncate()

    def append_metrics(self, kind: str, images_seen: int, **values: Any) -> None:
        """Add one line to metrics.jsonl; `kind` is train, validation, resampling or event."""
        line = json.dumps({"kind": kind, "images_seen": images_seen, **values}, allow_nan=False)
        with (
            telling(f"cannot write metrics.jsonl of run {self.id}", self.dir),
            (self.dir / "metrics.jsonl").open("a", encoding="utf-8") as file,
        ):
            file.write(line + "\n")

    def metrics(self, kind: str | None = None) -> list[dict[str, Any]]:
        """All reports so far, by the clock; a damaged line and an unfinished last one are passed over."""
        rows = read_reports(self.dir / "metrics.jsonl").rows
        return [row for row in rows if kind is None or row["kind"] == kind]

    def damaged_metrics(self) -> list[int]:
        """Numbers, from 1, of the lines of metrics.jsonl that are no report."""
        return read_reports(self.dir / "metrics.jsonl").damaged

    def forget_metrics_after(self, images_seen: int) -> None:
        """Drop the reports that a run resumed from `images_seen` writes again, and damaged lines."""
        reports = read_reports(self.dir / "metrics.jsonl")
        if reports.damaged:
            shown = ", ".join(str(number) for number in reports.damaged[:8])
            self.log(f"metrics.jsonl: {counted(len(reports.damaged), 'damaged line')} left out (line {shown})")
        self._replace_metrics(kept_after_resume(reports.rows, images_seen))

    def forget_changes_after(self, images_seen: int, what: str) -> None:
        """Drop later changes of a setting: a run that was resumed before them is told otherwise now."""
        rows = self.metrics()
        kept = [row for row in rows if not (row.get("what") == what and row["images_seen"] > images_seen)]
        if len(kept) < len(rows):
            self._replace_metrics(kept)

    def _replace_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        with self.replacing("metrics.jsonl") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows).encode())

    def log(self, text: str) -> None:
        """Add a line for people to log.txt, with the time in UTC."""
        add_to_log(self.dir, text)

    def request_cancel(self) -> None:
        """Ask the training to save and stop.

        Raises:
            RunError: the folder cannot be written to.
        """
        with telling(f"cannot ask run {self.id} to stop", self.dir):
            (self.dir / "cancel").touch()

    def clear_cancel(self) -> None:
        """Take a request to stop back.

        Raises:
            RunError: the folder cannot be written to.
        """
        with telling(f"cannot take back the request to stop run {self.id}", self.dir):
            (self.dir / "cancel").unlink(missing_ok=True)

    @property
    def is_cancel_requested(self) -> bool:
        """Whether somebody asked this run to stop."""
        return (self.dir / "cancel").exists()

    def request(self, **asked: float | bool) -> None:
        """Ask the running training for something: pause=True or False, save_now=True, beta=..., learning_rate=...

        It takes requests within about half a second, or a step; each becomes an `event` in the metrics.

        Raises:
            ConfigError: there is no such request, or its value is not allowed.
            RunError: nobody trains this run.
        """
        for what, value in asked.items():
            check_request(self.config, what, value)
        status = self.status
        if not status.is_alive:
            raise RunError(f"run {self.id} is {status.state}; only a running or paused run takes requests")
        with telling(f"cannot leave a request for run {self.id}", self.dir):
            submit(self.requests_dir, f"run {self.id}", asked)

    @property
    def control(self) -> Control:
        """What was asked of the training and is not done yet."""
        return asked_for(pending(self.requests_dir))

    @property
    def settings_now(self) -> TrainConfig:
        """The settings with all changes made while the run trained."""
        return settings_at(self.config, interventions(self.metrics("event")), self.config.optim.num_images)

    @property
    def requests_dir(self) -> Path:
        """Where requests wait."""
        return self.dir / "requests"

    @property
    def previews_dir(self) -> Path:
        """Pictures of the training on its way."""
        return self.dir / "previews"

    @property
    def frames_dir(self) -> Path:
        """Latents of the same faces on the training's way."""
        return self.dir / "frames"

    def previews(self, kind: str) -> list[tuple[int, Path]]:
        """(images_seen, path) of the previews of a kind, `recon` or `samples`, oldest first."""
        return previews_in(self.previews_dir, kind)

    @property
    def tags(self) -> tuple[str, ...]:
        """Words that people gave the run."""
        tags = self._record().get("tags")
        return tuple(map(str, tags)) if isinstance(tags, list) else ()

    @property
    def notes(self) -> str:
        """What people wrote about the run."""
        return str(self._record().get("notes", ""))

    def set_record(self, tags: Sequence[str] | None = None, notes: str | None = None) -> None:
        """Replace the tags, the notes, or both; tags are trimmed, sorted and each kept once."""
        words = self.tags if tags is None else sorted({tag.strip() for tag in tags} - {""})
        self._write_json("record.json", {"tags": list(words), "notes": self.notes if notes is None else notes.strip()})

    def _record(self) -> dict[str, Any]:
        return self._read_json("record.json") if (self.dir / "record.json").is_file() else {}

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
    def priors_path(self) -> Path:
        """Priors fitted to the latents of training faces, safetensors."""
        return self.dir / "priors.safetensors"

    @property
    def slider_names(self) -> dict[str, str]:
        """Names that people gave to sliders, by the slider's key."""
        return self._read_json("names.json") if (self.dir / "names.json").is_file() else {}

    def name_slider(self, key: str, name: str) -> None:
        """Give a slider a name, of those `slider_name` takes, or for an empty one its own name back."""
        names = {**self.slider_names, key: slider_name(name)}
        self._write_json("names.json", {known: text for known, text in names.items() if text})

    @property
    def familiarity_path(self) -> Path:
        """Held-out faces' distances from what the model knows, JSON."""
        return self.dir / "familiarity.json"

    @property
    def card(self) -> str | None:
        """The model card (Markdown), where there is one."""
        return (self.dir / "README.md").read_text(encoding="utf-8") if self.is_shipped else None

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

    def replacing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A binary file that takes the place of `name` only once it is whole and on disk."""
        return replacing(self.dir, name, f"run {self.id}")

    def clear_leftovers(self) -> None:
        """Delete the unfinished files of a process that was killed while it wrote them."""
        with telling(f"cannot delete unfinished files of run {self.id}", self.dir):
            for path in self.dir.rglob(".*.partial"):
                path.unlink(missing_ok=True)

    def _write_json(self, name: str, value: Mapping[str, Any]) -> None:
        write_json(self.dir, name, value, f"run {self.id}")

    def _read_json(self, name: str) -> dict[str, Any]:
        return read_json(self.dir, name, f"run {self.id}")


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
