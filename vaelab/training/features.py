"""What a frozen backbone sees in the training faces, computed once and kept on disk: encoders train on that.

<data_dir>/.features/<key>/
  about.json      what the key was made of, for people
  features.bin    rows x variants x features; there only once it is whole
  features.partial    whole chunks so far; a computation that was stopped goes on behind them

The key is made of everything that a feature depends on, so nothing kept can ever be stale. A mirrored picture has
features of its own (a convolutional network's are not mirrored with it), so with `flip` both variants are kept: twice
the work and the space, once.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from jaxtyping import Float, Int

from vaelab.backbone import attach_backbone
from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.errors import Cancelled, DataError
from vaelab.models.network import Network
from vaelab.models.vgg import VGG19VAE
from vaelab.runs.files import locked, replacing, telling
from vaelab.runs.store import Run, RunStatus
from vaelab.training.distributed import Ranks, sum_over_ranks
from vaelab.training.feed import Feed
from vaelab.training.held_out import HeldOut
from vaelab.training.pixels import images_on
from vaelab.training.step import evaluating, pick_precision

log = logging.getLogger("vaelab.training")
FORMAT = 1
FOLDER = ".features"
CHUNK = 256
"""Pictures computed between two writes. Part of the format: a value may depend on its batch in the last bit."""
TELL_EVERY_SECONDS = 5.0

Features = Float[np.ndarray, "rows variants features"]


def use_backbone(
    run: Run,
    network: Network,
    held_out: HeldOut,
    feed: Feed,
    device: torch.device,
    ranks: Ranks,
    status: RunStatus,
) -> HeldOut:
    """Give a network its frozen backbone, and `feed` what it sees in the training faces.

    Returns:
        `held_out` with what it sees in the held-out faces; of a network without a backbone as it was.

    Raises:
        CheckpointError: the backbone cannot be had, or is not the one the run began with.
        Cancelled: somebody asked to stop before the features were done.
    """
    if not isinstance(network, VGG19VAE):
        return held_out

    def tell(text: str) -> None:
        log.info(text)
        if ranks.is_first:
            run.write_status(replace(status, message=f"{text}."))

    config = run.config
    attach_backbone(network, config, device, tell)
    keep = partial(
        kept_features,
        network,
        held_out.data,
        config=config,
        device=device,
        tell=tell,
        is_stopped=lambda: run.is_cancel_requested,
    )
    stopped = Cancelled("stopped before all features were there; they are kept")  # if another process was told so
    stops = np.zeros(1, np.float32)
    try:
        feed.features = keep(rows=feed.face_rows, mirrored=config.data.flip)
        held_out = replace(held_out, features=keep(rows=held_out.faces, mirrored=False)[:, 0])
    except Cancelled as error:
        stopped, stops[0] = error, 1.0
    sum_over_ranks(stops, ranks, device)  # once all are here, nobody looks any more whether to stop
    if stops[0]:
        if ranks.is_first:
            run.write_status(replace(status, state="stopped", message=str(stopped)))
            run.clear_cancel()
        raise stopped
    if ranks.is_first:
        run.write_status(status)
    return held_out


@dataclass(frozen=True)
class FeatureKey:
    """All that decides the kept features.

    Attributes:
        data: fingerprints of the data sets, in order; `rows` is the SHA-256 of which of their pictures are meant.
        backbone: SHA-256 of its weights.
        variants: 1 for pictures as they are; 2 where each is followed by its mirror image.
        precision: that of the training step, so that training on what is kept is training on what it would compute.
    """

    data: tuple[str, ...]
    rows: str
    num_rows: int
    backbone: str
    size: int
    num_features: int
    variants: int
    precision: str
    format: int = FORMAT

    @property
    def name(self) -> str:
        """Name of the folder: 24 digits of the SHA-256 over all of it."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:24]

    @property
    def dtype(self) -> np.dtype[Any]:
        """bfloat16 results fit float16 (11 bits for 8) as long as they stay below 65,504, which is checked."""
        return np.dtype(np.float32 if self.precision == "float32" else np.float16)

    @property
    def row_bytes(self) -> int:
        """Bytes of one picture."""
        return self.variants * self.num_features * self.dtype.itemsize


