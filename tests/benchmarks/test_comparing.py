"""Benchmarks beside what was kept: rows are replaced by name, and only what lies apart is said to have moved."""

from pathlib import Path

import pytest

import benchmarks.__main__ as bench
from benchmarks.compared import WAVERS, comparisons, summary
from benchmarks.kept import RESULTS, machine_of, merged, read_rows, write_rows


def test_rows_measured_anew_take_the_place_of_the_old() -> None:
    kept = [{"what": "a", "seconds": 1.0}, {"what": "b", "seconds": 2.0}]
    found = [{"what": "c", "seconds": 3.0}, {"what": "b", "seconds": 0.5}]
    assert merged(kept, found) == [kept[0], found[1], found[0]]
    assert merged([], found) == found


@pytest.mark.parametrize(
    ("now", "verdict"), [([0.90, 0.95], "as before"), ([0.97, 1.2], "higher"), ([0.5, 0.89], "lower")]
)
@pytest.mark.parametrize("same_machine", [True, False])
def test_a_ratio_moved_when_its_rounds_lie_apart_on_any_machine(
    now: list[float], verdict: str, same_machine: bool
) -> None:
    kept = [{"what": "a", "ratio": 0.93, "ratio_range": [0.9, 0.96]}]
    found = [{"what": "a", "ratio": sum(now) / 2, "ratio_range": now}]
    (one,) = comparisons(found, kept, same_machine=same_machine)
    assert (one.verdict, one.before) == (verdict, 0.93)


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.0, "as before"), (1.2, "as before"), (1.3, "higher"), (1 / 1.3, "lower")]
)
def test_a_figure_without_rounds_moved_when_it_is_beyond_what_a_machine_wavers(factor: float, verdict: str) -> None:
    kept, found = [{"what": "a", "seconds": 2.0, "rounds": 3}], [{"what": "a", "seconds": 2.0 * factor, "rounds": 3}]
    (one,) = comparisons(found, kept, same_machine=True)
    assert one.verdict == verdict
    assert 1.2 < WAVERS < 1.3
    (elsewhere,) = comparisons(found, kept, same_machine=False)
    assert elsewhere.verdict == "not comparable"


def test_the_summary_names_what_moved_and_counts_the_rest() -> None:
    kept = [{"what": "a", "seconds": 2.0}, {"what": "b", "seconds": 2.0}]
    found = [{"what": "a", "seconds": 9.0}, {"what": "b", "seconds": 2.1}, {"what": "new", "seconds": 1.0}]
    said = summary(comparisons(found, kept, same_machine=True), missing=1)
    assert "Figures that moved: 1; that did not: 1." in said
    assert "Rows that were not kept before: 1." in said
    assert "a: seconds 9, kept 2: higher" in said
    assert "b: " not in said


def test_a_name_stands_for_all_under_it_and_an_unknown_one_is_refused() -> None:
    assert bench.chosen(None) == list(bench.MEASURES)
    assert bench.chosen(["training/cnn", "starting"]) == ["training/cnn", "starting"]
    assert bench.chosen(["growth"]) == ["growth/pictures", "growth/latent", "growth/size"]
    with pytest.raises(ValueError, match="nothing is measured by the name train; there are training/dbvae"):
        bench.chosen(["train"])


def test_rows_of_another_machine_are_not_mixed_with_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.json"
    assert bench.kept_rows(path) == []
    write_rows(path, [{"what": "a", "seconds": 1.0}])
    assert bench.kept_rows(path) == [{"what": "a", "seconds": 1.0}]
    monkeypatch.setattr(bench, "machine", lambda: {"processor": "another"})
    with pytest.raises(ValueError, match="is of another machine"):
        bench.kept_rows(path)


def test_every_row_that_is_kept_has_a_name_of_its_own() -> None:
    names = [row["what"] for row in read_rows(RESULTS)]
    assert len(names) == len(set(names)) > 50
    assert machine_of(RESULTS)["processor"]
