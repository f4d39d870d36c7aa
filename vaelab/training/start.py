"""Where training begins when a network has a linear path: at the principal components of the faces."""

import torch

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.data.sampling import Indices
from vaelab.errors import ConfigError
from vaelab.models.residual import PrincipalPath
from vaelab.rng import numpy_generator, stream_seed
from vaelab.training.feed import images_on

MAX_FACES = 16_000
MAX_VALUES = 16_000 * 3 * 64 * 64
"""Faces the components are fitted on, and their pixel values: so many floats take 0.8 GB, of 4,000 faces at 128x128."""


def set_principal_path(path: PrincipalPath, data: Collection, face_rows: Indices, config: TrainConfig) -> None:
    """Fit the principal components of the training faces, at most MAX_FACES and MAX_VALUES of them, into `path`.

    Raises:
        ConfigError: there are fewer faces than latents.
    """
    latent = config.model.latent
    if len(face_rows) <= latent:
        raise ConfigError(f"linear_path needs more training faces ({len(face_rows)}) than latents ({latent})")
    most = max(2 * latent, min(MAX_FACES, MAX_VALUES // (3 * config.data.size**2)))
    if len(face_rows) > most:
        chosen = numpy_generator(config.run.seed, "principal").choice(len(face_rows), most, replace=False)
        face_rows = face_rows[chosen]
    values = images_on(data.pixels(face_rows), torch.device("cpu")).flatten(1)
    mean = values.mean(0)
    total_variance = float(values.var(0).sum())
    with torch.random.fork_rng(devices=[]):  # the randomised decomposition draws from the global generator
        torch.manual_seed(stream_seed(config.run.seed, "principal"))
        rank = min(latent + 24, len(face_rows))
        _, singular_values, directions = torch.pca_lowrank(values, q=rank, niter=4)
    variances = singular_values[:latent].square() / (len(face_rows) - 1)
    rest = (total_variance - float(variances.sum())) / (values.shape[1] - latent)
    path.set_components(mean, directions[:, :latent].T.contiguous(), variances, max(rest, 1e-8))
