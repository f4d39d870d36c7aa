"""The process of one background training: `python -m vaelab.jobs.worker RUN_DIR`; it is started by the queue."""

import faulthandler
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

from vaelab.errors import VaelabError
from vaelab.jobs.environment import give_way
from vaelab.jobs.queue import advance, wait_until_written
from vaelab.runs.store import Run

log = logging.getLogger("vaelab.jobs")


def work(run: Run) -> bool:
    """Train `run` to its end, then start what waits for the device; returns whether SIGTERM came.

    After SIGTERM nothing is started: whoever sends it wants the machine, and the queue waits on disk.
    """
    is_told_to_end = False

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        nonlocal is_told_to_end
        is_told_to_end = True
        run.request_cancel()

    signal.signal(signal.SIGTERM, ask_to_stop)
    faulthandler.enable()
    wait_until_written(run.dir.parent)
    give_way()
    from vaelab.training.job import run_training  # torch takes seconds; the signal is minded before

    try:
        run_training(run)
    except VaelabError as error:  # is in status and log already
        log.info("%s", error)
    finally:
        if not is_told_to_end:
            advance(run.dir.parent)
    return is_told_to_end


if __name__ == "__main__":
    if work(Run.open(Path(sys.argv[1]))):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)  # tells whoever waits for this process why it ended
