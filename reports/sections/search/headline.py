"""The headline of a run: its accuracy as a sentence, what that rests on, and the progress of an unfinished run."""

from __future__ import annotations

from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.search.trials import best, explored
from reports.run.run_data import RunData
from reports.sections.data_name import format_data, format_images
from reports.sections.folds import images_words
from reports.sections.model.refit import format_seeds
from tuner.core.records import SHORT_WORDS, TrialRecord
from tuner.stats.intervals import wilson_interval
from tuner.storage.schema.result import ResultDocument, TestScores, Validation


@dataclass(frozen=True)
class Progress:
    """The trials of a run that has no result yet."""

    ended: int
    planned: int
    """At least 1."""


@dataclass(frozen=True)
class Answer:
    """The headline."""

    kicker: str
    """The program, the space, the data and the day, such as "mnist-tune · compact8k on MNIST · 22 Nov 2026"."""
    number: str
    """Such as "99.46%"; "8 of 36 trials" for an unfinished run; a text for a run without a result."""
    words: str
    """The rest of the sentence."""
    measures: tuple[str, ...]
    """The interval, the spread over seeds, the effort, the memory: one short text each."""
    progress: Progress | None = None


def answer_of(run: RunData) -> Answer:
    """Return the headline: the test accuracy, else the mean validation accuracy, else the progress."""
    result = run.result
    if result is not None and result.test is not None:
        return _tested(run, result, result.test)
    if result is not None and result.validation.mean is not None:
        return _validated(run, result, result.validation.mean)
    return _unfinished(run)


def format_kicker(run: RunData) -> str:
    """Return the line above the headline."""
    day = text.day(run.info.times.started)
    subject = f"{run.info.space.name} on {format_data(run.info.data)}"
    return " · ".join(part for part in ("mnist-tune", subject, day) if part)


def _tested(run: RunData, result: ResultDocument, test: TestScores) -> Answer:
    value = test.exported_accuracy if test.exported_accuracy is not None else test.accuracy
    return Answer(
        kicker=format_kicker(run),
        number=f"{text.percent(value)}%",
        words=f"of {format_images(run.info.data, 'test')} right, with {text.plural(result.parameters, 'parameter')}",
        measures=_given(_test_interval(test), _test_seeds(result, test), _format_effort(run), _format_memory(run)),
    )


def _test_interval(test: TestScores) -> str:
    errors = f"{text.plural(test.errors, 'error')} of {text.count(test.n)}" if test.errors is not None else ""
    if test.interval is None:
        return errors or f"{text.count(test.n)} test images"
    return f"95% interval {text.between(test.interval)}{f' ({errors})' if errors else ''}"


def _test_seeds(result: ResultDocument, test: TestScores) -> str:
    seeds = len(test.per_seed)
    return f"{text.spread(test.accuracy, test.sd)} over {format_seeds(result, seeds)}" if seeds > 1 else ""


def _validated(run: RunData, result: ResultDocument, mean: float) -> Answer:
    return Answer(
        kicker=format_kicker(run),
        number=f"{text.percent(mean)}%",
        words=f"of {format_images(run.info.data, 'validation')} right, with {text.plural(result.parameters, 'parameter')}",
        measures=_given(
            _validation_seeds(run, result.validation, mean),
            "the test set was not used",
            _format_effort(run),
            _format_memory(run),
        ),
    )


def _validation_seeds(run: RunData, validation: Validation, mean: float) -> str:
    images = images_words(run)
    if len(validation.per_seed) > 1:
        return f"{text.spread(mean, validation.sd)} over {len(validation.per_seed)} seeds, {images}"
    bounds = _interval(mean, run.info.data.validation)
    return f"95% interval {text.between(bounds)} ({images}, one seed)" if bounds is not None else images


def _unfinished(run: RunData) -> Answer:
    planned, ended = run.info.plan.trials, len(run.every)
    if not run.records or (run.info.status != "running" and not any(record.completed for record in run.records)):
        return Answer(format_kicker(run), "No answer", _no_answer(run), _given(*_times(run)))
    # A confirmation's trials are not among the planned ones.
    progress = Progress(ended, planned) if planned and ended <= planned and not _confirms(run) else None
    return Answer(
        kicker=format_kicker(run),
        number=text.plural(ended, "trial")
        if progress is None
        else f"{ended:,} of {text.plural(progress.planned, 'trial')}",
        words=_phase(run),
        measures=_given(_best_so_far(run), *_times(run)),
        progress=progress,
    )


def _confirms(run: RunData) -> bool:
    return any(trial.phase == "confirm" for trial in (*run.records, *run.running))


def _phase(run: RunData) -> str:
    if run.info.status == "running":
        return "done; the best ones are being confirmed" if _confirms(run) else "done so far"
    how = {"interrupted": "was interrupted", "failed": "failed"}.get(run.info.status, "ended")
    return f"done when the run {how}; nothing is confirmed"


def _no_answer(run: RunData) -> str:
    if not run.records:
        return "yet: no trial has finished"
    return f"because none of {text.plural(len(run.records), 'trial')} completed; the reasons are under failures"


def _best_so_far(run: RunData) -> str:
    """Return the best score with its interval, since it is one seed's on images that it was chosen on."""
    top = best(explored(run.records) or run.records)
    if top is None:
        return ""
    bounds = _interval(top.val_accuracy, run.info.data.validation)
    ends = f" [{text.between(bounds)}]" if bounds is not None else ""
    return (
        f"Best so far {text.percent(top.val_accuracy)}%{ends} of {text.plural(run.info.data.validation, 'validation image')}"
        f"{_score(run, top)}, {text.plural(top.parameters, 'parameter')}: one seed, not confirmed"
    )


def _score(run: RunData, top: TrialRecord) -> str:
    shown = top.objective != "val_accuracy"
    return f", {text.percent(top.score)}% {SHORT_WORDS[top.objective]}" if shown else ""


def _interval(accuracy: float | None, images: int) -> tuple[float, float] | None:
    """Return Wilson's 95% interval of an accuracy on that many images; None where one of them is unknown."""
    if accuracy is None or images < 1:
        return None
    return wilson_interval(min(images, round(accuracy * images)), images)


def _format_effort(run: RunData) -> str:
    noun = "trial" if run.info.kind == "search" else "training"
    cap = run.info.space.max_params
    under = f" under {text.count(cap)} parameters" if cap is not None and run.info.kind == "search" else ""
    return ", ".join((f"{text.plural(len(run.every), noun)}{under}", *_times(run)))


def _times(run: RunData) -> tuple[str, ...]:
    elapsed_s = run.info.times.elapsed_s
    return (text.duration(elapsed_s),) if elapsed_s else ()


def _format_memory(run: RunData) -> str:
    """Return RAM and flash of the int8 network, beside their caps, where a cap was given."""
    result, space = run.result, run.info.space
    if result is None:
        return ""
    parts = [
        f"{text.size(used)} of {text.size(cap)} {name}"
        for name, used, cap in (("RAM", result.ram, space.max_ram), ("flash", result.flash, space.max_flash))
        if used is not None and cap is not None
    ]
    return f"int8, computed: {', '.join(parts)}" if parts else ""


def _given(*parts: str) -> tuple[str, ...]:
    return tuple(part for part in parts if part)
