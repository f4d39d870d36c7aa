"""Trainings with a name: `python -m vaelab train --recipe NAME` runs one, any flag changes one setting of it."""

from vaelab.config import TrainConfig, replace

LAB_CLASSIFIER_WEIGHT = 3.0 * 64 * 64
"""The lab averages L1 over 12,288 values and adds the cross-entropy once; in nats per image its weight is 12,288."""

LAB_BETA = 0.0005 * 3 * 64 * 64
"""The lab's 0.0005 * KL + mean L1 in nats per image: 6.144."""

FAIRFACE = ("fairface-64", "nonfaces-64")


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
            num_images=480_000,
            batch_size=64,
            learning_rate=5e-4,
            schedule="cosine",
            report_every=6_000,
            validate_every=60_000,
        ),
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
