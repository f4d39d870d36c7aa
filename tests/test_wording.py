"""Numbers in sentences."""

import pytest

from vaelab.wording import alarms_per_photo, counted, rate_name, signed, with_minus


def test_one_is_singular() -> None:
    assert [counted(number, "face") for number in (0, 1, 2, 12_000)] == ["0 faces", "1 face", "2 faces", "12,000 faces"]
    assert counted(2, "box", "boxes") == "2 boxes"


def test_one_alarm_is_not_many() -> None:
    assert [alarms_per_photo(rate) for rate in (3.0, 1.0, 0.3)] == [
        "3 false alarms per photo", "1 false alarm per photo", "0.3 false alarms per photo",
    ]  # fmt: skip


def test_rates_have_as_many_decimals_as_they_need() -> None:
    assert [rate_name(fpr) for fpr in (0.05, 0.01, 0.001, 0.0025)] == ["5 %", "1 %", "0.1 %", "0.25 %"]


def test_a_hyphen_becomes_a_minus() -> None:
    assert with_minus("-1.5% (-3.0% to +0.2%)") == "−1.5% (−3.0% to +0.2%)"


@pytest.mark.parametrize(("position", "text"), [(-2.346, "−2.35"), (2.346, "+2.35"), (-0.004, "0"), (0.0, "0")])
def test_a_position_has_its_sign_unless_it_is_the_start(position: float, text: str) -> None:
    assert signed(position) == text
