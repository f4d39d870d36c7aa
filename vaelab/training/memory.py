"""Memory that one training step frees, kept for the next one."""

import ctypes

import pyarrow as pa
import torch

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Numbers of the two settings in malloc.h."""
KEPT, KEPT_BY_OLD = 2**30, 2**25
"""Bytes that a piece of memory, or all that is free at the heap's end, may have to be kept; for a piece, an older glibc
takes no more than the second."""


def keep_freed_memory(device: torch.device) -> bool:
    """Have the C library keep what is freed, in this process from now on, if it trains on the CPU.

    As it comes, glibc gives large pieces back to the system at once, and gets cleared pages for the next one: a step
    frees and asks for hundreds of megabytes, page by page (`benchmarks/keeping.py` counts them and the time they take).
    Another C library is left as it is. Arrow, which reads labels, is told to take its memory from there too, instead
    of keeping its own beside it.

    Source: mallopt(3).

    Returns:
        Whether the C library was asked, and took it.
    """
    if device.type != "cpu":
        return False
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no such function; no such library; Windows
        return False
    keeps_pieces = any(mallopt(MMAP_THRESHOLD, size) for size in (KEPT, KEPT_BY_OLD))
    return bool(mallopt(TRIM_THRESHOLD, KEPT)) and keeps_pieces
