"""Taking in a run from elsewhere: unpacked apart, looked through, and only then put among the runs."""

import io
from pathlib import Path

from vaelab.errors import DataError
from vaelab.runs import archive
from vaelab.runs.store import RUNS_DIR, Run


def import_zip(file: Path | io.BytesIO, root: Path = RUNS_DIR) -> Run:
    """The run in a zip file that `vaelab.runs.archive.export_zip` made, as a new run; a taken id gets a number.

    Raises:
        DataError: the file is no zip, is damaged, or holds something that no run folder has.
        CheckpointError: its weights are not those of the network that its config describes.
        RunError: its config does not fit this version, or `root` cannot be written to.
    """
    return archive.import_zip(file, root, check_contents)


def check_contents(run: Run) -> None:
    """Refuse weights of another network, and tables that cannot be read. Nothing is unpickled.

    Raises:
        CheckpointError, DataError: names the file and what is wrong with it.
    """
    import pandas as pd
    import torch

    from vaelab.evaluation.frames import TrainingFrames
    from vaelab.models import build_model
    from vaelab.runs.checkpoints import check_weights, read_checkpoint
    from vaelab.runs.frames import has_frames

    if run.weights_path.is_file():
        with torch.device("meta"):  # shapes alone: a config may describe a network larger than the memory
            network = build_model(run.config)
        check_weights(network, read_checkpoint(run.weights_path).tensors, "the archive's weights-latest.safetensors")
    for path in (run.state_path, run.latents_path, run.directions_path, run.priors_path):
        if path.is_file():
            read_checkpoint(path)
    if has_frames(run):
        TrainingFrames.read(run)
    table = run.latents_path.with_suffix(".parquet")
    if table.is_file():
        try:
            pd.read_parquet(table)
        except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
            raise DataError(f"the archive is refused: its {table.name} is damaged ({error})") from error
