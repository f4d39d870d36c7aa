"""A benchmark that is measured anew takes its own row's place and leaves the others."""

from benchmarks.__main__ import MEASURES
from benchmarks.kept import merged


def test_rows_measured_anew_take_the_place_of_the_old() -> None:
    kept = [{"what": "a", "seconds": 1.0}, {"what": "b", "seconds": 2.0}]
    found = [{"what": "c", "seconds": 3.0}, {"what": "b", "seconds": 0.5}]
    assert merged(kept, found) == [kept[0], found[1], found[0]]
    assert merged([], found) == found
    assert "starting" in MEASURES
