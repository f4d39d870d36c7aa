"""`data validate`: everything that is wrong with pictures and their labels, before they are prepared."""

from __future__ import annotations

import argparse
import json

from tqdm import tqdm

from vaelab.cli.sources import add_fields, add_mappings, source_of
from vaelab.data.sources import SOURCES, Source
from vaelab.data.validation import Validation, validate
from vaelab.errors import Cancelled


def add_parser(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `validate` with a sub-command for each source."""
    parser = parts.add_parser(
        "validate",
        help="report everything that is wrong with a source, and prepare nothing",
        description="Reports all problems of a source at once: missing and repeated files, files and labels without "
        "their other half, values and counts that were never published, pictures that are damaged or small. Ends with "
        "1 where nothing can be prepared from it.",
    )
    sources = parser.add_subparsers(metavar="SOURCE", required=True)
    for source in SOURCES.values():
        _add_source(sources, source)


def _add_source(sources: argparse._SubParsersAction[argparse.ArgumentParser], source: type[Source]) -> None:
    parser = sources.add_parser(source.name, help=source.summary, description=source.summary)
    add_fields(parser, source)
    add_mappings(parser)
    parser.add_argument("--size", type=int, default=64, help="side that is wanted, pixels (default: %(default)s)")
    parser.add_argument("--labels-only", action="store_true", help="do not decode the pictures")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    parser.set_defaults(run=_validate)


def _validate(arguments: argparse.Namespace) -> int:
    source = source_of(arguments)
    with tqdm(unit=" pictures", desc=source.name, disable=True if arguments.json else None) as bar:

        def show(done: int, total: int, _: float) -> None:
            bar.total = total
            bar.update(done - bar.n)

        try:
            found = validate(
                source,
                size=arguments.size,
                decode=not arguments.labels_only,
                progress=show,
                mappings=arguments.map,
            )
        except KeyboardInterrupt as error:
            raise Cancelled("stopped; nothing was written") from error
    print(json.dumps(found.to_dict()) if arguments.json else _report(found))
    return 1 if found.blocks else 0


def _report(found: Validation) -> str:
    """The summary, then each problem with its names below it."""
    lines = [found.summary()]
    for problem in found.problems:
        lines.append(f"{problem.effect:9} {problem.count:>7,} x {problem.kind}")
        lines += [f"{'':20}{example}" for example in problem.examples]
        more = problem.count - len(problem.examples)
        if problem.examples and more > 0:
            lines.append(f"{'':20}and {more:,} more")
    return "\n".join(lines)
