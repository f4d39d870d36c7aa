"""`edit` and `interpolate`: what Explore and the Studio do, without a browser; recipes replay exactly."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaelab.cli.arguments import non_negative, open_model, run_command, whole_number
from vaelab.cli.faces import add_prior, face_seed, replayed, starting_face, write_file
from vaelab.editing.paths import PATHS, path_through
from vaelab.editing.recipe import LARGEST_VALUE, SLIDER_KEY, FaceRecipe, to_record
from vaelab.editing.sliders import edited_latent, start_latent
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.attributes import METHODS

if TYPE_CHECKING:
    from vaelab.editing.effects import Effect
    from vaelab.inference import FaceModel

EDIT_EPILOG = """\
A slider moves by steps of one standard deviation: a.age (an attribute; `directions RUN --show` lists them),
p0 (a principal component) or d17 (a raw latent, whose step is one of its own units).

  python -m vaelab edit face-vae --seed 7 --set a.age=2 --hold gender-male
  python -m vaelab edit face-vae --face val/1.jpg --set p0=-1.5 --set a.age=1 --out older.png
  python -m vaelab edit face-vae --recipe older.json --out again.png         the same pixels again
"""
PATH_EPILOG = """\
Faces come in the order in which they are named; the end of --out says what is written.

  python -m vaelab interpolate face-vae --seed 1 --seed 2 --seed 3 --loop --out morph.gif
  python -m vaelab interpolate face-vae --face val/1.jpg --face val/2.jpg --path prior --out morph.mp4
  python -m vaelab interpolate face-vae --recipe me.json --seed 4 --frames 8 --out strip.png
"""
SHEET_COLUMNS = 12


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `edit` and `interpolate`."""
    edit = run_command(commands, "edit", _edit, "move the sliders of one face, and see what else moves with them")
    edit.epilog, edit.formatter_class = EDIT_EPILOG, argparse.RawDescriptionHelpFormatter
    start = edit.add_mutually_exclusive_group()
    start.add_argument("--face", metavar="ID", help="start from a face that the run stores, by its image_id")
    start.add_argument("--seed", type=face_seed, help="start from a random face (default: seed 7)")
    start.add_argument("--photo", type=Path, metavar="FILE", help="start from the first face found in a photo")
    start.add_argument("--recipe", type=Path, metavar="FILE", help="start from a recipe (JSON) that was kept")
    add_prior(edit)
    edit.add_argument(
        "--set", action="append", type=_move, default=[], metavar="SLIDER=STEPS", dest="moves",
        help=f"where a slider stands, {-LARGEST_VALUE:g} to {LARGEST_VALUE:g}; may be given again",
    )  # fmt: skip
    edit.add_argument("--hold", nargs="+", metavar="ATTRIBUTE", help="attributes that the moves must not change")
    edit.add_argument("--method", choices=METHODS, help=f"how directions are learned (default: {METHODS[0]})")
    edit.add_argument("--out", type=Path, default=Path("face.png"), help="picture to write (default: %(default)s)")
    edit.add_argument("--json-out", type=Path, metavar="FILE", help="recipe to write; default: beside the picture")

    path = run_command(commands, "interpolate", _interpolate, "walk from face to face: a GIF, a film or a strip")
    path.epilog, path.formatter_class = PATH_EPILOG, argparse.RawDescriptionHelpFormatter
    for flag, kind, words in (
        ("--face", str, "a face that the run stores, by its image_id"),
        ("--seed", face_seed, "a random face"),
        ("--recipe", Path, "a face from a recipe (JSON)"),
    ):
        path.add_argument(
            flag, dest="faces", action="append", default=[], metavar=flag[2:].upper(), help=f"{words}; may be repeated",
            type=_point(flag[2:], kind),
        )  # fmt: skip
    add_prior(path)
    path.add_argument("--path", choices=list(PATHS), default="prior", help="way between faces (default: %(default)s)")
    path.add_argument("--frames", type=whole_number, default=24, help="steps from face to face (default: %(default)s)")
    path.add_argument("--loop", action="store_true", help="go on from the last face to the first")
    path.add_argument("--fps", type=non_negative, default=15.0, help="frames per second (default: %(default)s)")
    path.add_argument("--side", type=whole_number, default=256, help="width of GIF and film (default: %(default)s)")
    path.add_argument("--out", type=Path, default=Path("morph.gif"), help=".gif, .mp4 or .png (default: %(default)s)")


def _edit(arguments: argparse.Namespace) -> int:
    from vaelab.editing.effects import side_effects
    from vaelab.pictures import save_generated

    run, model = open_model(arguments)
    if arguments.recipe:
        recipe, z = replayed(model, arguments.recipe, arguments.anyway)
    else:
        recipe, z = starting_face(arguments, model), None
    changed = _changed(arguments, model, recipe)
    if z is None or changed != recipe:
        recipe, z = changed, edited_latent(model, changed)
    record = to_record(model, recipe, z)
    save_generated(model.decode(z[None])[0], arguments.out, record)
    json_out = arguments.json_out or arguments.out.with_suffix(".json")
    write_file(json_out, json.dumps(record, indent=1).encode())
    effects = side_effects(model, start_latent(model, recipe), z)
    if arguments.json:
        moved = [dataclasses.asdict(effect) for effect in effects]
        print(json.dumps({"run": run.id, "out": str(arguments.out), "json_out": str(json_out), "recipe": record,
                          "side_effects": moved}))  # fmt: skip
        return 0
    print(f"the face is in {arguments.out}, its recipe in {json_out}")
    names = run.slider_names
    for line in effect_table(effects, names):
        print(line)
    return 0


