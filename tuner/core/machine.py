"""The versions of packages, the machine, the backend. Reads the system; initialises no device."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from tuner.core.errors import UsageError
from tuner.core.records import Json

BACKENDS = ("tensorflow", "jax")
"""Keras's backends that this program is tested with. PyTorch's is not one of them."""
_INSTALLED_AS = {"tensorflow": "tensorflow", "jax": '"mnist-tune[jax]"'}
PACKAGES = ("mnist-tune", "tensorflow", "keras", "keras-tuner", "numpy", "jax")
"""Distributions whose versions a run records, where they are installed."""


def versions() -> dict[str, str]:
    """Return package → version of what is installed, `python` first, and the name of Keras's `backend`."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        version = _version(package)
        if version is not None:
            installed[package] = version
    return {**installed, "backend": keras_backend()}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


_VECTOR_FEATURES = ("avx", "sse4", "fma", "f16c", "amx", "asimd", "sve", "bf16", "i8mm")
"""Prefixes of the names of the instructions by which libraries choose kernels."""


def keras_home() -> Path:
    """Return the folder of Keras's settings and caches, as Keras finds it, without importing Keras."""
    given = os.environ.get("KERAS_HOME")
    return Path(given).expanduser() if given else Path.home() / ".keras"


def keras_backend() -> str:
    """Return the backend that Keras would use: `$KERAS_BACKEND`, else its settings, else tensorflow."""
    given = os.environ.get("KERAS_BACKEND")
    if given:
        return given
    with contextlib.suppress(UsageError):
        return str(_keras_settings().get("backend", "tensorflow"))
    return "tensorflow"


def _keras_settings() -> Json:
    """Return Keras's settings; empty where Keras ignores the file.

    Raises:
        UsageError: where Keras can't be imported with these settings.
    """
    path = keras_home() / "keras.json"
    try:
        settings = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    except RecursionError as error:
        raise _bad_settings(path, "JSON that is nested too deeply") from error
    if not isinstance(settings, dict):
        raise _bad_settings(path, type(settings).__name__)
    return settings


def _bad_settings(path: Path, received: str) -> UsageError:
    return UsageError(
        f"Keras can't read its settings. Expected an object of names and values. Received: {received} ({path}). "
        "Correct the file, or remove it."
    )


def validate_environment() -> None:
    """Check that Keras can be imported: it needs a backend and a folder for temporary files.

    Raises:
        UsageError: where the backend is neither TensorFlow nor JAX, its package isn't installed, or Keras's settings
            are damaged.
        OSError: where no temporary file can be made.
    """
    _keras_settings()
    backend = keras_backend()
    where = "KERAS_BACKEND" if os.environ.get("KERAS_BACKEND") else f'"backend" in {keras_home() / "keras.json"}'
    if backend not in BACKENDS:
        raise UsageError(
            f"{where} names a backend that can't be used here. Expected {' or '.join(BACKENDS)}. Received: {backend}. "
            "Set KERAS_BACKEND to one of them."
        )
    if importlib.util.find_spec(backend) is None:
        others = [name for name in BACKENDS if name != backend and importlib.util.find_spec(name) is not None]
        other = f", or set KERAS_BACKEND={others[0]}" if others else ""
        raise UsageError(
            f"Keras's backend is not installed. Expected the package {backend}. Received: none ({where}). "
            f"Install it: pip install {_INSTALLED_AS[backend]}{other}."
        )
    with tempfile.TemporaryFile():
        pass


def validate_jax() -> None:
    """Raise UsageError where JAX, which trains trials together, is not installed."""
    if importlib.util.find_spec("jax") is None:
        raise UsageError(
            "--stack-trials needs JAX. Expected the package jax. Received: none. "
            f"Install it: pip install {_INSTALLED_AS['jax']}, or leave the option out."
        )


def cpu_cores() -> int:
    """Return how many cores this process may use, at least 1: its affinity, and a container's quota rounded up."""
    from joblib import cpu_count

    return int(cpu_count())


def processor_name() -> str:
    """Return the processor's name as its maker writes it, or its architecture where the name is unavailable."""
    return (
        _cpuinfo_name(Path("/proc/cpuinfo"))
        or _sysctl("machdep.cpu.brand_string")
        or platform.processor()
        or (platform.machine() or "unknown")
    )


def processor_features() -> list[str]:
    """Return the names of the processor's vector instructions, sorted; empty where the system doesn't list them."""
    flags = (_cpuinfo_value(Path("/proc/cpuinfo"), "flags", "features") or "").split()
    return sorted({flag for flag in flags if flag.startswith(_VECTOR_FEATURES)})


def _cpuinfo_name(path: Path) -> str | None:
    return _cpuinfo_value(path, "model name")


def _cpuinfo_value(path: Path, *names: str) -> str | None:
    """Return the first value in Linux's list of processors with one of these names."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    values = [line.partition(":")[2].strip() for line in lines if line.lower().startswith(names)]
    return values[0] if values else None


def _sysctl(name: str) -> str | None:
    """Return a value of macOS's `sysctl`; None on other systems."""
    if sys.platform != "darwin":
        return None
    try:
        answer = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def memory_bytes() -> int:
    """Return the machine's memory in bytes."""
    import psutil

    return int(psutil.virtual_memory().total)
