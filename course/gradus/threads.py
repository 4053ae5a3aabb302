"""One thread for small matrices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """While this lasts, NumPy multiplies matrices with one thread.

    Matrices of a few thousand numbers gain nothing from more, and where other programs keep the processors busy they
    lose much: threads wait for each other after every product. Unit 04's sweep, on two busy cores, took 159 s with two
    threads and 13 s with one. At the end the number is again what it was.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
