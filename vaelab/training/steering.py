"""What people ask of a training while it runs: pause, go on, save, stop, another beta or learning rate.

Requests are files in the run's folder (`vaelab.runs.control`). The first process reads them and tells the others, so
that all change the same step. Each becomes an `event` in the metrics; a changed setting belongs to the schedule from
its clock on, and a resumed run follows the events, so that it ends as if it had never stopped.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from vaelab.config import TrainConfig
from vaelab.errors import ConfigError
from vaelab.runs.control import SETTINGS, Intervention, Request, check_request, interventions, pending, settings_at
from vaelab.runs.store import Run, RunStatus
from vaelab.training.distributed import Ranks, first_says

LOOK_EVERY_SECONDS = 0.5
"""So often the folder is looked into."""
STOP_EVERY_SECONDS = 0.05
"""So often it is looked up whether to stop, as long as a step is shorter; of the shortest that would be a hundredth."""
MOST_STEPS_APART = 500
"""So many steps several processes take at most without asking the first."""
PAUSE_TICK_SECONDS = 0.1
HEARTBEAT_SECONDS = 10.0


@dataclass(frozen=True)
class Asked:
    """What the loop is to do after this step."""

    stop: bool = False
    save: bool = False
    pause: bool = False


class Steering:
    """Reads requests, remembers the changed settings, and holds the training while it is paused."""

    def __init__(self, run: Run, saved: Sequence[Intervention], ranks: Ranks, device: torch.device) -> None:
        """`saved` are the changes that the state remembers; those after it stand in the metrics alone."""
        self._run, self._ranks, self._device = run, ranks, device
        self._config = run.config
        rows = [vars(change) for change in saved] + run.metrics("event")
        self.changes = interventions(rows)
        self._looked = self._looked_for_stop = self._heard = -math.inf
        self._steps = self._steps_in_time = self._steps_apart = 0
        self._paused = False
        self._taken: list[Request] = []
        self._settings: dict[tuple[Intervention, ...], TrainConfig] = {}

    def settings(self, images_seen: int) -> TrainConfig:
        """The settings in force for the step that begins at `images_seen`."""
        active = tuple(change for change in self.changes if change.images_seen <= images_seen)
        if active not in self._settings:
            self._settings = {active: settings_at(self._config, active, images_seen)}
        return self._settings[active]

    def look(self, images_seen: int, *, now: bool = False) -> Asked:
        """Take what was asked since the last look and let it hold from `images_seen` on.

        Called after each step, by all processes with the same arguments. As they all wait while the first one tells the
        others, it tells them as well after how many steps to ask again.

        Args:
            now: look into the folder even if that was done a moment ago.
        """
        self._steps += 1
        if self._steps < self._steps_apart and not now:
            return Asked()
        stop, save, values = False, False, dict.fromkeys(SETTINGS, math.nan)
        if self._ranks.is_first:
            clock = time.monotonic()
            if now or clock - self._looked_for_stop >= STOP_EVERY_SECONDS:
                self._looked_for_stop = clock
                stop = self._run.is_cancel_requested
            if now or clock - self._looked >= LOOK_EVERY_SECONDS:
                self._looked = clock
                save = self._take(images_seen, values)
        told = first_says([stop, save, self._paused, self._steps_in_time, *values.values()], self._ranks, self._device)
        self._paused = bool(told[2])
        if self._ranks.world > 1:
            self._rest(int(told[3]))
        for what, value in zip(SETTINGS, told[4:], strict=True):
            if not math.isnan(value):
                self._change(images_seen, what, value)
        for request in self._taken:  # only now: killed before this line, the training asks itself once more
            request.path.unlink(missing_ok=True)
        self._taken = []
        return Asked(bool(told[0]), bool(told[1]), self._paused)

    def wait(self, status: RunStatus) -> None:
        """Hold the training until somebody lets it go on or stops it; the status says paused and stays fresh."""
        written = -math.inf
        while True:
            asked = self.look(status.images_seen, now=True)
            if asked.stop or not asked.pause:
                break
            if self._ranks.is_first and time.monotonic() - written > HEARTBEAT_SECONDS:
                self._run.write_status(replace(status, state="paused", message="paused on request; the state is saved"))
                written = time.monotonic()
            time.sleep(PAUSE_TICK_SECONDS)
        self._paused = False
        if self._ranks.is_first:
            self._run.write_status(status)

    def _rest(self, steps_apart: int) -> None:
        """Ask again after so many steps; counts how many of those just done fit between two looks for a stop."""
        clock = time.monotonic()  # what several processes tell each other ends all that was begun before
        in_time = STOP_EVERY_SECONDS * self._steps / max(clock - self._heard, 1e-9)
        self._steps_in_time = min(int(in_time), MOST_STEPS_APART)
        self._heard, self._steps, self._steps_apart = clock, 0, steps_apart

    def _take(self, images_seen: int, values: dict[str, float]) -> bool:
        """Read the waiting requests: switches act at once, settings go to `values`; whether to save."""
        save = False
        for request in pending(self._run.requests_dir):
            if self._is_sound(request):
                if request.what in SETTINGS:
                    values[request.what] = float(request.value)
                elif request.what == "save_now":
                    save = True
                    self._tell(images_seen, "saved on request")
                elif bool(request.value) != self._paused:
                    self._paused = bool(request.value)
                    self._tell(images_seen, "paused" if self._paused else "resumed")
            self._taken.append(request)
        return save

    def _change(self, images_seen: int, what: str, new: float) -> None:
        """Another value for a setting from `images_seen` on; its later changes, from before a resume, are void."""
        section = {"beta": "loss", "learning_rate": "optim"}[what]
        old = float(getattr(getattr(self.settings(images_seen), section), what))
        void = [change for change in self.changes if change.what == what and change.images_seen > images_seen]
        self.changes = [change for change in self.changes if change not in void]
        if new != old:
            self.changes = [*self.changes, Intervention(images_seen, what, old, new)]
        if not self._ranks.is_first:
            return
        if void:
            self._run.forget_changes_after(images_seen, what)
        if new != old:
            self._run.append_metrics("event", images_seen, what=what, old=old, new=new)
            self._run.log(f"{what} from {old:g} to {new:g} at {images_seen:,} images")

    def _is_sound(self, request: Request) -> bool:
        try:
            check_request(self._config, request.what, request.value)
        except ConfigError as error:  # a file that no version of `Run.request` wrote
            self._run.log(f"a request was refused: {error}")
            return False
        return True

    def _tell(self, images_seen: int, what: str) -> None:
        self._run.append_metrics("event", images_seen, what=what, old=None, new=None)
        self._run.log(f"{what} at {images_seen:,} images")
