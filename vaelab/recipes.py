"""Trainings with a name: `python -m vaelab train --recipe NAME` runs one, any flag changes one setting of it."""

from typing import Any

from vaelab.config import TrainConfig, replace

LAB_CLASSIFIER_WEIGHT = 3.0 * 64 * 64
"""The lab averages L1 over 12,288 values and adds the cross-entropy once; in nats per image its weight is 12,288."""

LAB_BETA = 0.0005 * 3 * 64 * 64
"""The lab's 0.0005 * KL + mean L1 in nats per image: 6.144."""

LAB_EPOCH = 109_914
"""Pictures in the lab's `train_face.h5`, half of them faces: an epoch of its detectors."""

FAIRFACE = ("fairface-64", "nonfaces-64")
"""What can be had everywhere. The lab's own are one flag away, once prepared (`python -m vaelab data prepare -h`):
`--datasets h5-64` is its `train_face.h5`, `--datasets celeba-64 imagenet-64` is made from the originals."""

SEARCHED = ("cuts-64", "laid-64", "windows-64", "squares-64", "nonfaces-64")
"""What a search through photos meets: faces not quite in place, parts of faces, faces with what lies around them, and
squares of photos without any and of other things."""

LAB: dict[str, Any] = {
    "latent": 100,
    "likelihood": "laplace",
    "batch_size": 32,
    "learning_rate": 5e-4,
    "flip": False,
    "report_every": 3_200,
    "validate_every": 32_000,
}
"""What the lab's networks share."""

NOTEBOOK: dict[str, Any] = {
    "model": "convolutional",
    "latent": 256,
    "width": 32,
    "batch_size": 64,
    "learning_rate": 5e-4,
    "flip": False,
    "num_images": 60 * 30_000,
    "report_every": 6_400,
    "validate_every": 64_000,
}
"""The convolutional VAE of so many notebooks: 60 epochs of 30,000 pictures.

Both sum the reconstruction term over a picture's values, as the evidence lower bound does. Where such a notebook
averages it instead and adds the whole KL, that is beta 12,288 here at 64x64 (6,144 for squared error), and every
picture becomes the mean face.
"""

SQUARED_ERROR_BETA = 0.5
"""Squared error + KL: the error is twice the Gaussian's minus log likelihood, so the KL weighs half a nat per nat."""


def _recipe(name: str, **settings: object) -> TrainConfig:
    return replace(TrainConfig(recipe=name), **settings)


RECIPES: dict[str, TrainConfig] = {
    recipe.recipe: recipe
    for recipe in (
        _recipe(
            "first-minute",
            model="residual",
            latent=64,
            width=16,
            linear_path=True,
            likelihood="optimal-gaussian",
            num_images=16_000,
            batch_size=32,
            learning_rate=1.5e-3,
            schedule="cosine",
            warmup=1_600,
            ema_half_life=1_000,
            report_every=800,
            validate_every=8_000,
            checkpoint_every=8_000,
        ),
        _recipe(
            "face-vae",
            datasets=("fairface-64",),
            model="residual",
            latent=128,
            width=24,
            linear_path=True,
            likelihood="optimal-gaussian",
            num_images=320_000,
            batch_size=32,
            learning_rate=1e-3,
            schedule="cosine",
            warmup=4_000,
            ema_half_life=4_000,
            report_every=3_200,
            validate_every=32_000,
            checkpoint_every=16_000,
        ),
        _recipe(
            "face-vae-128",
            datasets=("fairface-128",),
            size=128,
            model="pyramid",
            latent=128,
            width=24,
            linear_path=True,
            start_from="face-vae",
            likelihood="optimal-gaussian",
            num_images=48_000,
            batch_size=16,
            learning_rate=5e-4,
            schedule="cosine",
            warmup=1_600,
            ema_half_life=2_000,
            report_every=800,
            validate_every=8_000,
            checkpoint_every=4_000,
        ),
        _recipe(
            "cnn",
            datasets=FAIRFACE,
            model="cnn",
            classifier_weight=1.0,
            num_images=480_000,
            batch_size=64,
            learning_rate=5e-4,
            schedule="cosine",
            report_every=6_000,
            validate_every=60_000,
        ),
        _recipe(
            "dbvae",
            datasets=FAIRFACE,
            model="dbvae",
            likelihood="laplace",
            beta=LAB_BETA,
            classifier_weight=LAB_CLASSIFIER_WEIGHT,
            aggregation="max",
            refresh_passes=2.0,
            num_images=480_000,
            batch_size=64,
            learning_rate=5e-4,
            schedule="cosine",
            report_every=6_000,
            validate_every=60_000,
        ),
        _recipe(
            "detector",
            datasets=SEARCHED,
            model="cnn",
            classifier_weight=1.0,
            num_images=960_000,
            batch_size=64,
            learning_rate=5e-4,
            schedule="cosine",
            report_every=12_000,
            validate_every=120_000,
        ),
        _recipe("mit-vae", **LAB, model="vae", datasets=("fairface-64",), num_images=3 * LAB_EPOCH, beta=LAB_BETA),
        _recipe("mit-cnn", **LAB, model="cnn", datasets=FAIRFACE, num_images=2 * LAB_EPOCH),
        _recipe(
            "mit-dbvae",
            **LAB,
            model="dbvae",
            datasets=FAIRFACE,
            num_images=6 * LAB_EPOCH,
            beta=LAB_BETA,
            classifier_weight=LAB_CLASSIFIER_WEIGHT,
            aggregation="max",
            alpha=0.001,
            standardise=False,
            inactive_variance=0.0,
        ),
        _recipe("face-producer", **NOTEBOOK, datasets=("fairface-64",), max_faces=30_000, likelihood="bernoulli"),
        _recipe("anime", **NOTEBOOK, datasets=("anime-64",), likelihood="gaussian", beta=SQUARED_ERROR_BETA),
        _recipe(
            "vgg19-transfer",
            datasets=("fairface-64",),
            flip=False,  # mirrored pictures have features of their own: a second pass of the backbone over all faces
            model="vgg19",
            latent=128,
            width=32,
            likelihood="rmse",
            beta=0.01,
            num_images=5 * 37_992,
            batch_size=32,
            learning_rate=1e-3,
            report_every=3_799,
            validate_every=37_992,
            checkpoint_every=37_992,
        ),
    )
}
