"""Take from a test what root may do and others may not."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

CAPABILITY_VERSION_3 = 0x20080522
DAC_OVERRIDE = 1 << 1

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Let the modes of files and folders bind this thread, also as root."""
    header, sets = _Header(CAPABILITY_VERSION_3, 0), (_Sets * 2)()
    _call(_libc.capget, header, sets)
    before = sets[0].effective
    sets[0].effective = before & ~DAC_OVERRIDE
    _call(_libc.capset, header, sets)
    try:
        yield
    finally:
        sets[0].effective = before
        _call(_libc.capset, header, sets)


def _call(function: ctypes._FuncPointer, header: _Header, sets: ctypes.Array[_Sets]) -> None:
    if function(ctypes.byref(header), ctypes.byref(sets)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
