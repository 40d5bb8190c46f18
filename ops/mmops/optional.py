"""Whether optional packages are there; nothing is imported for the answer before it is asked."""

from __future__ import annotations


def has_triton() -> bool:
    """Tells whether Triton is installed and drives the GPU of this machine."""
    from torch.utils._triton import has_triton as installed

    return installed()
