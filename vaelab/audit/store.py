"""The only code that knows the file names of an audit's folder. No torch here: pages read audits through it.

checkpoints/audits/<name>/
  experiment.json                  what is compared, what was compared before, code version, fingerprints of all data
  status.json                      where it is, replaced atomically
  log.txt                          sentences and tracebacks, for people
  members/<arm>-<seed>/            ordinary run folders, each resumable by itself
  members/<arm>-<seed>.lock        held by the process that is at work on the member
  scores/<split>/<arm>-<seed>.npz  logits: faces, negatives, calibration, hard_negatives; log_density where there are
                                   latents
  scores/<split>/faces.csv         the faces' ids and labels, aligned with the logits; negatives.csv likewise
  scores/calibration.csv.gz        the same of the negatives that set thresholds, which are those of every split
  exposure/<arm>-<seed>.json       what a resampling member drew
  failures/<arm>-<seed>.json       why a member could not be trained to its end
  report.html, .pdf, .json         what was found; tables/*.csv and figures/*.png beside it; report-val.* likewise
  cancel                           exists = please stop
  lock                             held by the process that conducts it

An audit that ships has neither members nor locks: experiment, scores, exposure and report say all.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from vaelab import __version__
from vaelab.audit.experiment import Experiment, experiment_from_dict
from vaelab.audit.history import continued, history_of
from vaelab.errors import ConfigError, DataError, RunError
from vaelab.evaluation.clusters import classes_of
from vaelab.evaluation.fairness.scores import Scores
from vaelab.runs.files import add_to_log, read_json, replacing, telling, write_json
from vaelab.runs.status import RunStatus
from vaelab.runs.store import RUNS_DIR, Run

AUDITS_DIR = RUNS_DIR / "audits"
LOGITS = ("faces", "negatives", "calibration")
CALIBRATION_FILE = "scores/calibration.csv.gz"


def split_ending(split: str) -> str:
    """What names of files about a split end in, lest validation faces be taken for the result."""
    return "" if split == "test" else f"-{split}"


@dataclass(frozen=True)
class Audit:
    """One audit's folder. Reading is always fresh from disk: any number of watchers see the same."""

    dir: Path

    @classmethod
    def create(
        cls,
        experiment: Experiment,
        splits: Sequence[str],
        fingerprints: Mapping[str, str],
        treatment: str = "",
        root: Path = AUDITS_DIR,
    ) -> Audit:
        """Make the folder of a new audit, `queued`.

        Args:
            splits: those that have faces and non-faces to score.
            fingerprints: of all data sets, by name.
            treatment: how the pictures were framed, in a sentence.

        Raises:
            RunError: there is one of this name, or the folder cannot be made.
        """
        audit = cls(root / experiment.name)
        if (audit.dir / "experiment.json").is_file():
            raise RunError(
                f"there is already an audit {experiment.name!r} in {root}; resume it, or choose another name"
            )
        audit.write_experiment(experiment, splits, fingerprints, treatment)
        audit.write_status(RunStatus())
        return audit

    @classmethod
    def open(cls, path: Path) -> Audit:
        """The audit in folder `path`.

        Raises:
            RunError: there is no such folder or it holds no experiment.json.
        """
        if not (path / "experiment.json").is_file():
            raise RunError(f"{path} is no audit's folder; `python -m vaelab audit --list` lists the audits there are")
        return cls(path)

    @property
    def name(self) -> str:
        """Name of the audit: that of its folder."""
        return self.dir.name

    @property
    def about(self) -> dict[str, Any]:
        """What experiment.json says: vaelab (version), created, splits, data_fingerprints, treatment, experiment, and
        the history of its changes.
        """
        return self._read_json("experiment.json")

    @property
    def experiment(self) -> Experiment:
        """What is compared.

        Raises:
            RunError: it was written by a version that knows settings which this one does not.
        """
        about = self.about
        try:
            return replace(experiment_from_dict(about["experiment"]), name=self.name)
        except (ConfigError, DataError, KeyError) as error:
            raise RunError(
                f"experiment.json of audit {self.name} does not fit this version: {error} (written by vaelab "
                f"{about.get('vaelab', 'unknown')}, this is {__version__})"
            ) from error

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was compared since the beginning, see `history.py`."""
        return history_of(self.about)

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits that members are scored on."""
        return tuple(self.about["splits"])

    @property
    def data_fingerprints(self) -> dict[str, str]:
        """Fingerprint of each data set, by its name."""
        return dict(self.about["data_fingerprints"])

    def write_experiment(
        self, experiment: Experiment, splits: Sequence[str], fingerprints: Mapping[str, str], treatment: str
    ) -> None:
        """Write down what is compared on which data; the date of the beginning stays, and every change is kept.

        Raises:
            RunError: the folder cannot be made or written to.
        """
        with telling(f"cannot make the folder of audit {experiment.name}", self.dir.parent):
            for split in splits:
                (self.dir / "scores" / split).mkdir(parents=True, exist_ok=True)
        before = self.about if (self.dir / "experiment.json").is_file() else None
        now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        self._write_json(
            "experiment.json",
            {
                "vaelab": __version__,
                "created": now if before is None else before["created"],
                "splits": list(splits),
                "data_fingerprints": dict(fingerprints),
                "treatment": treatment,
                "experiment": experiment.to_dict(),
                "history": continued(before, experiment, now),
            },
        )

    @property
    def status(self) -> RunStatus:
        """Where the audit is now; `images_seen` is over all members. An audit that ships is done."""
        if not (self.dir / "status.json").is_file():
            return RunStatus("done")
        return RunStatus.read(self._read_json("status.json"))

    def write_status(self, status: RunStatus, pid: int | None = None) -> None:
        """Replace the status atomically; stamps host, process (this one, unless another is given) and time."""
        self._write_json("status.json", asdict(status.stamped(pid)))

    def log(self, text: str) -> None:
        """Add a line for people to log.txt, with the time in UTC."""
        add_to_log(self.dir, text)

    @property
    def cancel_path(self) -> Path:
        """Exists when somebody asked the audit to stop."""
        return self.dir / "cancel"

    def member_dir(self, arm: str, seed: int) -> Path:
        """Folder of a member's run."""
        return self.dir / "members" / f"{arm}-{seed}"

    def member(self, arm: str, seed: int) -> Run | None:
        """A member's run; None where it was not begun, or does not ship."""
        folder = self.member_dir(arm, seed)
        return Run(folder) if (folder / "config.json").is_file() else None

    def scores_path(self, split: str, arm: str, seed: int) -> Path:
        """A member's logits on one split."""
        return self.dir / "scores" / split / f"{arm}-{seed}.npz"

    def is_scored(self, arm: str, seed: int) -> bool:
        """Whether nothing is left to do for a member."""
        return all(self.scores_path(split, arm, seed).is_file() for split in self.splits)

    def scored(self, split: str) -> list[tuple[str, int]]:
        """Members with scores on a split, sorted, also those that the experiment does not name any more."""
        names = [path.stem.rpartition("-") for path in (self.dir / "scores" / split).glob("*-*.npz")]
        return sorted((arm, int(seed)) for arm, _, seed in names if arm and seed.isdecimal())

    def missing(self, split: str) -> list[tuple[str, int]]:
        """Members without scores on a split, in the order of training."""
        return [member for member in self.experiment.members() if not self.scores_path(split, *member).is_file()]

    def write_scores(self, split: str, arm: str, seed: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep a member's logits, float32."""
        path = self.scores_path(split, arm, seed)
        with replacing(path.parent, path.name, f"audit {self.name}") as file:
            np.savez_compressed(file, **{name: values.astype(np.float32) for name, values in arrays.items()})  # type: ignore[arg-type]

    def read_scores(self, split: str, arm: str, seed: int) -> dict[str, np.ndarray]:
        """What `write_scores` kept.

        Raises:
            DataError: it is missing or damaged.
        """
        path = self.scores_path(split, arm, seed)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except FileNotFoundError:
            raise DataError(
                f"member {arm}-{seed} of audit {self.name} has no scores on split {split}; resume the audit"
            ) from None
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is damaged ({error}); delete it and resume the audit") from error

    def scores(self, split: str, arms: Sequence[str] | None = None) -> Scores:
        """Logits of the members that are done, as far as they are paired: the seeds that all arms have.

        Args:
            arms: only these, in this order; by default all.

        Raises:
            DataError: no such split or arm, or no seed that all the arms have.
        """
        if split not in self.splits:
            raise DataError(f"audit {self.name} has no split {split!r}; it has {', '.join(self.splits)}")
        experiment = self.experiment
        arms = tuple(experiment.arms if arms is None else arms)
        unknown = sorted(set(arms) - set(experiment.arms))
        if unknown:
            raise DataError(f"audit {self.name} has no arm {unknown[0]!r}; it has {', '.join(experiment.arms)}")
        done = {
            arm: [seed for seed in experiment.seeds if self.scores_path(split, arm, seed).is_file()] for arm in arms
        }
        seeds = tuple(seed for seed in experiment.seeds if all(seed in found for found in done.values()))
        if not seeds:
            counts = ", ".join(f"{arm} {len(found)}" for arm, found in done.items())
            raise DataError(
                f"audit {self.name} has no seed yet that all its arms are scored with on split {split} (seeds done: "
                f"{counts} of {len(experiment.seeds)}); wait for it, or resume it"
            )
        found = [[self.read_scores(split, arm, seed) for seed in seeds] for arm in arms]
        names = [name for name in (*LOGITS, "hard_negatives") if all(name in one for row in found for one in row)]
        stacked = {name: np.stack([np.stack([one[name] for one in row]) for row in found]) for name in names}
        calibration = None
        if (self.dir / CALIBRATION_FILE).is_file():  # an older audit has none, until it is resumed
            calibration = classes_of(self._read_pictures(self.dir / CALIBRATION_FILE))
        return Scores(
            arms,
            seeds,
            labels=self.pictures(split, "faces"),
            negative_classes=classes_of(self.pictures(split, "negatives")),
            calibration_classes=calibration,
            **stacked,
        )

    def log_densities(self, split: str, arm: str) -> dict[int, np.ndarray]:
        """By seed, how densely the latents around each face are filled with training faces; see `member.py`.

        Larger is denser. Unit: nats, up to a constant of the member. Empty for arms without latents.
        """
        found = {}
        for seed in self.experiment.seeds:
            if self.scores_path(split, arm, seed).is_file():
                arrays = self.read_scores(split, arm, seed)
                if "log_density" in arrays:
                    found[seed] = arrays["log_density"]
        return found

    def write_pictures(self, split: str, kind: str, table: pd.DataFrame) -> None:
        """Keep which `faces` or `negatives` a split's logits are of: image_id, dataset, labels."""
        with replacing(self.dir / "scores" / split, f"{kind}.csv", f"audit {self.name}") as file:
            table.to_csv(file, index=False, lineterminator="\n")

    def write_calibration(self, table: pd.DataFrame) -> None:
        """Keep which negatives set thresholds."""
        path = self.dir / CALIBRATION_FILE
        with replacing(path.parent, path.name, f"audit {self.name}") as file:
            table.to_csv(file, index=False, lineterminator="\n", compression={"method": "gzip", "mtime": 0})

    def pictures(self, split: str, kind: str) -> pd.DataFrame:
        """The table that `write_pictures` kept; every label is text, an empty field a missing one.

        Raises:
            DataError: it is missing or damaged.
        """
        return self._read_pictures(self.dir / "scores" / split / f"{kind}.csv")

    def _read_pictures(self, path: Path) -> pd.DataFrame:
        try:
            return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise DataError(f"{path} cannot be read ({error}); resume the audit, which writes it anew") from error

    def write_exposure(self, arm: str, seed: int, exposure: Mapping[str, Any]) -> None:
        """Keep what a resampling member drew."""
        folder = self.dir / "exposure"
        with telling(f"cannot keep the exposure of {arm}-{seed}", self.dir):
            folder.mkdir(exist_ok=True)
        self._write_json(f"exposure/{arm}-{seed}.json", exposure)

    def exposure(self, arm: str, seed: int) -> dict[str, Any] | None:
        """What a member drew; None where it did not resample, or is not done."""
        path = f"exposure/{arm}-{seed}.json"
        return self._read_json(path) if (self.dir / path).is_file() else None

    def write_failure(self, arm: str, seed: int, why: str) -> None:
        """Keep why a member could not be trained to its end: who reads the scores has to know that it was tried."""
        folder = self.dir / "failures"
        with telling(f"cannot keep the failure of {arm}-{seed}", self.dir):
            folder.mkdir(exist_ok=True)
        self._write_json(f"failures/{arm}-{seed}.json", {"why": why})

    def clear_failure(self, arm: str, seed: int) -> None:
        """Forget the failure of a member that is tried again."""
        with telling(f"cannot forget the failure of {arm}-{seed}", self.dir):
            (self.dir / f"failures/{arm}-{seed}.json").unlink(missing_ok=True)

    def failures(self) -> dict[tuple[str, int], str]:
        """Why members of the experiment have no scores, where they were tried and failed."""
        found = {}
        for arm, seed in self.experiment.members():
            if self.is_scored(arm, seed):
                continue
            kept = f"failures/{arm}-{seed}.json"
            if (self.dir / kept).is_file():
                found[arm, seed] = str(self._read_json(kept).get("why", ""))
            elif (run := self.member(arm, seed)) is not None and run.status.state == "failed":
                found[arm, seed] = run.status.message
        return found

    def report_path(self, kind: str, split: str = "test") -> Path:
        """The report as `html`, `pdf` or `json`. That of validation faces, for choosing, has a name of its own."""
        return self.dir / f"report{split_ending(split)}.{kind}"

    def replacing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A binary file that takes the place of `name` only once it is whole and on disk."""
        return replacing((self.dir / name).parent, Path(name).name, f"audit {self.name}")

    def _write_json(self, name: str, value: Mapping[str, Any]) -> None:
        path = self.dir / name
        write_json(path.parent, path.name, value, f"audit {self.name}")

    def _read_json(self, name: str) -> dict[str, Any]:
        return read_json(self.dir, name, f"audit {self.name}")


def list_audits(root: Path = AUDITS_DIR) -> list[Audit]:
    """The audits under `root`, the newest first."""
    audits = [Audit(path.parent) for path in root.glob("*/experiment.json")]
    return sorted(audits, key=lambda audit: str(audit.about.get("created", "")), reverse=True)


def find_audit(name: str, root: Path = AUDITS_DIR) -> Audit:
    """The audit called `name` under `root`, or in the folder `name`.

    Raises:
        RunError: there is none; the message names those there are.
    """
    for path in (root / name, Path(name)):
        if (path / "experiment.json").is_file():
            return Audit.open(path)
    known = ", ".join(audit.name for audit in list_audits(root)[:8]) or "none yet"
    raise RunError(f"there is no audit {name!r} in {root}; there are: {known}")
