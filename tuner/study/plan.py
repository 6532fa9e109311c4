"""A study made into its arms: a preset's, or a hyperparameter's values from the command line. `tuner.run.sessions.study` trains them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value
from tuner.core.errors import UsageError
from tuner.core.records import configuration_key
from tuner.core.text import did_you_mean
from tuner.options.study_options import StudyOptions
from tuner.processes.tasks import PATIENCE, RESTORE_BEST
from tuner.spaces.named_configurations import named_configuration
from tuner.storage.schema.study import Diagnostic, PlannedArm, StudyPlan
from tuner.study.presets import EPOCHS, PRESETS, Arm

DEFAULT_EPOCHS = 15
_TRIAL_OPTIONS = (EPOCHS, "patience")
"""Factors that can be varied besides a space's hyperparameters."""

_DIAGNOSTICS: Mapping[str, tuple[Diagnostic, ...]] = {
    "batch_size": ("gradient_noise", "step"),
    "activation": ("gradient_norms", "units"),
}
"""Measurements of the trained models where this is varied."""


def make_study(options: StudyOptions, space: Any) -> StudyPlan:
    """Return the `study` of run.json: the varied hyperparameter, and every arm with its configuration.

    Args:
        options: the options of the study.
        space: the space's Keras-free part (untyped: each family has its own class).

    Raises:
        UsageError: in one line, where names, values or the base don't go together.
    """
    base = _base(options, space)
    if options.values is None:
        return _from_preset(options, space, base)
    return _from_values(options, space, base)


def _base(options: StudyOptions, space: Any) -> Mapping[str, Value]:
    if options.base is None:
        return {}
    base = named_configuration(options.base, options.space)
    if base.space != options.space:
        raise UsageError(
            f"The base is of another space. Expected one of {options.space}. Received: {options.base}, of {base.space}. "
            f"Give --space {base.space}, or another --base."
        )
    return base.configuration


def _from_preset(options: StudyOptions, space: Any, base: Mapping[str, Value]) -> StudyPlan:
    if options.name not in PRESETS:
        raise UsageError(_unknown(options.name, space))
    preset = PRESETS[options.name]
    epochs = options.epochs or preset.epochs or DEFAULT_EPOCHS
    arms = [_planned_arm(arm, {**preset.changes, **base}, epochs, space, strict=False) for arm in preset.arms]
    return _study(options, preset.hyperparameter, preset.question, preset.base, arms, preset=True)


def _from_values(options: StudyOptions, space: Any, base: Mapping[str, Value]) -> StudyPlan:
    name, texts = options.name, options.values or ()
    known = {hyperparameter.name: hyperparameter for hyperparameter in space.hyperparameters}
    if name not in known and name not in _TRIAL_OPTIONS:
        raise UsageError(_unknown(name, space))
    arms = [_arm_of(name, text.strip(), known.get(name)) for text in texts]
    if len({arm.label for arm in arms}) < max(2, len(arms)):
        raise UsageError(
            f"A study compares values. Expected two different ones or more, such as --values A,B. Received: {','.join(texts)}"
        )
    epochs = options.epochs or DEFAULT_EPOCHS
    planned_arms = [_planned_arm(arm, base, epochs, space, strict=True) for arm in arms]
    default = {**_defaults(space), **base}.get(name)
    label = next((arm.label for arm in arms if arm.value == default), arms[0].label)
    return _study(options, name, f"What does {name} do?", label, planned_arms, preset=False)


def _study(
    options: StudyOptions, hyperparameter: str, question: str, base: str, arms: Sequence[PlannedArm], *, preset: bool
) -> StudyPlan:
    seen: dict[tuple[str, int], str] = {}
    for arm in arms:
        key = (configuration_key(arm.configuration), arm.epochs)
        if key in seen:
            raise UsageError(
                f"Two values make the same configuration, so there is nothing to compare. Received: {seen[key]} and {arm.label}. "
                "Another hyperparameter makes this one inactive: give another --base."
            )
        seen[key] = arm.label
    return StudyPlan(
        name=options.name,
        preset=preset,
        hyperparameter=hyperparameter,
        question=question,
        base=base,
        seeds=options.seeds,
        arms=tuple(arms),
        diagnostics=tuple(_DIAGNOSTICS.get(hyperparameter, ())),
    )


def _arm_of(name: str, text: str, hyperparameter: Hyperparameter | None) -> Arm:
    if hyperparameter is None:
        number = _whole(name, text)
        return Arm(text, number, {}, number) if name == EPOCHS else Arm(text, number, {PATIENCE: number})
    value = parse_value(hyperparameter, text)
    return Arm(text, value, {name: value})


def _whole(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"A value of {name} is out of range. Expected a whole number of 1 or more. Received: {text}")
    return int(text)


def parse_value(hyperparameter: Hyperparameter, text: str) -> Value:
    """Return a hyperparameter's value from its text.

    Raises:
        UsageError: where it is none of its values, or out of its range.
    """
    for value in hyperparameter.values or ():
        if text.lower() == str(value).lower() or (_number(text) == value and not isinstance(value, (bool, str))):
            return value
    number = _number(text)
    if hyperparameter.values is None and number is not None:
        whole = hyperparameter.kind == "int"
        if not whole or number == int(number):
            parsed = int(number) if whole else number
            if hyperparameter.allows(parsed):
                return parsed
    raise UsageError(
        f"A value of {hyperparameter.name} is out of range. Expected {_range(hyperparameter)}. Received: {text}"
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _range(hyperparameter: Hyperparameter) -> str:
    if hyperparameter.values is not None:
        return "one of " + ", ".join(map(str, hyperparameter.values))
    kind = "a whole number" if hyperparameter.kind == "int" else "a number"
    return f"{kind} from {hyperparameter.minimum} to {hyperparameter.maximum}"


def _planned_arm(arm: Arm, base: Mapping[str, Value], epochs: int, space: Any, *, strict: bool) -> PlannedArm:
    """Return an arm with its complete configuration."""
    options = {name: value for name, value in arm.changes.items() if name in (PATIENCE, RESTORE_BEST)}
    space_values = {name: value for name, value in arm.changes.items() if name not in options}
    try:
        configuration = space.complete(space_values, base=base, strict=strict)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return PlannedArm(
        label=arm.label,
        value=arm.value,
        configuration={**configuration, **options},
        epochs=arm.epochs or epochs,
        parameters=space.count_parameters(configuration),
    )


def _defaults(space: Any) -> Mapping[str, Value]:
    defaults: Mapping[str, Value] = space.active({})
    return defaults


def _unknown(name: str, space: Any) -> str:
    known = [*PRESETS, *(hyperparameter.name for hyperparameter in space.hyperparameters)]
    hint = did_you_mean(name, known)
    values = f" To vary a hyperparameter of {space.name}, give --values A,B." if name in known else ""
    return f"There is no study of this name.{hint}{values} Expected a preset ({', '.join(PRESETS)}) or a hyperparameter with --values. Received: {name}"
