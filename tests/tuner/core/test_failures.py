"""Exceptions told in one line: Keras's and TensorFlow's messages as they are, and what is left of them."""

from __future__ import annotations

import pytest

from tuner.core.failures import reason

KERAS = (
    "Exception encountered when calling Dense.call().\n\n\x1b[1mMatrix size-incompatible: In[0]: [32,784]\x1b[0m\n\n"
    "Arguments received by Dense.call():\n  • inputs=tf.Tensor(shape=(32, 784), dtype=float32)\n  • training=True"
)
USER_CODE = 'in user code:\n\n    File "space.py", line 3, in step  *\n        loss = f(x)\n    ValueError: first\n\n    TypeError: no rows\n'
GRAPH = (
    "Graph execution error:\n\nDetected at node loss/Cast defined at (most recent call last):\n<stack traces unavailable>\n"
    "logits and labels must have the same first dimension, got logits shape [32,10] and labels shape [320]\n\t "
    "[[{{node loss/Cast}}]] [Op:__inference_multi_step_on_iterator_1]"
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError(KERAS), "ValueError: Matrix size-incompatible: In[0]: [32,784]"),
        (TypeError(USER_CODE), "TypeError: no rows"),
        (RuntimeError(GRAPH), "RuntimeError: logits and labels must have the same first dimension, got logits shape [32,10] and labels shape [320]"),
        (RuntimeError("\x1b[31mred\x1b[0m"), "RuntimeError: red"),
        (RuntimeError(""), "RuntimeError"),
        (KeyError("loss"), "KeyError: 'loss'"),
        (SystemExit("bye"), "SystemExit: bye"),
        (RuntimeError("in user code:"), "RuntimeError: in user code:"),
    ],
)  # fmt: skip
def test_what_was_meant_is_told(error: BaseException, expected: str) -> None:
    assert reason(error) == expected


@pytest.mark.parametrize("text", ["x" * 10_000, "word " * 3000, "a\n" * 500])
def test_a_reason_is_one_short_line(text: str) -> None:
    told = reason(RuntimeError(text))
    assert len(told) <= len("RuntimeError: ") + 300
    assert "\n" not in told
