"""`encode`, `evaluate`, `reconstruct` and `sample` on a trained run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.pages.tiny_runs import make_deterministic
from vaelab.inference import FaceModel
from vaelab.pictures import contact_sheet
from vaelab.runs.store import Run

Call = Callable[..., Any]


def sheet_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_sample_writes_the_faces_of_its_seed(vaelab: Call, trained: Callable[[str], Run], tmp_path: Path) -> None:
    run, out = trained("residual"), tmp_path / "out.png"
    answer = vaelab("sample", run.dir, "--count", 5, "--seed", 3, "--temperature", 0.5, "--out", out, "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out) == {"run": run.id, "count": 5, "out": str(out)}
    model = FaceModel.load(run)
    expected = contact_sheet(model.decode(model.sample_latents(5, 3, temperature=0.5)), columns=8)
    assert np.array_equal(sheet_of(out), expected)
    about = json.loads(Image.open(out).text["vaelab"])  # type: ignore[attr-defined]
    assert about["seed"] == 3
    assert about["weights"] == model.weights_fingerprint


def test_encode_makes_the_fitted_prior(vaelab: Call, trained: Callable[[str], Run], tmp_path: Path) -> None:
    run, out = trained("residual"), tmp_path / "out.png"
    before = vaelab("sample", run.dir, "--prior", "fitted", "--out", out)
    assert before.code == 1
    assert "encode" in before.err
    answer = vaelab("encode", run.dir, "--split", "train", "--keep", 20, "--json")
    assert answer.code == 0, answer.err
    result = json.loads(answer.out)
    assert result["kept"] == 20
    assert result["encoded"] > 200
    assert vaelab("encode", run.dir, "--split", "train").code == 0  # again, over what is there
    assert vaelab("sample", run.dir, "--prior", "fitted", "--out", out).code == 0


def test_encode_tells_no_kl_where_there_are_no_posteriors(vaelab: Call, trained: Callable[[str], Run]) -> None:
    run = trained("residual")

    def told() -> set[str]:
        answer = vaelab("encode", run.dir, "--split", "train", "--json")
        assert answer.code == 0, answer.err
        return set(json.loads(answer.out))

    assert told() == {"run", "encoded", "kept", "kl_nats"}
    make_deterministic(run)
    assert told() == {"run", "encoded", "kept"}


@pytest.mark.parametrize("kind", ["cnn", "dbvae", "residual"])
def test_evaluate_prints_and_keeps_its_report(vaelab: Call, trained: Callable[[str], Run], kind: str) -> None:
    run = trained(kind)
    answer = vaelab("evaluate", run.dir, "--json", "--num-importance", 2)
    assert answer.code == 0, answer.err
    report = json.loads(answer.out)
    assert report == run.reports()["test"]
    assert ("reconstruction" in report) == (kind != "cnn")
    assert ("detection" in report) == (kind != "residual")
    lines = vaelab("evaluate", run.dir, "--limit", 5, "--num-importance", 2).out
    assert "5 faces" in lines
    if kind != "cnn":
        assert "PSNR, dB" in lines
    if kind != "residual":
        assert "false positives" in lines


def test_a_run_that_ships_gets_its_card_anew(vaelab: Call, trained: Callable[[str], Run]) -> None:
    run = trained("vae")
    assert vaelab("encode", run.dir).code == 0
    test_faces = ("evaluate", run.dir, "--split", "test", "--parts", "reconstruction")
    assert vaelab(*test_faces).code == 0
    assert run.card is None
    run.write_card("# as it was")
    assert vaelab(*test_faces).code == 0
    assert run.card is not None
    assert run.card.startswith(f"# {run.id}\n")
    assert "## Results" in run.card


def test_evaluate_adds_one_part_to_the_report_that_is_there(
    vaelab: Call, trained: Callable[[str], Run], tmp_path: Path
) -> None:
    run, detector, out = trained("dbvae"), trained("cnn"), tmp_path / "report.json"
    evaluate = ("evaluate", run.dir, "--split", "train", "--limit", 40)
    assert vaelab(*evaluate, "--parts", "detection").code == 0
    answer = vaelab(
        *evaluate, "--parts", "generation", "--extractor", detector.dir, "--out", out, "--num-generated", 20
    )
    assert answer.code == 0, answer.err
    assert "FD-cnn" in answer.out
    report = run.reports()["train"]
    assert json.loads(out.read_text()) == report
    assert report["generation"]["n"] == 20
    assert "fpr_0.05" in report["detection"]


def test_a_report_of_other_faces_lets_the_kept_one_be_until_told_otherwise(
    vaelab: Call, trained: Callable[[str], Run], tmp_path: Path
) -> None:
    run, out = trained("dbvae"), tmp_path / "report.json"
    assert vaelab("evaluate", run.dir, "--parts", "reconstruction,detection").code == 0
    run.write_card("# as it was")
    kept = run.reports()["test"]
    few = ("evaluate", run.dir, "--parts", "likelihood", "--limit", 5, "--num-importance", 2)
    answer = vaelab(*few, "--out", out)
    assert answer.code == 0, answer.err
    assert "5 faces" in answer.out
    assert f"not kept: run {run.id} has a report of the same weights on {kept['num_faces']} faces" in answer.err
    assert "--out FILE" in answer.err
    assert "likelihood" in json.loads(out.read_text())
    assert (run.reports()["test"], run.card) == (kept, "# as it was")
    assert vaelab(*few, "--replace").code == 0
    assert run.reports()["test"]["num_faces"] == 5


def test_reconstruct_takes_held_out_faces_or_files(
    vaelab: Call, trained: Callable[[str], Run], faces: np.ndarray, tmp_path: Path
) -> None:
    run, out = trained("residual"), tmp_path / "out.png"
    assert vaelab("reconstruct", run.dir, "--count", 4, "--out", out).code == 0
    pairs = np.stack([faces[:4], FaceModel.load(run).reconstruct(faces[:4])], axis=1).reshape(8, 16, 16, 3)
    assert np.array_equal(sheet_of(out), contact_sheet(pairs, columns=8))
    with Image.open(out) as sheet:
        assert "may be a photograph" in sheet.info["Description"], "half of it was not generated"
    picture = tmp_path / "face.png"
    Image.fromarray(faces[2]).save(picture)
    answer = vaelab("reconstruct", run.dir, picture, picture, "--out", out, "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["count"] == 2
    assert np.array_equal(sheet_of(out)[:16, :16], faces[2])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["sample", "RUN", "--count", 0], "count"),
        (["sample", "RUN", "--count", -1], "count"),
        (["sample", "RUN", "--temperature", "nan"], "temperature"),
        (["sample", "RUN", "--temperature", -1], "temperature"),
        (["sample", "RUN", "--out", "FILE/x.png"], "x.png"),
        (["reconstruct", "RUN", "--count", 0], "count"),
        (["reconstruct", "RUN", "FILE"], "FILE"),
        (["reconstruct", "RUN", "MISSING"], "MISSING"),
        (["evaluate", "RUN", "--split", "holiday"], "holiday"),
        (["evaluate", "RUN", "--split", "calibration"], "calibration"),
        (["evaluate", "RUN", "--limit", -3], "limit"),
        (["evaluate", "RUN", "--parts", "beauty"], "beauty"),
        (["evaluate", "RUN", "--num-generated", 0], "num-generated"),
        (["evaluate", "RUN", "--extractor", "NOWHERE"], "NOWHERE"),
        (["evaluate", "RUN", "--extractor", "RUN"], "features"),
        (["evaluate", "RUN", "--inception", "MISSING"], "FID"),
        (["evaluate", "RUN", "--datasets", "nowhere"], "nowhere"),
        (["encode", "RUN", "--keep", 0], "keep"),
        (["encode", "RUN", "--device", "abacus"], "abacus"),
        (["sample", "RUN", "--device", "mps"], "mps"),
        (["sample", "NOWHERE"], "NOWHERE"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_in_one_sentence(
    vaelab: Call, trained: Callable[[str], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[object], named: str,
) -> None:  # fmt: skip
    if "mps" in arguments and torch.backends.mps.is_available():
        pytest.skip("this machine has the device that the test lacks")
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_text("no picture")
    answer = vaelab(*(trained("residual").dir if argument == "RUN" else argument for argument in arguments))
    assert answer.code in (1, 2)
    last = answer.err.splitlines()[-1]
    assert "error: " in last
    assert named in last
    assert "Traceback" not in answer.err


def test_a_detector_cannot_sample(vaelab: Call, trained: Callable[[str], Run], tmp_path: Path) -> None:
    answer = vaelab("sample", trained("cnn").dir, "--out", tmp_path / "x.png")
    assert answer.code == 1
    assert "no decoder" in answer.err
    assert vaelab("encode", trained("cnn").dir).code == 1
