"""Kernels for dense prediction: torch first, Triton and C++ where they help.

Nothing here knows of configs or registries.
"""
