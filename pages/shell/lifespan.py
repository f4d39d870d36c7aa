"""What happens once per server: fast sockets, a warm model before the first visitor, a clean end."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import streamlit as st

from pages.datasets.uploads import sweep
from pages.shell.endings import end_all
from pages.shell.faces import draw, record
from pages.shell.loaders import decoder_runs, load_model
from pages.shell.pictures import keepsake
from pages.shell.warming import server_ends, server_starts, warming_up
from vaelab.editing.recipe import FaceRecipe, fit_to_model
from vaelab.editing.sliders import edited_latent
from vaelab.errors import VaelabError
from vaelab.jobs import advance
from vaelab.runs.decoders import keep_drawn
from vaelab.runs.store import RUNS_DIR

log = logging.getLogger("vaelab.pages")
STOP_TIMEOUT_SECONDS = 20.0


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Set up the server, serve, warm up behind the first page, and let that end before the interpreter does."""
    send_small_packets_at_once()
    server_starts()
    warming = threading.Thread(target=behind_the_first_page, name="warm-up", daemon=True)
    warming.start()
    try:
        yield
    finally:
        server_ends()
        with anyio.CancelScope(shield=True):  # a daemon thread still importing torch would abort the interpreter
            await anyio.to_thread.run_sync(warming.join, STOP_TIMEOUT_SECONDS)
            await anyio.to_thread.run_sync(end_all)


def behind_the_first_page() -> None:
    """What the server does once nobody waits for it."""
    with warming_up() as is_wanted:
        if is_wanted:
            warm_up()
    if is_wanted:
        sweep()
        go_on()


def warm_up() -> None:
    """Load the model that a visitor meets first, then keep all that was imported out of collections."""
    try:
        for run in decoder_runs()[:1]:
            model = load_model(run)
            recipe, _ = fit_to_model(FaceRecipe(model=run.id), model)
            z = edited_latent(model, recipe)
            picture = keepsake(draw(model, z), record(model, recipe), model.size)
            keep_drawn(run, model.weights_fingerprint, z, picture)
    except VaelabError as error:  # the page says the same to whoever opens it
        log.warning("no model is warm: %s", error)
    gc.collect()
    gc.freeze()


def go_on() -> None:
    """Start what waits in the queue: nobody did while the server was away. Trainings under way never noticed."""
    try:
        advance(RUNS_DIR)
    except VaelabError as error:
        log.warning("the queue does not go on: %s", error)


def send_small_packets_at_once() -> None:
    """Set TCP_NODELAY on the process's listening sockets, which accepted connections inherit.

    The server loses the option on Linux, and then every keep-alive request waits 40 ms for an acknowledgement.
    Elsewhere there is no /proc and nothing to mend.
    """
    for listener in _listening_sockets():
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _listening_sockets() -> Iterator[socket.socket]:
    """Duplicates of this process's listening TCP sockets, closed after use."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        return
    for entry in list(descriptors.iterdir()):
        with contextlib.suppress(OSError, ValueError):
            if not str(entry.readlink()).startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as candidate:
                is_tcp = candidate.family in (socket.AF_INET, socket.AF_INET6) and candidate.type == socket.SOCK_STREAM
                if is_tcp and candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    yield candidate
