"""The one place where it is chosen what computes."""

from __future__ import annotations

import os
from typing import Any


def device(prefer: str | None = None) -> Any:
    """The torch device to compute on: a GPU where there is one (cuda, else mps), else the processor.

    Args:
        prefer: "cpu", "cuda", "cuda:1", "mps"; without it $GRADUS_DEVICE, then what there is.

    Raises:
        ValueError: the device that was asked for is not there; says what is, and how to get a GPU in Colab.
    """
    import torch

    asked = prefer or os.environ.get("GRADUS_DEVICE") or ""
    there = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
    if not asked:
        return torch.device("cuda" if "cuda" in there else there[-1])
    kind, _, number = asked.partition(":")
    if kind not in there or (kind == "cuda" and number and int(number) >= torch.cuda.device_count()):
        raise ValueError(
            f"There is no device {asked!r} here; there is: {', '.join(there)}. In Colab a GPU is had by Runtime > "
            "Change runtime type > GPU, and running the notebook from the top."
        )
    return torch.device(asked)
