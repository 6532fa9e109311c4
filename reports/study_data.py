"""What run.json and result.json say of a study, as frozen dataclasses (docs/run-folder.md). No statistic is computed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from tuner.records import Configuration, Json, Value

RunKind: TypeAlias = Literal["search", "train", "study"]
Verdict: TypeAlias = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True)
class PlannedArm:
    """One value of what is studied."""

    label: str
    value: Value | None
    configuration: Configuration
    epochs: int
    parameters: int | None


@dataclass(frozen=True)
class StudyPlan:
    """`study` of run.json."""

    name: str
    preset: bool
    hyperparameter: str
    question: str
    base: str
    """Label of the arm that the others are compared with."""
    seeds: int
    arms: tuple[PlannedArm, ...]
    diagnostics: tuple[str, ...]


@dataclass(frozen=True)
class ArmComparison:
    """An arm against the base, over pairs of seeds."""

    label: str
    n: int
    difference: float | None
    """Mean of arm − base, validation accuracy."""
    sd: float | None
    interval: tuple[float, float] | None
    t: float | None
    p: float | None
    p_holm: float | None
    verdict: Verdict


@dataclass(frozen=True)
class StudyResult:
    """`study` of result.json, without what the records say again."""

    comparisons: tuple[ArmComparison, ...]
    conclusion: str

    def comparison(self, label: str) -> ArmComparison | None:
        """The comparison of an arm; None of the base."""
        return next((comparison for comparison in self.comparisons if comparison.label == label), None)


def read_plan(item: Json | None) -> StudyPlan | None:
    """`study` of run.json; None where the run is no study."""
    if item is None:
        return None
    return StudyPlan(
        name=str(item["name"]),
        preset=bool(item.get("preset")),
        hyperparameter=str(item["hyperparameter"]),
        question=str(item.get("question") or ""),
        base=str(item["base"]),
        seeds=int(item["seeds"]),
        arms=tuple(_arm(arm) for arm in item["arms"]),
        diagnostics=tuple(str(name) for name in item.get("diagnostics") or ()),
    )


def read_study_result(item: Json | None) -> StudyResult | None:
    """`study` of result.json; None where the run is no study."""
    if item is None:
        return None
    return StudyResult(
        comparisons=tuple(_comparison(comparison) for comparison in item.get("comparisons") or ()),
        conclusion=str(item.get("conclusion") or ""),
    )


def _arm(item: Json) -> PlannedArm:
    return PlannedArm(
        label=str(item["label"]),
        value=item.get("value"),
        configuration=cast(Configuration, item["configuration"]),
        epochs=int(item["epochs"]),
        parameters=item.get("parameters"),
    )


def _comparison(item: Json) -> ArmComparison:
    interval = item.get("ci95")
    return ArmComparison(
        label=str(item["label"]),
        n=int(item["n"]),
        difference=item.get("difference"),
        sd=item.get("sd"),
        interval=(float(interval[0]), float(interval[1])) if interval else None,
        t=item.get("t"),
        p=item.get("p"),
        p_holm=item.get("p_holm"),
        verdict=cast(Verdict, item["verdict"]),
    )
