"""What computes is chosen in one place."""

from __future__ import annotations

import pytest
import torch

import gradus


def test_without_a_gpu_the_processor_computes(monkeypatch):
    monkeypatch.delenv("GRADUS_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert gradus.device() == torch.device("cpu")


@pytest.mark.parametrize(("cuda", "mps", "best"), [(True, False, "cuda"), (False, True, "mps"), (True, True, "cuda")])
def test_a_gpu_is_taken_where_there_is_one(monkeypatch, cuda, mps, best):
    monkeypatch.delenv("GRADUS_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert gradus.device().type == best
    monkeypatch.setenv("GRADUS_DEVICE", "cpu")
    assert gradus.device().type == "cpu"
    assert gradus.device(best).type == best


@pytest.mark.parametrize("asked", ["cuda", "cuda:0", "tpu"])
def test_what_is_not_there_is_refused_with_what_is(monkeypatch, asked):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"there is: cpu.*Change runtime type"):
        gradus.device(asked)


def test_a_gpu_of_a_number_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert gradus.device("cuda:0").index == 0
    with pytest.raises(ValueError, match="cuda:3"):
        gradus.device("cuda:3")
