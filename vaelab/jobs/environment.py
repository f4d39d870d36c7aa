"""What the processes of trainings and probes are started with."""

import os
from pathlib import Path

NICENESS = 10
"""Pages and whoever uses the machine come first; an idle machine gives the training all it has.

The variable VAELAB_NICENESS says another, 0 to 19: on a machine that only trains there is nobody to give way to.
"""


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
    """
    source = str(Path(__file__).parents[2])
    paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONPATH": os.pathsep.join(paths)}
