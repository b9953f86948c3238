"""What happens in the model's process once it is isolated: read, predict, write down."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from overread.adapters.runner.wire import write_prediction
from overread.model.prediction import Plugin, Prediction, Predictor, Progress
from overread.study.volume import read_volume
from overread.vocabulary.errors import LimitExceeded, OverreadError, Rejected

_MAX_WORDS = 300


def work(
    request: dict[str, Any], is_network_cut: bool, tell: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Run the model of a request; returns how it ended, as `model_runner._judge` reads it."""

    def progress(share: float, message: str) -> None:
        tell({"share": min(max(float(share), 0.0), 1.0), "message": str(message)[:_MAX_WORDS]})

    try:
        prediction = _predict(request, is_network_cut, progress)
        progress(0.98, "writing the answer")
        write_prediction(prediction, Path(request["scratch_folder"]))
    except OverreadError as error:
        return {"end": _name_end(error), "message": error.message}
    except MemoryError:
        return {"end": "memory"}
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise any class: it ends here
        traceback.print_exc()
        is_full = isinstance(error, OSError) and error.errno == errno.EFBIG
        return {"end": "disk"} if is_full else {"end": "crash", "class": type(error).__name__}
    return {"end": "done"}


def _predict(request: dict[str, Any], is_network_cut: bool, progress: Progress) -> Prediction:
    series, source = Path(request["series_folder"]), str(request["source"])
    if request["kind"] == "command":
        run_command = EntryPoint("", "overread.adapters.runner.command:run_command", "").load()
        scratch = Path(request["scratch_folder"])
        answer: Prediction = run_command(Path(source), series, scratch, is_network_cut, progress)
        return answer
    predictor = _load(str(request["kind"]), source)
    progress(0.05, "reading images")
    return predictor.predict(read_volume(series), progress)


def _load(kind: str, source: str) -> Predictor:
    """Imports the model's own modules, so it is called in the isolated process alone."""
    if kind == "onnx":
        loader = EntryPoint(kind, "overread.adapters.runner.onnx:load_onnx", "").load()
        onnx: Predictor = loader(Path(source))
        return onnx
    plugin: Plugin = EntryPoint(kind, source, "overread.models").load()()
    return plugin.load()


def _name_end(error: OverreadError) -> str:
    if isinstance(error, LimitExceeded):
        return "limit"
    return "rejected" if isinstance(error, Rejected) else "defect"
