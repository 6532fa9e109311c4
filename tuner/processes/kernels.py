"""The environment variables that choose the kernels and the memory allocator of a process that trains."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Mapping

from tuner.core.machine import processor_features, processor_name

ONEDNN_VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
KERNEL_VARIABLES = (ONEDNN_VARIABLE, "ONEDNN_MAX_CPU_ISA", "XLA_FLAGS")
"""Environment variables that choose kernels: with other kernels a training gives other weights."""
_TUNABLES = "GLIBC_TUNABLES"
_MALLOC = {
    "glibc.malloc.arena_max": 1,
    "glibc.malloc.mmap_threshold": 2**30,
    "glibc.malloc.trim_threshold": 2**31,
    "glibc.malloc.top_pad": 2**26,
}
"""Keep freed memory in the process: else each step's tensors return to the system, and are faulted in again page by page."""
_DEFAULT_ONEDNN = ("avx512_vnni", "avx512_bf16", "avx_vnni", "amx_")
"""Prefixes of the features with which TensorFlow turns oneDNN on by itself."""


def training_variables() -> dict[str, str]:
    """Return the environment variables that make training fast, for a process that is about to start.

    oneDNN's convolutions, which TensorFlow uses unasked only on processors with AVX-512 VNNI and the like, and an allocator that
    keeps its memory (glibc only). What the user has set holds.
    """
    return {ONEDNN_VARIABLE: os.environ.get(ONEDNN_VARIABLE, "1"), **allocator_variables()}


def allocator_variables() -> dict[str, str]:
    """Return the part of `training_variables` that chooses how memory is kept; empty without glibc."""
    if platform.libc_ver()[0] != "glibc":
        return {}
    given = [tunable for tunable in os.environ.get(_TUNABLES, "").split(":") if tunable]
    names = {tunable.partition("=")[0] for tunable in given}
    return {_TUNABLES: ":".join([*given, *(f"{name}={n}" for name, n in _MALLOC.items() if name not in names)])}


def kernel_variables() -> dict[str, str]:
    """Return the variables of `KERNEL_VARIABLES` that a training process has."""
    environment = {**os.environ, **training_variables()}
    return {name: environment[name] for name in KERNEL_VARIABLES if name in environment}


def uses_onednn(variables: Mapping[str, str], features: Collection[str]) -> bool:
    """Return whether TensorFlow's kernels are oneDNN's: as the variable says, else by the processor."""
    default = any(feature.startswith(_DEFAULT_ONEDNN) for feature in features)
    return variables[ONEDNN_VARIABLE].lower() not in ("0", "false") if ONEDNN_VARIABLE in variables else default


def format_kernels() -> str:
    """Return a line about what training uses here: the processor, its vector instructions, oneDNN, the allocator."""
    features = processor_features()
    onednn = "on" if uses_onednn(kernel_variables(), features) else "off"
    kept = allocator_variables().get(_TUNABLES, "the C library's own")
    return f"{processor_name()} ({' '.join(features) or 'features unknown'}); oneDNN {onednn}; allocator: {kept}"
