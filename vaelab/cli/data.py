"""`data prepare | list | show`: pictures in, and what has been prepared; the other parts have files of their own."""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections import Counter
from typing import Any

import pandas as pd
from tqdm import tqdm

from vaelab.cli import lightness, validating
from vaelab.cli.data_report import labels_report, manifest_report, store_rows
from vaelab.cli.sources import add_common, add_fields, add_mappings, source_of
from vaelab.data.prepare import prepare
from vaelab.data.sources import SOURCES, Source
from vaelab.data.store import DatasetStore
from vaelab.errors import Cancelled

_PREPARE_EPILOG = """\
examples:
  python -m vaelab data prepare synthetic                       10,000 drawn pictures in data/synthetic-64
  python -m vaelab data prepare fairface --root ~/fairface      FairFace as published
  python -m vaelab data prepare folder --root ~/photos --name photos-64
Interrupted, the same command continues where it was.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `data` with its sub-commands."""
    parser = commands.add_parser(
        "data",
        help="prepare, list and show data sets",
        description="Decode pictures once into a store that trainings read, and see what there is.",
    )
    parts = parser.add_subparsers(metavar="PART", required=True)
    preparing = parts.add_parser(
        "prepare",
        help="decode a source into a store",
        description="Decodes every picture of a source, on all cores, into one folder of pixels and labels.",
        epilog=_PREPARE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sources = preparing.add_subparsers(metavar="SOURCE", required=True)
    for source in SOURCES.values():
        _add_source(sources, source)
    validating.add_parser(parts)
    lightness.add_parser(parts)
    listing = parts.add_parser("list", help="list prepared data sets", description="All prepared data sets.")
    add_common(listing)
    listing.set_defaults(run=_list)
    showing = parts.add_parser(
        "show",
        help="counts, licence and rejected files of one data set",
        description="Counts by split and label, licence, notes and rejected files of one prepared data set.",
    )
    showing.add_argument("name", metavar="NAME", help="name of the data set, as in `data list`")
    showing.add_argument("--verify", action="store_true", help="read everything and compare with the fingerprint")
    showing.add_argument("--rejected", action="store_true", help="list every rejected file, not only the counts")
    add_common(showing)
    showing.set_defaults(run=_show)


def _add_source(sources: argparse._SubParsersAction[argparse.ArgumentParser], source: type[Source]) -> None:
    """Add one source with the flags of its fields."""
    parser = sources.add_parser(
        source.name, help=source.summary, description=f"{source.summary}. Licence: {source.licence}."
    )
    add_fields(parser, source)
    stem = source.store_stem or source.name
    parser.add_argument("--name", help=f"name of the store (default: {stem}-SIZE)")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures in pixels (default: %(default)s)")
    parser.add_argument("--workers", type=int, help="processes (default: one per core)")
    parser.add_argument("--limit", type=int, help="at most so many pictures, spread evenly over the source")
    add_mappings(parser)
    parser.add_argument(
        "--replace", action="store_true", help="overwrite a store that another request made or that is damaged"
    )
    add_common(parser)
    parser.set_defaults(run=_prepare, source=source, stem=stem)


def _prepare(arguments: argparse.Namespace) -> int:
    source = source_of(arguments)
    out_dir = arguments.data_dir / (arguments.name or f"{arguments.stem}-{arguments.size}")
    started = time.monotonic()
    with tqdm(unit=" pictures", desc=out_dir.name, disable=True if arguments.json else None) as bar:

        def show(done: int, total: int, images_per_second: float) -> None:
            bar.total = total
            if images_per_second == 0.0:
                bar.initial = done  # what an earlier run decoded is no speed of this one
            bar.update(done - bar.n)

        try:
            store = prepare(
                source,
                out_dir,
                size=arguments.size,
                workers=arguments.workers,
                limit=arguments.limit,
                progress=show,
                replace=arguments.replace,
                mappings=arguments.map,
            )
        except KeyboardInterrupt as error:
            raise Cancelled("stopped; the same command continues where it was") from error
    seconds = time.monotonic() - started
    if arguments.json:
        print(json.dumps({"path": str(out_dir), "seconds": round(seconds, 3), **_facts(store)}))
    else:
        print(manifest_report(store, out_dir))
        print(f"ready in {seconds:.1f} s; `python -m vaelab data show {out_dir.name}` tells more")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    rows = store_rows(arguments.data_dir)
    if arguments.json:
        print(json.dumps(rows))
        return 0
    if not rows:
        print(f"no data sets in {arguments.data_dir}; `python -m vaelab data prepare synthetic` makes the first")
        return 0
    print(f"{'name':24}  {'state':10}  {'pictures':>9}  {'faces':>9}  {'size':>4}  source")
    for row in rows:
        print(
            f"{row['name']:24}  {row['state']:10}  {row.get('total', 0):>9,}  {row.get('faces', 0):>9,}  "
            f"{row.get('size', ''):>4}  {row.get('source', row.get('message', ''))}"
        )
    return 0


def _show(arguments: argparse.Namespace) -> int:
    path = arguments.data_dir / arguments.name
    store = DatasetStore.open(path)
    if arguments.verify:
        store.verify()
    if arguments.json:
        rejected = [dataclasses.asdict(item) for item in store.manifest.rejected]
        verified = {"verified": True} if arguments.verify else {}
        print(json.dumps({**_facts(store), **verified, "labels": _label_counts(store.labels), "rejected": rejected}))
        return 0
    print(manifest_report(store, path))
    print(labels_report(store.labels))
    if arguments.verify:
        print("verified: pixels and labels are as they were made")
    if arguments.rejected:
        for item in store.manifest.rejected:
            print(f"rejected {item.image_id}: {item.reason}")
    return 0


def _facts(store: DatasetStore) -> dict[str, Any]:
    """The manifest without its long list, with the rejected counted by reason."""
    facts = dataclasses.asdict(store.manifest)
    rejected = facts.pop("rejected")
    facts["num_rejected"] = store.manifest.num_rejected
    facts["rejected_by_reason"] = dict(Counter(item["reason"] for item in rejected).most_common())
    return facts


def _label_counts(labels: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Rows by value, of the columns that are groupings."""
    names = [name for name in labels.columns if name not in ("image_id", "split", "is_face")]
    few = [name for name in names if labels[name].nunique() <= 64]
    return {name: {str(value): int(count) for value, count in labels[name].value_counts().items()} for name in few}
