"""`detect` and `calibrate`: faces in photos, and the threshold above which a detector is believed there."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaelab.cli.arguments import open_model, run_command, whole_number
from vaelab.cli.faces import write_file
from vaelab.data.left_out import LeftOut
from vaelab.data.splits import PHOTO_FRACTIONS, split_of
from vaelab.errors import ConfigError, DataError
from vaelab.runs.store import RUNS_DIR, find_run
from vaelab.wording import alarms_per_photo

if TYPE_CHECKING:
    from vaelab.detection.photographs import Result
    from vaelab.detection.search import Search

EPILOG = """\
Several runs look at the same photos; where they differ is told and drawn dashed.

  python -m vaelab detect group.jpg --run cnn --run dbvae --out annotated.png --json
  python -m vaelab detect *.jpg --run dbvae --csv faces.csv --false-alarms 0.3
"""
DEFAULT_RUN = "detector"
RATES = (3.0, 1.0, 0.3, 0.1)
"""As in `vaelab.detection.thresholds`, which takes torch to import."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `detect` and `calibrate`."""
    detect = commands.add_parser(
        "detect", help="find the faces in photos with one or more detectors", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Find the faces in photos with one or more detectors.",
    )  # fmt: skip
    detect.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="picture files")
    detect.add_argument(
        "--run", action="append", metavar="RUN", dest="runs",
        help=f"a run that detects; may be given again (default: {DEFAULT_RUN})",
    )  # fmt: skip
    detect.add_argument(
        "--false-alarms", type=float, choices=RATES, default=1.0,
        help="per photo, which sets each detector's threshold (default: %(default)s)",
    )  # fmt: skip
    _add_search(detect)
    detect.add_argument("--out", type=Path, metavar="FILE", help="PNG with the faces marked; numbered if several")
    detect.add_argument("--csv", type=Path, metavar="FILE", help="table with a row per face, in pixels of the file")
    detect.add_argument("--json", action="store_true", help="print the result as JSON")
    detect.add_argument("--root", type=Path, default=RUNS_DIR, help="folder of the runs (default: %(default)s)")
    detect.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: %(default)s)")
    detect.set_defaults(run=_detect)

    calibrate = run_command(
        commands, "calibrate", _calibrate, "set a detector's thresholds by its false alarms in photos without faces"
    )
    calibrate.add_argument("folder", type=Path, help="photos without any face: one that holds some spoils the count")
    calibrate.add_argument("--leave-out", type=Path, metavar="FILE", help="names of photos to pass over, one per line")
    calibrate.add_argument(
        "--split", choices=tuple(PHOTO_FRACTIONS),
        help="only the photos of this split, as `data prepare windows` makes it from their names: a detector that was "
        "trained on squares of photos is held to others",
    )  # fmt: skip
    calibrate.add_argument("--limit", type=whole_number, help="most photos, in the order of their names")
    _add_search(calibrate)


def _add_search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--smallest", type=float, default=48.0, metavar="PIXELS",
        help="side of the smallest square looked at, two thirds of it a face from brows to chin (default: %(default)g)",
    )  # fmt: skip


def _detect(arguments: argparse.Namespace) -> int:
    from vaelab.detection.drawing import png_file
    from vaelab.detection.photographs import Detector, detect, rows
    from vaelab.detection.search import Search
    from vaelab.detection.thresholds import alarm_threshold
    from vaelab.inference import FaceModel

    _check_outputs(arguments.out, arguments.csv)
    search = Search(smallest=arguments.smallest)
    detectors = []
    for run_id in dict.fromkeys(arguments.runs or [DEFAULT_RUN]):
        run = find_run(run_id, arguments.root)
        model = FaceModel.load(run, arguments.device, with_latents=False)
        threshold = alarm_threshold(run.reports(), model.weights_fingerprint, arguments.false_alarms, search)
        detectors.append(Detector(model, threshold))
    results: list[Result] = []
    unread: list[Path] = []
    for number, path, photo, whole in _photos(arguments.photos, unread):
        results.append(detect(photo, detectors, str(path), search, whole))
        if arguments.out is not None:
            write_file(_numbered(arguments.out, number, len(arguments.photos)), png_file(photo, results[-1]))
    if arguments.csv is not None and results:
        write_file(arguments.csv, _table(rows(results), detectors=[one.name for one in detectors]))
    if arguments.json:
        print(json.dumps([result.record() for result in results]))
        return _code(unread, len(arguments.photos))
    for one in detectors:
        print(f"{one.name}: log-odds above {one.threshold.logit:.2f} ({one.threshold.source})", file=sys.stderr)
    for result in results:
        print(f"{result.name}: {result.in_words()}")
    return _code(unread, len(arguments.photos))


