"""The data page: what is prepared, what is in it, pictures brought in, and subsets."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from pages.datasets import preparing, uploads
from pages.datasets.bring import BROUGHT
from pages.datasets.routes import ROUTES, open_store, rows_address
from pages.datasets.shelf import shelf, trainable
from pages.shell import lifespan
from tests.pages.conftest import ROOT
from tests.pages.driving import Open
from tests.pages.training_lab import DATA, prepare_data
from vaelab.data.prepare import prepare
from vaelab.data.sources import SOURCES, CsvTable
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError

PAGE = "data.py"


@pytest.fixture(autouse=True)
def _nothing_is_prepared() -> Iterator[None]:
    """Preparations live as long as the server; here, as long as a test."""
    yield
    preparing.stop_all()
    for standing in preparing.standings():
        preparing.put_away(standing.name)


def wait(name: str) -> preparing.Standing:
    """The preparation `name`, once it is over."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = next(standing for standing in preparing.standings() if standing.name == name)
        if found.is_over:
            return found
        time.sleep(0.02)
    pytest.fail(f"{name} is not over after a minute")


def pictures(count: int) -> dict[str, bytes]:
    """PNG files of noise by name."""
    random = np.random.default_rng(0)
    files = {}
    for index in range(count):
        buffer = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(buffer, "PNG")
        files[f"{index}.png"] = buffer.getvalue()
    return files


def write_labelled(folder: Path, columns: str, labels: Sequence[str]) -> None:
    """A folder of pictures and a labels.csv that gives each one of `labels`, values of `columns`."""
    folder.mkdir()
    rows = [f"file,{columns}"]
    for (name, content), label in zip(pictures(len(labels)).items(), labels, strict=True):
        (folder / name).write_bytes(content)
        rows.append(f"{name},{label}")
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")


