"""The hands on a training. What a button may do is decided in the core; here it is only asked for."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.live.words import CAN_RESUME
from vaelab import jobs
from vaelab.config import TrainConfig, options
from vaelab.errors import ConfigError
from vaelab.runs.control import SETTINGS, check_request
from vaelab.runs.store import Run, RunStatus


def controls(run: Run, status: RunStatus) -> None:
    """The buttons that fit the run's state, and what was asked for and is not done yet."""
    with st.container(horizontal=True, vertical_alignment="center", key="live.controls"):
        if status.is_alive:
            _while_alive(run, status)
        elif status.state == "queued":
            if st.button("Leave the queue", icon=":material/close:", key="live.leave"):
                jobs.stop(run)
                st.rerun(scope="app")
        elif status.state in CAN_RESUME and st.button(
            "Resume", icon=":material/play_arrow:", type="primary", key="live.resume"
        ):
            jobs.resume(run)
            st.rerun(scope="app")
    if asked := _asked(run, status):
        st.caption(f":material/schedule: Asked for: {asked}. The training answers within a step.")


def _while_alive(run: Run, status: RunStatus) -> None:
    if status.state == "paused":
        if st.button("Resume", icon=":material/play_arrow:", type="primary", key="live.unpause"):
            run.request(pause=False)
    elif st.button("Pause", icon=":material/pause:", key="live.pause", help="It keeps its memory and waits."):
        run.request(pause=True)
    if st.button("Stop", icon=":material/stop:", key="live.stop", help="It saves its state and ends; resume goes on."):
        jobs.stop(run)
    if st.button("Save now", icon=":material/save:", key="live.save", help="Weights and state, before their time."):
        run.request(save_now=True)
    with st.popover("Change settings", icon=":material/tune:", key="live.change"):
        _settings(run)


def _settings(run: Run) -> None:
    """New values for the settings that may change on the way; what is in force now is filled in."""
    now = run.settings_now
    values: dict[str, float] = {}
    for name, value, about in _changeable(now):
        values[name] = st.number_input(
            name.replace("_", " ").capitalize(),
            value=float(value),
            step=float(f"{value / 10:.1g}") if value else 0.1,
            format="%g",
            key=f"live.{run.id}.{name}.{value:g}",  # another value in force is another widget
            help=about.help,
        )
    changed = {name: value for name, value in values.items() if value != _value(now, name)}
    refused = _refused(run.config, changed)
    st.caption("Counts from the next step on, through the same warm-up and schedule, and is kept in the run's record.")
    if st.button("Apply", type="primary", key="live.apply"):  # never disabled: a typed number counts once it is left
        if refused:
            said = "Nothing was changed: first correct what is marked red."
        elif changed:
            run.request(**changed)
            said = f"Asked for {_words(changed)}."
        else:
            said = "Nothing was changed."
        st.toast(said, icon=":material/tune:")
    for text in refused:
        st.error(text, icon=":material/error:")


def _refused(config: TrainConfig, values: dict[str, float]) -> list[str]:
    """What is wrong with the new values, in sentences."""
    sentences = []
    for name, value in values.items():
        try:
            check_request(config, name, value)
        except ConfigError as error:
            sentences.append(str(error))
    return sentences


def _changeable(config: TrainConfig) -> list[tuple[str, Any, Any]]:
    """(name, value, option) of the settings that this model has and that may change while it trains."""
    wanted = [name for name in SETTINGS if config.has_decoder or name != "beta"]
    return [(name, value, about) for _, name, _, value, about in options(config) if name in wanted]


def _value(config: TrainConfig, name: str) -> Any:
    return next(value for _, found, _, value, _ in options(config) if found == name)


def _asked(run: Run, status: RunStatus) -> str:
    """What waits to be done, in words; empty where nothing does."""
    if not status.is_alive:
        return ""
    asked = run.control
    waits = {name: getattr(asked, name) for name in SETTINGS if getattr(asked, name) is not None}
    words = [_words(waits)] if waits else []
    if asked.pause is not None:
        words.append("pause" if asked.pause else "resume")
    if asked.save_now:
        words.append("save")
    if run.is_cancel_requested:
        words.append("stop")
    return ", ".join(words)


def _words(values: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in values.items())
