"""The report of a model: its numbers are those one gets by hand, and what cannot be said is refused."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from vaelab.data.collection import Collection
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.groups import threshold_at_fpr
from vaelab.evaluation.reconstruction import PrincipalComponents, psnr, sharpness
from vaelab.inference import FaceModel
from vaelab.runs.store import Run
from vaelab.scorecard.encoding import encode_faces
from vaelab.scorecard.report import Amounts, evaluate, merged


def test_reconstruction_stands_beside_pca_of_as_many_components(
    trained: Callable[[str], Run], tiny_data: Collection, faces: np.ndarray
) -> None:
    model = FaceModel.load(trained("residual"))
    report = evaluate(model, tiny_data, parts=("reconstruction",))["reconstruction"]
    ours = psnr(faces, model.reconstruct(faces))
    training = tiny_data.pixels(tiny_data.rows("train", is_face=True))
    linear = psnr(faces, PrincipalComponents.fit(training, model.latent_size).reconstruct(faces))
    assert report["psnr_db"]["mean"] == pytest.approx(ours.mean(), abs=1e-3)
    assert report["pca_psnr_db"]["mean"] == pytest.approx(linear.mean(), abs=1e-2)
    assert report["pca_psnr_db"]["num_fitted"] == len(training)
    assert report["psnr_over_pca_db"]["mean"] == pytest.approx((ours - linear).mean(), abs=1e-2)
    for value in ("psnr_db", "pca_psnr_db", "psnr_over_pca_db", "ssim"):
        assert report[value]["low"] <= report[value]["mean"] <= report[value]["high"]
        assert report[value]["n"] == len(faces)
    assert sum(report["kl_per_dim_nats"]) == pytest.approx(report["kl_nats"]["mean"], abs=0.01)
    assert 0 <= report["active_units"]["value"] <= model.latent_size
    sharper = np.median(sharpness(model.reconstruct(faces)) / sharpness(faces))
    assert report["sharpness_ratio_median"]["value"] == pytest.approx(sharper, rel=1e-3)


def test_detection_is_measured_at_a_matched_rate_on_pictures_of_its_own(
    trained: Callable[[str], Run], tiny_data: Collection, faces: np.ndarray, nonfaces: np.ndarray
) -> None:
    model = FaceModel.load(trained("dbvae"))
    report = evaluate(model, tiny_data)["detection"]
    calibration = tiny_data.pixels(tiny_data.rows("calibration", is_face=False))
    threshold = threshold_at_fpr(model.face_logit(calibration), 0.05)
    found = report["fpr_0.05"]
    assert found["threshold"] == pytest.approx(threshold, abs=1e-4)
    assert found["num_calibration"] == len(calibration)
    assert found["overall"]["rate"] == pytest.approx((model.face_logit(faces) > threshold).mean())
    assert found["realised_fpr"]["rate"] == pytest.approx((model.face_logit(nonfaces) > threshold).mean())
    assert found["by_group"]
    for groups in found["by_group"].values():
        assert sum(group["count"] for group in groups.values()) == len(faces)


def test_a_rate_that_too_few_negatives_could_set_is_refused(
    trained: Callable[[str], Run], tiny_data: Collection
) -> None:
    report = evaluate(FaceModel.load(trained("cnn")), tiny_data)
    assert "needs 10000 calibration negatives" in report["detection"]["fpr_0.001"]["refused"]
    assert "reconstruction" not in report


def test_a_report_can_be_kept_as_json_and_names_its_data(trained: Callable[[str], Run], tiny_data: Collection) -> None:
    run = trained("dbvae")
    report = evaluate(FaceModel.load(run), tiny_data, limit=5, amounts=Amounts(importance=4))
    assert report["num_faces"] == 5
    run.write_report("test", report)
    assert run.reports()["test"] == json.loads(json.dumps(report))
    assert list(tiny_data.fingerprints.values())[0] in json.dumps(report)  # noqa: RUF015


def test_a_split_without_faces_is_refused(trained: Callable[[str], Run], tiny_data: Collection) -> None:
    with pytest.raises(DataError, match="no faces in split 'calibration'"):
        evaluate(FaceModel.load(trained("vae")), tiny_data, "calibration")


def test_a_detector_needs_non_faces(
    trained: Callable[[str], Run], tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Collection.rows
    monkeypatch.setattr(
        Collection, "rows", lambda self, split, is_face, limit=0: rows(self, split, is_face, limit)[: 999 * is_face]
    )
    with pytest.raises(ConfigError, match="no non-faces"):
        evaluate(FaceModel.load(trained("cnn")), tiny_data)


def test_encoding_keeps_some_and_measures_all(trained: Callable[[str], Run], tiny_data: Collection) -> None:
    run = trained("dbvae")
    model = FaceModel.load(run)
    stored = encode_faces(model, run, tiny_data, "train", 50)
    rows = tiny_data.rows("train", is_face=True)
    assert stored.num_encoded == len(rows)
    assert len(stored.mu) == 50
    by_id = dict(zip(tiny_data.labels["image_id"], range(len(tiny_data.labels)), strict=True))
    again = model.encode(tiny_data.pixels(np.array([by_id[name] for name in stored.labels["image_id"]])))[0]
    np.testing.assert_allclose(stored.mu, again, atol=1e-4)
    assert set(stored.labels["split"]) == {"train"}


def test_too_few_faces_cannot_be_fitted(
    trained: Callable[[str], Run], tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained("vae")
    rows = Collection.rows
    monkeypatch.setattr(Collection, "rows", lambda self, split, is_face, limit=0: rows(self, split, is_face, limit)[:4])
    with pytest.raises(DataError, match="4 faces cannot fit"):
        encode_faces(FaceModel.load(run), run, tiny_data, "train", 50)


def test_parts_are_measured_as_asked_and_only_those_that_a_model_has(
    trained: Callable[[str], Run], tiny_data: Collection
) -> None:
    vae = FaceModel.load(trained("vae"))
    assert "likelihood" not in evaluate(vae, tiny_data, parts=("reconstruction", "detection"))
    with pytest.raises(ConfigError, match="has no detection"):
        evaluate(vae, tiny_data, parts=("detection",))
    with pytest.raises(ConfigError, match="no part 'beauty'"):
        evaluate(vae, tiny_data, parts=("beauty",))


def test_a_part_measured_anew_joins_the_report_of_the_same_weights_and_pictures_alone() -> None:
    about = {"model": {"weights": "a"}, "data": {"d": "1"}, "split": "test", "num_faces": 5, "crop": {}}
    known = {**about, "detection": {"fpr": 1}, "likelihood": {"n": 1}}
    new = {**about, "likelihood": {"n": 2}}
    assert merged(known, new) == {**about, "likelihood": {"n": 2}, "detection": {"fpr": 1}}
    assert merged(None, new) == new
    for changed in ({"model": {"weights": "b"}}, {"num_faces": 6}, {"data": {"d": "2"}}):
        assert merged({**known, **changed}, new) == new
