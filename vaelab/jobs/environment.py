"""How the processes of trainings and probes are started."""

import os
import re
import subprocess
import sys
from pathlib import Path

NICENESS = 10
"""Pages and whoever uses the machine come first; an idle machine gives the training all it has.

The variable VAELAB_NICENESS says another, 0 to 19: on a machine that only trains there is nobody to give way to.
"""

TOLD_BY_TORCHRUN = re.compile(r"((LOCAL_|GROUP_|ROLE_)?(RANK|WORLD_SIZE)|ROLE_NAME|MASTER_(ADDR|PORT)|TORCHELASTIC_.*)")
"""Variables that tell a process which of several it is."""


def give_way() -> None:
    """Let this process, and all that it starts, come after the pages."""
    wanted = os.environ.get("VAELAB_NICENESS", "")
    if hasattr(os, "nice"):
        os.nice(min(int(wanted), 19) if wanted.isascii() and wanted.isdigit() else NICENESS)


def child_environment() -> dict[str, str]:
    """This process's environment, with vaelab found where this one found it, and threads that wait asleep.

    By default OpenMP's threads spin while they wait for each other. Where pages and other work share the cores, they
    then spin away the very time that the one they wait for needs: on two busy cores the lab's DB-VAE made 80 to 100
    images/s so, and 550 with sleeping threads.

    What torchrun told this process is left out: a child trains alone, and would wait for the others in vain. So is the
    number of threads, which torchrun gives each process as its share of the cores.
    """
    inherited = {name: value for name, value in os.environ.items() if not TOLD_BY_TORCHRUN.fullmatch(name)}
    if "TORCHELASTIC_RUN_ID" in os.environ:
        inherited.pop("OMP_NUM_THREADS", None)
    source = str(Path(__file__).parents[2])
    paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"OMP_WAIT_POLICY": "PASSIVE", **inherited, "PYTHONPATH": os.pathsep.join(paths)}


def start_detached(module: str, *arguments: str, log_path: Path) -> subprocess.Popen[bytes]:
    """`python -m module` in a process that goes on after this one has ended; all it says is added to the log.

    Raises:
        OSError: the log cannot be written to, or the process cannot be started.
    """
    with log_path.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=child_environment(),
            start_new_session=True,  # Ctrl-C here is not meant for it
        )
