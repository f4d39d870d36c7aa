"""Settings: one field is the flag, the check and the JSON; whatever is wrong is refused by name."""

import dataclasses
import json
import math
from collections import Counter
from typing import Any

import pytest

from vaelab.config import TrainConfig, from_dict, options, replace
from vaelab.errors import ConfigError
from vaelab.recipes import RECIPES
from vaelab.settings import SECTIONS, Option

FIELDS: dict[str, tuple[str, type, Option]] = {
    name: (section, kind, about) for section, name, kind, _, about in options(TrainConfig())
}
NUMBERS = [name for name, (_, kind, _) in FIELDS.items() if kind in (int, float)]
BELOW = [name for name in NUMBERS if math.isfinite(FIELDS[name][2].low)]
ABOVE = [name for name in NUMBERS if math.isfinite(FIELDS[name][2].high)]
CHOICES = [name for name, (_, _, about) in FIELDS.items() if about.choices]


def with_value(name: str, value: Any) -> dict[str, Any]:
    """The default config as plain values, with one of them changed without any check."""
    values = TrainConfig().to_dict()
    values[FIELDS[name][0]][name] = value
    return values


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_every_recipe_survives_the_way_through_json(recipe: TrainConfig) -> None:
    assert from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_every_field_says_what_it_does() -> None:
    for name, (_, _, about) in FIELDS.items():
        assert len(about.help) > 10, name


def test_a_setting_can_be_named_without_its_section() -> None:
    names = Counter(field.name for cls in SECTIONS.values() for field in dataclasses.fields(cls))
    assert max(names.values()) == 1


def test_settings_left_out_take_their_defaults() -> None:
    assert from_dict({}) == TrainConfig()
    assert from_dict({"optim": {"batch_size": 8}}) == replace(TrainConfig(), batch_size=8)


@pytest.mark.parametrize("name", BELOW)
def test_a_value_below_its_bound_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name} is "):
        from_dict(with_value(name, FIELDS[name][1](FIELDS[name][2].low - 1)))


@pytest.mark.parametrize("name", ABOVE)
def test_a_value_above_its_bound_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name} is "):
        from_dict(with_value(name, FIELDS[name][1](FIELDS[name][2].high + 1)))


@pytest.mark.parametrize("name", [name for name in NUMBERS if FIELDS[name][1] is float])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"^{name} is "):
        from_dict(with_value(name, value))


@pytest.mark.parametrize("name", CHOICES)
def test_a_word_that_is_no_choice_is_refused_and_the_choices_are_named(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name} is 'other'.*{FIELDS[name][2].choices[0]}"):
        from_dict(with_value(name, "other"))


@pytest.mark.parametrize("name", list(FIELDS))
def test_a_value_of_another_type_is_refused_by_name(name: str) -> None:
    wrong = True if FIELDS[name][1] in (int, float) else 1
    for value in (wrong, None, {"a": 1}):
        with pytest.raises(ConfigError, match=rf"^{name} is "):
            from_dict(with_value(name, value))


def test_a_fraction_is_no_count() -> None:
    with pytest.raises(ConfigError, match=r"batch_size is 8\.5"):
        replace(TrainConfig(), batch_size=8.5)


def test_a_whole_number_is_a_fraction_too() -> None:
    config = replace(TrainConfig(), beta=2)
    assert config.loss.beta == 2.0
    assert type(config.loss.beta) is float


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"optimizer": {}}, "optimizer"),
        ({"optim": {"learning_speed": 1.0}}, "learning_speed"),
        ({"optim": 3}, "optim"),
        ({"recipe": 3}, "recipe"),
        ({"format": 999}, "999"),
    ],
)
def test_unknown_names_and_formats_are_refused(values: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        from_dict(values)


def test_an_unknown_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'learning_speed'.*learning_rate"):
        replace(TrainConfig(), learning_speed=1.0)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"size": 72}, "size"),
        ({"datasets": ()}, "datasets"),
        ({"aggregation": "max"}, "aggregation"),
        ({"linear_path": True}, "linear_path"),
        ({"model": "vgg19", "size": 16}, "size"),
        ({"backbone": "random"}, "backbone"),
        ({"model": "vgg19", "backbone": ""}, "backbone"),
        ({"model": "cnn", "batch_size": 33}, "batch_size"),
        ({"tc_weight": 6.0}, "tc_weight is 6 but objective is elbo.*beta-tc"),
        ({"objective": "rae", "mmd_weight": 6.0}, "mmd_weight is 6 but objective is rae.*wae-mmd"),
        ({"objective": "beta-tc", "decoder_decay": 0.1}, "decoder_decay is 0.1"),
        ({"objective": "rae", "free_bits": 0.1}, "free_bits is 0.1 but objective rae has no KL"),
        ({"objective": "wae-mmd", "beta": 2.0}, "beta is 2 .*mmd_weight"),
        ({"objective": "wae-mmd", "beta_warmup": 10}, "beta_warmup 10"),
        ({"objective": "beta-tc", "model": "dbvae", "aggregation": "max"}, "aggregation is max"),
        ({"objective": "rae", "model": "cnn"}, "model cnn draws nothing"),
        ({"perceptual_weight": 1.0, "model": "cnn"}, "perceptual_weight 1"),
        ({"mask": "as-published"}, "mask is as-published but model is vae"),
        ({"mask": "as-published", "model": "cnn"}, "mask is as-published but model is cnn"),
        ({"mask": "as-published", "model": "dbvae", "objective": "rae"}, "take it"),
    ],
)
def test_contradictions_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        replace(TrainConfig(), **settings)


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().loss.beta = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"beta": 4.0}, ["effective beta 4"]),
        ({"objective": "beta-tc", "tc_weight": 6.0, "beta": 2.0}, ["effective beta 2", "12 on the total correlation"]),
        ({"objective": "wae-mmd"}, ["no KL", "1000", "kernel distance"]),
        (
            {"objective": "rae", "decoder_decay": 0.5},
            ["no KL", "beta 1 on half the squared length of mu", "0.5 on the decoder"],
        ),
        ({"perceptual_weight": 0.25}, ["effective beta 1", "0.25 on features of cnn"]),
    ],
)
def test_what_holds_the_latents_is_said_in_words(settings: dict[str, Any], words: list[str]) -> None:
    sentence = replace(TrainConfig(), **settings).loss.effective_beta
    assert all(word in sentence for word in words)
    assert "evidence lower bound" not in sentence


def test_the_published_fault_is_warned_of_and_the_intended_loss_is_not() -> None:
    (warning,) = replace(TrainConfig(), model="dbvae", mask="as-published").warnings
    assert "everything becomes a face" in warning
    assert not any(recipe.warnings for recipe in RECIPES.values())
