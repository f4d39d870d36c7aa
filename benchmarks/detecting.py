"""How well and how fast faces are found in photos: `python -m benchmarks.detecting --photos DIR --faces DIR`.

Held-out faces are laid into photos without any (`benchmarks.scenes`). Runs keep the thresholds that
`python -m vaelab calibrate RUN PHOTOS --split calibration` set on other photos. OpenCV's Haar cascade looks at the same
scenes where an OpenCV that has one is installed (4.14 does, 5 does not): pip install opencv-python-headless==4.14.*
Where the folder holds the photos of `photos-marked.csv` too, the real faces marked in them are looked for as well.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import resource
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.interleaved import interleaved, ratio
from benchmarks.kept import Rows
from benchmarks.marked import MARKED, paths_of, read_marked
from benchmarks.own_process import answer_of
from benchmarks.scenes import held_out_photos, make_scenes
from vaelab.data.store import DatasetStore
from vaelab.detection.dense import DenseDetector
from vaelab.detection.search import Search, all_windows, cut, find, pyramid
from vaelab.detection.thresholds import RATES, alarm_threshold
from vaelab.evaluation.average_precision import Matched, average_precision, matched, recall_and_alarms
from vaelab.evaluation.intervals import bootstrapped
from vaelab.inference import FaceModel
from vaelab.photos import read_photo
from vaelab.runs.store import RUNS_DIR, find_run
from vaelab.settings import EMBEDDED

LEAVE_OUT = Path(__file__).with_name("photos-with-people.txt")
SAMPLED = 256
"""Windows of the photo that are timed one by one; all of them would take minutes."""
DETECTORS = ("cnn", "dbvae", "detector")
TIMED = (1024, 768)
"""Width and height of the photo that is timed."""
LARGE = (4900, 6200)
"""Rows and columns of a photo of 30 megapixels."""
CASCADE_TO_FRAME = (1.02, 0.084)
"""A square of FairFace in sides of the cascade's box, and how far below the box's its centre lies, in its own sides
(`benchmarks.framing`)."""
Found = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From a photo to squares (n, 3) and scores (n,)."""
AS_IT_COMES = {"as_it_comes": -np.inf}
"""The one threshold of the cascade: whatever it returns. No rate of false alarms was set for it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos; those listed are left out")
    parser.add_argument("--leave-out", type=Path, default=LEAVE_OUT, help="names of photos with people or drawn faces")
    parser.add_argument("--marked", type=Path, default=MARKED, help="squares of the real faces in some of the photos")
    parser.add_argument("--faces", type=Path, required=True, help="folder of held-out face crops")
    parser.add_argument("--runs", nargs="+", default=DETECTORS)
    parser.add_argument("--scenes-each", type=int, default=2, help="scenes of each photo (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds of each timing (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="file to keep the results in")
    parser.add_argument("--memory-of", metavar="RUN", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        print(json.dumps(_large_photo(arguments.memory_of)))
        return
    photos = held_out_photos(arguments.photos, arguments.leave_out)
    scenes = make_scenes(photos * arguments.scenes_each, sorted(arguments.faces.glob("*.webp")), seed=0)
    models = {name: FaceModel.load(find_run(name, RUNS_DIR), with_latents=False) for name in arguments.runs}
    finders = {name: (lab_finder(model), _thresholds(name, model)) for name, model in models.items()}
    if (haar := haar_finder()) is not None:
        finders["haar"] = haar, AS_IT_COMES
    results: dict[str, Any] = {
        "scenes": len(scenes), "faces": sum(len(scene.faces) for scene in scenes), "search": asdict(Search()),
        "agreement": {name: agreement(model, photos[:10]) for name, model in models.items()},
        "found": {
            name: accuracy([matched(*found(scene.photo), scene.faces) for scene in scenes], thresholds)
            for name, (found, thresholds) in finders.items()
        },
        "found_marked": on_marked(arguments.marked, arguments.photos, finders),
        "seconds": timings(models, at_size(read_photo(photos[0].read_bytes())), arguments.rounds),
        "large_photo": _in_its_own_process(arguments.runs[0], arguments),
    }  # fmt: skip
    print(json.dumps(results, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


def lab_finder(model: FaceModel) -> Found:
    """Everything that a run finds, down to the least likely."""

    def found(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes = find(model, photo, -np.inf)
        squares = np.array([[box.x, box.y, box.side] for box in boxes]).reshape(-1, 3)
        return squares, np.array([box.score for box in boxes])

    return found


def haar_finder() -> Found | None:
    """OpenCV's frontal cascade, its boxes brought into FairFace's frame; None where none is installed."""
    if cascade() is None:
        return None

    def found(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes, scores = cascade_boxes(photo)
        larger, down = CASCADE_TO_FRAME
        squares = [[x + w / 2, y + h / 2 + down * larger * w, larger * w] for x, y, w, h in boxes]
        return np.array(squares).reshape(-1, 3), scores

    return found


@functools.cache
def cascade() -> Any:
    """OpenCV's frontal cascade; None where no OpenCV that has one is installed."""
    if importlib.util.find_spec("cv2") is None:
        return None
    import cv2

    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    path = Path(folder) / "haarcascade_frontalface_default.xml"
    return cv2.CascadeClassifier(str(path)) if path.is_file() else None


