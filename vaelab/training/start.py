"""Where training begins: at another run's weights, or at the principal components of the faces, or at random."""

from pathlib import Path

import torch
import torch.nn.functional as F

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.data.sampling import Indices
from vaelab.errors import CheckpointError, ConfigError, RunError
from vaelab.models.network import Network
from vaelab.models.pyramid import PyramidVAE
from vaelab.models.residual import PrincipalPath, ResidualVAE
from vaelab.rng import numpy_generator, stream_seed
from vaelab.runs.checkpoints import load_weights, read_checkpoint
from vaelab.runs.store import RUNS_DIR, Run, find_run
from vaelab.training.pixels import images_on

MAX_FACES = 16_000
MAX_VALUES = 16_000 * 3 * 64 * 64
"""Faces the components are fitted on, and their pixel values: so many floats take 0.8 GB, of 4,000 faces at 128x128."""
CHUNK = 1_024


def begin(network: Network, data: Collection, face_rows: Indices, config: TrainConfig, root: Path) -> None:
    """Set what a new network of `config` begins with, beside the random weights that it has already.

    Args:
        root: folder that holds the run of `start_from`; where it does not, the usual folder is looked into.

    Raises:
        ConfigError: there are fewer faces than latents; or the run to start from is missing or another network's.
    """
    if config.model.start_from:
        take_over(network, config, root)
        return
    residual = network.core if isinstance(network, PyramidVAE) else network
    if isinstance(residual, ResidualVAE) and residual.principal is not None:
        set_principal_path(residual.principal, data, face_rows, config)


def take_over(network: Network, config: TrainConfig, root: Path) -> None:
    """Give `network`, or the part of it that works at half the side, the weights of the run `start_from`.

    Raises:
        ConfigError: the run is missing, has no weights that can be read, or is another network's.
    """
    run = known_run("start_from", config.model.start_from, root, "`python -m vaelab runs` lists those there are")
    goal: torch.nn.Module = network
    if isinstance(network, PyramidVAE) and run.config.model.model == "residual":
        goal = network.core
    try:
        load_weights(goal, read_checkpoint(run.weights_path).tensors, str(run.weights_path))
    except CheckpointError as error:
        theirs = run.config
        raise ConfigError(
            f"start_from {run.id} does not fit: it is a {theirs.model.model} with {theirs.model.latent} latents, width "
            f"{theirs.model.width} and depth {theirs.model.depth} on {theirs.data.size} pixels; take the same settings "
            f"({error})"
        ) from error


def known_run(setting: str, name: str, root: Path, hint: str) -> Run:
    """The run that a setting names, in `root` or in the usual folder; `hint` says what to do where there is none.

    Raises:
        ConfigError: there is none.
    """
    for folder in (root, RUNS_DIR):
        try:
            return find_run(name, folder)
        except RunError:
            continue
    raise ConfigError(f"{setting} is {name!r}, but there is no such run in {root} or {RUNS_DIR}; {hint}")


def set_principal_path(path: PrincipalPath, data: Collection, face_rows: Indices, config: TrainConfig) -> None:
    """Fit the principal components of the training faces, at most MAX_FACES and MAX_VALUES of them, into `path`.

    Raises:
        ConfigError: there are fewer faces than latents.
    """
    latent = config.model.latent
    if len(face_rows) <= latent:
        raise ConfigError(f"linear_path needs more training faces ({len(face_rows)}) than latents ({latent})")
    most = max(2 * latent, min(MAX_FACES, MAX_VALUES // (3 * path.size**2)))
    if len(face_rows) > most:
        chosen = numpy_generator(config.run.seed, "principal").choice(len(face_rows), most, replace=False)
        face_rows = face_rows[chosen]
    values = torch.empty(len(face_rows), 3 * path.size**2)  # filled and centred in place: there is room for one
    for start in range(0, len(face_rows), CHUNK):
        values[start : start + CHUNK] = _values(data, face_rows[start : start + CHUNK], path.size)
    mean = values.mean(0)
    total_variance = float(values.var(0).sum())
    values -= mean
    with torch.random.fork_rng(devices=[]):  # the randomised decomposition draws from the global generator
        torch.manual_seed(stream_seed(config.run.seed, "principal"))
        rank = min(latent + 24, len(face_rows))
        _, singular_values, directions = torch.pca_lowrank(values, q=rank, center=False, niter=4)
    variances = singular_values[:latent].square() / (len(face_rows) - 1)
    rest = (total_variance - float(variances.sum())) / (values.shape[1] - latent)
    path.set_components(mean, directions[:, :latent].T.contiguous(), variances, max(rest, 1e-8))


def _values(data: Collection, rows: Indices, size: int) -> torch.Tensor:
    """Pixel values of some pictures, (pictures, 3 * size * size), made smaller where the store's are larger."""
    images = images_on(data.pixels(rows), torch.device("cpu"))
    if images.shape[2] > size:
        images = F.avg_pool2d(images, images.shape[2] // size)
    return images.flatten(1)
