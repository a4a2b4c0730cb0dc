"""Copies nginx's log files to the container's output, without ever waiting for who reads it.

nginx writes into files on a tmpfs, which never blocks it. What was copied is given back to the file
system at once, so that the files hold only what nobody has read yet.
"""

from __future__ import annotations

import ctypes
import os
import pathlib

_CHUNK_BYTES = 1 << 20
# More than this waits for nobody: the oldest lines are dropped.
_MOST_BYTES = 8 << 20
# From linux/falloc.h: free the blocks of a range, and leave the size of the file.
_PUNCH_HOLE, _KEEP_SIZE = 0x02, 0x01
_LIBC = ctypes.CDLL(None, use_errno=True)
_PAGE_BYTES = 4096


class LogFile:
    """One log file and the open file descriptor that gets its content."""

    def __init__(self, path: pathlib.Path, output: int) -> None:
        """Create an empty file, before nginx opens it."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        self._output = output
        self._copied = self._freed = 0
        self.dropped_bytes = 0

    def copy(self) -> None:
        """Copy what is there, as far as the output takes it at once."""
        size = os.fstat(self._file).st_size
        while self._copied < size:
            data = os.pread(self._file, _CHUNK_BYTES, self._copied)
            try:
                self._copied += os.write(self._output, data)
            except BlockingIOError:
                break
            except OSError:
                # The reader has gone for good: nobody misses what follows.
                self._copied = size
        self._drop(size - _MOST_BYTES)
        self._free()

    def _drop(self, oldest: int) -> None:
        if self._copied < oldest:
            line = os.pread(self._file, _CHUNK_BYTES, oldest).find(b"\n") + 1
            self.dropped_bytes += oldest + line - self._copied
            self._copied = oldest + line

    def _free(self) -> None:
        """Give the copied pages back; a file system without this ability keeps them."""
        end = self._copied // _PAGE_BYTES * _PAGE_BYTES
        if end > self._freed:
            offset, length = ctypes.c_int64(self._freed), ctypes.c_int64(end - self._freed)
            _LIBC.fallocate(self._file, _PUNCH_HOLE | _KEEP_SIZE, offset, length)
            self._freed = end
