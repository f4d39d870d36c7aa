"""Audits in processes of their own: side by side, stopped, killed, and gone on with."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.audit.conftest import ARMS
from vaelab.audit.beginning import begin
from vaelab.audit.conductor import conduct, progress_of, start_audit, stop_audit
from vaelab.audit.experiment import Experiment
from vaelab.audit.runner import run_experiment
from vaelab.audit.store import Audit
from vaelab.errors import Cancelled, RunError
from vaelab.runs.status import RunStatus

MakeExperiment = Callable[..., Experiment]
SMALL = {"arms": {"A": ARMS["A"], "B": ARMS["B"]}, "seeds": (0,)}
PATIENCE_SECONDS = 240.0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def endless(tiny_experiment: MakeExperiment, root: Path) -> Audit:
    """An audit whose members would train for hours."""
    settings = {"num_images": 2_000_000, "report_every": 64, "checkpoint_every": 64, "validate_every": 2_000_000}
    return begin(tiny_experiment(name="long", settings=settings, **SMALL), root)


def hands_of(audit: Audit) -> set[int]:
    """Processes that train its members."""
    runs = [audit.member(arm, seed) for arm, seed in audit.experiment.members()]
    return {run.status.pid for run in runs if run is not None and run.status.is_alive}


@pytest.mark.thorough
def test_two_processes_give_the_scores_of_one(tiny_experiment: MakeExperiment, tmp_path: Path) -> None:
    audit = begin(tiny_experiment(**SMALL), tmp_path / "two")
    seen = []
    conduct(audit, workers=2, on_progress=seen.append)
    assert audit.status.state == "done"
    assert (seen[-1].members_done, seen[-1].images_seen) == (2, 320)
    alone = begin(tiny_experiment(**SMALL), tmp_path / "one")
    run_experiment(alone)
    for arm in SMALL["arms"]:
        found, expected = (one.read_scores("test", arm, 0)["faces"] for one in (audit, alone))
        assert np.array_equal(found, expected)


@pytest.mark.thorough
def test_stopped_in_the_background_it_saves_and_can_go_on(tiny_experiment: MakeExperiment, tmp_path: Path) -> None:
    audit = endless(tiny_experiment, tmp_path)
    start_audit(audit, workers=2)
    assert audit.status.is_alive
    with pytest.raises(RunError, match="at work"):
        start_audit(audit)
    wait_for(lambda: progress_of(audit).images_seen > 0)
    stop_audit(audit)
    wait_for(lambda: not audit.status.is_alive)
    assert audit.status.state == "stopped"
    runs = [audit.member(arm, 0) for arm in SMALL["arms"]]
    assert any(run is not None and run.state_path.is_file() for run in runs)
    assert all(run is None or run.status.state in ("stopped", "queued") for run in runs)
    with pytest.raises(RunError, match="nothing to stop"):
        stop_audit(audit)


def test_a_request_to_stop_while_it_is_starting_is_heard(tiny_experiment: MakeExperiment, tmp_path: Path) -> None:
    audit = endless(tiny_experiment, tmp_path)
    audit.cancel_path.touch()
    with pytest.raises(Cancelled, match="stopped on request"):
        conduct(audit, keeps_requests=True)
    assert audit.status.state == "stopped"
    assert not audit.cancel_path.exists()


def test_a_request_that_comes_when_all_is_done_stops_nothing(tiny_experiment: MakeExperiment, tmp_path: Path) -> None:
    audit = begin(tiny_experiment(arms={"A": ARMS["A"]}, seeds=(0,)), tmp_path)
    run_experiment(audit)
    audit.write_status(RunStatus("running", 160))
    audit.cancel_path.touch()
    conduct(audit, keeps_requests=True)
    assert audit.status.state == "done"
    assert not audit.cancel_path.exists()


@pytest.mark.thorough
def test_when_the_conductor_is_killed_nobody_trains_on(tiny_experiment: MakeExperiment, tmp_path: Path) -> None:
    audit = endless(tiny_experiment, tmp_path)
    start_audit(audit, workers=1)
    wait_for(lambda: progress_of(audit).images_seen > 0)
    os.kill(audit.status.pid, signal.SIGKILL)
    wait_for(lambda: audit.status.state == "lost")
    wait_for(lambda: not hands_of(audit))


def test_a_member_that_fails_is_named_with_its_reason(tiny_experiment: MakeExperiment, tmp_path: Path) -> None:
    arms = {"C": {"aggregation": "product", "alpha": 1e-9, "min_effective_share": 0.9}}
    audit = begin(tiny_experiment(arms=arms, seeds=(0,)), tmp_path)
    with pytest.raises(RunError, match=r"C-0 not done; C-0 failed: diverged.*effective sample"):
        conduct(audit, workers=1)
    assert audit.status.state == "failed"
    assert "effective sample" in audit.status.message