def kept_features(
    network: VGG19VAE,
    data: Collection,
    rows: Int[np.ndarray, " rows"],
    config: TrainConfig,
    device: torch.device,
    *,
    mirrored: bool,
    tell: Callable[[str], None] = lambda text: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Features:
    """The features of some pictures as a memory map, computed first where they are not kept yet.

    Args:
        mirrored: whether each picture's mirror image follows it as a second variant.
        tell: gets a sentence every few seconds while it computes.
        is_stopped: asked after each chunk.

    Raises:
        Cancelled: somebody asked to stop; what was computed is kept and gone on with.
        DataError: a feature is beyond what float16 holds.
        RunError: the disk is full or cannot be written to.
    """
    precision = str(pick_precision(config.run, device)).removeprefix("torch.")
    key = FeatureKey(
        data=tuple(store.fingerprint for store in data.stores),
        rows=hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest(),
        num_rows=len(rows),
        backbone=network.backbone.fingerprint.hex(),
        size=config.data.size,
        num_features=network.num_features,
        variants=2 if mirrored else 1,
        precision=precision,
    )
    folder = Path(config.data.data_dir) / FOLDER / key.name
    whole = folder / "features.bin"
    if not key.num_rows:
        return np.zeros((0, key.variants, key.num_features), key.dtype)
    if not _is_whole(whole, key):
        with telling(f"cannot keep features in {folder}", folder.parent):
            folder.mkdir(parents=True, exist_ok=True)
            with locked(folder / "lock"):  # who comes second, another rank or another run, finds it done
                if not _is_whole(whole, key):
                    _compute(network, data, rows, key, folder, device, tell, is_stopped)
    return np.memmap(whole, key.dtype, mode="r", shape=(key.num_rows, key.variants, key.num_features))


def _is_whole(path: Path, key: FeatureKey) -> bool:
    return path.is_file() and path.stat().st_size == key.num_rows * key.row_bytes


def _compute(
    network: VGG19VAE,
    data: Collection,
    rows: Int[np.ndarray, " rows"],
    key: FeatureKey,
    folder: Path,
    device: torch.device,
    tell: Callable[[str], None],
    is_stopped: Callable[[], bool],
) -> None:
    """Append chunk after chunk behind the whole ones that are there, then give the file its name."""
    with replacing(folder, "about.json", "kept features") as about:
        about.write((json.dumps(asdict(key), indent=1) + "\n").encode())
    unfinished = folder / "features.partial"
    unfinished.touch()
    done = unfinished.stat().st_size // (CHUNK * key.row_bytes) * CHUNK
    started, told = time.monotonic(), time.monotonic() - TELL_EVERY_SECONDS
    first = done
    with unfinished.open("r+b") as file:
        file.truncate(done * key.row_bytes)
        file.seek(0, os.SEEK_END)
        while done < key.num_rows:
            if is_stopped():
                raise Cancelled(f"stopped after the features of {done:,} of {key.num_rows:,} pictures; they are kept")
            if time.monotonic() - told >= TELL_EVERY_SECONDS:
                told = time.monotonic()
                speed = f", {(done - first) / (told - started):,.0f} per second" if done > first else ""
                tell(f"what the backbone sees, computed once: {done:,} of {key.num_rows:,} pictures{speed}")
            pixels = data.pixels(rows[done : done + CHUNK])
            done += len(pixels)
            _write(file, _seen(network, pixels, key, device))
    unfinished.replace(folder / "features.bin")


def _seen(network: VGG19VAE, pixels: np.ndarray, key: FeatureKey, device: torch.device) -> Features:
    """Features of pictures and, with two variants, of their mirror images."""
    images = images_on(pixels, device)
    variants = [images] if key.variants == 1 else [images, images.flip(3)]
    is_half = key.precision == "bfloat16"
    with evaluating(network), torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_half):
        found = torch.stack([network.features(variant).float() for variant in variants], dim=1)
    with np.errstate(over="ignore"):  # told below, with what to do
        values = found.cpu().numpy().astype(key.dtype)
    if not np.isfinite(values).all():
        raise DataError(
            f"the backbone's features reach {float(found.abs().max()):g}, more than {key.dtype} holds; train with "
            "--precision float32, or check the weights"
        )
    return values


def _write(file: IO[bytes], values: Features) -> None:
    """On disk before the next chunk: the size of the file says how many chunks are whole."""
    file.write(values.tobytes())
    file.flush()
    os.fsync(file.fileno())
