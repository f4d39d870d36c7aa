"""`runs tag`, `note`, `compare`, `delete`, `restore`, `empty-trash`, `export` and `import`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from vaelab.cli.arguments import number_from
from vaelab.errors import RunError
from vaelab.jobs.exchange import import_zip
from vaelab.runs.archive import export_zip
from vaelab.runs.comparison import differing_settings, measures
from vaelab.runs.files import replacing
from vaelab.runs.store import find_run
from vaelab.runs.tensorboard import export_tensorboard
from vaelab.runs.trash import empty_trash, restore, trash, trashed
from vaelab.wording import counted


def add_actions(runs: argparse.ArgumentParser) -> None:
    """Add the commands below `runs`; without one it lists."""
    actions = runs.add_subparsers(metavar="ACTION")
    tag = _add(actions, "tag", "give a run words to find it by", _tag)
    tag.add_argument("words", nargs="+", metavar="WORD", help="tags to add")
    tag.add_argument("--remove", action="store_true", help="take these tags away instead")
    note = _add(actions, "note", "write down something about a run", _note)
    note.add_argument("text", help="the note; it replaces the old one, and an empty one deletes it")
    compare = _add(
        actions, "compare", "the settings in which runs differ, and their measurements", _compare, runs="many"
    )
    compare.add_argument("--all", action="store_true", help="measurements that only some of the runs have, too")
    _add(actions, "delete", "move a run to the trash; `restore` takes it back", _delete)
    _add(actions, "restore", "take the last deleted run of this name back out of the trash", _restore)
    empty = _add(actions, "empty-trash", "delete for good what lies in the trash", _empty, runs="none")
    empty.add_argument(
        "--older-than-days", type=number_from(0, 36_500), default=30.0, metavar="N", help="only those (default: 30)"
    )
    export = _add(actions, "export", "write a run as a zip file, or its reports for TensorBoard", _export)
    export.add_argument("--out", type=Path, help="the zip file; default: RUN.zip")
    export.add_argument("--with-state", action="store_true", help="what resuming needs, too: three times the size")
    export.add_argument("--tensorboard", type=Path, metavar="DIR", help="write event files below DIR instead")
    take_in = _add(actions, "import", "take in a run that was exported as a zip file", _import, runs="none")
    take_in.add_argument("file", type=Path, help="the zip file; it is looked through before it is taken in")


def _add(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
    runs: str = "one",
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    if runs == "one":
        parser.add_argument("run_id", metavar="RUN", help="name of the run")
    elif runs == "many":
        parser.add_argument("run_ids", metavar="RUN", nargs="+", help="names of the runs")
    # suppressed, so that what was given before the action is not set back to the default
    parser.add_argument("--root", type=Path, default=argparse.SUPPRESS, help="folder of the runs")
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    parser.set_defaults(run=run)
    return parser


def _tag(arguments: argparse.Namespace) -> int:
    run = find_run(arguments.run_id, arguments.root)
    words = {word.strip() for word in arguments.words}
    run.set_record(tags=[*(set(run.tags) - words if arguments.remove else {*run.tags, *words})])
    print(json.dumps(list(run.tags)) if arguments.json else ", ".join(run.tags))
    return 0


def _note(arguments: argparse.Namespace) -> int:
    find_run(arguments.run_id, arguments.root).set_record(notes=arguments.text)
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    runs = [find_run(run_id, arguments.root) for run_id in arguments.run_ids]
    settings, found = differing_settings(runs), [measures(run) for run in runs]
    names = list(dict.fromkeys(name for each in found for name in each))
    if not arguments.all:
        names = [name for name in names if all(name in each for each in found)]
    if arguments.json:
        measured = {name: [each[name].to_dict() if name in each else None for each in found] for name in names}
        print(json.dumps({"runs": [run.id for run in runs], "settings": settings, "measures": measured}))
        return 0
    rows = [["", *(run.id for run in runs)]]
    rows += [[name, *(_shown(value) for value in values)] for name, values in settings.items()]
    rows += [[name, *(str(each.get(name, "-")) for each in found)] for name in names]
    widths = [max(len(row[column]) for row in rows) for column in range(len(runs) + 1)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _shown(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)


def _delete(arguments: argparse.Namespace) -> int:
    run = find_run(arguments.run_id, arguments.root)
    print(f"moved to {trash(run)}; `runs restore {run.id}` takes it back", file=sys.stderr)
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    there = trashed(arguments.root)
    item = next((item for item in there if item.run_id == arguments.run_id), None)
    if item is None:
        known = ", ".join(dict.fromkeys(item.run_id for item in there)) or "nothing"
        raise RunError(f"there is no run {arguments.run_id!r} in the trash of {arguments.root}; it holds: {known}")
    print(f"restored as {restore(item.dir).id}", file=sys.stderr)
    return 0


def _empty(arguments: argparse.Namespace) -> int:
    count = empty_trash(arguments.root, arguments.older_than_days)
    print(f"{counted(count, 'run')} deleted for good", file=sys.stderr)
    return 0


def _export(arguments: argparse.Namespace) -> int:
    run = find_run(arguments.run_id, arguments.root)
    if arguments.tensorboard is not None:
        folder = export_tensorboard(run, arguments.tensorboard)
        print(f"{folder}; `tensorboard --logdir {arguments.tensorboard}` shows it", file=sys.stderr)
        return 0
    out = arguments.out or Path(f"{run.id}.zip")
    with replacing(out.absolute().parent, out.name, f"run {run.id}") as file:
        file.write(export_zip(run, include_state=arguments.with_state))
    print(out)
    return 0


def _import(arguments: argparse.Namespace) -> int:
    if not arguments.file.is_file():
        raise RunError(f"there is no file {arguments.file}; give a zip file that `runs export` wrote")
    run = import_zip(arguments.file, arguments.root)
    print(json.dumps({"run": run.id, "state": run.status.state}) if arguments.json else run.id)
    return 0
