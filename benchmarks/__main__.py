"""Measure all that speed is about, and say how it compares with what was kept: `make bench`, two hours on two cores.

`--only NAME` measures some of it, where `training` stands for all of `training/...`; `--json FILE` keeps the rows.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import (
    compiling,
    decoding,
    detecting,
    dragging,
    feature_cache,
    growth,
    keeping,
    mapping,
    memory,
    peers,
    preparing,
    reading,
    reruns,
    resampling,
    scaling,
    starting,
    training,
    watching,
)
from benchmarks.compared import comparisons, summary
from benchmarks.kept import RESULTS, Row, Rows, machine_of, merged, read_rows, write_rows
from benchmarks.machine import machine
from vaelab.data.embedded import prepare_embedded
from vaelab.recipes import RECIPES
from vaelab.runs.store import RUNS_DIR, list_runs
from vaelab.settings import DataConfig

Measure = Callable[[Path, int], Rows]
MOST_MAPPED = 5_000


def _training(name: str) -> Measure:
    return lambda data_dir, rounds: [training.measure(data_dir, fewer(rounds), name)]


def _peer(name: str) -> Measure:
    return lambda data_dir, rounds: peers.measure(data_dir, fewer(rounds), name)


def _compiling(name: str) -> Measure:
    return lambda _, rounds: [compiling.measure(name, rounds)]


def _growth(by: str) -> Measure:
    return lambda _, __: growth.rows(by)


MEASURES: dict[str, Measure] = {
    "training/dbvae": lambda data_dir, rounds: [training.measure(data_dir, rounds, "dbvae", seconds=10.0)],
    **{f"training/{name}": _training(name) for name in RECIPES if name not in ("dbvae", "detector")},  # cnn's network
    **{f"peers/{name}": _peer(name) for name in peers.PEERS},
    "resampling": lambda data_dir, rounds: resampling.rows(data_dir, rounds),
    "keeping": lambda _, rounds: keeping.measure(fewer(rounds)),
    **{
        f"compiling/{name}": _compiling(name)
        for name in RECIPES
        if name not in ("detector", "first-minute")  # the one has cnn's network, the other is over before it paid
    },
    "scaling": lambda data_dir, rounds: [scaling.measure(data_dir, fewer(rounds))],
    **{f"growth/{by}": _growth(by) for by in growth.VALUES},
    "reading": lambda data_dir, rounds: reading.rows(data_dir, rounds),
    "decoding": lambda _, rounds: decoding_shipped(10 * rounds),
    "feature-cache": lambda data_dir, _: [feature_cache.measure(data_dir)],
    "preparing": lambda _, rounds: preparing.rows(rounds),
    "photo": lambda data_dir, rounds: detecting.rows(data_dir, rounds),
    "map": lambda _, __: mapping.rows([MOST_MAPPED]),
    "dragging": lambda _, rounds: dragging.measure("face-vae", fewer(rounds)),
    "starting": lambda _, rounds: starting.measure(fewer(rounds)),
    "reruns": lambda _, __: reruns.measure(),
    "watching": lambda _, rounds: [watching.measure(fewer(rounds))],
    "memory": lambda _, __: [memory.measure()],
}
"""What is measured, each from the folder of data sets and the number of counted rounds."""


def fewer(rounds: int) -> int:
    """Rounds of what takes long."""
    return max(1, round(0.6 * rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"what to measure: {', '.join(MEASURES)}")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds of each variant (default: %(default)s)")
    parser.add_argument("--against", type=Path, default=RESULTS, help="kept results to compare with (default: ours)")
    parser.add_argument(
        "--json", type=Path, help="file to keep the results in; what is not measured anew stays in it as it is"
    )
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="prepared data sets (default: %(default)s)")
    given = parser.parse_args()
    try:
        names = chosen(given.only)
        kept = kept_rows(given.json) if given.json else []
    except ValueError as error:
        parser.error(str(error))
    prepare_embedded(DataConfig(data_dir=str(given.data_dir)))
    before = read_rows(given.against)
    show(machine())
    all_found: Rows = []
    for name in names:  # in this order: Streamlit's driver leaves its own main module behind
        started = time.monotonic()
        found = MEASURES[name](given.data_dir, given.rounds)
        for row in found:
            show(row)
        print(f"{name}: measured in {time.monotonic() - started:.0f} s\n", flush=True)
        all_found += found
        if given.json:
            write_rows(given.json, merged(kept, all_found))
    if given.json and not given.only:
        write_rows(given.json, all_found)  # without kinds of rows that are no more
    compared = comparisons(all_found, before, same_machine=machine_of(given.against) == machine())
    known = {row["what"] for row in before}
    print(f"Beside {given.against}:")
    print(summary(compared, missing=sum(row["what"] not in known for row in all_found)))


def chosen(only: Sequence[str] | None) -> list[str]:
    """The measures of these names, or under them, in their own order; all of them by default.

    Raises:
        ValueError: nothing has such a name.
    """
    for name in only or ():
        if not any(_is_under(measure, name) for measure in MEASURES):
            raise ValueError(f"nothing is measured by the name {name}; there are {', '.join(MEASURES)}")
    return [measure for measure in MEASURES if not only or any(_is_under(measure, name) for name in only)]


def _is_under(measure: str, name: str) -> bool:
    return measure == name or measure.startswith(f"{name}/")


def kept_rows(path: Path) -> Rows:
    """The rows of `path`, among which others are to be put.

    Raises:
        ValueError: they are of another machine, which theirs would then be said to be of.
    """
    if path.is_file() and machine_of(path) != machine():
        raise ValueError(f"{path} is of another machine ({machine_of(path)}); measure all anew, or keep it elsewhere")
    return read_rows(path)


def decoding_shipped(rounds: int) -> Rows:
    """A row for each shipped model that draws."""
    shipped = [run for run in list_runs(RUNS_DIR) if run.is_shipped and run.config.has_decoder]
    return [decoding.measure(run, rounds) for run in shipped]


def show(row: Row) -> None:
    """Print one result."""
    for name, value in row.items():
        print(f"{name:28} {value:.4g}" if isinstance(value, float) else f"{name:28} {value}")
    print(flush=True)


if __name__ == "__main__":
    main()
