"""A run's reports as TensorBoard event files."""

import math
from pathlib import Path

from vaelab.runs.files import telling
from vaelab.runs.store import Run

SKIPPED = ("kind", "images_seen")


def export_tensorboard(run: Run, folder: Path) -> Path:
    """Write all numbers of the run's reports, by images seen, to `folder/<id>`; returns that folder.

    `train/loss`, `validation/psnr` and so on are scalars; interventions and the settings are texts.

    Raises:
        RunError: the folder cannot be written to.
    """
    from tensorboardX import SummaryWriter

    target = folder / run.id
    with telling(f"cannot export run {run.id} to {target}", folder):
        target.mkdir(parents=True, exist_ok=True)
        for old in target.glob("events.out.tfevents.*"):  # a second export replaces the first; both would be drawn
            old.unlink()
        with SummaryWriter(logdir=str(target), write_to_disk=True) as writer:
            writer.add_text("config", _settings(run), 0)
            for row in run.metrics():
                clock = row["images_seen"]
                if row["kind"] == "event":
                    change = "" if row.get("new") is None else f" from {row['old']} to {row['new']}"
                    writer.add_text("interventions", f"{row['what']}{change}", clock)
                    continue
                for name, value in row.items():
                    is_number = isinstance(value, int | float) and not isinstance(value, bool)
                    if name not in SKIPPED and is_number and math.isfinite(value):
                        writer.add_scalar(f"{row['kind']}/{name}", value, clock)
    return target


def _settings(run: Run) -> str:
    """The settings as a Markdown table, which is what TensorBoard shows of a text."""
    lines = ["| setting | value |", "|---|---|"]
    for section, settings in run.config.to_dict().items():
        if isinstance(settings, dict):
            lines += [f"| {section}.{name} | {value} |" for name, value in settings.items()]
    return "\n".join(lines)
