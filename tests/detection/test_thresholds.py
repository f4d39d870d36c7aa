"""Thresholds by false alarms: no more than agreed, refused where too few photos, and told where never measured."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from vaelab.detection.search import Search, find
from vaelab.detection.thresholds import REPORT, alarm_threshold, measure
from vaelab.errors import DataError
from vaelab.inference import FaceModel

Make = Callable[..., FaceModel]


def test_alarms_above_a_threshold_are_as_many_as_agreed(detector: Make) -> None:
    model = detector("cnn")
    photos = np.random.default_rng(4).integers(0, 256, (12, 128, 128, 3), np.uint8)
    report = measure(model, iter(photos))
    found = report["false_alarms_per_photo"]
    alarms = [sum(len(find(model, photo, found[rate]["threshold"])) for photo in photos) for rate in ("3", "1")]
    assert alarms == [36, 12]
    assert [found[rate]["num_alarms"] for rate in ("3", "1")] == alarms
    assert "needs 33 photos" in found["0.3"]["refused"]
    threshold = alarm_threshold({REPORT: report}, model.weights_fingerprint, 1.0, Search())
    assert (threshold.logit, threshold.rate) == (found["1"]["threshold"], 1.0)
    assert "1 false alarm per photo, set on 12 photos" in threshold.source


def test_a_search_that_was_not_measured_has_no_rate(detector: Make) -> None:
    model = detector("cnn")
    photos = np.random.default_rng(4).integers(0, 256, (12, 128, 128, 3), np.uint8)
    report = json.loads(json.dumps(measure(model, photos, Search(smallest=64.0))))
    measured, other = (
        alarm_threshold({REPORT: report}, model.weights_fingerprint, 3.0, Search(smallest=smallest))
        for smallest in (64.0, 32.0)
    )
    assert measured.rate == 3.0
    assert "not measured" not in measured.source
    assert (other.logit, other.rate) == (measured.logit, None)
    assert other.source.startswith("3 false alarms per photo, set on 12 photos")
    assert other.source.endswith("not measured for this search (smallest 32, measured with 64)")


def test_a_report_of_other_weights_counts_for_nothing() -> None:
    report = {"model": {"weights": "other"}, "false_alarms_per_photo": {"1": {"threshold": 9.0}}}
    single = {"model": {"weights": "mine"}, "detection": {"fpr_0.001": {"threshold": 4.0, "num_calibration": 10_000}}}
    threshold = alarm_threshold({REPORT: report, "test": single}, "mine", 1.0, Search())
    assert (threshold.logit, threshold.rate) == (4.0, None)
    assert "in a photo was not measured" in threshold.source


def test_without_photos_there_is_nothing_to_count(detector: Make) -> None:
    with pytest.raises(DataError, match="there is no photo"):
        measure(detector("cnn"), [])
