"""Kernels for dense prediction: torch first, Triton and C++ where they help. Knows no config and no registry."""
