"""Numbers and names in sentences for people."""

from collections.abc import Sequence


def counted(number: int, noun: str, nouns: str = "") -> str:
    """`1 face`, `12,000 faces`; `nouns` is a plural that is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def alarms_per_photo(rate: float) -> str:
    """A number of false alarms per photo: `1 false alarm per photo`."""
    return f"{rate:g} false alarm{'' if rate == 1 else 's'} per photo"


def rate_name(fpr: float) -> str:
    """A false-positive rate: `1 %`, `0.1 %`."""
    return f"{100 * fpr:.3g} %"


def with_minus(text: str) -> str:
    """A written number with a real minus in place of a hyphen: `−0.40`."""
    return text.replace("-", "−")


def signed(position: float) -> str:
    """A position with its sign, two decimals and a real minus."""
    return with_minus(f"{position:+.2f}") if abs(position) >= 0.005 else "0"


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names with commas; the rest is counted."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
