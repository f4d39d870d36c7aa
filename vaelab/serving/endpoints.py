"""What the server answers: detect, reconstruct, edit, sample. Pictures come and go as base64; nothing is written.

Arguments come from other programs, so that their types are checked here, and a run is only ever looked up by its name.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import threading
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from vaelab.detection.drawing import png_file
from vaelab.detection.photographs import Detector, detect
from vaelab.detection.search import Search
from vaelab.detection.thresholds import RATES, alarm_threshold
from vaelab.editing.recipe import LARGEST_VALUE, MAX_SEED, SLIDER_KEY, START_OF, TEMPERATURES, FaceRecipe, to_record
from vaelab.editing.sliders import edited_latent
from vaelab.errors import ConfigError, DataError, RunError
from vaelab.inference import FaceModel
from vaelab.photos import MAX_PHOTO_BYTES, PhotoError, crop_face, find_faces, read_sized_photo, rescaled
from vaelab.pictures import plain_png_bytes, png_bytes
from vaelab.runs.stamps import model_stamp
from vaelab.runs.store import Run, list_runs

MAX_FACES, MAX_DETECTORS, MAX_EDITS = 64, 3, 64


class Endpoints:
    """The four answers, over the runs in one folder; models stay in memory. Calls from several threads are safe.

    Every method raises a `VaelabError` for whatever it cannot use.
    """

    def __init__(self, root: Path, device: str = "cpu") -> None:
        self._root, self._device = root, device
        self._models: dict[str, tuple[str, FaceModel]] = {}
        self._loading = threading.Lock()

    def detect(self, photo: Any, runs: Any, false_alarms: Any, smallest: Any) -> dict[str, Any]:
        """`Result.record` of a photo, with `words` (a sentence) and `annotated` (base64 of a PNG, as searched)."""
        names = _texts(runs, "runs", MAX_DETECTORS)
        if not names:
            raise ConfigError("runs is empty; name at least one run that detects, such as cnn or dbvae")
        rate = _number(false_alarms, "false_alarms", min(RATES), max(RATES))
        if rate not in RATES:
            raise ConfigError(f"false_alarms is {rate:g}; choose one of: {', '.join(f'{known:g}' for known in RATES)}")
        search = Search(smallest=_number(smallest, "smallest", 0.0, 1e6))
        detectors = []
        for name in dict.fromkeys(names):
            run, model = self._model(name)
            threshold = alarm_threshold(run.reports(), model.weights_fingerprint, rate, search)
            detectors.append(Detector(model, threshold))
        pixels, whole = _photo(photo)
        result = detect(pixels, detectors, "", search, whole)
        return {**result.record(), "words": result.in_words(), "annotated": _base64(png_file(pixels, result))}

    def reconstruct(self, photo: Any, run: Any) -> dict[str, Any]:
        """The most prominent face of a photo through a model and back: `crop` and `picture`, base64 of PNGs, and `box`.

        The box is in pixels of the photo as it was sent, upright.
        The face is found and cut as the training pictures were, by dlib and not by the lab's own detectors.
        """
        _, model = self._model(_text(run, "run"))
        pixels, whole = _photo(photo)
        boxes = find_faces(pixels)
        if not boxes:
            raise PhotoError(
                "No face was found in this photo. Send one in which a face is larger or seen from the front."
            )
        crop = crop_face(pixels, boxes[0], model.size)
        drawn = model.reconstruct(crop[None])[0]
        return {
            "crop": _base64(plain_png_bytes(crop)),
            "picture": _base64(png_bytes(drawn, {**model.about(), "vaelab": "reconstruct"})),
            "box": dataclasses.asdict(rescaled(boxes[0], (pixels.shape[1], pixels.shape[0]), whole)),
        }

    def edit(self, run: Any, seed: Any, moves: Any, hold: Any) -> dict[str, Any]:
        """A drawn face with its sliders moved: `picture` (base64 of a PNG) and `recipe`, which draws it again."""
        _, model = self._model(_text(run, "run"))
        start = START_OF["standard" if model.latents is None else "fitted"]
        recipe = FaceRecipe(model.run_id, start=start, seed=_whole(seed, "seed", 0, MAX_SEED))
        if not isinstance(moves, dict) or len(moves) > MAX_EDITS:
            raise DataError(f"moves has to be an object of at most {MAX_EDITS} sliders and steps, as {{'a.age': 2}}")
        for key, steps in moves.items():
            if not isinstance(key, str) or not SLIDER_KEY.fullmatch(key):
                raise DataError(f"{str(key)[:80]!r} is no slider; expected one as a.age, p0 or d17")
            recipe = recipe.edited(key, _number(steps, key, -LARGEST_VALUE, LARGEST_VALUE))
        known = [] if model.directions is None else model.directions.keys
        held = [name.removeprefix("a.") for name in _texts(hold, "hold", MAX_EDITS)]
        for name in held:
            if name not in known:
                raise DataError(f"{model.run_id} cannot hold {name!r}; it knows {', '.join(known) or 'no attribute'}")
        recipe = recipe.held(held)
        z = edited_latent(model, recipe)
        record = to_record(model, recipe, z)
        return {"picture": _base64(png_bytes(model.decode(z[None])[0], record)), "recipe": record}

    def sample(self, run: Any, count: Any, seed: Any, prior: Any, temperature: Any) -> dict[str, Any]:
        """New faces: `pictures`, a list of base64 of PNGs, the same for the same arguments."""
        _, model = self._model(_text(run, "run"))
        number, start = _whole(count, "count", 1, MAX_FACES), _whole(seed, "seed", 0, MAX_SEED)
        warmth = _number(temperature, "temperature", *TEMPERATURES)
        name = _text(prior, "prior") or model.best_prior
        pixels = model.decode(model.sample_latents(number, start, name, warmth))
        about = {**model.about(), "vaelab": "sample", "seed": start, "prior": name, "temperature": warmth}
        pictures = [_base64(png_bytes(face, {**about, "number": place})) for place, face in enumerate(pixels)]
        return {"pictures": pictures, "about": about}

    def _model(self, name: str) -> tuple[Run, FaceModel]:
        """The run of this name and its model, loaded anew when anything it is made from has changed."""
        run = next((run for run in list_runs(self._root) if run.id == name), None)
        if run is None or not run.weights_path.is_file():
            known = ", ".join(run.id for run in list_runs(self._root)[:8]) or "none yet"
            raise RunError(f"there is no trained run {name[:80]!r} here; there are: {known}")
        stamp = model_stamp(run)
        with self._loading:
            kept = self._models.get(name)
            if kept is None or kept[0] != stamp:
                kept = self._models[name] = (stamp, FaceModel.load(run, self._device))
        return run, kept[1]


def _photo(value: Any) -> tuple[UInt8[np.ndarray, "height width 3"], tuple[int, int]]:
    """A photo that was sent, and its own width and height: `read_sized_photo`."""
    text = value if isinstance(value, str) else ""
    if len(text) > MAX_PHOTO_BYTES * 4 // 3 + 4:
        raise PhotoError(f"This photo has more than {MAX_PHOTO_BYTES // 2**20} MB. Send it smaller.")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PhotoError("photo has to be the base64 text of a picture file.") from error
    return read_sized_photo(data)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise DataError(f"{name} has to be a short text, met {type(value).__name__}")
    return value


def _texts(value: Any, name: str, most: int) -> list[str]:
    if not isinstance(value, list) or len(value) > most:
        raise DataError(f"{name} has to be a list of at most {most} names, met {type(value).__name__}")
    return [_text(item, name) for item in value]


def _number(value: Any, name: str, low: float, high: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        raise DataError(f"{name} has to be a number from {low:g} to {high:g}, met {str(value)[:40]!r}")
    return float(value)


def _whole(value: Any, name: str, low: int, high: int) -> int:
    number = _number(value, name, low, high)
    if number != int(number):
        raise DataError(f"{name} has to be a whole number, met {number:g}")
    return int(number)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
