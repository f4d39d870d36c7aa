from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vaelab.data.groups import MAX_VALUES, NO, YES, Grouping, choosable_columns, group_columns, grouped, standing_of
from vaelab.errors import DataError


@pytest.fixture
def labels() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gender": ["Male"] * 40 + ["Female"] * 12 + [None] * 3,
            "age": ["10-19", "3-9", "0-2", "more than 70", "20-29"] * 11,
            "smiling": [True, False, True, False, True] * 11,
            "weight": np.linspace(0, 1, 55) * 2 - 1,
            "many": [f"name {number}" for number in range(55)],
        }
    )


@pytest.mark.parametrize(
    ("count", "standing"),
    [
        (0, "counts only"),
        (9, "counts only"),
        (10, "greyed"),
        (29, "greyed"),
        (30, "wide"),
        (99, "wide"),
        (100, "full"),
    ],
)
def test_standing_follows_the_count(count, standing):
    assert standing_of(count) == standing


def test_groups_are_counted_and_sorted_as_people_count(labels):
    grouping = Grouping.of(labels, ["age"])
    assert grouping.names == ("0-2", "3-9", "10-19", "20-29", "more than 70")
    assert grouping.counts.tolist() == [11] * 5
    assert [labels["age"][row] for row in grouping.rows("3-9")] == ["3-9"] * 11


@pytest.mark.parametrize("rows_at_a_time", [1, 7, 55, 100])
@pytest.mark.parametrize("categories", [False, True])
def test_grouped_in_parts_is_grouped_at_once(labels, rows_at_a_time, categories):
    if categories:
        labels = labels.astype({"gender": "category", "age": "category"})
    parts = [labels[start : start + rows_at_a_time] for start in range(0, len(labels), rows_at_a_time)]
    found = {column: grouped(parts, column) for column in labels}
    columns = choosable_columns(labels)
    assert {column for column, grouping in found.items() if grouping} == set(columns)
    for column in columns:
        once = Grouping.of(labels, [column])
        assert found[column].groups == once.groups
        assert found[column].columns == once.columns
        np.testing.assert_array_equal(found[column].keys, once.keys)
        assert found[column].keys.dtype == np.int8


def test_words_group_unasked_and_yes_or_no_labels_where_they_are_chosen(labels):
    labels["bald"] = [True, None, False, True, True] * 11  # as where one of several data sets lacks the label
    labels["young"] = True
    labels["service_test"] = labels["is_face"] = labels["smiling"]
    assert group_columns(labels) == ["gender", "age", "many"]
    assert choosable_columns(labels) == ["gender", "age", "many", "smiling", "bald"]
    assert Grouping.of(labels, ["bald"]).names == (NO, YES)
    assert Grouping.of(labels, ["bald"]).num_ungrouped == 11


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
def test_a_part_without_the_label_is_in_no_group(labels, nothing):
    without = pd.DataFrame({"gender": [nothing] * 20})
    found = grouped([without, labels], "gender")
    np.testing.assert_array_equal(found.keys, [*[-1] * 20, *Grouping.of(labels, ["gender"]).keys])
    assert found.num_ungrouped == 23
    assert grouped([without], "gender") is None


def test_too_many_values_or_one_are_no_groups_in_parts_either():
    names = pd.DataFrame({"name": [f"name {number}" for number in range(MAX_VALUES + 1)], "one": "same"})
    parts = [names[:40], names[40:]]
    assert grouped(parts, "name") is None
    assert grouped([names], "name") is None
    assert grouped([names[:40], names[30:MAX_VALUES]], "name").counts.sum() == MAX_VALUES + 10
    assert grouped(parts, "one") is None
    assert grouped([], "one") is None


def test_rows_without_a_label_are_in_no_group_and_counted(labels):
    grouping = Grouping.of(labels, ["gender"])
    assert grouping.num_ungrouped == 3
    assert grouping.counts.sum() == 52
    assert [group.is_summarised for group in grouping.groups] == [False, True]


def test_crossed_groups_include_the_empty_ones(labels):
    labels = labels[(labels["gender"] != "Female") | ~labels["smiling"]]
    grouping = Grouping.of(labels, ["gender", "smiling"])
    counts = dict(zip(grouping.names, grouping.counts.tolist(), strict=True))
    assert counts["Female, True"] == 0
    assert counts["Male, True"] == 24
    expected = labels.groupby(["gender", "smiling"]).size()
    assert all(counts[f"{gender}, {smiling}"] == count for (gender, smiling), count in expected.items())


def test_mean_is_that_of_each_groups_rows_and_nan_where_empty(labels):
    labels = labels[(labels["gender"] != "Female") | ~labels["smiling"]].reset_index(drop=True)
    grouping = Grouping.of(labels, ["gender", "smiling"])
    means = dict(zip(grouping.names, grouping.mean(labels["weight"].to_numpy()), strict=True))
    expected = labels.groupby(["gender", "smiling"])["weight"].mean()
    assert means["Male, False"] == pytest.approx(expected["Male", False])
    assert np.isnan(means["Female, True"])
    with pytest.raises(DataError, match="one value for each"):
        grouping.mean(np.zeros(3))


def test_no_columns_make_one_group_of_all(labels):
    grouping = Grouping.of(labels, [])
    assert grouping.names == ("all",)
    assert grouping.counts.tolist() == [55]


def test_table_says_it_all(labels):
    table = Grouping.of(labels, ["gender"]).table()
    assert table.to_dict("list") == {
        "gender": ["Female", "Male"],
        "group": ["Female", "Male"],
        "count": [12, 40],
        "share": [12 / 52, 40 / 52],
        "standing": ["greyed", "wide"],
    }


def test_what_cannot_be_grouped_is_refused(labels):
    with pytest.raises(DataError, match="no label column 'race'; there are gender"):
        Grouping.of(labels, ["race"])
    with pytest.raises(DataError, match="repeated"):
        Grouping.of(labels, ["age", "age"])
    many = pd.DataFrame({"weight": np.arange(65.0)})
    with pytest.raises(DataError, match="65 different values"):
        Grouping.of(many, ["weight"])
    with pytest.raises(DataError, match="no group 'Other'"):
        Grouping.of(labels, ["gender"]).rows("Other")