def test_an_empty_shelf_says_what_to_do(open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert "synthetic-64" in app.info[0].value
    assert trainable(64) == ["synthetic-64"]


def test_counts_labels_and_samples_are_shown(lab: Path, open_app: Open) -> None:
    prepare_data(lab)
    app = open_app(PAGE)
    assert not app.exception
    assert not app.error
    assert app.header[0].value == DATA
    assert app.metric[0].value == "200"
    assert any("/data/pictures?store=drawn-16" in str(element.proto) for element in app.get("html"))


def test_damaged_and_unfinished_sets_are_named(lab: Path, open_app: Open) -> None:
    prepare_data(lab, 40)
    (lab / "data" / "half.partial").mkdir()
    (lab / "data" / "bad").mkdir()
    (lab / "data" / "bad" / "manifest.json").write_text("{", encoding="utf-8")
    app = open_app(PAGE)
    states = app.dataframe[0].value.set_index("Data set")["State"]
    assert states[DATA] == "ready"
    assert "unfinished" in states["half"]
    assert "cannot be read" in states["bad"]


def test_a_folder_is_prepared_in_the_background(lab: Path, open_app: Open) -> None:
    (lab / "mine").mkdir()
    for name, content in pictures(6).items():
        (lab / "mine" / name).write_bytes(content)
    app = open_app(PAGE)
    next(box for box in app.text_input if box.key == "data.path").set_value(str(lab / "mine")).run()
    next(box for box in app.text_input if box.key == "data.name").set_value("mine-32").run()
    next(box for box in app.selectbox if box.key == "data.size").set_value(32).run()
    next(button for button in app.button if button.key == "data.prepare").click().run()
    assert not app.exception
    assert wait("mine-32").error == ""
    assert len(DatasetStore.open(lab / "data" / "mine-32")) == 6
    app = open_app(PAGE)
    assert "6 pictures" in app.success[0].value


def test_the_untouched_form_crops_as_the_command_does(open_app: Open, tmp_path: Path) -> None:
    app = open_app(PAGE)
    kinds = {kind: SOURCES[kind](tmp_path) for kind in BROUGHT}
    assert {source.crop_name for source in kinds.values()} >= {"whole", "celeba", "centre-square"}
    for kind, source in kinds.items():
        next(box for box in app.selectbox if box.key == "data.kind").set_value(kind).run()
        crops = [box for box in app.selectbox if box.label == "Crop"]
        assert [box.value for box in crops] == ([source.crop] if hasattr(source, "crop") else [])
        for box in crops:
            assert any("detector" in words for words in box.options) == (kind != "class-folders")
            box.set_value("fit").run()
    assert not app.exception


@pytest.mark.parametrize("button", ["data.prepare", "data.check"])
def test_nothing_named_is_asked_for(open_app: Open, button: str) -> None:
    app = open_app(PAGE)
    next(found for found in app.button if found.key == button).click().run()
    assert [error.value for error in app.error] == ["Name a folder or file first."]
    next(box for box in app.get("button_group")).set_value("Upload").run()
    next(found for found in app.button if found.key == button).click().run()
    assert [error.value for error in app.error] == ["Choose an archive to upload first."]


def upload_faces(app: AppTest) -> AppTest:
    """The page with an archive of four pictures sent, and Prepare pressed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in pictures(4).items():
            archive.writestr(f"faces/{name}", content)
    next(box for box in app.get("button_group")).set_value("Upload").run()
    app.file_uploader[0].upload("faces.zip", packed.getvalue(), "application/zip").run()
    return next(button for button in app.button if button.key == "data.prepare").click().run()


def test_an_upload_is_prepared_and_leaves_nothing_behind(lab: Path, open_app: Open) -> None:
    app = upload_faces(open_app(PAGE))
    assert not app.exception
    assert wait("folder-64").error == ""
    store = DatasetStore.open(lab / "data" / "folder-64")
    assert store.labels["image_id"].tolist() == ["0.png", "1.png", "2.png", "3.png"]
    assert list((lab / "data" / ".uploads").iterdir()) == []


def test_an_upload_that_cannot_begin_leaves_nothing_behind(
    lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages.datasets import bring

    def taken(*_: object) -> None:
        raise DataError("somebody was quicker")

    monkeypatch.setattr(bring, "begin", taken)
    app = upload_faces(open_app(PAGE))
    assert [error.value for error in app.error] == ["somebody was quicker"]
    assert list((lab / "data" / ".uploads").iterdir()) == []


def test_an_upload_is_not_copied_for_a_name_that_is_being_prepared(lab: Path, open_app: Open) -> None:
    from vaelab.data.sources import Synthetic

    source = Synthetic(num_faces=40_000, num_nonfaces=0)
    preparing.begin(lambda: source, lab / "data" / "folder-64", 64)
    app = upload_faces(open_app(PAGE))
    assert "folder-64 is being prepared already" in app.error[0].value
    assert not (lab / "data" / ".uploads").exists()


def test_an_upload_that_fills_the_disk_is_told_and_leaves_nothing(
    lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    app = upload_faces(open_app(PAGE))
    assert "No space left on device" in app.error[0].value
    assert "make room" in app.error[0].value
    assert list((lab / "data" / ".uploads").iterdir()) == []


KILLED = """
import io, os
from pages.datasets.uploads import received
received(io.BytesIO(b"faces"))
os.kill(os.getpid(), 9)
"""


def test_uploads_of_a_killed_server_are_swept_and_no_others(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads.sweep()  # there is nothing yet
    killed = subprocess.run([sys.executable, "-c", KILLED], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert killed.returncode == -9
    (left,) = (lab / "data" / ".uploads").iterdir()
    assert (left / "archive").read_bytes() == b"faces"
    mine = uploads.received(io.BytesIO(b"mine"))
    monkeypatch.setattr(lifespan, "warming_up", lambda: contextlib.nullcontext(True))
    monkeypatch.setattr(lifespan, "warm_up", lambda: None)
    lifespan.behind_the_first_page()
    assert list((lab / "data" / ".uploads").iterdir()) == [mine.dir.absolute()]
    mine.delete()
    assert list((lab / "data" / ".uploads").iterdir()) == []


def test_what_fails_is_told_and_can_be_put_away(lab: Path) -> None:
    from vaelab.data.sources import Folder

    preparing.begin(lambda: Folder(lab / "nowhere"), lab / "data" / "x", 32)
    assert "nowhere" in wait("x").error
    preparing.put_away("x")
    assert preparing.standings() == []


def test_a_preparation_can_be_cancelled_and_goes_on_later(lab: Path) -> None:
    from vaelab.data.sources import Synthetic

    source = Synthetic(num_faces=40_000, num_nonfaces=0)
    preparing.begin(lambda: source, lab / "data" / "big", 64)
    preparing.cancel("big")
    assert "stopped on request" in wait("big").error
    assert [item.trouble[:10] for item in shelf() if item.name == "big"] == ["unfinished"]


def test_shares_say_their_counts_and_make_a_subset(lab: Path, open_app: Open) -> None:
    prepare_data(lab, 400)
    app = open_app(PAGE)
    label = next(box for box in app.selectbox if box.key == f"data.bias.{DATA}")
    label.set_value("skin").run()
    go = next(button for button in app.button if button.key == f"data.bias.{DATA}.go")
    assert go.disabled  # nothing is biased yet
    for name, share in (("dark", 10.0), ("medium", 0.0), ("light", 90.0)):
        next(s for s in app.slider if s.key == f"data.bias.{DATA}.skin.{name}").set_value(share).run()
    plan = next(frame.value for frame in app.dataframe if "kept" in frame.value)
    next(button for button in app.button if button.key == f"data.bias.{DATA}.go").click().run()
    assert not app.exception
    assert wait(f"{DATA}-skin").error == ""
    made = DatasetStore.open(lab / "data" / f"{DATA}-skin")
    training = made.labels[(made.labels["split"] == "train") & made.labels["is_face"]]
    assert training["skin"].value_counts().to_dict() == {
        name: kept for name, kept in zip(plan["group"], plan["kept"], strict=True) if kept
    }
    assert f"{DATA}-skin" in trainable(16)


def test_yes_or_no_labels_are_offered_wherever_groups_are_chosen(lab: Path, open_app: Open) -> None:
    labels = [f"{'train' if index < 30 else 'test'},{index % 2 == 0},{index % 4 == 0}" for index in range(40)]
    write_labelled(lab / "mine", "split,smiling,male", labels)
    prepare(CsvTable(lab / "mine"), lab / "data" / "mine-64", workers=1)
    app = open_app(PAGE)
    assert not app.exception
    assert not app.error
    boxes = {box.key: box.options for box in app.selectbox}
    assert boxes["data.rows.mine-64"] == boxes["data.bias.mine-64"] == ["smiling", "male"]
    assert boxes["data.by.mine-64"] == ["smiling", "male", "is_face"]
    assert [(s.label, s.value) for s in app.slider] == [("False", 50.0), ("True", 50.0)]
    assert {text.value for text in app.markdown} >= {"**True** · 20", "**False** · 20"}


def test_a_column_of_people_can_be_named(lab: Path, open_app: Open) -> None:
    write_labelled(lab / "mine", "person", [str(index % 2) for index in range(24)])
    app = open_app(PAGE)
    next(box for box in app.selectbox if box.key == "data.kind").set_value("csv").run()
    next(box for box in app.text_input if box.key == "data.path").set_value(str(lab / "mine")).run()
    next(box for box in app.text_input if box.key == "data.together").set_value("person").run()
    next(button for button in app.button if button.key == "data.prepare").click().run()
    assert wait("csv-64").error == ""
    store = DatasetStore.open(lab / "data" / "csv-64")
    assert store.manifest.settings["keep_together"] == "person"
    assert store.labels.groupby("person")["split"].nunique().tolist() == [1, 1]


def test_rows_are_shown_by_address_and_nothing_else(lab: Path) -> None:
    prepare_data(lab, 40)
    client = TestClient(Starlette(routes=ROUTES))
    good = client.get(rows_address(open_store(DATA), [0, 3, 5]))
    assert good.status_code == 200
    assert Image.open(io.BytesIO(good.content)).size == (48, 16)
    assert "immutable" in good.headers["cache-control"]
    for query, status in (
        ("store=../data/drawn-16&rows=0", 404),
        (f"store={DATA}&rows=99999", 400),
        (f"store={DATA}&rows=-1", 400),
        (f"store={DATA}&rows=", 400),
        (f"store={DATA}&rows={'~'.join(['0'] * 17)}", 400),
    ):
        assert client.get(f"/data/pictures?{query}").status_code == status