def effect_table(effects: Sequence[Effect], names: dict[str, str]) -> list[str]:
    """What moved, as lines for people, the farthest first."""
    if not effects:
        return ["the model has learned no attribute, so it cannot say what else moved"]
    lines = [f"{'what the encoder sees':28}  {'moved (SD)':>10}  {'before':>7}  {'after':>7}  {'probe AUC':>9}"]
    lines += [
        f"{names.get(f'a.{effect.key}', effect.name):28}  {effect.moved:>+10.2f}  {effect.before:>7.1%}  "
        f"{effect.after:>7.1%}  {effect.auc:>9.3f}"
        for effect in sorted(effects, key=lambda effect: -abs(effect.moved))
    ]
    return lines


def _interpolate(arguments: argparse.Namespace) -> int:
    suffix = arguments.out.suffix.lower()
    if suffix not in (".gif", ".mp4", ".png"):
        raise ConfigError(f"--out is {arguments.out}; its name must end in .gif, .mp4 or .png")
    if len(arguments.faces) < 2:
        raise ConfigError(
            f"{len(arguments.faces)} faces to walk between; name two or more with --face, --seed or --recipe"
        )
    run, model = open_model(arguments)
    kind = "spherical" if arguments.path == "prior" and model.latents is None else arguments.path
    points = [_named_face(arguments, model, *face) for face in arguments.faces]
    way = path_through(model, np.stack([z for _, z in points]), kind, arguments.frames, arguments.loop)
    about = {
        "vaelab": "interpolate", "path": kind, "frames": arguments.frames, "loop": arguments.loop,
        "faces": [to_record(model, recipe, z) for recipe, z in points],
    }  # fmt: skip
    write_file(arguments.out, _film(model, way, about, suffix, arguments.fps, arguments.side))
    result = {"run": run.id, "path": kind, "faces": len(points), "frames": len(way), "out": str(arguments.out)}
    print(json.dumps(result) if arguments.json else f"{len(way)} frames through {len(points)} faces in {arguments.out}")
    return 0


def _film(model: FaceModel, way: np.ndarray, about: dict[str, Any], suffix: str, fps: float, side: int) -> bytes:
    from vaelab.animation import MAX_FRAMES, gif_bytes, mp4_bytes
    from vaelab.pictures import contact_sheet, png_bytes

    if len(way) > MAX_FRAMES:
        raise ConfigError(f"{len(way)} frames are too many, at most {MAX_FRAMES} fit; take fewer --frames or faces")
    frames = model.decode(way)
    if suffix == ".png":
        return png_bytes(contact_sheet(frames, SHEET_COLUMNS), about)
    if suffix == ".mp4":
        return mp4_bytes(frames, fps, about, side)
    return gif_bytes(frames, 1.0 / fps if fps else 0.0, about, side)


def _named_face(
    arguments: argparse.Namespace, model: FaceModel, kind: str, value: Any
) -> tuple[FaceRecipe, np.ndarray]:
    if kind == "recipe":
        return replayed(model, value, arguments.anyway)
    one = argparse.Namespace(
        face=value if kind == "face" else None, seed=value if kind == "seed" else None, photo=None,
        prior=arguments.prior, temperature=arguments.temperature,
    )  # fmt: skip
    recipe = starting_face(one, model)
    return recipe, edited_latent(model, recipe)


def _changed(arguments: argparse.Namespace, model: FaceModel, recipe: FaceRecipe) -> FaceRecipe:
    """The recipe with the sliders, held attributes and method that the flags ask for."""
    for key, steps in arguments.moves:
        recipe = recipe.edited(key, steps)
    if arguments.hold is not None:
        known = model.directions.keys if model.directions else []
        for key in arguments.hold:
            if key.removeprefix("a.") not in known:
                raise DataError(f"{model.run_id} cannot hold {key!r}; it knows {', '.join(known) or 'no attribute'}")
        recipe = recipe.held([key.removeprefix("a.") for key in arguments.hold])
    return dataclasses.replace(recipe, method=arguments.method) if arguments.method else recipe


def _move(text: str) -> tuple[str, float]:
    """A slider's key and where it stands."""
    key, _, number = text.partition("=")
    try:
        steps = float(number)
    except ValueError:
        steps = float("nan")
    if not SLIDER_KEY.fullmatch(key) or not abs(steps) <= LARGEST_VALUE:
        raise argparse.ArgumentTypeError(
            f"expected SLIDER=STEPS, such as a.age=2, p0=-1 or d17=0.5, up to {LARGEST_VALUE:g}; met {text!r}"
        )
    return key, steps


def _point(kind: str, read: Any) -> Any:
    """Reads one face of a path and remembers what names it: all flags fill one list, in their order."""

    def point(text: str) -> tuple[str, Any]:
        return kind, read(text)

    return point
