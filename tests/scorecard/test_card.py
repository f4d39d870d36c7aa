"""Rows for people: new reports with intervals and meanings, old ones read as they are."""

from typing import Any

from vaelab.scorecard.card import refusals_of, result_lines, rows_of

PSNR = {"mean": 25.352, "low": 25.28, "high": 25.43, "n": 5000}
OLD: dict[str, Any] = {
    "model": {"model": "face-vae"},
    "split": "test",
    "num_faces": 5000,
    "reconstruction": {"psnr_db": PSNR, "kl_nats": 365.1, "active_units": 128, "sharpness_ratio_median": 0.146},
}
DISTANCE = {"value": 1.234, "low": 1.1, "high": 1.4, "n": 2000}
WAYS = {"prior_standard": {"words": "latents from N(0, I)", "fd_cnn": DISTANCE}}
EXTRACTOR = {"name": "vaelab's cnn (cnn)", "weights": "abc", "layer": "last"}


def test_an_old_report_is_read_with_the_intervals_it_has() -> None:
    rows = {row.measure: row for row in rows_of(OLD)}
    assert (rows["PSNR, dB"].shown, rows["PSNR, dB"].interval) == ("25.35", "25.28 to 25.43")
    assert (rows["Active latents"].shown, rows["Active latents"].interval) == ("128", "")
    assert rows["KL, nats"].n == 5000


def test_every_row_says_what_it_means_and_on_what_it_was_measured() -> None:
    report = OLD | {"generation": {"n": 2000, "extractors": [EXTRACTOR], "ways": WAYS}}
    assert all(row.meaning.endswith(".") for row in rows_of(report))
    text = "\n".join(result_lines(report))
    assert "| FD-cnn, N(0, I) | 1.23 [1.10, 1.40] | 2,000 |" in text
    assert "vaelab's cnn (cnn), weights `abc`" in text


def test_recall_is_per_cent_and_what_is_missing_is_told() -> None:
    rate = {"rate": 0.5, "low": 0.4, "high": 0.6, "count": 90}
    at = {"fpr": 0.05, "overall": rate, "realised_fpr": rate, "by_group": {"sex": {"f": rate}},
          "worst_group": {"sex": "f"}, "gap": {"sex": 0.2}}  # fmt: skip
    report = OLD | {
        "detection": {"num_negatives": 9, "fpr_0.05": at, "fpr_0.001": {"refused": "too few"}},
        "disentanglement": {"refused": "needs 200 faces"},
        "generation": {"ways": {}, "not_measured": {"fitted": "no stored latents"}},
    }
    recall = next(row for row in rows_of(report) if row.measure.startswith("Recall"))
    assert (recall.shown, recall.interval, recall.n) == ("50.00%", "40.00% to 60.00%", 90)
    measures = [row.measure for row in rows_of(report)]
    assert "False-positive rate on test images (threshold set for 5.0%)" in measures
    assert refusals_of(report) == [
        "disentanglement: needs 200 faces",
        "fitted: no stored latents",
        "recall at 0.1% false positives: too few",
    ]