def cascade_boxes(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the cascade finds: left, top, width and height (n, 4), and the weight of its last stage as score (n,)."""
    import cv2

    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    boxes, _, weights = cascade().detectMultiScale3(
        grey, scaleFactor=1.1, minNeighbors=3, minSize=(32, 32), outputRejectLevels=True
    )
    return np.array(boxes, np.float64).reshape(-1, 4), np.array(weights, np.float64).reshape(-1)


def on_marked(table: Path, folder: Path, finders: dict[str, tuple[Found, dict[str, float]]]) -> dict[str, Any] | None:
    """`accuracy` on real faces, with what the search can reach of them; None where the photos are not in the folder."""
    marked = read_marked(table)
    paths = paths_of(marked, folder)
    if not paths:
        return None
    sides = np.concatenate([photo.faces[:, 2] for photo in marked])
    results: dict[str, Any] = {
        "photos": len(marked),
        "faces": len(sides),
        "unsure": sum(len(photo.unsure) for photo in marked),
        "faces_smaller_than_searched": int((sides < Search().smallest).sum()),
    }
    for name, (found, thresholds) in finders.items():
        pairs = zip(marked, paths, strict=True)
        held = [photo.held_against(*found(read_photo(path.read_bytes()))) for photo, path in pairs]
        results[name] = accuracy(held, thresholds)
    return results


def accuracy(held: list[Matched], thresholds: dict[str, float]) -> dict[str, Any]:
    """Average precision, and at each threshold recall and false alarms per photo, with bootstrap intervals over photos.

    A square is right if it and a face share half of their union (`matched`).
    """

    def recall(some: list[Matched], threshold: float) -> float:
        return recall_and_alarms(some, threshold)[0]

    def alarms(some: list[Matched], threshold: float) -> float:
        return recall_and_alarms(some, threshold)[1]

    def estimate(statistic: Callable[[list[Matched]], float]) -> dict[str, Any]:
        places = np.arange(len(held), dtype=np.float64)[:, None]
        return asdict(bootstrapped(lambda rows: statistic([held[int(row)] for row in rows[:, 0]]), places))

    at = {
        rate: {
            "recall": estimate(functools.partial(recall, threshold=threshold)),
            "false_alarms_per_photo": estimate(functools.partial(alarms, threshold=threshold)),
        }
        for rate, threshold in thresholds.items()
    }
    proposed = recall_and_alarms(held, -np.inf)[0]
    return {
        "average_precision": estimate(average_precision),
        "at_false_alarms_set": at,
        "recall_of_all_proposals": proposed,
    }


def agreement(model: FaceModel, photos: list[Path]) -> dict[str, float]:
    """How far the dense pass goes with the network on the same windows, over all windows of some photos."""
    dense, exact = [], []
    detector = DenseDetector.of(model)
    for path in photos:
        levels = list(pyramid(read_photo(path.read_bytes()), model.size, Search(smallest=64.0)))
        windows = all_windows(detector, levels)
        dense.append(windows.logits)
        exact.append(model.face_logit(cut(levels, windows.boxes, windows.places[:, 0], model.size)))
    one, other = np.concatenate(dense), np.concatenate(exact)
    return {
        "windows": len(one),
        "correlation": float(np.corrcoef(one, other)[0, 1]),
        "same_sign": float(np.mean((one > 0) == (other > 0))),
    }


def at_size(photo: np.ndarray) -> np.ndarray:
    """`photo` with the sides that are timed."""
    return np.asarray(Image.fromarray(photo).resize(TIMED, Image.Resampling.LANCZOS))


def rows(data_dir: Path, rounds: int) -> Rows:
    """From a photo to boxes by each shipped detector; the photo is twelve drawn pictures side by side, half faces."""
    store = DatasetStore.open(data_dir / EMBEDDED)
    shown = [store.indices(is_face=is_face)[place] for place in range(6) for is_face in (True, False)]
    tiles = store.gather(np.array(shown)).reshape(3, 4, store.size, store.size, 3)
    photo = at_size(tiles.transpose(0, 2, 1, 3, 4).reshape(3 * store.size, 4 * store.size, 3))
    models = {name: FaceModel.load(find_run(name, RUNS_DIR), with_latents=False) for name in DETECTORS}
    found: Rows = []
    for name, result in timings(models, photo, rounds).items():
        middle, low, high = result["times_as_fast_as_one_by_one"]
        found.append(
            {
                "what": f"a drawn photo of {TIMED[0]}x{TIMED[1]} to boxes by {name}",
                "dense_seconds": result["dense"],
                "one_by_one_seconds": result["one_by_one"],
                "dense_over_one_by_one": middle,
                "dense_over_one_by_one_range": [low, high],
                "windows": result["windows"],
                "rounds": rounds,
            }
        )
    return found


def one_by_one(model: FaceModel, windows: np.ndarray) -> None:
    """Each window by itself, as a loop over them would ask."""
    for window in windows:
        model.face_logit(window[None])


def timings(models: dict[str, FaceModel], photo: np.ndarray, rounds: int) -> dict[str, Any]:
    """Seconds for a photo, all ways in turn; the one-by-one windows are those of the same pyramid."""
    results: dict[str, Any] = {}
    for name, model in models.items():
        levels = list(pyramid(photo, model.size, Search()))
        windows = all_windows(DenseDetector.of(model), levels)
        sampled = windows.taken(np.linspace(0, len(windows.logits) - 1, SAMPLED).astype(int))
        some = cut(levels, sampled.boxes, sampled.places[:, 0], model.size)
        ways: dict[str, Callable[[], object]] = {
            "dense": functools.partial(find, model, photo, 0.0),
            "one_by_one": functools.partial(one_by_one, model, some),
        }
        if (haar := haar_finder()) is not None:
            ways["haar"] = functools.partial(haar, photo)
        timed = interleaved(ways, rounds)
        share = len(windows.logits) / SAMPLED
        middle, low, high = ratio(timed["dense"], timed["one_by_one"])
        results[name] = {way: timing.median for way, timing in timed.items()} | {
            "one_by_one": timed["one_by_one"].median * share,
            "windows": len(windows.logits),
            "times_as_fast_as_one_by_one": [middle * share, low * share, high * share],
        }
    return results


def _thresholds(name: str, model: FaceModel) -> dict[str, float]:
    """The thresholds that the run keeps; only those measured on photos."""
    reports = find_run(name, RUNS_DIR).reports()
    known = {f"{rate:g}": alarm_threshold(reports, model.weights_fingerprint, rate, Search()) for rate in RATES}
    return {rate: threshold.logit for rate, threshold in known.items() if threshold.rate is not None}


def _in_its_own_process(run: str, arguments: argparse.Namespace) -> dict[str, float]:
    """`_large_photo` where nothing else has taken memory before."""
    folders = ("--photos", arguments.photos.resolve(), "--faces", arguments.faces.resolve())
    found: dict[str, float] = answer_of("benchmarks.detecting", "--memory-of", run, *folders)
    return found


def _large_photo(run: str) -> dict[str, float]:
    """Seconds, CPU seconds and memory beyond what stood before, of a search through 30 megapixels without shrinking."""
    model = FaceModel.load(find_run(run, RUNS_DIR), with_latents=False)
    find(model, np.zeros((200, 200, 3), np.uint8), 0.0)
    photo = np.random.default_rng(0).integers(0, 256, (*LARGE, 3), np.uint8)  # at once as bytes: no peak of its own
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    find(model, photo, 0.0)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "megapixels": LARGE[0] * LARGE[1] / 1e6,
        "seconds": seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory_mb": (after.ru_maxrss - before.ru_maxrss) / 1024,
    }


if __name__ == "__main__":
    main()
