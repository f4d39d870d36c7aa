"""What an audit compares, and what it refuses to compare."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from vaelab.audit.experiment import Experiment, audit_base, experiment_from_dict
from vaelab.config import differences, options, replace
from vaelab.data.mapping import LabelMapping
from vaelab.errors import ConfigError

MakeExperiment = Callable[..., Experiment]


def test_an_experiment_survives_json(tiny_experiment: MakeExperiment) -> None:
    experiment = tiny_experiment(
        arms={"A": {"model": "cnn"}, "C": {"aggregation": "tempered", "effective_share": 0.4}},
        shares={"skin": {"dark": 0.2, "light": 0.8}},
        mappings=(LabelMapping("pale", "skin", {"light": "yes"}),),
        hard_negatives=("animals-16",),
        portraits="windows",
    )
    assert experiment_from_dict(json.loads(json.dumps(experiment.to_dict()))) == experiment


def test_entries_that_an_older_version_did_not_know_take_their_defaults(tiny_experiment: MakeExperiment) -> None:
    written = tiny_experiment().to_dict()
    for name in ("negative_datasets", "portraits", "fpr"):
        del written[name]
    assert experiment_from_dict(written) == tiny_experiment(fpr=0.01)


def test_members_complete_pair_after_pair(tiny_experiment: MakeExperiment) -> None:
    members = list(tiny_experiment(seeds=(5, 2)).members())
    assert members == [("A", 5), ("B", 5), ("C", 5), ("A", 2), ("B", 2), ("C", 2)]


def test_members_differ_in_nothing_but_arm_and_seed(tiny_experiment: MakeExperiment) -> None:
    experiment = tiny_experiment()
    changed = {"model", "aggregation", "seed"}
    settings = [
        {name: value for _, name, _, value, _ in options(experiment.config_of(*member)) if name not in changed}
        for member in experiment.members()
    ]
    assert all(one == settings[0] for one in settings)
    assert experiment.config_of("C", 1).run.seed == 1
    assert experiment.resampling_arms == ("C",)


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"arms": {}}, "at least one arm"),
        ({"seeds": ()}, "at least one"),
        ({"seeds": (1, 1)}, "each once"),
        ({"name": "../up"}, "cannot name an audit"),
        ({"arms": {"a b": {}}}, "cannot name an arm"),
        ({"arms": {"A": {"model": "vae"}}}, "does not detect"),
        ({"arms": {"A": {"num_images": 320}}}, "all arms must share"),
        ({"arms": {"A": {"aggregatoin": "max"}}}, "arm A.*no setting"),
        ({"arms": {"A": {"model": "cnn", "aggregation": "max"}}}, "arm A"),
        ({"shares": {"skin": {"dark": 1.0}, "hair": {"bald": 1.0}}}, "one label column"),
        ({"hard_negatives": ("tiny-16",)}, "keep them apart"),
        ({"fpr": 0.0}, "share between 0 and 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tiny_experiment: MakeExperiment, entries: dict[str, object], word: str
) -> None:
    with pytest.raises(ConfigError, match=word):
        tiny_experiment(**entries)


@pytest.mark.parametrize(
    ("change", "word"), [({"format": 99}, "format 99"), ({"color": 1}, "color"), ({"seeds": None}, "seeds")]
)
def test_a_file_that_is_no_experiment_is_refused(
    tiny_experiment: MakeExperiment, change: dict[str, object], word: str
) -> None:
    written = {**tiny_experiment().to_dict(), **change}
    written = {name: value for name, value in written.items() if value is not None}
    with pytest.raises(ConfigError, match=word):
        experiment_from_dict(written)


def test_how_often_reports_are_written_makes_no_other_training() -> None:
    base = audit_base(num_images=100_000)
    assert base.run.validate_every == 100_000
    assert not differences(base, replace(base, report_every=1_000, checkpoint_every=50_000))
    assert differences(base, replace(base, beta=2.0)) == ["beta 6.144, not 2.0"]


def test_arms_are_said_in_words(tiny_experiment: MakeExperiment) -> None:
    own = {"aggregation": "tempered", "effective_share": 0.25, "resample_after": 320}
    experiment = tiny_experiment(arms={"A": {"model": "cnn"}, "B": {"aggregation": "none"}, "t": own})
    assert [experiment.arm_in_words(arm) for arm in experiment.arms] == [
        "plain cnn",
        "dbvae with faces drawn evenly",
        "dbvae with faces re-drawn by tempered, effective share 0.25, resample after 320",
    ]
    with pytest.raises(ConfigError, match="no arm 'Z'"):
        experiment.arm_in_words("Z")
