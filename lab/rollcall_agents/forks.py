"""The program that runs modules: it imports each once, and is forked for every call.

A Python of its own would take ten times as long to import what a module needs as the module runs.
`python -m rollcall_agents.forks N`: calls come in over the socket of file descriptor N.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import sys

# What modules import only once they are called.
LIBRARIES = ("consul", "docker")
LONGEST_CALL = 1 << 17


def next_call(calls: socket.socket) -> str:
    """The name of the module that this process, a fork, is to run: it is as the caller wants it.

    A call brings the module's name with its environment, and as files standard input, output and
    error, and where the exit status is written. Who calls no more ends the program.
    """
    while True:
        message, files, _flags, _address = socket.recv_fds(calls, LONGEST_CALL, 4)
        if not message:
            sys.exit()
        name, environment = json.loads(message)
        _prepare(name)
        *streams, ended = files
        # Two forks: the kernel tells a status to the parent alone, and we wait for other calls.
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            child = os.fork()
            if child:
                _, status = os.waitpid(child, 0)
                os.write(ended, bytes([os.waitstatus_to_exitcode(status) % 256]))
                os._exit(0)
            for descriptor, stream in enumerate(streams):
                os.dup2(stream, descriptor)
            os.environ.clear()
            os.environ.update(environment)
            calls.close()
            return str(name)
        for file in files:
            os.close(file)


def _prepare(name: str) -> None:
    """Import for all forks; where that fails, the fork that needs it says so."""
    with contextlib.suppress(ImportError):
        importlib.import_module(name)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for library in LIBRARIES:
        _prepare(library)
    # A module would take an argument for its options.
    number = int(sys.argv.pop())
    importlib.import_module(next_call(socket.socket(fileno=number))).main()
