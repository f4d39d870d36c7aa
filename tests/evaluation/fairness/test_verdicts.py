"""The rule of the verdict: from which figures, at which rate."""

from vaelab.evaluation.fairness.effects import Change, Effect
from vaelab.evaluation.fairness.two_level import TwoLevel
from vaelab.evaluation.fairness.verdicts import verdict


def effect(value: float, bias: float, p: float = 0.01) -> Effect:
    """A change of the worst group over six seeds, its interval around the value without its bias."""
    centre = value - bias
    found = TwoLevel((value,) * 6, value, bias, centre - 0.005, centre + 0.005, 0.002, 5.0, p)
    return Effect("a", "b", {"worst_group": Change(found, p, None)}, ())


def test_the_direction_is_that_of_the_corrected_change() -> None:
    found = verdict(effect(value=-0.001, bias=-0.011), 0.01, 3)
    assert found.ruling == "improved"
    assert "changes by −0.10 percentage points [+0.50, +1.50], by +1.00 without what choosing" in found.sentence
    assert verdict(effect(value=0.001, bias=0.011), 0.01, 3).ruling == "worse"
    assert "without what choosing" not in verdict(effect(value=0.01, bias=0.001), 0.01, 3).sentence
