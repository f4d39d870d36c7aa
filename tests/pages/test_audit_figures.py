"""The figures of an audit: what small groups are allowed to say, every seed a dot, nothing that is no number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from pages.auditing.figures import GREY, arms_figure, curves_figure, effects_figure, groups_figure, seeds_figure
from pages.auditing.words import level, percent
from tests.pages.tiny_audits import make_audit
from vaelab.audit.report import wording
from vaelab.evaluation.fairness.findings import Findings, find
from vaelab.evaluation.fairness.two_level import TwoLevel


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Two arms, three seeds; groups of 0, 3, 2, 20, 30 and 300 faces."""
    audit = make_audit(tmp_path_factory.mktemp("figures"), "small", seeds=3, arms="AC", negatives=400)
    return find(audit.scores("test"), ("race", "gender"), 0.05, resamples=30)


def names_of(figure: go.Figure) -> list[str]:
    """The groups' names from top to bottom, as they stand above their rows."""
    return [note.text for note in figure.layout.annotations]


def test_groups_of_less_than_ten_are_not_drawn_and_those_of_less_than_thirty_are_grey(found: Findings) -> None:
    figure = groups_figure(found)
    assert names_of(figure) == [
        "many, Female (n = 300)",
        "many, Male (n = 300)",
        "sixty, Female (n = 30, wide)",
        "sixty, Male (n = 30, wide)",
        "twenty, Female (n = 20, not summarised)",
    ]
    for trace in figure.data:
        for height in trace.y:
            is_greyed = names_of(figure)[round(height)].startswith("twenty")
            assert (trace.marker.color == GREY) == is_greyed
            assert (trace.error_x.color or trace.marker.color) == trace.marker.color
    assert [trace.name for trace in figure.data if trace.showlegend] == ["A", "C"]


def test_every_seed_is_a_dot_above_its_mean_and_all_marks_are_numbers(found: Findings) -> None:
    pictures = {"arms": arms_figure(found), "groups": groups_figure(found)}
    pictures["effects"] = effects_figure(found.effects, "worst_group")
    for figure in pictures.values():
        seeds, means = figure.data[0::2], figure.data[1::2]
        for dots, marks in zip(seeds, means, strict=True):
            assert len(dots.x) == len(found.seeds) * len(marks.x)
            assert np.isfinite([*dots.x, *marks.x, *marks.error_x.array, *marks.error_x.arrayminus]).all()
            for number, height in enumerate(marks.y):
                above = dots.y[number * len(found.seeds) : (number + 1) * len(found.seeds)]
                assert all(height - 0.5 < one < height for one in above)
    names = [list(pictures[name].layout.yaxis.ticktext) for name in ("arms", "effects")]
    assert names == [["A", "C"], ["C − A"]]


def test_a_bar_goes_from_low_to_high_where_the_value_lies_outside(found: Findings) -> None:
    summary = found.summaries[0]
    assert summary.worst_group is not None
    level = replace(summary.worst_group, value=0.70, low=0.75, high=0.85)
    marks = arms_figure(replace(found, summaries=(replace(summary, worst_group=level),))).data[1]
    ends = marks.x[0] - marks.error_x.arrayminus[0], marks.x[0] + marks.error_x.array[0]
    assert ends == pytest.approx((0.75, 0.85))


def test_other_figures_mark_small_groups_too(found: Findings) -> None:
    shown = [group for group in found.groups if group.standing != "counts only"]
    fprs = np.array([0.01, 0.1, 1.0])
    curves = curves_figure({"A": {group.name: np.ones((3, 3)) for group in shown}}, fprs, "A", found)
    greys = [trace.name for trace in curves.data if trace.line.color == GREY]
    assert greys == ["twenty, Female (n = 20, not summarised)"]
    (cells,) = seeds_figure(found, "A").data
    assert [name.replace("<br>", " ") for name in cells.y] == [trace.name for trace in curves.data]
    assert cells.z.shape == (5, 3)


def test_a_click_on_a_seed_or_a_mean_knows_its_group(found: Findings) -> None:
    for trace in groups_figure(found).data:
        assert len(trace.customdata) == len(trace.x)
        assert {arm for arm, *_ in trace.customdata} <= set(found.arms)


def test_the_page_and_the_report_write_a_figure_alike() -> None:
    found = TwoLevel((0.95, 0.9524), 0.9512, 0.0, 0.9404, 0.9603, 0.005, 1.0, 0.01)
    assert level(found) == "95.1 % [94.0, 96.0]"
    assert level(found).replace(" %", "") == wording.with_interval(found)
    assert percent(-0.004) == f"{wording.percent(-0.004)} %" == "−0.4 %"
    assert percent(None) == percent(float("nan")) == level(None) == wording.with_interval(None) == "–"
