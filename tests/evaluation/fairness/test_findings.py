"""Findings: right against fairlearn, in words, and calm about every odd input."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, true_positive_rate
from statsmodels.stats.proportion import proportion_confint

from tests.evaluation.fairness.conftest import MakeScores
from vaelab.errors import DataError
from vaelab.evaluation.fairness.findings import find
from vaelab.evaluation.fairness.scores import Scores
from vaelab.rng import numpy_generator


def test_recalls_gaps_and_worst_groups_are_fairlearns(lagging: Scores) -> None:
    found = find(lagging, ["group"], 0.05, resamples=20)
    for arm, name in enumerate(lagging.arms):
        frames = []
        for seed in range(6):
            threshold = found.false_positives[arm].thresholds[seed]
            frames.append(
                MetricFrame(
                    metrics=true_positive_rate,
                    y_true=np.ones(lagging.num_faces),
                    y_pred=(lagging.faces[arm, seed] > threshold).astype(float),
                    sensitive_features=lagging.labels["group"],
                )
            )
            for group, recall in frames[-1].by_group.items():
                assert found.recall(name, str(group)).by_seed[seed].rate == pytest.approx(recall)
        large = [frame.by_group.drop("tiny") for frame in frames]
        summary = found.summaries[arm]
        assert summary.worst_group is not None
        assert summary.gap is not None
        assert summary.average is not None
        assert summary.worst_group.by_seed == pytest.approx([recall.min() for recall in large])
        assert summary.gap_by_seed == pytest.approx([recall.max() - recall.min() for recall in large])
        assert summary.average.value == pytest.approx(np.mean([recall.mean() for recall in large]))
        assert summary.overall.by_seed == pytest.approx([frame.overall for frame in frames])
        assert summary.variance_by_seed == pytest.approx([(100 * recall).var(ddof=1) for recall in large])
        kept = (lagging.labels["group"] != "tiny").to_numpy()
        several = MetricFrame(
            metrics=true_positive_rate,
            y_true=np.ones(kept.sum()),
            y_pred=(lagging.faces[arm, 0, kept] > found.false_positives[arm].thresholds[0]).astype(float),
            sensitive_features=lagging.labels["group"][kept],
        )
        assert summary.gap_by_seed[0] == pytest.approx(several.difference())
        assert summary.worst_group.by_seed[0] == pytest.approx(several.group_min())


def test_the_verdict_names_the_arm_that_mends_the_lagging_group(lagging: Scores) -> None:
    found = find(lagging, ["group"], 0.05, resamples=200)
    assert [verdict.ruling for verdict in found.verdicts] == ["no evidence", "improved", "improved"]
    sentence = found.verdicts[1].sentence
    assert sentence.startswith("c against a: improved. Over 6 paired seeds, worst-group recall at 5 % false positives")
    assert re.search(r", p (< 0\.001|= 0\.\d+) after Holm\.$", sentence)
    assert found.summaries[0].worst_groups == {"y": 6}
    permuted = found.summaries[0].permuted
    assert permuted is not None
    assert permuted.gap_p == pytest.approx(1 / 201)
    turned = find(lagging.with_arms(["c", "a"]), ["group"], 0.05, resamples=200)
    assert turned.verdicts[0].ruling == "worse"


def test_variance_is_corrected_by_its_noise_floor(made: MakeScores) -> None:
    names = dict.fromkeys("uvwxyz", 2.5)
    corrected = []
    for seed in range(30):
        scores = made({"a": names}, dict.fromkeys(names, 60), num_seeds=2, seed=seed)
        summary = find(scores, ["group"], 0.05, resamples=2).summaries[0]
        assert summary.variance is not None
        assert summary.noise_floor is not None
        assert summary.corrected_variance == pytest.approx(summary.variance - summary.noise_floor)
        corrected.append((summary.corrected_variance, summary.noise_floor))
    middle, floor = np.mean(corrected, axis=0)
    assert abs(middle) < 0.3 * floor, "groups are alike, so that nothing is left on average"


def test_groups_of_every_size_are_handled_as_their_size_allows(made: MakeScores) -> None:
    sizes = {"five": 5, "twenty": 20, "sixty": 60, "many": 600}
    scores = made({"a": dict.fromkeys(sizes, 2.5), "b": dict.fromkeys(sizes, 2.5)}, sizes)
    scores = replace(
        scores, labels=scores.labels.assign(group=pd.Categorical(scores.labels["group"], categories=["none", *sizes]))
    )
    crossed = scores.labels.assign(kind=np.where(scores.labels["group"] == "many", "m", "o"))
    found = find(replace(scores, labels=crossed), ["group", "kind"], 0.05, resamples=20)
    by_name = {group.name: group for group in found.groups}
    assert by_name["five, m"].count == 0
    assert found.recall("a", "five, m").by_seed[0].count == 0
    assert found.recall("a", "five, m").mean is None
    assert found.recall("a", "five, o").mean is None
    assert found.recall("a", "five, o").hits != ()
    assert found.recall("a", "twenty, o").mean is not None
    assert found.recall("a", "sixty, o").standing == "wide"
    reasons = {left.group: left.reason for left in found.left_out}
    assert reasons["twenty, o"].startswith("10 to 29")
    assert reasons["five, o"].startswith("fewer than 10")
    assert "sixty, o" not in reasons
    json.dumps(found.to_dict(), allow_nan=False)


def test_too_few_seeds_or_groups_are_too_few_data(lagging: Scores) -> None:
    one = find(lagging.with_seeds([2]), ["group"], 0.05, resamples=20)
    assert [verdict.ruling for verdict in one.verdicts] == ["too few data"] * 3
    assert "With 1 paired seed," in one.verdicts[0].sentence
    assert any("One seed" in warning for warning in one.warnings)
    ungrouped = find(lagging, [], 0.05, resamples=20)
    assert [verdict.ruling for verdict in ungrouped.verdicts] == ["too few data"] * 3
    assert ungrouped.summaries[0].worst_group is None
    json.dumps(one.to_dict(), allow_nan=False)
    json.dumps(ungrouped.to_dict(), allow_nan=False)


def test_one_arm_has_findings_and_no_comparison(lagging: Scores) -> None:
    found = find(lagging.with_arms(["a"]), ["group"], 0.05, resamples=20)
    assert (found.effects, found.verdicts) == ((), ())
    assert found.summaries[0].gap is not None


def test_a_network_that_calls_everything_a_face_is_not_called_fair(lagging: Scores) -> None:
    blind = replace(
        lagging.with_arms(["a"]),
        arms=("a", "blind"),
        **{
            name: np.concatenate([getattr(lagging, name)[:1], np.full_like(getattr(lagging, name)[:1], 9.0)])
            for name in ("faces", "negatives", "calibration")
        },
    )
    found = find(blind, ["group"], 0.05, resamples=50)
    fixed = found.fixed[1]
    assert (fixed.worst_group, fixed.variance, fixed.false_positives) == (1.0, 0.0, 1.0)
    assert found.summaries[1].variance == 0.0
    assert found.verdicts[0].ruling == "worse"


def test_perfect_arms_show_no_difference(made: MakeScores) -> None:
    scores = made({"a": {"x": 50.0, "y": 50.0}, "b": {"x": 60.0, "y": 60.0}}, {"x": 40, "y": 90})
    found = find(scores, ["group"], 0.05, resamples=20)
    assert found.verdicts[0].ruling == "no evidence"
    worst = found.summaries[0].worst_group
    assert worst is not None
    assert (worst.value, worst.low) == (1.0, pytest.approx(proportion_confint(40, 40, method="wilson")[0], abs=0.06))
    json.dumps(found.to_dict(), allow_nan=False)


def test_rates_that_are_not_matched_on_test_negatives_are_said(lagging: Scores) -> None:
    shifted = lagging.negatives.copy()
    shifted[1] += 0.2  # 7 % instead of 5 %, less than half as much again
    found = find(replace(lagging, negatives=shifted), ["group"], 0.05, resamples=200)
    (warning,) = (warning for warning in found.warnings if "do not give the same rate" in warning)
    assert "b against a +" in warning
    assert "c against b −" in warning
    assert "c against a" not in warning
    assert not any("another rate under every arm" in warning for warning in found.warnings)
    assert not any("false alarms" in warning for warning in find(lagging, ["group"], 0.05, resamples=200).warnings)


def test_a_rate_that_no_arm_keeps_on_test_negatives_is_said(lagging: Scores) -> None:
    found = find(replace(lagging, negatives=lagging.negatives + np.float32(0.5)), ["group"], 0.05, resamples=200)
    (warning,) = (warning for warning in found.warnings if "another rate under every arm" in warning)
    assert warning.startswith("On test negatives the thresholds for 5 % give another rate under every arm: a 1")
    assert not any("do not give the same rate" in warning for warning in found.warnings)


def test_the_interval_of_a_realised_rate_counts_classes_not_pictures(made: MakeScores) -> None:
    scores = made({"a": {"x": 2.0, "y": 2.0}}, {"x": 60, "y": 60}, num_negatives=1500)
    random = numpy_generator(0, "classes")
    strange = np.repeat(random.standard_normal(50), 30).astype(np.float32)  # classes of 30 err alike
    scores = replace(scores, negatives=0.5 * scores.negatives + strange)
    classes = np.repeat([f"class {number}" for number in range(50)], 30)
    alone, together = (
        find(replace(scores, negative_classes=known), ["group"], 0.05, resamples=300).false_positives[0]
        for known in (None, classes)
    )
    assert alone.mean is not None
    assert together.mean is not None
    assert alone.mean.value == together.mean.value == pytest.approx(np.mean([one.rate for one in alone.realised]))
    assert together.mean.low < together.mean.value < together.mean.high
    assert together.mean.high - together.mean.low > 2 * (alone.mean.high - alone.mean.low)
    assert together.realised[0].high > alone.realised[0].high


def test_without_test_negatives_nothing_is_realised(lagging: Scores) -> None:
    found = find(replace(lagging, negatives=lagging.negatives[..., :0]), ["group"], 0.05, resamples=2)
    assert found.false_positives[0].mean is None
    assert found.false_positive_changes == ()
    assert any("There are no test negatives" in warning for warning in found.warnings)


def test_false_positives_are_counted_by_class_and_on_hard_negatives(lagging: Scores) -> None:
    classes = np.resize(["cup", "dog"], 1500)
    found = find(
        replace(lagging, negative_classes=classes, hard_negatives=lagging.negatives[..., :100] + 1),
        ["group"], 0.05, resamples=2,
    ).false_positives[0]  # fmt: skip
    assert found.hard is not None
    assert found.hard_mean is not None
    assert found.hard_mean.value == pytest.approx(np.mean([each.rate for each in found.hard]))
    assert np.mean([each.rate for each in found.hard]) > np.mean([each.rate for each in found.realised])
    passed = lagging.negatives[0] > np.array(found.thresholds)[:, None]
    assert found.by_class["dog"].rate == pytest.approx(passed[:, classes == "dog"].mean())
    assert found.by_class["dog"].count == 6 * 750


def test_few_calibration_negatives_warn_and_fewer_are_refused(lagging: Scores) -> None:
    found = find(lagging, ["group"], 0.01, resamples=2)
    assert any("10,000 are recommended" in warning for warning in found.warnings)
    with pytest.raises(DataError, match="at least 10000 are needed"):
        find(lagging, ["group"], 0.001)
    with pytest.raises(DataError, match="no label column 'shoe'"):
        find(lagging, ["shoe"], 0.05)
