"""Numbers in sentences."""

import pytest

from vaelab.wording import signed, with_minus


def test_a_hyphen_becomes_a_minus() -> None:
    assert with_minus("-1.5% (-3.0% to +0.2%)") == "−1.5% (−3.0% to +0.2%)"


@pytest.mark.parametrize(("position", "text"), [(-2.346, "−2.35"), (2.346, "+2.35"), (-0.004, "0"), (0.0, "0")])
def test_a_position_has_its_sign_unless_it_is_the_start(position: float, text: str) -> None:
    assert signed(position) == text
