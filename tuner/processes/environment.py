"""A worker process's part of the machine: the number of workers, their threads, GPUs and environment variables."""

from __future__ import annotations

import os
import subprocess
import sys

from tuner.core.machine import cpu_cores, keras_backend
from tuner.options.run_options import Device
from tuner.processes.kernels import training_variables

WORKERS_PER_GPU = 4
_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
_SAME_SUMS = "--xla_gpu_deterministic_ops=true"
"""JAX's flag for deterministic GPU kernels; for TensorFlow `prepare_device` sets the same."""


def default_size(device: Device, gpus: int) -> int:
    """Return the default number of workers: one a core on a CPU, several a GPU."""
    return gpus * WORKERS_PER_GPU if device != "cpu" and gpus else cpu_cores()


def worker_environment(number: int, gpus: int, backend: str | None = None) -> dict[str, str]:
    """Return the environment variables of a worker: one thread, no logging, its GPU or none, fixed kernels.

    Args:
        number: its place among the workers.
        gpus: how many they share.
        backend: Keras's; None: that of this process.
    """
    environment = dict(os.environ)
    if backend is not None:
        environment["KERAS_BACKEND"] = backend
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[variable] = "1"
    environment |= {
        **training_variables(),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONUNBUFFERED": "1",
        "CUDA_VISIBLE_DEVICES": _gpu_of(number, gpus) if gpus else "-1",
    }
    given = environment.get("XLA_FLAGS", "")
    if not gpus:
        environment["JAX_PLATFORMS"] = "cpu"
        environment["XLA_FLAGS"] = f"{given} {_ONE_THREAD}".strip()
    elif (backend or keras_backend()) == "jax":
        # The last flag counts, so a user's own setting wins.
        environment["XLA_FLAGS"] = f"{_SAME_SUMS} {given}".strip()
    return environment


def _gpu_of(number: int, gpus: int) -> str:
    """Return the GPU of a worker, as CUDA names it: by turns, of those that this process may see."""
    visible = _visible_gpus() or [str(gpu) for gpu in range(gpus)]
    return visible[number % min(gpus, len(visible))]


def _visible_gpus() -> list[str]:
    """Return the GPUs in `CUDA_VISIBLE_DEVICES`; empty where it is not set."""
    return [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]


def count_gpus() -> int:
    """Return the number of NVIDIA GPUs that this process may use, without starting any: by `nvidia-smi --list-gpus`, and
    `CUDA_VISIBLE_DEVICES` where it is set.
    """
    if (visible := _visible_gpus()) or "CUDA_VISIBLE_DEVICES" in os.environ:
        return 0 if "-1" in visible else min(len(visible), _machine_gpus())
    return _machine_gpus()


def _machine_gpus() -> int:
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def prepare_device() -> None:
    """Give TensorFlow one thread, growing GPU memory and deterministic kernels; to be called before the backend starts."""
    if keras_backend() != "tensorflow":
        return
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
