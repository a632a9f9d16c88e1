"""Add a trained low-rank change (LoRA, Hu et al. 2021) to the weights of a sentence-transformers model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from matching.errors import EncoderUnavailable

Change = Mapping[str, npt.NDArray[np.float16]]
"""For each changed layer ``NAME.A`` of shape (rank, inputs) and ``NAME.B`` of shape (outputs, rank)."""


def transformer(model: Any) -> Any:
    """Return the transformer inside a sentence-transformers model."""
    first = model[0]
    return getattr(first, "auto_model", None) or first.model


def add(model: Any, change: Change) -> None:
    """Add B @ A to the weights of each layer, in place; raises `EncoderUnavailable` where a layer is not there."""
    import torch  # heavy, and loaded by then

    inside = transformer(model)
    with torch.no_grad():
        for name in sorted({key.rpartition(".")[0] for key in change}):
            moved = change[f"{name}.B"].astype(np.float32) @ change[f"{name}.A"].astype(np.float32)
            try:
                weight = inside.get_submodule(name).weight
                weight += torch.from_numpy(moved)
            except (AttributeError, RuntimeError) as error:
                raise EncoderUnavailable(f"The adapter does not belong to this model: {name}.") from error
