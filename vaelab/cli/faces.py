"""Faces as commands name them: stored ones, seeds, photos, and recipes that replay exactly."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaelab.cli.arguments import non_negative
from vaelab.editing.recipe import (
    MAX_SEED,
    START_OF,
    TEMPERATURES,
    FaceRecipe,
    fit_to_model,
    kept_latent,
    other_weights,
    pack_latent,
    read_record,
)
from vaelab.errors import CheckpointError, ConfigError, DataError

if TYPE_CHECKING:
    from vaelab.inference import FaceModel


def add_prior(parser: argparse.ArgumentParser) -> None:
    """Flags that say where random faces come from, and what to do with recipes of other weights."""
    parser.add_argument("--prior", choices=list(START_OF), default="fitted", help="where seeds draw from "
                        "(default: %(default)s, or standard where none is stored)")  # fmt: skip
    parser.add_argument("--temperature", type=non_negative, default=0.8, help="how far seeds stray from the average "
                        "face, 0.1 to 1.5 (default: %(default)s)")  # fmt: skip
    parser.add_argument("--anyway", action="store_true", help="draw a recipe although it was kept from other weights")


def starting_face(arguments: argparse.Namespace, model: FaceModel) -> FaceRecipe:
    """The recipe of the starting face that the flags name."""
    if not model.has_decoder:
        raise ConfigError(f"{model.run_id} is a {model.config.model.model}, which has no decoder; take a VAE")
    if arguments.photo:
        return FaceRecipe(model.run_id, start="latent", z=pack_latent(_photo_latent(model, arguments.photo)))
    if arguments.face is not None:
        known = [] if model.latents is None else model.latents.labels["image_id"].tolist()
        if arguments.face not in known:
            shown = f", such as {', '.join(map(str, known[:3]))}" if known else ""
            raise DataError(f"{model.run_id} stores {len(known)} faces{shown}, and none is {arguments.face!r}")
        return FaceRecipe(model.run_id, start="stored", face=arguments.face)
    low, high = TEMPERATURES
    if not low <= arguments.temperature <= high:
        raise ConfigError(f"--temperature is {arguments.temperature:g}; choose {low} to {high}")
    start = START_OF["standard" if arguments.prior == "fitted" and model.latents is None else arguments.prior]
    seed = FaceRecipe.seed if arguments.seed is None else arguments.seed
    return FaceRecipe(model.run_id, start=start, seed=seed, temperature=round(arguments.temperature, 2))


def replayed(model: FaceModel, path: Path, anyway: bool) -> tuple[FaceRecipe, np.ndarray]:
    """The recipe in a file, and exactly the latent that was kept with it.

    Raises:
        CheckpointError: it was kept from other weights, and `anyway` is not set.
    """
    try:
        recipe, record = read_record(path.read_bytes())
        z = kept_latent(record)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if len(z) != model.latent_size:
        raise DataError(f"{path} is of {record.get('model')} and has {len(z)} latents; {model.run_id} takes "
                        f"{model.latent_size}")  # fmt: skip
    if told := other_weights(record, model, str(path)):
        if not anyway:
            raise CheckpointError(f"{told}. --anyway draws it all the same")
        print(f"{told}.", file=sys.stderr)
    recipe, notes = fit_to_model(dataclasses.replace(recipe, model=model.run_id), model)
    for note in notes:
        print(note.replace("The link", "The recipe").replace("the link", "the recipe"), file=sys.stderr)
    return recipe, z


def _photo_latent(model: FaceModel, path: Path) -> np.ndarray:
    from vaelab.photos import crop_face, find_faces, read_photo

    try:
        photo = read_photo(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    faces = find_faces(photo)
    if not faces:
        raise DataError(f"no face was found in {path}; draw the box yourself on the Explore page")
    if len(faces) > 1:
        print(f"{len(faces)} faces in {path}; this is the most prominent one", file=sys.stderr)
    mu, _ = model.encode(crop_face(photo, faces[0], model.size)[None])
    return np.asarray(mu[0], np.float32)


def write_file(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; choose another place with --out") from error


def face_seed(text: str) -> int:
    """A seed that a link can carry."""
    if not text.isdecimal() or int(text) > MAX_SEED:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {MAX_SEED}, met {text!r}")
    return int(text)
