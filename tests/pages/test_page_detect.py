"""The Detect page through Streamlit's own test driver: photos good and hostile, links, a close look, files."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from PIL import Image
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.testing.v1 import AppTest

from pages.detecting.faces import CLOSELY, _lightness
from pages.detecting.looking import RESULTS
from pages.detecting.photos import KEPT, MOST_PHOTOS, Opened, open_photo
from pages.detecting.plan import Plan, read_plan
from tests.hostile import encoded, hostile_files, odd_files
from tests.pages.driving import Open, widget, words
from tests.pages.tiny_runs import keep_photo_threshold, make_detector, make_run
from tests.readme.places import ROOT
from vaelab.detection import photographs
from vaelab.detection.photographs import Found
from vaelab.inference import FaceModel
from vaelab.photos import FaceBox
from vaelab.runs.store import Run

PAGE = "detect.py"


@pytest.fixture
def store(lab: Path) -> Path:
    """A cnn that sees a face in anything, a dbvae that sees one in nothing, and a VAE."""
    make_run(lab, "finished")
    keep_photo_threshold(make_detector(lab, "keen"), -1e6)
    keep_photo_threshold(make_detector(lab, "blind", "dbvae"), 1e6)
    return lab


def give(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    uploader = app.file_uploader[0]
    uploader.set_value([(name, data, "image/png") for name, data in files])
    return app.run()


def test_an_empty_store_says_what_to_do(open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert "There is no detector" in words(app)
    assert "--recipe cnn" in app.code[0].value, "a command that trains a detector, not a model that draws"


def test_before_a_photo_it_says_what_to_do(store: Path, open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert "Choose one or more photos" in words(app)
    assert app.query_params["with"] == "keen~blind"


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("localhost:8501", "this machine"),
        ("[::1]:8501", "this machine"),
        ("classroom.local:8501", "the computer at classroom.local"),
        ("[fd00::7]", "the computer at [fd00::7]"),
    ],
)
def test_where_photos_go_is_true_for_whoever_reads_it(
    store: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch, host: str, place: str
) -> None:
    monkeypatch.setattr(type(st.context), "headers", {"Host": host})
    app = open_app(PAGE)
    told = words(app)
    assert f"searched on {place} and go no further" in told
    assert f"in the memory of {place} until" in app.file_uploader[0].proto.help
    assert f"vaelab runs on {place}." in told, "at the foot of every page"
    widget(app.toggle, "detect").set_value(True).run()
    assert not app.exception
    assert ("no camera" in words(app)) == (place != "this machine")


def test_a_page_over_https_has_a_camera(store: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "headers", {"Host": "classroom.local"})
    monkeypatch.setattr(type(st.context), "url", "https://classroom.local/detect")
    app = open_app(PAGE)
    widget(app.toggle, "detect").set_value(True).run()
    assert "no camera" not in words(app)


def test_a_photo_is_searched_by_both_and_looked_at_closely(store: Path, open_app: Open) -> None:
    app = give(open_app(PAGE), ("group.png", encoded("PNG")))
    assert not app.exception
    assert not app.error
    told = words(app)
    assert "blind sees no face" in told
    assert "only keen" in told
    assert "not measured for this search" not in told
    assert "1 false alarm per photo, set on 100 photos" in told
    assert "never a skin type" in told
    alts = [image.proto.imgs[0].alt for image in app.get("image")]
    assert any(alt.startswith("group.png: keen sees") for alt in alts)
    assert any("drawn again by blind" in alt for alt in alts)
    assert any("drawn again by finished" in alt for alt in alts)
    assert any("What blind looks at" in alt for alt in alts)
    assert re.search(r"What keen looks at: [+−]\d+\.\d to [+−]\d+\.\d log-odds", told)
    assert all(alts), "every picture has a description"
    widget(app.segmented_control, "detect.smallest").set_value(32).run()
    assert "not measured for this search (smallest 32, measured with 48)" in words(app)
    widget(app.selectbox, "detect.face").set_value(2).run()
    assert not app.exception
    assert any("Face 2 as cut from the photo" in image.proto.imgs[0].alt for image in app.get("image"))


def test_almost_nothing_has_no_minus() -> None:
    assert _lightness(Found(FaceBox(0.0, 0.0, 64.0), {}, -0.3)) == "apparent lightness 0°"
    assert _lightness(Found(FaceBox(0.0, 0.0, 64.0), {}, -12.0)) == "apparent lightness −12°"


def test_several_photos_are_told_apart(store: Path, open_app: Open) -> None:
    app = give(open_app(PAGE), ("one.png", encoded("PNG")), ("two.png", encoded("PNG", (80, 64))))
    assert not app.exception
    assert "**one.png**" in words(app)
    assert "**two.png**" in words(app)
    widget(app.selectbox, "detect.photo.2").set_value(1).run()
    assert "searched at 80 × 64 pixels" in words(app)


def test_photos_of_one_name_are_numbered(store: Path, open_app: Open) -> None:
    app = give(open_app(PAGE), ("image.jpg", encoded("PNG")), ("image.jpg", encoded("PNG", (80, 64))))
    choice = widget(app.selectbox, "detect.photo.2")
    assert choice.options == ["image.jpg", "image.jpg (2)"]
    assert "**image.jpg (2)**" in words(app)
    choice.select_index(1).run()
    assert "searched at 80 × 64 pixels" in words(app)
    widget(app.selectbox, "detect.photo.2").select_index(0).run()
    assert "searched at 80 × 64 pixels" not in words(app)


def test_one_photo_given_twice_is_searched_once(store: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = watched(monkeypatch)
    app = give(open_app(PAGE), ("one.png", encoded("PNG")), ("one.png", encoded("PNG")))
    assert not app.exception
    assert not app.error
    assert searched == ["one.png"]


def test_a_click_meanwhile_is_heard_and_keeps_what_was_found(
    store: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def click() -> None:
        script = get_script_run_ctx()
        assert script is not None
        assert script.script_requests is not None
        runs.append(script.cursors)
        if len(runs) == 1:
            script.script_requests.request_rerun(RerunData(page_script_hash=script.page_script_hash))

    runs: list[object] = []
    searched = watched(monkeypatch, click)
    app = give(open_app(PAGE), ("one.png", encoded("PNG")), ("two.png", encoded("PNG", (80, 64))))
    assert not app.exception
    assert searched == ["one.png", "two.png"], "none of them twice"
    assert runs[0] is not runs[1], "the click did not wait for the second photo"


def watched(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None] = lambda: None) -> list[str]:
    """Names of the photos that are searched from now on; `meanwhile` happens during each search."""

    def search(photo: object, detectors: object, name: str, *others: object) -> photographs.Result:
        searched.append(name)
        meanwhile()
        return real(photo, detectors, name, *others)  # type: ignore[arg-type]

    searched: list[str] = []
    real = photographs.detect
    monkeypatch.setattr(photographs, "detect", search)
    return searched


def test_what_belongs_to_a_photo_goes_with_it(store: Path, open_app: Open) -> None:
    app = give(open_app(PAGE), ("one.png", encoded("PNG")), ("two.png", encoded("PNG", (80, 64))))
    assert app.session_state[CLOSELY].result.name == "one.png"
    app.session_state["detect.plan"] = Plan(("blind",))  # sees no face, so that nothing is looked at closely
    give(app, ("two.png", encoded("PNG", (80, 64))))
    assert CLOSELY not in app.session_state
    assert [result.name for result in app.session_state[RESULTS].values()] == ["two.png"]
    app.session_state["detect.plan"] = Plan(("keen",))
    app.run()
    assert CLOSELY in app.session_state
    give(app)
    assert not app.exception
    assert "Choose one or more photos" in words(app)
    assert CLOSELY not in app.session_state
    assert not app.session_state[RESULTS]
    assert not app.session_state[KEPT]


def test_photos_are_there_again_when_the_page_is(store: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = watched(monkeypatch)
    app = give(open_app(PAGE), ("one.png", encoded("PNG")), ("two.png", encoded("PNG", (80, 64))), ("bad.png", b"bad"))
    widget(app.selectbox, "detect.photo.2").set_value(1).run()
    for page in ("models.py", PAGE):
        app.switch_page(str(ROOT / "pages" / page)).run()
    assert not app.exception
    assert not app.file_uploader[0].value
    assert "searched at 80 × 64 pixels" in words(app), "the photo that was chosen"
    give(app, ("three.png", encoded("PNG", (64, 80))))
    assert searched == ["one.png", "two.png", "three.png"], "none of them twice"
    assert not app.error
    give(app)
    assert widget(app.selectbox, "detect.photo.2").options == ["one.png", "two.png"], "an upload lets go of its own"
    next(button for button in app.button if button.label == "Forget `one.png`").click().run()
    assert "two.png" in [result.name for result in app.session_state[RESULTS].values()]
    next(button for button in app.button if button.label == "Forget `two.png`").click().run()
    assert "Choose one or more photos" in words(app)
    assert not app.session_state[RESULTS]
    assert not app.session_state[KEPT]


def test_no_more_photos_than_agreed_are_kept_from_before(store: Path, open_app: Open) -> None:
    photo = encoded("PNG", (64, 64))
    app = give(open_app(PAGE), *((f"{number}.png", photo) for number in range(MOST_PHOTOS - 1)))
    for page in ("models.py", PAGE):
        app.switch_page(str(ROOT / "pages" / page)).run()
    give(app, ("a.png", photo), ("b.png", photo))
    assert not app.exception
    assert "13 photos were chosen; the first 12 are searched" in app.warning[0].value
    assert len(app.session_state[KEPT]) == MOST_PHOTOS


def test_a_photo_that_is_added_is_shown_and_one_that_stays_stays_shown(store: Path, open_app: Open) -> None:
    app, files = open_app(PAGE), {width: encoded("PNG", (width, 64)) for width in (64, 80, 96)}
    for here, shown in (((64, 80), 64), ((64, 80, 96), 96), ((64, 96), 96), ((64, 80), 80), ((64,), 64)):
        # The driver gives a file another id each time; a browser keeps it.
        app.file_uploader[0]._files = [(f"{width}", f"{width}.png", files[width], "image/png") for width in here]
        app.run()
        assert not app.exception
        assert f"searched at {shown} × 64 pixels" in words(app)


def test_a_hostile_file_is_named_and_the_good_one_shown(store: Path, open_app: Open) -> None:
    app = give(open_app(PAGE), ("bad.png", hostile_files()["png bomb"]), ("good.png", encoded("PNG")))
    assert not app.exception
    assert len(app.error) == 1
    assert app.error[0].value.startswith("`bad.png`: This photo has too many pixels: 3,600 million")
    assert "keen sees" in words(app)


@pytest.mark.parametrize("name", sorted(hostile_files()))
def test_hostile_files_are_refused_in_words(name: str) -> None:
    told = open_photo(f"{name}.jpg", hostile_files()[name])
    assert isinstance(told, str)
    assert told.startswith(f"`{name}.jpg`: ")
    assert len(told) > len(name) + 20


@pytest.mark.parametrize("name", sorted(odd_files()))
def test_odd_files_are_read(name: str) -> None:
    opened = open_photo(name, odd_files()[name])
    assert isinstance(opened, Opened)
    assert opened.photo.shape[2] == 3


def test_more_photos_than_agreed_are_not_searched(store: Path, open_app: Open) -> None:
    photo = encoded("PNG", (64, 64))
    app = give(open_app(PAGE), *((f"{number}.png", photo) for number in range(MOST_PHOTOS + 1)))
    assert not app.exception
    assert "the first 12 are searched" in app.warning[0].value


def test_choices_go_into_the_link_and_a_link_reopens_them(store: Path, open_app: Open) -> None:
    app = open_app(PAGE)
    widget(app.segmented_control, "detect.rate").set_value(0.3).run()
    widget(app.segmented_control, "detect.smallest").set_value(64).run()
    widget(app.multiselect, "detect.detectors").set_value(["blind"]).run()
    query = {name: str(value) for name, value in app.query_params.items()}
    assert query == {"with": "blind", "alarms": "0.3", "smallest": "64"}
    again = open_app(PAGE, **query)
    assert again.session_state["detect.plan"] == Plan(("blind",), 0.3, 64)


@pytest.mark.parametrize(
    "query", [{"alarms": "7"}, {"smallest": "1e9"}, {"with": "../../etc"}, {"alarms": "nan", "smallest": "−1"}]
)
def test_garbage_in_a_link_is_told_and_left_out(store: Path, open_app: Open, query: dict[str, str]) -> None:
    app = open_app(PAGE, **query)
    assert not app.exception
    assert "The link's" in words(app) or "A detector that the link names" in words(app)
    assert app.session_state["detect.plan"] == Plan(("keen", "blind"))


def test_a_plan_survives_its_link() -> None:
    plan = Plan(("a", "b"), 0.1, 96)
    assert read_plan(plan.to_query()) == (plan, [])


def test_a_large_photo_keeps_the_size_of_its_file() -> None:
    opened = open_photo("large.png", encoded("PNG", (2400, 1200)))
    assert isinstance(opened, Opened)
    assert opened.photo.shape == (800, 1600, 3)
    assert opened.whole == (2400, 1200)


def test_files_hold_every_face(store: Path) -> None:
    from pages.detecting.files import csv_file, json_file
    from vaelab.detection.photographs import Detector, detect
    from vaelab.detection.thresholds import AlarmThreshold

    model = FaceModel.load(Run.open(store / "checkpoints" / "keen"), with_latents=False)
    pixels = np.asarray(Image.open(io.BytesIO(encoded("PNG"))))
    found = [detect(pixels, [Detector(model, AlarmThreshold(-1e6, 1.0, ""))], "a.png")] * 2
    table = pd.read_csv(io.BytesIO(csv_file(found)))
    assert len(table) == 2 * len(found[0].faces) > 0
    records = json.loads(json_file(found))
    assert [len(record["faces"]) for record in records] == [len(found[0].faces)] * 2
    names = ["a.png", "a.png (2)"]
    assert list(table["photo"].unique()) == [record["photo"] for record in records] == names, "told apart"
