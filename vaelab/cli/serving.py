"""`serve`: the lab for other programs, over HTTP on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vaelab.cli.arguments import whole_number
from vaelab.runs.store import RUNS_DIR

LAST_PORT = 65535
EPILOG = """\
  python -m vaelab serve
  python -c "from gradio_client import Client; Client('http://127.0.0.1:7860').view_api()"
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `serve`."""
    parser = commands.add_parser(
        "serve", help="answer other programs: detect, reconstruct, edit, sample", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Answer other programs on this machine: a Gradio app with detect, reconstruct, edit and sample, "
        "for gradio_client. Ctrl-C ends it.",
    )  # fmt: skip
    parser.add_argument("--port", type=_port, default=7860, help="port to answer on (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=RUNS_DIR, help="folder of the runs (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: %(default)s)")
    parser.set_defaults(run=_serve)


def _port(text: str) -> int:
    number = whole_number(text)
    if number > LAST_PORT:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to {LAST_PORT}, met {text!r}")
    return number


def _serve(arguments: argparse.Namespace) -> int:
    from vaelab.serving.app import HOST, serve

    print(f"answering on http://{HOST}:{arguments.port}; Ctrl-C ends it", file=sys.stderr)
    serve(arguments.root, arguments.device, arguments.port)
    return 0
