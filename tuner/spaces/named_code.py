"""Whether a run's model needs code of its user's own, and whether that was named. Imports no Keras, and runs nothing."""

from __future__ import annotations

from tuner.core.errors import UsageError
from tuner.spaces.space_name import is_code
from tuner.storage.run_folder import RunFolder


def uses_named_code(folder: RunFolder, given: str | None) -> bool:
    """Return whether the model is to be built from the run's own space, since the user named it.

    Args:
        folder: the run's.
        given: the space that the user named, if any.

    Raises:
        UsageError: where another space was named, or none though the model can't be loaded without.
    """
    space = folder.read_head().space
    name, model = ("", None) if space is None else (space.name, space.model)
    if given is not None and given != name:
        raise UsageError(f"--space names another space than the run's. Expected {name}. Received: {given}")
    if given is not None:
        return is_code(name) and model is not None
    if model is not None and not model.portable:
        raise UsageError(
            f"The model has code of its own, which is run only where you name it. Expected --space {name}, if you trust that module. "
            f"Without it: {folder.saved_model}, a SavedModel, which is a program that TensorFlow runs. Received: no --space"
        )
    return False
