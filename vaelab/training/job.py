"""One training as a job: whatever ends it is written into the run before it is raised."""

import signal
import threading
import traceback
from types import FrameType

from vaelab.errors import Cancelled, TrainingDiverged, VaelabError
from vaelab.runs.store import Run, RunStatus
from vaelab.training.loop import Progress, train


def run_training(run: Run, on_report: Progress | None = None) -> RunStatus:
    """`train(run)`; an interrupt (Ctrl-C, SIGTERM) asks it to save and stop, a failure is kept in status and log.txt.

    Raises:
        VaelabError: whatever `train` raises; other exceptions come as they are, after being logged.
    """
    previous = {}
    if threading.current_thread() is threading.main_thread():

        def ask_to_stop(number: int, frame: FrameType | None) -> None:
            run.request_cancel()

        previous = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        train(run, on_report)
    except Cancelled:
        raise
    except Exception as error:
        run.log(traceback.format_exc())
        message = str(error) if isinstance(error, VaelabError) else f"{type(error).__name__}: {error}"
        reason = "diverged: " if isinstance(error, TrainingDiverged) else ""
        last = run.status
        run.write_status(RunStatus("failed", last.images_seen, last.train_seconds, message=reason + message))
        raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return run.status
