"""The process of one audit in the background: `python -m vaelab.audit.worker AUDIT_DIR WORKERS`."""

import contextlib
import faulthandler
import sys
from pathlib import Path

from vaelab.audit.conductor import conduct
from vaelab.audit.store import Audit
from vaelab.errors import VaelabError


def main() -> None:
    """Conduct the audit to its end; whatever ends it early stands in status and log."""
    faulthandler.enable()
    with contextlib.suppress(VaelabError):
        # who started this process took old requests back, and may have asked to stop while it was starting
        conduct(Audit.open(Path(sys.argv[1])), int(sys.argv[2]), keeps_requests=True)


if __name__ == "__main__":
    main()