def _calibrate(arguments: argparse.Namespace) -> int:
    from vaelab.detection.search import Search
    from vaelab.detection.thresholds import REPORT, measure

    run, model = open_model(arguments)
    search: Search = Search(smallest=arguments.smallest)
    paths = _paths(arguments.folder, arguments.leave_out, arguments.split)[: arguments.limit]
    unread: list[Path] = []
    photos = (photo for _, _, photo, _ in _photos(paths, unread))
    report = measure(model, photos, search, lambda words: print(f"{words} of {len(paths)}", file=sys.stderr))
    run.write_report(REPORT, report)
    print(json.dumps(report) if arguments.json else _told(run.id, report))
    return _code(unread, len(paths))


def _told(run_id: str, report: dict[str, Any]) -> str:
    lines = [f"{run_id} on {report['num_photos']} photos without a face, {report['mean_megapixels']} megapixels each:"]
    for rate, found in report["false_alarms_per_photo"].items():
        words = found.get("refused") or f"log-odds above {found['threshold']:.2f} ({found['num_alarms']} alarms)"
        lines.append(f"  {alarms_per_photo(float(rate))}: {words}")
    return "\n".join(lines)


def _paths(folder: Path, leave_out: Path | None, split: str | None) -> list[Path]:
    left_out = LeftOut.read(leave_out)
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror}") from error
    for note in left_out.notes(path.name for path in found):
        print(f"note: {note}", file=sys.stderr)
    wanted = [path for path in found if path.name not in left_out]
    kept = [path for path in wanted if split in (None, split_of(path.name, PHOTO_FRACTIONS))]
    if not kept:
        raise DataError(f"{folder} has no photo left to look at; expected files ending in {', '.join(SUFFIXES)}")
    return kept


def _photos(paths: list[Path], unread: list[Path]) -> Iterator[tuple[int, Path, np.ndarray, tuple[int, int]]]:
    """Number from 1, path and `_photo` of each file; those that cannot be read are told of and put into `unread`."""
    for number, path in enumerate(paths, 1):
        try:
            photo, whole = _photo(path)
        except DataError as error:
            print(f"error: {error}", file=sys.stderr)
            unread.append(path)
        else:
            yield number, path, photo, whole


def _code(unread: list[Path], count: int) -> int:
    """The exit code; that some files were left out is the last that is said."""
    if unread:
        print(f"{len(unread)} of {count} files could not be read and were left out", file=sys.stderr)
    return 1 if unread else 0


def _photo(path: Path) -> tuple[np.ndarray, tuple[int, int]]:
    """The photo of a file as it is searched, and its own width and height."""
    from vaelab.photos import read_sized_photo

    try:
        return read_sized_photo(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _check_outputs(out: Path | None, csv: Path | None) -> None:
    """Refuses before a search of hours what could not be written after it."""
    if out is not None and out.suffix.lower() != ".png":
        raise ConfigError(f"--out is {out}; the annotated photo is a PNG, so its name must end in .png")
    for flag, path in (("--out", out), ("--csv", csv)):
        if path is None:
            continue
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
            raise ConfigError(f"{flag} is {path}, where no file can be written; choose another place")


def _numbered(path: Path, number: int, count: int) -> Path:
    return path if count == 1 else path.with_stem(f"{path.stem}-{number}")


def _table(found: list[dict[str, Any]], detectors: list[str]) -> bytes:
    import pandas as pd

    from vaelab.detection.photographs import columns

    return pd.DataFrame(found, columns=columns(detectors)).to_csv(index=False).encode()
