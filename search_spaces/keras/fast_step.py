"""Keras's training step with fewer operations on TensorFlow: the same mathematics, traced and run in less time.

Keras wraps each step in a loop, two conditions and a function, and updates a variable by a dozen operations. Here a step is one
function, and a variable is updated by TensorFlow's one kernel for its optimizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import MethodType
from typing import Any

import keras

# Keras has no types: its models, optimizers and tensors are `Any` here.


def use_fast_steps(model: Any) -> None:
    """Give a compiled model lean functions for `fit` and `evaluate`, and its optimizer fused updates.

    On other backends than TensorFlow nothing changes. Keras's own update also sums gradients over replicas, even over one, which
    keeps each model's graph (30 MB) for the life of the process.
    """
    if keras.backend.backend() != "tensorflow":
        return
    update = _UPDATES.get(type(model.optimizer))
    if update is not None:
        model.optimizer._backend_update_step = MethodType(update, model.optimizer)
    model.train_function = _step_function(model.train_step, model.steps_per_execution)
    model.test_function = _step_function(model.test_step, model.steps_per_execution)


def _step_function(step: Callable[[Any], Any], steps: int) -> Callable[[Iterator[Any]], Any]:
    """Return what Keras calls for the next so many steps: it takes batches from an iterator, and returns the last metrics."""
    import tensorflow as tf

    traced = tf.function(tf.autograph.experimental.do_not_convert(step), reduce_retracing=True)

    def run(batches: Iterator[Any]) -> Any:
        metrics = traced(next(batches))
        for _, batch in zip(range(steps - 1), batches, strict=False):
            metrics = traced(batch)
        return metrics

    return run


def _update_sgd(optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any], learning_rate: Any) -> None:
    import tensorflow as tf

    for gradient, variable in zip(gradients, variables, strict=True):
        place = optimizer._get_variable_index(variable.value)
        if optimizer.momentum:
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=variable.value.handle,
                accum=optimizer.momentums[place].value.handle,
                lr=learning_rate,
                grad=gradient,
                momentum=optimizer.momentum,
                use_nesterov=optimizer.nesterov,
            )
        else:
            tf.raw_ops.ResourceApplyGradientDescent(var=variable.value.handle, alpha=learning_rate, delta=gradient)


def _update_adam(optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any], learning_rate: Any) -> None:
    import tensorflow as tf

    step = tf.cast(optimizer.iterations.value + 1, "float32")
    for gradient, variable in zip(gradients, variables, strict=True):
        place = optimizer._get_variable_index(variable.value)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.value.handle,
            m=optimizer._momentums[place].value.handle,
            v=optimizer._velocities[place].value.handle,
            beta1_power=tf.pow(optimizer.beta_1, step),
            beta2_power=tf.pow(optimizer.beta_2, step),
            lr=learning_rate,
            beta1=optimizer.beta_1,
            beta2=optimizer.beta_2,
            epsilon=optimizer.epsilon,
            grad=gradient,
        )


_UPDATES: dict[type, Callable[..., None]] = {
    keras.optimizers.SGD: _update_sgd,
    keras.optimizers.Adam: _update_adam,
    keras.optimizers.AdamW: _update_adam,
}
"""Type of an optimizer → its update of all variables: those that `make_optimizer` makes, without gradient accumulation."""
