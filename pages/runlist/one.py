"""One run: labels of one's own, files to take away, deletion with a way back; and runs brought from elsewhere."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from pages.live.words import CAN_RESUME, UNDER_WAY, look
from pages.results.panel import result_panel
from pages.shell.boundary import error_boundary
from pages.shell.cautions import cautions
from pages.shell.loaders import find
from pages.studio.state import show_in
from vaelab import jobs
from vaelab.errors import RunError, VaelabError
from vaelab.jobs.exchange import import_zip
from vaelab.runs.archive import export_zip
from vaelab.runs.store import RUNS_DIR, Run
from vaelab.runs.tensorboard import export_tensorboard
from vaelab.runs.trash import restore, trash, trashed

DELETED = "runs.deleted"
"""Session: names of run folders in the trash that this visitor deleted, latest last."""
MOST_IMPORT_MB = 2_000


@st.fragment
@error_boundary
def one_run(run_id: str, train_page: Path) -> None:
    """What can be done with one run."""
    run = find(run_id)
    try:
        status, _ = run.status, (run.config, run.tags)
    except RunError as error:
        st.subheader(run.id, anchor=False)
        st.error(str(error), icon=":material/error:")
        delete_button(run, disabled=run.is_shipped)
        return
    state = status.state
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(run.id, anchor=False, width="content")
        st.badge(status.state, icon=look(state).icon, color=look(state).color)
        st.page_link(train_page, label="Curves and control", icon=":material/show_chart:", query_params={"run": run.id})
    cautions(run.config)
    if state in ("failed", "lost"):
        st.error(status.message or look(state).meaning, icon=look(state).icon)
    labels(run)
    with st.container(horizontal=True, key="runs.actions"):
        if state in CAN_RESUME and st.button("Resume", icon=":material/play_arrow:", key="runs.resume"):
            jobs.resume(run)
            st.switch_page(train_page, query_params={"run": run.id})
        downloads(run)
        delete_button(run, disabled=run.is_shipped or state in UNDER_WAY)
    if run.is_shipped:
        st.caption("It ships with vaelab: tags and notes are yours, the run itself stays.")
    st.subheader("Results", anchor=False)
    result_panel(run, "runs.results")


def labels(run: Run) -> None:
    """Tags and notes, kept in the run folder for every visitor."""
    tags_key = show_in(f"runs.tags.{run.id}", list(run.tags))
    notes_key = show_in(f"runs.notes.{run.id}", run.notes)

    def keep_tags() -> None:
        run.set_record(tags=st.session_state[tags_key])

    def keep_notes() -> None:
        run.set_record(notes=st.session_state[notes_key])

    tags, notes = st.columns([2, 3])
    tags.multiselect(
        "Tags",
        list(run.tags),
        key=tags_key,
        accept_new_options=True,
        on_change=keep_tags,
        placeholder="Write one, press Enter",
    )
    notes.text_area("Notes", key=notes_key, on_change=keep_notes, height=68)


def downloads(run: Run) -> None:
    """The run as files; made when they are asked for."""
    whole, resumable = partial(export_zip, run), partial(export_zip, run, include_state=True)
    curves = partial(tensorboard_zip, run)
    kept = "Settings, curves, weights, latents: what pages and the command line need."
    _zip_button("Zip", run.id, whole, key="runs.zip", icon="folder_zip", about=kept)
    if run.state_path.is_file():
        resumed, name = "Can be resumed on another machine.", f"{run.id}-with-state"
        _zip_button("Zip with state", name, resumable, key="runs.zip.state", icon="save", about=resumed)
    events, name = "Event files of all curves.", f"{run.id}-tensorboard"
    _zip_button("TensorBoard", name, curves, key="runs.tensorboard", icon="monitoring", about=events)


def _zip_button(label: str, name: str, made: Callable[[], bytes], *, key: str, icon: str, about: str) -> None:
    st.download_button(
        label,
        made,
        file_name=f"{name}.zip",
        mime="application/zip",
        icon=f":material/{icon}:",
        on_click="ignore",
        key=key,
        help=about,
    )


def tensorboard_zip(run: Run) -> bytes:
    """The run's event files as a zip."""
    file = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        written = export_tensorboard(run, Path(folder))
        for path in sorted(written.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return file.getvalue()


def delete_button(run: Run, *, disabled: bool) -> None:
    """Move the run to the trash and offer it back, once pressed."""
    if not st.button(
        "Delete",
        icon=":material/delete:",
        key="runs.delete",
        disabled=disabled,
        help="It can be undone: the folder is moved, not erased.",
    ):
        return
    folder = trash(run)
    st.session_state.setdefault(DELETED, []).append(folder.name)
    st.toast(f"{run.id} is deleted; Undo brings it back.", icon=":material/delete:")
    st.rerun(scope="app")


def undo_bar() -> None:
    """The way back for what this visitor deleted last, as long as it lies in the trash."""
    there = {item.dir.name: item for item in trashed(RUNS_DIR)}
    mine = [name for name in st.session_state.get(DELETED, []) if name in there]
    if not mine:
        return
    last = there[mine[-1]]
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="runs.undo.bar"):
        st.markdown(f":material/delete: **{last.run_id}** was deleted.", width="stretch")
        if st.button("Undo", icon=":material/undo:", type="primary", key="runs.undo"):
            restore(last.dir)
            st.session_state[DELETED] = mine[:-1]
            st.rerun(scope="app")
        if st.button("Fine", key="runs.undo.close", help="It stays in the trash, under Deleted."):
            st.session_state[DELETED] = []
            st.rerun(scope="app")


@error_boundary
def deleted_runs() -> None:
    """What lies in the trash, whoever deleted it, each with its way back."""
    there = trashed(RUNS_DIR)
    if not there:
        return
    with st.expander(f"Deleted ({len(there)})", icon=":material/delete:", key="runs.trash"):
        for item in there:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{item.run_id}** · {item.deleted:%Y-%m-%d %H:%M} UTC", width="stretch")
                if st.button("Bring back", icon=":material/undo:", key=f"runs.restore.{item.dir.name}"):
                    st.toast(f"{restore(item.dir).id} is back.", icon=":material/undo:")
                    st.rerun(scope="app")
        st.caption("They take up disk until `python -m vaelab runs empty-trash`.")


def import_run() -> None:
    """A run from a zip file that another vaelab exported."""
    with st.expander("Import a run", icon=":material/upload_file:", key="runs.import"):
        uploaded = st.file_uploader(
            "A zip that vaelab exported", type=["zip"], max_upload_size=MOST_IMPORT_MB, key="runs.upload"
        )
        st.caption("Everything in it is checked first; nothing is run, unpickled or written outside its own folder.")
        if st.button("Import", disabled=uploaded is None, icon=":material/input:", key="runs.import.go"):
            assert uploaded is not None
            try:
                run = import_zip(io.BytesIO(uploaded.getvalue()), RUNS_DIR)
            except VaelabError as error:
                st.error(str(error), icon=":material/error:")
                return
            st.toast(f"{run.id} is here.", icon=":material/check_circle:")
            st.rerun(scope="app")
