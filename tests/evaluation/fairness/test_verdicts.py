"""The rule of the verdict: from which figures, at which rate."""

from vaelab.evaluation.fairness.effects import Change, Effect
from vaelab.evaluation.fairness.two_level import TwoLevel
from vaelab.evaluation.fairness.verdicts import family, verdict


def effect(value: float, bias: float, p: float = 0.01) -> Effect:
    """A change of the worst group over six seeds, its interval around the value without its bias."""
    centre = value - bias
    found = TwoLevel((value,) * 6, value, bias, centre - 0.005, centre + 0.005, 0.002, 5.0, p)
    return Effect("a", "b", {"worst_group": Change(found, p, None)}, ())


def test_nothing_is_ruled_at_another_rate_than_the_primary_one() -> None:
    shown = effect(value=0.01, bias=0.0)
    assert verdict(shown, 0.01, 3, primary=0.01).ruling == "improved"
    found = verdict(shown, 0.05, 3, primary=0.01)
    assert found.ruling == "no ruling"
    assert found.sentence.startswith("b against a: 5 % is not the primary rate, so no ruling. Over 6 paired seeds")


def test_the_family_of_the_correction_is_counted() -> None:
    assert family(4).startswith("Holm's correction counts 6 comparisons of 4 arms at one rate and grouping.")
    assert family(2).startswith("Holm's correction counts 1 comparison of 2 arms")
    assert family(1) == ""


def test_the_direction_is_that_of_the_corrected_change() -> None:
    found = verdict(effect(value=-0.001, bias=-0.011), 0.01, 3)
    assert found.ruling == "improved"
    assert "changes by −0.10 percentage points [+0.50, +1.50], by +1.00 without what choosing" in found.sentence
    assert verdict(effect(value=0.001, bias=0.011), 0.01, 3).ruling == "worse"
    assert "without what choosing" not in verdict(effect(value=0.01, bias=0.001), 0.01, 3).sentence
