"""Trainings under torchrun: what one process hears or suffers reaches all, and a restart goes on."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.runs.checkpoints import read_checkpoint
from vaelab.runs.store import Run
from vaelab.training.loop import train

ROOT = Path(__file__).parents[2]


@pytest.mark.thorough
def test_torchrun_goes_on_from_the_last_state_after_a_kill(data_dir: Path, tmp_path: Path) -> None:
    """The first of two processes is killed; those that torchrun starts in their place end with the same bits."""
    elastic = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "--max-restarts=2"]
    flags = (
        "--datasets tiny-16 --size 16 --latent 4 --width 4 --batch-size 16 --num-images 6400 --report-every 64 "
        f"--validate-every 6400 --checkpoint-every 640 --device cpu --data-dir {data_dir} --root {tmp_path}"
    )
    runs = [Run(tmp_path / name) for name in ("whole", "killed")]
    for run in runs:
        command = [*elastic, "-m", "vaelab", "train", "--name", run.id, "--resume", *flags.split()]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
            if run.id == "killed":
                _kill_first_rank(run)
            _, told = process.communicate(timeout=240)
        assert process.returncode == 0, told
        assert run.status.state == "done"
    log = (runs[1].dir / "log.txt").read_text()
    resumed_at = re.findall(r"training from ([0-9,]+) of", log)
    assert len(resumed_at) == 2, log
    assert resumed_at[1] != "0"
    whole, killed = (read_checkpoint(run.state_path).part("objective.network") for run in runs)
    assert all(torch.equal(killed[name], tensor) for name, tensor in whole.items())


def _kill_first_rank(run: Run) -> None:
    """Kill the process that writes the files, some time after it wrote its first state."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if run.state_path.is_file() and 640 < run.status.images_seen < 6_000:
            os.kill(run.status.pid, signal.SIGKILL)
            return
        time.sleep(0.01)
    raise AssertionError("the training never wrote a state")


ASKED = """
import json, os, sys
from pathlib import Path
import torch
import torch.distributed as dist
from vaelab.errors import Cancelled
from vaelab.runs.store import Run
from vaelab.training import loop, steering

torch.set_num_threads(1)
steering.STOP_EVERY_SECONDS = 0.5
run, broadcast, look = Run.open(Path(sys.argv[1])), dist.broadcast, steering.Steering.look
found = {"broadcasts": 0, "clock": 0, "asked": []}

def count(*arguments, **named):
    found["broadcasts"] += 1
    return broadcast(*arguments, **named)

def listen(self, images_seen, **named):
    asked = look(self, images_seen, **named)
    if found["clock"] < images_seen and asked != steering.Asked():
        found["asked"].append([images_seen, vars(asked)])
    found["clock"] = images_seen
    return asked

dist.broadcast, steering.Steering.look = count, listen
try:
    loop.train(run)
except Cancelled:
    (run.dir / f"rank-{os.environ['RANK']}.json").write_text(json.dumps(found))
"""


def torchrun(script: Path, text: str, *arguments: object) -> subprocess.Popen[str]:
    """Two processes that run `text`, written to `script`."""
    script.write_text(text)
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", script, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_all_stop_and_pause_at_the_same_step_and_seldom_ask_whether_to(
    tiny_config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    often = 10**9
    config = tiny_config(num_images=often, report_every=often, validate_every=often, checkpoint_every=often)
    run = Run.create(config, tmp_path, "asked")
    with torchrun(tmp_path / "asked.py", ASKED, run.dir) as process:
        wait_until(lambda: run.status.state == "running")
        time.sleep(4)
        run.request(pause=True)
        wait_until(lambda: run.status.state == "paused")
        run.request(pause=False)
        wait_until(lambda: run.status.state == "running")
        time.sleep(1)
        run.request_cancel()
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    first, second = (json.loads((run.dir / f"rank-{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert [what for _, what in first["asked"]] == [
        {"stop": False, "save": False, "pause": True},
        {"stop": True, "save": False, "pause": False},
    ]
    steps = first["clock"] / config.optim.batch_size
    assert steps > 50, "too few to tell"
    assert first["broadcasts"] < steps / 3, "they asked at nearly every step"


APART = """
import atexit, os, sys
from pathlib import Path
from vaelab.errors import ConfigError
from vaelab.runs.store import Run
from vaelab.training.loop import train

folder = Path(sys.argv[1 + int(os.environ["RANK"])])

def tell_threads():
    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    (folder / "threads.txt").write_text("".join(names))

atexit.register(tell_threads)  # called last, since it came first
try:
    train(Run.open(folder))
except ConfigError as error:
    (folder / "refused.txt").write_text(str(error))
"""


def test_processes_that_read_different_states_are_all_refused(
    tiny_config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    """As on two machines, to one of which checkpoints/ was copied before the training began."""
    run, copied = (Run.create(tiny_config(num_images=64), tmp_path / machine, "big") for machine in ("one", "two"))
    train(run)
    metrics = run.metrics()
    with torchrun(tmp_path / "apart.py", APART, run.dir, copied.dir) as process:
        _, told = process.communicate(timeout=90)
    assert process.returncode == 0, told
    for refused in (run, copied):
        assert "states from 0 to 64 images: checkpoints/ must be one" in (refused.dir / "refused.txt").read_text()
        threads = (refused.dir / "threads.txt").read_text()
        assert "gloo" not in threads, "one that outlives the interpreter may abort it"
    assert run.metrics() == metrics


FAILING = """
import os, sys
from pathlib import Path
import torch
from vaelab.errors import DataError
from vaelab.runs.store import Run
from vaelab.training import loop
from vaelab.training.job import run_training

def fail(*_):
    raise DataError("the second process lost its data")

torch.set_num_threads(1)
if os.environ["RANK"] == "1":
    loop.descend = fail
run_training(Run.open(Path(sys.argv[1])))
"""


def test_when_one_process_fails_all_end_and_its_reason_is_kept(
    tiny_config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    run = Run.create(tiny_config(), tmp_path, "broken")
    script = tmp_path / "fail.py"
    script.write_text(FAILING)
    ended = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", str(script), run.dir],
        check=False,
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    assert ended.returncode != 0
    assert (run.status.state, run.status.message) == ("failed", "the second process lost its data")
