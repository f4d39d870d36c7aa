"""`data lightness`: apparent lightness of the faces of a data set, as labels for `audit --labels`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaelab.cli.sources import add_common
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError
from vaelab.evaluation.lightness import CAVEATS, lightness, thirds

_BLOCK = 4096


def add_parser(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `lightness`."""
    parser = parts.add_parser(
        "lightness",
        help="apparent lightness (ITA) of the faces of a data set, as a table of labels",
        description="Writes image_id, ita (degrees, larger is lighter) and apparent_lightness (thirds of this data "
        f"set's faces) of every face, as a CSV that `audit --labels` joins by image_id. {CAVEATS}",
    )
    parser.add_argument("name", metavar="NAME", help="name of the data set, as in `data list`")
    parser.add_argument("--out", type=Path, help="the table to write (default: NAME-lightness.csv beside the data set)")
    add_common(parser)
    parser.set_defaults(run=_lightness)


def _lightness(arguments: argparse.Namespace) -> int:
    store = DatasetStore.open(arguments.data_dir / arguments.name)
    rows = store.indices(is_face=True)
    # In blocks: the pictures of a large data set do not fit into memory at once.
    ita = np.concatenate([lightness(store.pixels[rows[start : start + _BLOCK]]).ita for start in _starts(len(rows))])
    labels, cuts = thirds(ita)
    path: Path = arguments.out or arguments.data_dir / f"{arguments.name}-lightness.csv"
    table = pd.DataFrame(
        {
            "image_id": store.labels["image_id"].to_numpy()[rows],
            "ita": np.round(ita, 2),
            "apparent_lightness": labels,
        }
    )
    try:
        table.to_csv(path, index=False)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}; choose another --out") from error
    found = ita[np.isfinite(ita)]
    quantiles = {str(share): round(float(np.quantile(found, share)), 2) for share in (0.05, 0.25, 0.5, 0.75, 0.95)}
    facts: dict[str, Any] = {
        "path": str(path),
        "faces": len(rows),
        "share_unknown": 1.0 - len(found) / len(ita),
        "ita_quantiles": quantiles,
        "cuts": list(cuts),
        "caveats": CAVEATS,
    }
    print(json.dumps(facts) if arguments.json else _report(facts))
    return 0


def _starts(num_rows: int) -> range:
    """Where blocks begin; a single empty one without rows."""
    return range(0, max(1, num_rows), _BLOCK)


def _report(facts: dict[str, Any]) -> str:
    quantiles = ", ".join(f"{float(share):.0%} {angle}°" for share, angle in facts["ita_quantiles"].items())
    low, high = facts["cuts"]
    return (
        f"{facts['path']}: {facts['faces']:,} faces, {facts['share_unknown']:.1%} without enough skin to measure\n"
        f"ITA quantiles: {quantiles}; thirds are cut at {low:.1f}° and {high:.1f}°\n{facts['caveats']}"
    )
