"""Any program that reads a folder of DICOM and writes JSON, SEG or SR into another folder.

It runs inside the model's isolated process: no network, and the same limits.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from pathlib import Path

from overread.adapters.runner.command_dicom import read_dicom_output
from overread.adapters.runner.command_json import JSON_OUTPUT, read_json_output
from overread.model.card_file import CommandSpec, read_card_file, resolve_program
from overread.model.prediction import PredictedFinding, Prediction, Progress
from overread.study.volume import read_volume
from overread.vocabulary.errors import Defect, LimitExceeded, Rejected

MAX_OUTPUT_FILES = 200


def run_command(
    card_path: Path, series: Path, scratch: Path, is_network_cut: bool, progress: Progress
) -> Prediction:
    """Run the program of a card file on a series and read what it wrote.

    Raises:
        Rejected: it may not run here, since the network can't be cut off.
        LimitExceeded: it passed a bound.
        Defect: it failed, or wrote what can't be read; the message says what and the rule.
    """
    described = read_card_file(card_path)
    spec, title = described.command, described.card.title
    if spec is None:
        raise Rejected(f"The card {card_path.name} has no table [command].")
    if not (is_network_cut or spec.may_reach_network):
        raise Rejected(
            f"{title} was not run: this machine does not let its network be cut off (it needs the "
            "right to make user or network namespaces). Grant that, or write "
            "may_reach_network = true into the card if you trust the program."
        )
    output = scratch / "output"
    output.mkdir(mode=0o700)
    progress(0.1, "running the program")
    _run(spec, title, series, output, described.card.memory_bytes)
    progress(0.85, "reading what it wrote")
    try:
        return _read_output(output, series, dict(spec.segments))
    except Rejected as error:
        raise Defect(f"What {title} wrote can't be taken: {error.message}") from error


def _run(spec: CommandSpec, title: str, series: Path, output: Path, memory_bytes: int) -> None:
    program = resolve_program(spec)
    if program is None:
        raise Rejected(f"The program of {title} is not there.")
    places = {"{input}": str(series), "{output}": str(output)}
    words = [program]
    for word in spec.program[1:]:
        filled = word
        for mark, place in places.items():
            filled = filled.replace(mark, place)
        beside = spec.folder / word
        words.append(str(beside) if "{" not in word and beside.is_file() else filled)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "OVERREAD"))
    }
    try:
        # Its standard output is ours, which is the kept log.
        ended = subprocess.run(words, stdin=subprocess.DEVNULL, env=environment, check=False)
    except OSError as error:
        raise Defect(f"The program of {title} can't be started: {error.strerror}.") from error
    if ended.returncode == 0:
        return
    if ended.returncode == -signal.SIGXFSZ:
        raise LimitExceeded(f"{title} wrote more than it may to its scratch folder.")
    if ended.returncode == -signal.SIGXCPU:
        raise LimitExceeded(f"{title} used more processor time than it may.")
    peak_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    if peak_bytes > 0.8 * memory_bytes:
        raise MemoryError
    raise Defect(f"The program of {title} ended with status {ended.returncode}.")


def _read_output(output: Path, series: Path, names: dict[str, str]) -> Prediction:
    files = sorted(path for path in output.rglob("*") if path.is_file() and not path.is_symlink())
    if len(files) > MAX_OUTPUT_FILES:
        raise LimitExceeded(f"{len(files)} files; at most {MAX_OUTPUT_FILES} are read.")
    volume = read_volume(series)
    findings: list[PredictedFinding] = []
    notices: tuple[str, ...] = ()
    has_answer = False
    for path in files:
        if path.name == JSON_OUTPUT:
            prediction = read_json_output(path, volume)
            findings.extend(prediction.findings)
            notices = prediction.notices
            has_answer = True
        elif path.suffix == ".dcm":
            findings.extend(read_dicom_output(path, volume, names))
            has_answer = True
    if not has_answer:
        raise Rejected(
            f"the output folder holds neither {JSON_OUTPUT} nor a *.dcm file. A program that finds "
            f'nothing writes {JSON_OUTPUT} with {{"findings": []}}.'
        )
    return Prediction(tuple(findings), notices)
