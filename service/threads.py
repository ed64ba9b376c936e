"""What the threads of one process may take: cores, and heaps.

An answer uses one core, since requests are what runs at the same time.

NumPy's and FAISS's own threads wait for each other in busy loops. On two cores a match over 100,000
vectors cost two and a half times the processor time with them, and was no faster.
"""

from __future__ import annotations

import ctypes
import threading
from contextlib import suppress
from typing import Final

from threadpoolctl import threadpool_limits

M_ARENA_MAX: Final = -8
"""Of glibc's `mallopt`."""
ARENAS: Final = 2

_this = threading.local()


def keep_to_few_heaps() -> None:
    """Have all threads share two heaps, where the C library is glibc.

    It gives them up to eight a core, and what one of them has freed serves no other: in half an
    hour of requests from all sides a process grew by 50 MB, and by half of that with two heaps.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def keep_to_one_thread() -> None:
    """Have NumPy and FAISS compute in the thread that calls them; FAISS, for this thread alone."""
    if not getattr(_this, "keeps", False):
        threadpool_limits(limits=1)
        _this.keeps = True
