"""How many cores one answer uses: one, since requests are what runs at the same time.

NumPy's and FAISS's own threads wait for each other in busy loops. On two cores a match over 100,000
vectors cost two and a half times the processor time with them, and was no faster.
"""

from __future__ import annotations

import threading

from threadpoolctl import threadpool_limits

_this = threading.local()


def keep_to_one_thread() -> None:
    """Have NumPy and FAISS compute in the thread that calls them; FAISS, for this thread alone."""
    if not getattr(_this, "keeps", False):
        threadpool_limits(limits=1)
        _this.keeps = True
