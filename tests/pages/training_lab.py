"""A working folder in which a training takes seconds: drawn faces of 16 pixels, and settings that fit them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.drawn import draw
from vaelab.config import TrainConfig, replace
from vaelab.runs.store import RUNS_DIR, Run, RunStatus

DATA = "drawn-16"
TINY: dict[str, Any] = {
    "datasets": (DATA,),
    "size": 16,
    "model": "residual",
    "latent": 4,
    "width": 2,
    "num_images": 400_000,
    "batch_size": 16,
    "report_every": 160,
    "validate_every": 3_200,
    "checkpoint_every": 3_200,
    "device": "cpu",
}


def prepare_data(root: Path, num_faces: int = 200) -> None:
    """The data set that TINY names, under `root`."""
    draw(root / "data" / DATA, num_faces, 20, 16)


def reported_run(root: Path, name: str, state: str = "done", *, message: str = "", **changes: Any) -> Run:
    """A run with reports, an intervention and KL per latent, in any state, without weights."""
    config = replace(TrainConfig(recipe="tiny"), **{**TINY, "num_images": 1_600, **changes})
    run = Run.create(config, root=root / RUNS_DIR, name=name)
    for images in range(160, 1_601, 160):
        parts = {"loss": 1e4 / images, "recon_loss": 9e3 / images, "kl": 5.0, "neg_elbo": 1e4 / images}
        run.append_metrics("train", images, **parts, beta=1.0, learning_rate=1e-3, images_per_second=800.0)
    run.append_metrics(
        "validation", 800, loss=21.0, recon_loss=12.0, kl=4.0, psnr=18.5, kl_per_dim=[2.0, 1.0, 0.9, 0.1]
    )
    run.append_metrics("event", 960, what="beta", old=1.0, new=2.0)
    run.write_status(RunStatus(state=state, images_seen=1_600, train_seconds=2.0, message=message))
    return run
