"""Drawn faces: exact shares, pictures that depend on their row alone, factors that do what they say."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from vaelab.data.synthetic import (
    FACTORS,
    OBJECT_CLASSES,
    group_values,
    neutral_factors,
    render_faces,
    render_nonfaces,
    sample_factors,
    sample_nonfaces,
    with_groups,
)
from vaelab.data.synthetic import faces as faces_module
from vaelab.data.synthetic.sampling import exact_counts
from vaelab.errors import ConfigError, DataError

CONTINUOUS = [name for name, factor in FACTORS.items() if factor.kind == "continuous"]
CATEGORICAL = [name for name, factor in FACTORS.items() if factor.kind == "categorical"]

# Rows and columns, as parts of the picture, that hold nearly all of a factor's effect on a front view.
MOUTH = (slice(0.55, 0.85), slice(0.3, 0.7))
EYES = (slice(0.3, 0.62), slice(0.2, 0.8))
REGIONS = {
    "eye_size": EYES,
    "eye_colour": EYES,
    "gaze": EYES,
    "brow_raise": (slice(0.25, 0.5), slice(0.2, 0.8)),
    "nose_size": (slice(0.35, 0.72), slice(0.3, 0.7)),
    "lip_colour": MOUTH,
    "fringe": (slice(0.05, 0.6), slice(0.1, 0.9)),
    "beard_density": (slice(0.5, 0.92), slice(0.15, 0.85)),
    "glasses": (slice(0.3, 0.7), slice(0.1, 0.9)),
    "clothes_hue": (slice(0.7, 1.0), slice(0.0, 1.0)),
}


def luminance(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def swept(name: str, steps: int, **fixed: object) -> pd.DataFrame:
    """One face with `name` swept over its range (or its values), all else fixed."""
    factor = FACTORS[name]
    base = {"age": 45.0, "light_direction": 0.4, "skin_lightness": 0.6, "hair_length": 0.3} | fixed
    table = neutral_factors(len(factor.values) if factor.range is None else steps).assign(**base)
    if name.startswith("glasses_"):
        table["glasses"] = "yes"
    return table.assign(**{name: factor.values if factor.range is None else np.linspace(*factor.range, steps)})


def crop(pixels: np.ndarray, region: tuple[slice, slice]) -> np.ndarray:
    rows, cols = (slice(int(part.start * 64), int(part.stop * 64)) for part in region)
    return pixels[:, rows, cols]


class TestShares:
    def test_realised_counts_are_exact_and_rest_goes_to_the_largest_remainders(self):
        assert exact_counts([0.5, 0.3, 0.2], 7).tolist() == [4, 2, 1]
        table = sample_factors(997, 3, {"skin": {"light": 0.9, "dark": 0.1}, "glasses": {"yes": 1.0}})
        assert table["skin"].value_counts().to_dict() == {"light": 897, "dark": 100}
        assert set(table["glasses"]) == {"yes"}
        assert ((table["skin_lightness"] >= 0.68) == (table["skin"] == "light")).all()

    def test_joint_shares_plant_a_dependence_and_may_be_written_as_text(self):
        joint = {("dark", "yes"): 0.05, ("dark", "no"): 0.45, ("light", "yes"): 0.5}
        table = sample_factors(400, 1, {("skin", "glasses"): joint})
        assert table.groupby(["skin", "glasses"]).size().to_dict() == {
            ("dark", "yes"): 20,
            ("dark", "no"): 180,
            ("light", "yes"): 200,
        }
        as_text = {"skin,glasses": {",".join(key): share for key, share in joint.items()}}
        pd.testing.assert_frame_equal(table, sample_factors(400, 1, as_text))

    def test_defaults_hold_exactly_for_every_categorical_factor(self):
        table = sample_factors(1000, 0)
        for name in CATEGORICAL:
            factor = FACTORS[name]
            expected = dict(zip(factor.values, exact_counts(list(factor.probabilities), 1000), strict=True))
            assert table[name].value_counts().to_dict() == expected, name

    def test_groups_agree_with_the_numbers_they_cut(self):
        table = sample_factors(2000, 5)
        pd.testing.assert_frame_equal(table, with_groups(table))
        for name in CONTINUOUS:
            low, high = FACTORS[name].range
            assert table[name].between(low, high).all(), name
        assert group_values("skin", np.array([0.0, 0.36, 0.68])).tolist() == ["dark", "medium", "light"]

    def test_rows_repeat_with_the_seed_and_columns_do_not_disturb_each_other(self):
        first, again, other = sample_factors(50, 7), sample_factors(50, 7), sample_factors(50, 8)
        pd.testing.assert_frame_equal(first, again)
        assert not first["yaw"].equals(other["yaw"])
        biased = sample_factors(50, 7, {"skin": {"dark": 1.0}})
        for name in ("yaw", "smile", "age", "glasses", "texture_seed"):
            assert first[name].equals(biased[name]), name

    def test_shuffled_groups_are_independent_by_default(self):
        table = sample_factors(6000, 2)
        shares = pd.crosstab(table["skin"], table["glasses"], normalize="index")["yes"]
        assert shares.between(0.21, 0.29).all()  # 0.25 +- four standard errors

    @pytest.mark.parametrize(
        ("shares", "message"),
        [
            ({"skin": {"light": 0.5, "dark": 0.4}}, "sum to 0.9, expected 1"),
            ({"skin": {"pale": 1.0}}, "Unknown value 'pale' of 'skin'.*dark, medium, light"),
            ({"skins": {"light": 1.0}}, "Unknown factor 'skins'"),
            ({"skin_lightness": {"light": 1.0}}, "continuous.*share its group 'skin'"),
            ({"yaw": {"left": 1.0}}, "continuous.*choose among"),
            ({"skin": {"light": 1.5, "dark": -0.5}}, "expected a number from 0 to 1"),
            ({"skin": {"light": True}}, "expected a number from 0 to 1"),
            ({"skin": {"light": 1.0}, ("skin", "glasses"): {("dark", "yes"): 1.0}}, "shared twice"),
            ({("skin", "glasses"): {("dark",): 1.0}}, "has 1 values, expected 2"),
        ],
    )
    def test_bad_shares_are_refused_by_name(self, shares, message):
        with pytest.raises(ConfigError, match=message):
            sample_factors(10, 0, shares)

    def test_negative_counts_are_refused(self):
        with pytest.raises(ConfigError, match="0 or more"):
            sample_factors(-1, 0)
        with pytest.raises(ConfigError, match="0 or more"):
            sample_nonfaces(-1, 0)


class TestPictures:
    def test_a_picture_depends_on_its_row_alone(self, monkeypatch):
        table = sample_factors(30, 11)
        pixels = render_faces(table)
        assert pixels.shape == (30, 64, 64, 3)
        assert pixels.dtype == np.uint8
        shuffled = np.random.default_rng(0).permutation(30)
        np.testing.assert_array_equal(render_faces(table.iloc[shuffled]), pixels[shuffled])
        monkeypatch.setattr(faces_module, "CHUNK_PIXELS", 1)  # every row in a chunk of its own
        np.testing.assert_array_equal(render_faces(table), pixels)

    def test_a_thing_depends_on_its_row_alone(self):
        table = sample_nonfaces(2 * len(OBJECT_CLASSES), 4)
        pixels = render_nonfaces(table)
        single = np.concatenate([render_nonfaces(table.iloc[[row]]) for row in range(len(table))])
        np.testing.assert_array_equal(single, pixels)

    def test_chunks_stay_in_float32(self):
        assert faces_module.face_canvas(sample_factors(3, 0), 64).dtype == np.float32

    def test_the_same_face_at_another_size(self):
        table = sample_factors(8, 2)
        small, large = render_faces(table, 64), render_faces(table, 128)
        halved = large.reshape(8, 64, 2, 64, 2, 3).mean(axis=(2, 4))
        assert np.abs(halved - small).mean() < 2.0

    def test_no_rows_give_no_pictures(self):
        assert render_faces(sample_factors(0, 0)).shape == (0, 64, 64, 3)
        assert render_nonfaces(sample_nonfaces(0, 0)).shape == (0, 64, 64, 3)

    def test_tables_that_cannot_be_drawn_are_refused_by_name(self):
        table = sample_factors(3, 0)
        with pytest.raises(DataError, match="lacks the columns yaw, texture_seed"):
            render_faces(table.drop(columns=["yaw", "texture_seed"]))
        with pytest.raises(DataError, match="'yaw' has a value that is not a finite number"):
            render_faces(table.assign(yaw=[0.0, np.nan, 0.0]))
        with pytest.raises(DataError, match="'eye_colour' has the unknown values \\['red'\\]"):
            render_faces(table.assign(eye_colour="red"))
        with pytest.raises(DataError, match=r"Unknown object classes \['face'\]"):
            render_nonfaces(sample_nonfaces(2, 0).assign(object_class="face"))


class TestFactors:
    @pytest.mark.parametrize("name", [name for name, factor in FACTORS.items() if factor.parent is None])
    def test_every_factor_shows(self, name):
        shown = render_faces(swept(name, 4)).astype(float)  # hues are circles: both ends look alike
        change = np.abs(shown[1:] - shown[0]).max(axis=-1)
        assert (change > 12).sum(axis=(1, 2)).max() >= 12, "fewer than a dozen pixels change visibly"

    @pytest.mark.parametrize("name", REGIONS)
    def test_a_local_factor_changes_its_place_and_no_other(self, name):
        shown = render_faces(swept(name, 4)).astype(float)
        change = np.abs(shown[1:] - shown[0]).sum(axis=-1)
        assert crop(change, REGIONS[name]).sum() > 0.97 * change.sum() > 0

    def test_the_backdrop_stays_behind_the_head(self):
        ends = render_faces(swept("background_lightness", 2)).astype(float)
        change = np.abs(ends[1] - ends[0]).sum(axis=-1)
        assert change[20:40, 26:38].max() == 0
        assert change[:, :4][:40].min() > 30

    @pytest.mark.parametrize("name", CONTINUOUS)
    def test_no_factor_pops(self, name):
        pixels = render_faces(swept(name, 65)).astype(float)
        steps = np.abs(np.diff(pixels, axis=0)).mean(axis=(1, 2, 3))
        assert steps.max() < 1.6, "a 64th of the range changes the picture by more than 1.6 levels of 255"

    def test_the_face_gets_lighter_with_skin_lightness(self):
        centre = luminance(render_faces(swept("skin_lightness", 9)))[:, 32:42, 26:38].mean(axis=(1, 2))
        assert (np.diff(centre) > 3).all()

    def test_a_smile_lifts_the_corners_of_the_mouth(self):
        light = luminance(render_faces(swept("smile", 5), 128))[:, 84:102]

        def height(columns: slice) -> np.ndarray:
            """Row of the dark line between the lips."""
            dark = np.maximum(light[:, :, columns].max(axis=1, keepdims=True) - light[:, :, columns], 0) ** 4
            return (dark * np.arange(18)[None, :, None]).sum(axis=(1, 2)) / dark.sum(axis=(1, 2))

        for corner in (slice(52, 55), slice(73, 76)):
            assert (np.diff(height(corner) - height(slice(62, 66))) < -0.3).all()

    def test_light_comes_from_its_side(self):
        light = luminance(render_faces(swept("light_direction", 5, light_strength=0.8)))
        balance = light[:, 34:48, 36:44].mean(axis=(1, 2)) - light[:, 34:48, 20:28].mean(axis=(1, 2))
        assert (np.diff(balance) > 2).all()

    def test_turning_moves_the_eyes_sideways_and_leaning_turns_them(self):
        def eye_places(name: str) -> tuple[np.ndarray, np.ndarray]:
            table = swept(name, 5, light_direction=0.0, skin_lightness=0.9, fringe=0.0, hair_colour="blonde")
            shown = render_faces(table).astype(float)
            bare = faces_module.to_pixels(faces_module.face_canvas(table, 64, features=False)).astype(float)
            change = np.abs(shown - bare).sum(axis=-1)[:, 24:37]
            total = change.sum(axis=(1, 2))
            across = (change * np.arange(64)).sum(axis=(1, 2)) / total
            left, right = change[:, :, :32], change[:, :, 32:]
            down = np.arange(13)[:, None]
            drop = (right * down).sum(axis=(1, 2)) / right.sum(axis=(1, 2))
            return across, drop - (left * down).sum(axis=(1, 2)) / left.sum(axis=(1, 2))

        assert (np.diff(eye_places("yaw")[0]) > 1).all()
        assert (np.diff(eye_places("roll")[1]) > 0.3).all()

    def test_age_greys_the_hair(self):
        pixels = render_faces(swept("age", 5, hair_colour="auburn", hair_length=0.5))[:, 7:12, 28:36].astype(float)
        colourfulness = (pixels.max(axis=-1) - pixels.min(axis=-1)).mean(axis=(1, 2))
        assert (np.diff(colourfulness) <= 0).all()
        assert colourfulness[-1] < 0.5 * colourfulness[0]


class TestNonFaces:
    def test_every_class_has_its_share_and_differs_from_its_backdrop(self):
        table = sample_nonfaces(10 * len(OBJECT_CLASSES), 0)
        assert set(table["object_class"].value_counts()) == {10}
        pixels = render_nonfaces(table).astype(float)
        for name in OBJECT_CLASSES:
            spread = pixels[(table["object_class"] == name).to_numpy()].std(axis=(1, 2)).mean()
            assert spread > 4, name

    def test_colours_are_those_of_faces(self):
        faces, things = render_faces(sample_factors(600, 0)), render_nonfaces(sample_nonfaces(600, 0))
        mean_gap = np.abs(faces.mean(axis=(0, 1, 2)) - things.mean(axis=(0, 1, 2)))
        std_gap = np.abs(faces.std(axis=(0, 1, 2)) - things.std(axis=(0, 1, 2)))
        assert mean_gap.max() < 18
        assert std_gap.max() < 8

    def test_a_linear_classifier_on_small_pictures_does_not_solve_it(self):
        """Seen: 93 to 95 % with 600 + 600 training pictures, 96.7 % with 4,000 + 4,000."""

        def small(pixels: np.ndarray) -> np.ndarray:
            return pixels.reshape(-1, 16, 4, 16, 4, 3).mean(axis=(2, 4)).reshape(len(pixels), -1) / 255

        inputs = np.concatenate(
            [small(render_faces(sample_factors(900, 1))), small(render_nonfaces(sample_nonfaces(900, 1)))]
        )
        is_face = np.repeat([1, 0], 900)
        is_test = np.tile(np.arange(900) >= 600, 2)
        model = LogisticRegression(C=0.3, max_iter=2000).fit(inputs[~is_test], is_face[~is_test])
        accuracy = model.score(inputs[is_test], is_face[is_test])
        assert 0.85 < accuracy < 0.985
