"""The command line: `python -m vaelab COMMAND`; `--help` lists the commands.

Exit codes: 0 done, 1 a stated error, 2 wrong usage, 130 stopped on request.
"""

import argparse
import importlib
import logging
import sys
from collections.abc import Mapping, Sequence

from vaelab import __version__
from vaelab.errors import Cancelled, VaelabError

EPILOG = """\
A first walk, all on this machine and without a download:
  python -m vaelab train --recipe first-minute --name first   train on drawn faces, about a minute
  python -m vaelab sample first --out samples.png             new faces
  python -m vaelab runs                                       what there is

What comes with the project, or with a run of your own:
  python -m vaelab directions face-vae --show                 sliders that mean something, and how well
  python -m vaelab edit face-vae --seed 7 --set a.age=2       move one, and see what moves with it
  python -m vaelab interpolate face-vae --seed 7 --seed 8     morph.gif
  python -m vaelab detect group.jpg --out annotated.png       faces in a photo, by the run `detector`
  streamlit run app.py                                        drag the sliders
"""

ROOMS: Mapping[str, tuple[str, ...]] = {
    "data": ("data",),
    "training": ("train", "resume"),
    "watch": ("watch",),
    "control": ("pause", "unpause", "stop", "save", "set"),
    "models": ("encode", "evaluate", "reconstruct", "sample", "ship"),
    "priors": ("priors",),
    "directions": ("directions",),
    "mapping": ("map",),
    "editing": ("edit", "interpolate"),
    "detecting": ("detect", "calibrate"),
    "audit": ("audit",),
    "runs": ("runs",),
    "serving": ("serve",),
}
"""The modules of this package that add commands, in the order of the help, and the commands of each."""


def build_parser(command: str = "") -> argparse.ArgumentParser:
    """The command line; flags of `train` come from the fields of the config.

    Args:
        command: one of the commands where no other will be asked for: only its module is imported, for some need
            pandas, which takes longer than all the rest. Anything else builds the whole.
    """
    parser = argparse.ArgumentParser(
        prog="python -m vaelab",
        description="Train, walk through and audit variational autoencoders on faces.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"vaelab {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    wanted = [room for room, names in ROOMS.items() if command in names]
    for room in wanted or ROOMS:
        importlib.import_module(f"vaelab.cli.{room}").add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors that a person can mend are one sentence on standard error."""
    words = sys.argv[1:] if arguments is None else arguments
    parsed = build_parser(words[0] if words else "").parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells what it does to every table of a font
    try:
        code: int = parsed.run(parsed)
    except Cancelled as error:
        print(error, file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except VaelabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # a reader such as head closed the pipe
        sys.stderr.close()
        return 0
    return code
