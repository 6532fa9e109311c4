"""Multiply-adds of the operations that a backend runs: matrix products and convolutions, in any layer.

TensorFlow reports each operation as it runs; JAX's are read from the traced function. Elementwise operations and
pooling count nothing, as in the built-in spaces. On another backend nothing is known.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import keras

# Backends have no types: operations, their inputs and outputs are `Any` here.

Add: TypeAlias = Callable[[int | None], None]
"""Takes an operation's multiply-adds; None where they can't be known."""
Shape: TypeAlias = tuple[int, ...]

_OPAQUE = frozenset({"PyFunc", "EagerPyFunc", "PyFuncStateless", "While", "StatelessWhile", "XlaLaunch"})
"""TensorFlow's operations inside which others run that aren't reported."""


@contextlib.contextmanager
def counting(add: Add) -> Iterator[None]:
    """Count TensorFlow's operations that run meanwhile; nothing on JAX, where `counted` does."""
    if keras.backend.backend() == "jax":
        yield
        return
    if keras.backend.backend() != "tensorflow":
        add(None)
        yield
        return
    # TensorFlow's debugger uses this module; there is no public name for it.
    from tensorflow.python.framework import op_callbacks

    def count_operation(
        kind: str | bytes, inputs: Sequence[Any], attributes: Any, outputs: Sequence[Any], *_: Any, **__: Any
    ) -> None:
        name = kind.decode() if isinstance(kind, bytes) else str(kind)
        add(None if name in _OPAQUE else _tensorflow_cost(name, inputs, attributes, outputs))

    op_callbacks.add_op_callback(count_operation)
    try:
        yield
    finally:
        op_callbacks.remove_op_callback(count_operation)


def counted(function: Callable[..., Any], add: Add, *arguments: Any, **keywords: Any) -> Any:
    """Call a function; on JAX count its operations."""
    if keras.backend.backend() == "jax":
        import jax

        add(_jaxpr_cost(jax.make_jaxpr(lambda: function(*arguments, **keywords))().jaxpr))
    return function(*arguments, **keywords)


def _shape(tensor: Any) -> Shape:
    return tuple(1 if size is None else int(size) for size in tensor.shape)


def _attribute(attributes: Any, name: str) -> Any:
    """Return an operation's attribute: TensorFlow hands over a flat sequence when it runs eagerly, a mapping when it traces."""
    if isinstance(attributes, Mapping):
        attribute = attributes.get(name)
        return getattr(attribute, "b", attribute)
    return dict(zip(attributes[::2], attributes[1::2], strict=False)).get(name)


def _tensorflow_cost(name: str, inputs: Sequence[Any], attributes: Any, outputs: Sequence[Any]) -> int:
    if name in ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
        transposed = bool(_attribute(attributes, "transpose_a" if name == "MatMul" else "adj_x"))
        return math.prod(_shape(outputs[0])) * _shape(inputs[0])[-2 if transposed else -1]
    if name == "Einsum":
        equation = _attribute(attributes, "equation")
        return einsum_cost(equation.decode() if isinstance(equation, bytes) else str(equation), map(_shape, inputs))
    if name in ("Conv2D", "Conv3D", "Conv"):
        return math.prod(_shape(outputs[0])) * math.prod(_shape(inputs[1])[:-1])
    if name == "DepthwiseConv2dNative":
        return math.prod(_shape(outputs[0])) * math.prod(_shape(inputs[1])[:2])
    if name in ("Conv2DBackpropInput", "Conv3DBackpropInputV2"):
        # A transposed convolution: each input number is multiplied with the kernel of each filter.
        return math.prod(_shape(inputs[2])) * math.prod(_shape(inputs[1])[:-1])
    return 0


def einsum_cost(equation: str, shapes: Iterator[Shape] | Sequence[Shape]) -> int:
    """Return the multiply-adds of an Einstein sum: the product of the sizes of all of its indices."""
    sizes: dict[str, int] = {}
    for indices, shape in zip(equation.split("->", maxsplit=1)[0].split(","), shapes, strict=True):
        letters = indices.replace("...", "").strip()
        front, back = (letters, "") if "..." not in indices else tuple(part.strip() for part in indices.split("...", 1))
        middle = len(shape) - len(front) - len(back)
        names = [*front, *(f"…{place - middle}" for place in range(middle)), *back]
        for name, size in zip(names, shape, strict=True):
            # An axis of size 1 is repeated along the other operand's.
            sizes[name] = max(size, sizes.get(name, 1))
    return math.prod(sizes.values())


def _jaxpr_cost(jaxpr: Any) -> int | None:
    total = 0
    for equation in jaxpr.eqns:
        cost = _equation_cost(equation)
        if cost is None:
            return None
        total += cost
    return total


def _equation_cost(equation: Any) -> int | None:
    name, parameters = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = parameters["dimension_numbers"]
        left = _shape(equation.invars[0].aval)
        contracted_sizes = [left[int(axis)] for axis in contracted]
        return math.prod(_shape(equation.outvars[0].aval)) * math.prod(contracted_sizes)
    if name == "conv_general_dilated":
        return _jax_convolution_cost(equation)
    inner = [_jaxpr_cost(jaxpr) for jaxpr in _inner_jaxprs(parameters)]
    if name == "while":
        return 0 if all(cost == 0 for cost in inner) else None
    if any(cost is None for cost in inner):
        return None
    times = int(parameters.get("length", 1)) if name == "scan" else 1
    return times * sum(cost or 0 for cost in inner)


def _jax_convolution_cost(equation: Any) -> int:
    """Return positions times kernel; the zeros that a transposed convolution inserts are not counted."""
    parameters = equation.params
    kernel, numbers = _shape(equation.invars[1].aval), parameters["dimension_numbers"]
    filters, channels = int(numbers.rhs_spec[0]), int(numbers.rhs_spec[1])
    if math.prod(int(rate) for rate in parameters["lhs_dilation"]) > 1:
        # A transposed convolution: each input number is multiplied with the kernel of each filter.
        return math.prod(_shape(equation.invars[0].aval)) * math.prod(kernel) // kernel[channels]
    return math.prod(_shape(equation.outvars[0].aval)) * math.prod(kernel) // kernel[filters]


def _inner_jaxprs(parameters: Mapping[str, Any]) -> Iterator[Any]:
    for value in parameters.values():
        for one in value if isinstance(value, (tuple, list)) else (value,):
            inner = getattr(one, "jaxpr", one)
            if hasattr(inner, "eqns"):
                yield inner
