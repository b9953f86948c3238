"""What a model's process may not do, asked of the kernel before anything else is imported.

    server ── A  waits, in a process group of its own
              └─ B  first process of a new process space without network: its end ends all below
                 └─ C  the model, with limits on memory, CPU and file size

A, B and C ask to be killed when their parent ends, so nothing outlives a killed server. Where the
kernel grants no new spaces (a container without the right) there is no B: A inherits every
orphan below it and kills them all when C ends, when it is asked to end, or when the server does.
Limits remain, Python's own sockets are refused, and `Isolation.is_network_cut` says that a
program could still reach the network.

Only the standard library is imported here: the forks happen while the process is small.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36
_CLONE_NEWUSER = 0x10000000  # <linux/sched.h>
_CLONE_NEWPID = 0x20000000
_CLONE_NEWNET = 0x40000000

_BASE_BYTES = 512 * 1024**2
"""What an interpreter with numpy and pydicom takes beside the model's own memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run.

    Attributes:
        memory_bytes: private writable memory of a process.
        disk_bytes: largest file; the caller watches their sum.
        cpu_seconds: of all cores together.
    """

    memory_bytes: int
    disk_bytes: int
    cpu_seconds: int


@dataclass(frozen=True, slots=True)
class Isolation:
    """What the kernel granted."""

    is_network_cut: bool


def die_with_parent(parent: int) -> None:
    """Be killed when the parent ends; at once if it already has.

    Args:
        parent: process id of the parent as seen from here, 0 where it lies outside this process
            space.
    """
    _libc().prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def enter(limits: Limits) -> Isolation:
    """Fork into isolation; returns in the process that shall run the model.

    The processes above it wait, and end with its exit status (128 + signal where it was killed;
    `EXIT_MEMORY` where the kernel or an allocator ended it at its memory bound).
    """
    is_cut = _unshare()
    if is_cut:
        _fork_and_wait(limits, is_first_of_space=True)
        _fork_and_wait(limits, is_first_of_space=False)
    else:
        _fork_under_guard(limits)
    _apply(limits)
    _refuse_sockets()
    return Isolation(is_network_cut=is_cut)


EXIT_MEMORY = 97
EXIT_CPU = 98


def _unshare() -> bool:
    user, group = os.getuid(), os.getgid()
    libc = _libc()
    if libc.unshare(_CLONE_NEWNET | _CLONE_NEWPID) == 0:
        return True
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWPID) != 0:
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    except OSError:
        # The process then runs as "nobody" in its own eyes; files still open as before.
        return True
    return True


def _fork_and_wait(limits: Limits, *, is_first_of_space: bool) -> None:
    """Go on in a new process; the old one waits for it and ends as it ended."""
    parent = 0 if is_first_of_space else os.getpid()
    child = os.fork()
    if child == 0:
        die_with_parent(parent)
        return
    _wait_and_end(child, limits)


def _fork_under_guard(limits: Limits) -> None:
    """As `_fork_and_wait`, where no process space ends what the model leaves behind."""
    _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, _end_with_all)
    # Until now the server's end killed this process, which from here on has others to end first.
    _libc().prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent(parent)
        return
    _wait_and_end(child, limits, kill_rest=True)


def _end_with_all(_number: int, _frame: object) -> NoReturn:
    _kill_all_below()
    os._exit(128 + signal.SIGTERM)


def _kill_all_below() -> None:
    """Kill every descendant: the children of a killed one come to this process, and go next."""
    try:
        while True:
            for child in _list_children(os.getpid()):
                os.kill(child, signal.SIGKILL)
            os.wait()
    except ChildProcessError:
        return


def _list_children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name in brackets may hold anything; the parent is the second field behind it.
            after_name = (entry / "stat").read_text(errors="replace").rpartition(")")[2]
        except OSError:
            continue
        if int(after_name.split()[1]) == parent:
            found.append(int(entry.name))
    return found


def _wait_and_end(child: int, limits: Limits, *, kill_rest: bool = False) -> NoReturn:
    _close_pipes()
    while True:
        pid, status, usage = os.wait4(-1, 0)
        if pid == child:
            if kill_rest:
                _kill_all_below()
            os._exit(_to_exit_code(status, usage.ru_maxrss * 1024, limits))


def _close_pipes() -> None:
    """Let go of the pipes to the server, so that it sees their end when the model ends."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _to_exit_code(status: int, peak_bytes: int, limits: Limits) -> int:
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status)
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        return EXIT_CPU
    is_death_of_memory = number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL, signal.SIGBUS)
    if is_death_of_memory and peak_bytes > 0.8 * limits.memory_bytes:
        return EXIT_MEMORY
    return 128 + number


def _apply(limits: Limits) -> None:
    memory = limits.memory_bytes + _BASE_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.disk_bytes, limits.disk_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


_NETWORK_EVENTS = frozenset(
    {
        "socket.connect",
        "socket.bind",
        "socket.sendto",
        "socket.sendmsg",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
    }
)


def _refuse_sockets() -> None:
    """Python code gets a clear refusal instead of a time-out in an empty network."""

    def refuse(event: str, _arguments: tuple[Any, ...]) -> None:
        if event in _NETWORK_EVENTS:
            raise PermissionError("A model has no network.")

    sys.addaudithook(refuse)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
