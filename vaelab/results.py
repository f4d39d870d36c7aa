"""What a finished VAE does, in four sheets that are the same for every model: the panel of result pages and cards.

Two models of one data set show the same held-out faces and the same noise, so their sheets can be laid side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int, UInt8

from vaelab.curves import curves_picture
from vaelab.pictures import contact_sheet, plain_png_bytes, save_generated
from vaelab.runs.store import Run

if TYPE_CHECKING:  # pages read the sheets' names before torch is there
    from vaelab.data.collection import Collection
    from vaelab.inference import FaceModel

Pixels = UInt8[np.ndarray, "count size size 3"]

NUM_FACES = 8
"""Faces in a row."""
NUM_WAYS = 3
"""Rows of interpolations."""
SEED = 0
KINDS = {
    "originals": "Held-out pictures",
    "reconstructions": "The same, through the model and back",
    "samples": "New faces from noise",
    "interpolations": "From one held-out face to another",
}
"""The sheets in their order, with what each shows."""


@dataclass(frozen=True, eq=False)
class Results:
    """The sheets of one model.

    Attributes:
        originals: held-out faces; None where their data set is not at hand.
        reconstructions: what the model makes of them, or of faces whose latents it stores; None with neither.
        samples: decoded from N(0, I), always from the same noise.
        interpolations: NUM_WAYS straight ways through latent space, NUM_FACES pictures each.
    """

    originals: Pixels | None
    reconstructions: Pixels | None
    samples: Pixels
    interpolations: UInt8[np.ndarray, "frames size size 3"]

    def sheet(self, kind: str) -> UInt8[np.ndarray, "height width 3"] | None:
        """One of KINDS laid out in rows; None where the model has none."""
        pixels: np.ndarray | None = getattr(self, kind)
        return None if pixels is None else contact_sheet(pixels, NUM_FACES, gap=0)


def results(model: FaceModel, data: Collection | None) -> Results:
    """The sheets of `model`; without its data set the stored latents stand in for held-out faces.

    Raises:
        ConfigError: the model has no decoder.
    """
    originals = None if data is None else held_out_faces(data)
    samples = model.sample_latents(max(NUM_FACES, 2 * NUM_WAYS), SEED)
    known = True
    if originals is not None:
        means = model.encode(originals)[0]
    elif model.latents is not None:
        means = model.latents.mu[_spread(len(model.latents.mu), NUM_FACES)].astype(np.float32)
    else:
        means, known = samples, False
    ends = means if len(means) >= 2 else samples
    pairs = [(ends[(2 * way) % len(ends)], ends[(2 * way + 1) % len(ends)]) for way in range(NUM_WAYS)]
    share = np.linspace(0, 1, NUM_FACES, dtype=np.float32)[:, None]
    ways = np.concatenate([(1 - share) * start + share * end for start, end in pairs])
    return Results(
        originals, model.decode(means) if known else None, model.decode(samples[:NUM_FACES]), model.decode(ways)
    )


def held_out_faces(data: Collection) -> Pixels | None:
    """Faces spread evenly over the test split, or the validation split where there is no other; None without any."""
    rows = _held_out_rows(data)
    return data.pixels(rows) if len(rows) else None


def held_out_ids(data: Collection) -> list[str]:
    """Source and image_id of each of `held_out_faces`: who they are, whatever the size of the pictures."""
    sources = {store.manifest.name: store.manifest.source for store in data.stores}
    table = data.table(_held_out_rows(data), ["dataset", "image_id"])
    return [f"{sources[name]} {image_id}" for name, image_id in zip(table["dataset"], table["image_id"], strict=True)]


def _held_out_rows(data: Collection) -> Int[np.ndarray, " faces"]:
    test = data.rows("test", is_face=True)
    rows: np.ndarray = test if len(test) else data.rows("val", is_face=True)
    return np.asarray(rows[_spread(len(rows), NUM_FACES)])


def picture_name(kind: str) -> str:
    """File name of a sheet, or of the `curves`, in the run's folder."""
    return f"results-{kind}.png"


def may_pass_on(data: Collection) -> bool:
    """Whether pictures of the data may lie in a model's folder: only those that the project draws itself.

    The terms of photographs, and the people in them, are not ours to pass on with a model.
    """
    return all(store.manifest.source == "synthetic" for store in data.stores)


def write_pictures(run: Run, model: FaceModel, data: Collection) -> None:
    """Put the panel's pictures into the run's folder, where its card shows them; photographs stay with their data set.

    Raises:
        DataError: a picture cannot be written.
    """
    if model.has_decoder:
        made = results(model, data)
        for kind in KINDS:
            sheet = made.sheet(kind)
            if sheet is None or (kind == "originals" and not may_pass_on(data)):
                continue
            if kind == "originals":  # of the data, so not marked as generated by the model
                _write_plain(run, kind, sheet)
            else:
                save_generated(sheet, run.dir / picture_name(kind), {"results": kind, "seed": SEED, **model.about()})
    curves = curves_picture(run.metrics())
    if curves is not None:
        _write_plain(run, "curves", curves)


def _write_plain(run: Run, kind: str, picture: UInt8[np.ndarray, "height width 3"]) -> None:
    with run.replacing(picture_name(kind)) as file:
        file.write(plain_png_bytes(picture))


def _spread(available: int, wanted: int) -> np.ndarray:
    """`wanted` places from the first to the last of `available`, evenly; all of them where there are fewer."""
    return np.unique(np.linspace(0, available - 1, min(available, wanted)).round().astype(int))
