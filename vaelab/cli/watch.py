"""`watch`: the curves of a run in a terminal, redrawn in place; piped, a line per report."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.text import Text

from vaelab.cli.arguments import number_from
from vaelab.jobs.queue import advance, position
from vaelab.runs.status import RunStatus
from vaelab.runs.store import RUNS_DIR, Run, find_run
from vaelab.wording import counted

PARTS = ("loss", "recon_loss", "kl", "classification_loss")
CHART_ROWS, MOST_COLUMNS = 6, 100
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille character (U+2800 and on) by column and row of its eight dots."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `watch`."""
    parser = commands.add_parser(
        "watch",
        help="see the curves of a run while it trains",
        description="Draw a run's curves in the terminal until it ends; Ctrl-C ends the watching, not the training. "
        "Where the output is no terminal, each report is a line.",
    )
    parser.add_argument("run_id", metavar="RUN", help="name of the run; `python -m vaelab runs` lists them")
    parser.add_argument("--root", type=Path, default=RUNS_DIR, help="folder of the runs (default: %(default)s)")
    parser.add_argument("--once", action="store_true", help="draw what there is now and stop")
    parser.add_argument(
        "--every",
        type=number_from(0.1, 3600),
        default=1.0,
        metavar="SECONDS",
        help="redraw so often, 0.1 to 3600 (default: 1)",
    )
    parser.set_defaults(run=_watch)


def _watch(arguments: argparse.Namespace) -> int:
    run = find_run(arguments.run_id, arguments.root)
    advance(run.dir.parent)
    columns = min(shutil.get_terminal_size((80, 24)).columns, MOST_COLUMNS)
    if arguments.once:
        print(picture(run, columns))
        return 0
    try:
        if sys.stdout.isatty():
            with Live(Text(picture(run, columns)), console=Console(), auto_refresh=False) as live:
                while _goes_on(run):
                    time.sleep(arguments.every)
                    live.update(Text(picture(run, columns)), refresh=True)
        else:
            _follow(run, arguments.every)
    except KeyboardInterrupt:
        print(f"the training goes on without a watcher; `stop {run.id}` would end it", file=sys.stderr)
    return 0


def _goes_on(run: Run) -> bool:
    return run.status.state in ("running", "paused") or position(run) > 0


def _follow(run: Run, every: float) -> None:
    """Print each report once, as it comes."""
    told = -1
    while True:
        goes_on = _goes_on(run)  # before the reading: what is written until the end is then still read
        for row in run.metrics("train"):
            if row["images_seen"] > told:
                told = row["images_seen"]
                values = "  ".join(f"{part} {row[part]:.4g}" for part in PARTS if part in row)
                print(f"{told:>12,} images  {values}  {row['images_per_second']:,.0f} images/s", flush=True)
        if not goes_on:
            print(headline(run, run.status), flush=True)
            return
        time.sleep(every)


def picture(run: Run, columns: int) -> str:
    """State, curves and interventions of a run, as text `columns` wide."""
    status, rows = run.status, run.metrics()
    lines = [headline(run, status)]
    train = [row for row in rows if row["kind"] == "train"]
    validation = [row for row in rows if row["kind"] == "validation"]
    for part in PARTS:
        points = [(row["images_seen"], row[part]) for row in train if part in row]
        if len(points) > 1:
            held_out = [row[part] for row in validation if part in row]
            shown = f", held out {held_out[-1]:.5g}" if held_out else ""
            lines += ["", f"{part}, nats per image: {points[-1][1]:.5g}{shown}", *chart(points, columns - 12)]
    if not train:
        lines.append("no report yet")
    if train:
        last = train[-1]
        lines += ["", f"beta {last['beta']:g}, learning rate {last['learning_rate']:.3g}"]
    for event in [row for row in rows if row["kind"] == "event"][-4:]:
        change = "" if event.get("new") is None else f" {event['old']:g} -> {event['new']:g}"
        lines.append(f"{event['images_seen']:>12,} images: {event['what']}{change}")
    damaged = run.damaged_metrics()
    if damaged:
        lines.append(f"metrics.jsonl has {counted(len(damaged), 'damaged line')}, passed over: line {damaged[0]}")
    return "\n".join(lines)


def headline(run: Run, status: RunStatus) -> str:
    """`run first: running, 3,200 of 16,000 images (20 %), 150 images/s, 1:25 left`."""
    total = run.config.optim.num_images
    seen = status.images_seen
    text = f"run {run.id}: {status.state}, {seen:,} of {total:,} images ({seen / total:.0%})"
    last: dict[str, Any] = (run.metrics("train") or [{}])[-1]
    if status.state == "running" and last:
        left = round((total - status.images_seen) / last["images_per_second"])
        text += f", {last['images_per_second']:,.0f} images/s, {left // 60}:{left % 60:02d} left"
    place = position(run) if status.state == "queued" else 0
    text += f", place {place} in the queue" if place else ""
    return f"{text}. {status.message}" if status.message else text


def chart(points: Sequence[tuple[int, float]], columns: int) -> list[str]:
    """A curve in braille dots, two across and four down per character, with its lowest and highest value.

    Outliers of the first reports do not flatten the rest: the axis ends at the 98 % quantile.
    """
    clocks, values = np.array(points, np.float64).T
    low, high = float(values.min()), float(np.quantile(values, 0.98))
    high = high if high > low else low + 1.0
    dots = np.zeros((CHART_ROWS * 4, columns * 2), bool)
    # one height for each column of dots, so that the curve has no gaps between reports
    across = np.linspace(clocks[0], clocks[-1], columns * 2)
    heights = (np.interp(across, clocks, values).clip(low, high) - low) / (high - low)
    rows = np.round((1 - heights) * (CHART_ROWS * 4 - 1)).astype(int)
    before = np.concatenate([rows[:1], rows[:-1]])
    for column, (one, other) in enumerate(zip(before, rows, strict=True)):
        dots[min(one, other) : max(one, other) + 1, column] = True
    lines = []
    for row in range(CHART_ROWS):
        label = {0: f"{high:.5g}", CHART_ROWS - 1: f"{low:.5g}"}.get(row, "")
        lines.append(f"{label:>10} {''.join(_character(dots, row, column) for column in range(columns))}".rstrip())
    return [*lines, f"{'':>10} {clocks[0]:<,.0f}{f'{clocks[-1]:,.0f}':>{max(columns - len(f'{clocks[0]:,.0f}'), 1)}}"]


def _character(dots: np.ndarray, row: int, column: int) -> str:
    bits = sum(
        bit
        for across, bits_down in enumerate(DOTS)
        for down, bit in enumerate(bits_down)
        if dots[4 * row + down, 2 * column + across]
    )
    return chr(0x2800 + bits)
