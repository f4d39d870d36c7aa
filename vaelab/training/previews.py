"""Pictures of the training on its way: the same held-out faces and the same noise at each validation."""

import torch

from vaelab.config import TrainConfig
from vaelab.losses import LIKELIHOODS
from vaelab.pictures import contact_sheet, plain_png_bytes, png_bytes
from vaelab.rng import generator
from vaelab.runs.files import replacing
from vaelab.runs.previews import preview_name, thin_out
from vaelab.runs.store import Run
from vaelab.training.held_out import HeldOut
from vaelab.training.pixels import images_on
from vaelab.training.step import Objective, evaluating

NUM_FACES = 8


def draw_previews(
    run: Run, objective: Objective, held_out: HeldOut, config: TrainConfig, device: torch.device, images_seen: int
) -> None:
    """Write what the model makes of eight held-out faces and of fixed noise; a detector alone draws nothing."""
    rows = held_out.faces[:NUM_FACES]
    if not config.has_decoder or not len(rows):
        return
    run.previews_dir.mkdir(exist_ok=True)
    pixels = held_out.data.pixels(rows)
    if not (run.previews_dir / "originals.png").is_file():
        _write(run, "originals.png", plain_png_bytes(contact_sheet(pixels, NUM_FACES)))
    noise = torch.randn(NUM_FACES, config.model.latent, generator=generator(config.run.seed, "previews")).to(device)
    mean = LIKELIHOODS[config.loss.likelihood].mean
    with evaluating(objective):
        posterior = objective.network.encode(images_on(pixels, device)).posterior
        assert posterior is not None
        for kind, z in (("recon", posterior.mu), ("samples", noise)):
            drawn = mean(objective.network.decode(z)).clamp(0, 1).mul(255).round().to(torch.uint8)
            sheet = contact_sheet(drawn.permute(0, 2, 3, 1).cpu().numpy(), NUM_FACES)
            about = {"model": run.id, "images_seen": images_seen, "preview": kind}
            _write(run, preview_name(kind, images_seen), png_bytes(sheet, about))
            thin_out(run.previews_dir, kind)


def _write(run: Run, name: str, content: bytes) -> None:
    with replacing(run.previews_dir, name, f"run {run.id}") as file:
        file.write(content)
