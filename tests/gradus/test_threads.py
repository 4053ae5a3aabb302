"""One thread for small matrices, and what was set before afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from gradus.threads import one_thread


def threads():
    """Threads of each library of linear algebra that is loaded."""
    np.ones((2, 2)) @ np.ones((2, 2))
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_one_thread_while_it_lasts():
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        with one_thread():
            assert threads() == [1] * len(before)
        assert threads() == before


def test_threads_come_back_after_an_error():
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        with pytest.raises(ZeroDivisionError), one_thread():
            _ = 1 / 0
        assert threads() == before
