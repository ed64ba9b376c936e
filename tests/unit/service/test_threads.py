from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

HEAPS = """
import ctypes, sys, threading
from service.threads import keep_to_few_heaps
if sys.argv[1] == "few":
    keep_to_few_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(12)
def take():
    together.wait()
    for _ in range(200):
        libc.malloc(50_000)  # the lock of Python is given up meanwhile
threads = [threading.Thread(target=take) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="needs glibc")
class TestKeepToFewHeaps:
    def heaps(self, how: str) -> int:
        made = subprocess.run(  # noqa: S603  this program itself
            [sys.executable, "-c", HEAPS, how], capture_output=True, text=True, check=True
        )
        return made.stdout.count("<heap nr=")

    def test_many_threads_share_two_heaps(self):
        assert self.heaps("few") <= 2

    def test_without_it_there_would_be_more(self):
        assert self.heaps("many") > 2
