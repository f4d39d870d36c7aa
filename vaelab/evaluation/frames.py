"""Latents of the same faces at several moments of a training: what a map over training is made of."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from safetensors.numpy import save

from vaelab.errors import CheckpointError, DataError
from vaelab.runs.arrays import read_arrays, with_record
from vaelab.runs.files import replacing
from vaelab.runs.frames import FACES, faces_path, frame_path, frames_of, has_frames, thin_out_frames
from vaelab.runs.store import Run

Means = Float[np.ndarray, "faces latent"]
PerLatent = Float[np.ndarray, " latent"]
HALF_LIMIT = float(np.finfo(np.float16).max)


@dataclass(frozen=True, eq=False)
class TrainingFrames:
    """What a run's encoder made of the same faces at each moment that was kept.

    Attributes:
        clocks: (frames,) images seen, ascending.
        mu: (frames, faces, latent) posterior means; `labels` has the faces' rows (image_id, attributes).
        posterior_std: (frames, latent) root of the mean posterior variance of each latent.
    """

    clocks: Int[np.ndarray, " frames"]
    mu: Float[np.ndarray, "frames faces latent"]
    posterior_std: Float[np.ndarray, "frames latent"]
    labels: pd.DataFrame

    @classmethod
    def read(cls, run: Run) -> TrainingFrames:
        """All frames of a run; one that a training thins out meanwhile is left out.

        Raises:
            DataError: there is none.
            CheckpointError: a file is damaged, or is of other faces than the table says.
        """
        if not has_frames(run):
            raise DataError(
                f"run {run.id} kept no latents on its way: it has no decoder or no held-out faces, or was trained by a "
                "version that kept none; train it anew, and each validation leaves a frame"
            )
        try:
            labels = pd.read_parquet(faces_path(run))
            names = labels["image_id"]
        except (OSError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"{faces_path(run)} cannot be read ({error}); delete {run.frames_dir}, and train anew for a film"
            ) from error
        latent, digest = run.config.model.latent, faces_digest(names)
        expected = {"mu": (len(labels), latent), "posterior_std": (latent,)}
        clocks, means, deviations = [], [], []
        for clock, path in frames_of(run):
            try:
                frame = read_arrays(path)
            except CheckpointError:
                if path.is_file():
                    raise
                continue
            shapes = {name: array.shape for name, array in frame.arrays.items()}
            if frame.record.get("faces") != digest or shapes != expected:
                raise CheckpointError(f"{path} is of other faces or another network than the run's; delete the frame")
            clocks.append(clock)
            means.append(frame.arrays["mu"])
            deviations.append(frame.arrays["posterior_std"])
        return cls(np.array(clocks, np.int64), np.stack(means), np.stack(deviations), labels)

    def features(self, frame: int) -> Means:
        """Posterior means of a frame in units of its posterior deviations; between them faces are compared."""
        return np.asarray(self.mu[frame] / self.posterior_std[frame], np.float32)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with any of it but the labels."""
        digest = hashlib.sha256(faces_digest(self.labels["image_id"]).encode())
        for array in (self.clocks, self.mu, self.posterior_std):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]


def read_frame(run: Run, images_seen: int) -> Means:
    """Posterior means of the faces at one moment, float32.

    Raises:
        CheckpointError: there is no such frame, or it is damaged.
    """
    path = frame_path(run, images_seen)
    try:
        return np.asarray(read_arrays(path).arrays["mu"])
    except KeyError:
        raise CheckpointError(f"{path} holds no posterior means; delete the frame") from None


def write_faces(run: Run, labels: pd.DataFrame) -> None:
    """Keep which faces the frames are of, with their labels."""
    run.frames_dir.mkdir(exist_ok=True)
    table = io.BytesIO()
    labels.to_parquet(table, index=False)
    if faces_path(run).is_file() and faces_path(run).read_bytes() == table.getvalue():
        return
    with replacing(run.frames_dir, FACES, f"run {run.id}") as file:
        file.write(table.getvalue())


def write_frame(run: Run, images_seen: int, mu: Means, posterior_std: PerLatent, names: Sequence[str]) -> None:
    """Keep a moment of the training, means as float16 (an error below 0.002 for values below 4); thins frames out."""
    halves = np.clip(mu, -HALF_LIMIT, HALF_LIMIT).astype(np.float16)
    arrays = {"mu": np.ascontiguousarray(halves), "posterior_std": np.ascontiguousarray(posterior_std, np.float32)}
    path = frame_path(run, images_seen)
    with replacing(path.parent, path.name, f"run {run.id}") as file:
        file.write(save(arrays, metadata=with_record({"faces": faces_digest(names)})))
    thin_out_frames(run)


def faces_digest(names: Sequence[str] | pd.Series) -> str:
    """16 hex digits of which faces they are, and in which order."""
    return hashlib.sha256("\n".join(map(str, names)).encode()).hexdigest()[:16]
