"""A process that trains an audit's members: `python -m vaelab.audit.hand AUDIT_DIR`; the conductor starts it."""

import contextlib
import faulthandler
import sys
from pathlib import Path

from vaelab.audit.conductor import end_with_parent
from vaelab.audit.store import Audit
from vaelab.errors import Cancelled
from vaelab.jobs.environment import give_way


def main() -> None:
    """Work until no member is left; an error ends the process, and its traceback goes to log.txt."""
    faulthandler.enable()
    end_with_parent()
    give_way()
    audit = Audit.open(Path(sys.argv[1]))
    from vaelab.audit.runner import run_experiment  # torch takes seconds; the conductor's end is minded before

    with contextlib.suppress(Cancelled):
        run_experiment(audit)


if __name__ == "__main__":
    main()
