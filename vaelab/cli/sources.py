"""Sources as commands are told of them: a flag for each field of a source, and where the data sets lie."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaelab.data.images import Crop
from vaelab.data.mapping import LabelMapping, read_mappings
from vaelab.data.sources import Source
from vaelab.errors import DataError
from vaelab.portraits.crops import FACE_CROP, FaceCrops

DATA_DIR = Path("data")


def add_common(parser: argparse.ArgumentParser) -> None:
    """Where the data sets lie, and whether to answer in JSON."""
    parser.add_argument(
        "--data-dir", type=Path, default=DATA_DIR, help="folder of the data sets (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def add_fields(parser: argparse.ArgumentParser, source: type[Source]) -> None:
    """A flag for every field of a source; those without a default are required."""
    for field in dataclasses.fields(source):
        about = dict(FLAGS[field.name])
        if field.default is not dataclasses.MISSING:
            about["default"] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            about["default"] = field.default_factory()
        else:
            about["required"] = True
        parser.add_argument(f"--{field.name.replace('_', '-')}", **about)
    parser.set_defaults(source=source)


def add_mappings(parser: argparse.ArgumentParser) -> None:
    """The flag for labels of one's own making."""
    parser.add_argument(
        "--map",
        type=mappings_of,
        default=(),
        metavar="JSON",
        help="labels of your own making, on record in the manifest, for example "
        '\'{"over_50": {"from": "age", "values": {"50-59": "yes", "20-29": "no"}}}\'',
    )


def source_of(arguments: argparse.Namespace) -> Source:
    """The source that the flags describe; with `--crop face`, cut to the faces in it."""
    given = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(arguments.source)}
    if given.get("crop") != FACE_CROP:
        source: Source = arguments.source(**given)
        return source
    del given["crop"]
    return FaceCrops(arguments.source(**given))


def mappings_of(text: str) -> tuple[LabelMapping, ...]:
    """The JSON object of `--map`."""
    try:
        return read_mappings(json.loads(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from error
    except DataError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _shares(text: str) -> Mapping[str, Any]:
    """The JSON object of `--shares`."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from error
    if not isinstance(value, dict) or not all(isinstance(share, dict) for share in value.values()):
        raise argparse.ArgumentTypeError('expected {"factor": {"value": share, ...}, ...}')
    return value


def _crop(text: str) -> str:
    """A crop that `Crop.parse` takes, or `face`."""
    if text == FACE_CROP:
        return text
    try:
        Crop.parse(text)
    except DataError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


FLAGS: dict[str, dict[str, Any]] = {
    "root": {"type": Path, "metavar": "PATH", "help": "where the pictures lie: a folder, or a file or tar"},
    "csv": {"type": Path, "metavar": "FILE", "help": "the table, where it is not found beside the pictures"},
    "crop": {
        "type": _crop,
        "help": "square to keep: centre-square, whole, fit (bars make it square), celeba, margin:SHARE, or face (the "
        "one that the detector finds) (default: %(default)s)",
    },
    "keep_together": {
        "metavar": "COLUMN",
        "help": "column whose equal values stay in one split, for example the person",
    },
    "non_faces": {"action": "store_true", "help": "these pictures show no faces"},
    "terms": {"metavar": "TEXT", "help": "licence line for the manifest"},
    "num_faces": {"type": int, "help": "faces to draw (default: %(default)s)"},
    "num_nonfaces": {"type": int, "help": "other things to draw (default: %(default)s)"},
    "seed": {"type": int, "help": "the same seed draws the same pictures (default: %(default)s)"},
    "cuts": {"type": int, "metavar": "N", "help": "cuts of every training face (default: %(default)s)"},
    "parts": {"type": float, "metavar": "SHARE", "help": "parts of faces for each cut (default: %(default)s)"},
    "turn": {"type": float, "metavar": "DEGREES", "help": "largest angle to either side (default: %(default)s)"},
    "windows": {"type": int, "metavar": "N", "help": "squares of every photo (default: %(default)s)"},
    "photos": {"type": Path, "metavar": "PATH", "help": "folder or tar of photos that the faces are laid into"},
    "leave_out": {"type": Path, "metavar": "FILE", "help": "names of photos that show people, one per line"},
    "mined": {"type": Path, "metavar": "CSV", "help": "false alarms to take too, as `detect --csv` writes them"},
    "shares": {
        "type": _shares,
        "metavar": "JSON",
        "help": 'shares of the faces by factor, for example \'{"skin": {"dark": 0.1, "light": 0.9}}\'',
    },
}
