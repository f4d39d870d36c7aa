"""Cards and reports become what the page shows, and nothing else."""

from pages.shell.cards import CardPart, card_parts, result_rows, settings_rows
from vaelab.config import TrainConfig


def test_a_card_is_cut_at_its_pictures_and_loses_front_matter_and_title() -> None:
    card = "---\nlicense: mit\n---\n# face-vae\nWords.\n\n![Samples](samples.png)\n\nMore.\n"
    assert card_parts(card) == [
        CardPart("Words.\n\n"),
        CardPart("Samples", "samples.png"),
        CardPart("\nMore.\n"),
    ]


def test_pictures_from_elsewhere_are_left_as_text() -> None:
    for address in ("../secret.png", "/etc/x.png", "http://example.org/x.png", ".hidden.png"):
        assert [part.picture for part in card_parts(f"![x]({address})")] == [None]


def test_headings_sink_one_level_but_comments_in_code_do_not() -> None:
    (part,) = card_parts("Words\n## Use\n```bash\n# comment\n```\n")
    assert part.text == "Words\n### Use\n```bash\n# comment\n```\n"


def test_a_report_shows_intervals_and_counts() -> None:
    report = {"psnr": {"mean": 25.312, "low": 25.2, "high": 25.4, "n": 5000}, "by_group": {"Female": {"recall": 0.5}}}
    assert result_rows(report).to_numpy().tolist() == [
        ["psnr", "25.31 (25.2 to 25.4), n = 5,000"],
        ["by group · Female · recall", "0.5"],
    ]


def test_every_setting_is_listed_with_its_meaning() -> None:
    table = settings_rows(TrainConfig())
    assert "learning rate" in set(table["Setting"])
    assert table["Meaning"].str.len().min() > 0
    meanings = dict(zip(table["Setting"], table["Meaning"], strict=True))
    assert meanings["datasets"] == "prepared data sets, read as one; python -m vaelab data list shows them"
