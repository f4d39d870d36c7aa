"""Runs beside each other: the settings in which they differ, and what was measured, with its intervals."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaelab.config import options
from vaelab.runs.store import Run


@dataclass(frozen=True)
class Measure:
    """A number of a report, with the 95 % interval and count that were reported with it; NaN and 0 where none were."""

    value: float
    low: float = math.nan
    high: float = math.nan
    count: int = 0

    def to_dict(self) -> dict[str, float | None]:
        """Plain values for JSON, which knows no NaN."""
        return {name: None if math.isnan(value) else value for name, value in vars(self).items()}

    def __str__(self) -> str:
        shown = f"{self.value:.4g}"
        return shown if math.isnan(self.low) else f"{shown} ({self.low:.4g} to {self.high:.4g}, n {self.count:,})"


def differing_settings(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Settings that are not the same in all `runs`: name to values, in the order of the config."""
    found: dict[str, list[Any]] = {"recipe": [run.config.recipe for run in runs]}
    for run in runs:
        for _, name, _, value, _ in options(run.config):
            found.setdefault(name, []).append(value)
    return {name: values for name, values in found.items() if any(value != values[0] for value in values)}


def measures(run: Run) -> dict[str, Measure]:
    """All numbers of the run's reports and of its last validation, by name, such as `test.reconstruction.psnr_db`."""
    found: dict[str, Measure] = {}
    for name, report in run.reports().items():
        found |= {f"{name}.{path}": measure for path, measure in _measures_in(report)}
    validations = run.metrics("validation")
    for name, value in (validations[-1] if validations else {}).items():
        if name not in ("kind", "images_seen") and _is_number(value):
            found[f"validation.{name}"] = Measure(float(value))
    return found


def _measures_in(report: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Measure]]:
    for name, value in report.items():
        here = f"{path}{name}"
        if _is_number(value):
            yield here, Measure(float(value))
        elif isinstance(value, dict):
            main: Any = value.get("mean", value.get("value", value.get("rate")))
            count: Any = value.get("n", value.get("count", 0))
            if _is_number(main) and "low" in value and "high" in value:
                yield here, Measure(float(main), float(value["low"]), float(value["high"]), int(count))
            else:
                yield from _measures_in(value, f"{here}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
