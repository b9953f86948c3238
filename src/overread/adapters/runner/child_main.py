"""The model's process: isolated first, then the imports, then the model (`child_work`).

Standard input holds one JSON request. Standard output carries one JSON object a line: progress,
and last how it ended. Whatever the model prints goes to standard error, which is kept in the
scratch folder and never shown: it may hold identifiers.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from overread.adapters.runner.isolation import Limits, die_with_parent, enter


def main() -> None:
    """Run one request."""
    request = json.loads(sys.stdin.buffer.read())
    die_with_parent(request["parent"])
    isolation = enter(
        Limits(request["memory_bytes"], request["disk_bytes"], request["cpu_seconds"])
    )
    tell = _take_over_output()
    # Only now, when the forks are done: numpy starts threads, which a fork would lose.
    from overread.adapters.runner.child_work import work  # noqa: PLC0415

    tell(work(request, isolation.is_network_cut, tell))
    sys.stderr.flush()
    # Without the interpreter's tidying up: a plug-in's threads can't keep a finished process.
    os._exit(0)


def _take_over_output() -> Callable[[dict[str, Any]], None]:
    """Keep the pipe to the server for ourselves; the model's prints go to standard error."""
    pipe = os.dup(1)
    os.set_inheritable(pipe, False)
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def tell(message: dict[str, Any]) -> None:
        os.write(pipe, json.dumps(message).encode() + b"\n")

    return tell


if __name__ == "__main__":
    main()
