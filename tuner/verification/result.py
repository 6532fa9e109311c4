"""Checks of result.json against the journal: who was confirmed, who won and with which figures."""

from __future__ import annotations

from tuner.core.records import Json
from tuner.options.study_options import StudyOptions
from tuner.run.refit import Refitted, refitted
from tuner.run.result import result_document
from tuner.run.sessions.study import result_of_study
from tuner.run.target import goal_of
from tuner.storage.schema.documents import as_json
from tuner.storage.schema.result import ModelFiles, ResultDocument
from tuner.verification.check import Contradiction, Outcome, count, disagreements, failed, outcome_of
from tuner.verification.evidence import Evidence
from tuner.verification.repetitions import counting, ranked, refits, study_of

_OF_FILES = ("schema", "test", "model", "files")
"""Keys that other checks compare with the files."""
_OLDER_LACK = ("fold", "target", "refit", "layers", "finalists", "multiply_adds")


def winner(evidence: Evidence) -> Outcome:
    """Check that the winner, its trials, its network and the finalists are those of the rule."""
    document, rule = evidence.result, expected_result(evidence)
    if rule is None:
        return failed("result.json has a winner, and no configuration of the journal is confirmed")
    recorded, expected = as_json(document), as_json(rule)
    names = [name for name in expected if name not in _OF_FILES and not _is_figure(name)]
    if evidence.older:
        names = [name for name in names if recorded.get(name) or name not in _OLDER_LACK]
    faults = disagreements(
        _without_figures({name: recorded[name] for name in names if name in recorded}),
        _without_figures({name: expected[name] for name in names}),
        "",
    )
    wrong = [name for name in ("target", "refit", "study") if name in recorded and name not in expected]
    faults += [f"{name} is there, though the options ask for none" for name in wrong]
    return outcome_of(faults, f"trial {rule.trial}, first of {count(len(rule.finalists), 'finalist')}")


def figures(evidence: Evidence) -> Outcome:
    """Check the validation figures of winner and finalists: n, mean, standard deviation, scores of each seed."""
    recorded, expected = evidence.result, expected_result(evidence)
    if expected is None:
        return failed("result.json has figures, and no configuration of the journal is confirmed")
    faults = disagreements(_figures(recorded), _figures(expected), "")
    return outcome_of(faults, f"mean {expected.validation.mean:.4f} of {count(expected.validation.n, 'seed')}")


def expected_result(evidence: Evidence) -> ResultDocument | None:
    """Return result.json as the journal gives it, without test and files; None where nothing is confirmed."""
    finalists = ranked(evidence)
    if not finalists:
        return None
    options = evidence.options
    if isinstance(options, StudyOptions):
        try:
            return result_of_study(study_of(evidence), finalists, evidence.of_phase("study"))
        except ValueError as error:
            raise Contradiction(f"the study of run.json can't be compared: {error}") from error
    goal = goal_of(options, evidence.run.data)
    return result_document(finalists, None, ModelFiles(), goal, _refitted(evidence))


def _refitted(evidence: Evidence) -> Refitted | None:
    if not getattr(evidence.options, "refit", False):
        return None
    wanted = refits(evidence)
    records = [record for record in counting(evidence, "refit") if record.trial in wanted]
    data = evidence.run.data
    return refitted(ranked(evidence)[0], records, data.train + data.validation)


def _is_figure(name: str) -> bool:
    return name == "validation"


def _without_figures(document: Json) -> Json:
    kept: Json = {name: value for name, value in document.items() if not _is_figure(name)}
    if "finalists" in kept:
        kept["finalists"] = [{k: v for k, v in item.items() if not _is_figure(k)} for item in kept["finalists"] or ()]
    return kept


def _figures(result: ResultDocument) -> Json:
    finalists = [as_json(finalist.validation) for finalist in result.finalists]
    return {"validation": as_json(result.validation), "finalists": finalists}
