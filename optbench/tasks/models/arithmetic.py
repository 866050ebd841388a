"""Sizes of what convolutions and poolings give, with an error that says which layer cannot take what it gets."""

from __future__ import annotations

from math import prod

from optbench.errors import UsageError

#: Height and width, or length, and channels behind; one number for a vector.
Shape = tuple[int, ...]


def output_size(n: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, *, name: str = "") -> int:
    """Returns the number of places at which a kernel fits along one axis.

    ``floor((n + 2 padding - dilation (kernel - 1) - 1) / stride) + 1``: a dilated kernel spans
    ``dilation (kernel - 1) + 1`` pixels of the ``n + 2 padding`` there are, and moves by ``stride``.

    Args:
        n: Pixels along the axis.
        kernel: Pixels that the kernel looks at.
        stride: Pixels from one place to the next.
        padding: Pixels added at each end.
        dilation: Distance of the pixels that the kernel looks at.
        name: The layer, for the message.

    Returns:
        The size, at least 1.

    Raises:
        UsageError: A number is out of its range, or the kernel is larger than the padded axis.

    Example:
        >>> output_size(227, kernel=11, stride=4), output_size(28, kernel=5, padding=2)
        (55, 28)

    References:
        Dumoulin & Visin, 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285, relation 15.
    """
    prefix = f"{name}: " if name else ""
    for key, value, low in (("size", n, 1), ("kernel", kernel, 1), ("stride", stride, 1), ("dilation", dilation, 1)):
        if value < low:
            raise UsageError(f"{prefix}{key} must be an integer of at least {low}; got {value}")
    if padding < 0:
        raise UsageError(f"{prefix}padding must be an integer of at least 0; got {padding}")
    span = dilation * (kernel - 1) + 1
    if span > n + 2 * padding:
        raise UsageError(
            f"{prefix}a kernel that spans {span} pixels does not fit into {n} with a padding of {padding} at each end"
        )
    return (n + 2 * padding - span) // stride + 1


def output_shape(
    shape: Shape, channels: int, kernel: int, stride: int = 1, padding: int = 0, *, name: str = ""
) -> Shape:
    """Returns the shape that a kernel of equal sides gives, spatial axes first and channels behind.

    Args:
        shape: Spatial axes, then channels.
        channels: Channels of the output.
        kernel: Side of the kernel.
        stride: Stride along every spatial axis.
        padding: Pixels added at each end of every spatial axis.
        name: The layer, for the message.

    Returns:
        The shape.

    Raises:
        UsageError: There is no spatial axis, or the kernel does not fit.

    Example:
        >>> output_shape((28, 28, 1), 6, kernel=5, padding=2)
        (28, 28, 6)
    """
    if len(shape) < 2:
        raise UsageError(f"{name}: needs an input with spatial axes and channels; got {describe(shape)}")
    return (*(output_size(n, kernel, stride, padding, name=name) for n in shape[:-1]), channels)


def features(shape: Shape) -> int:
    """Returns how many numbers an input of this shape has.

    Example:
        >>> features((13, 13, 256))
        43264
    """
    return prod(shape)


def describe(shape: Shape) -> str:
    """Returns a shape as a person writes it.

    Example:
        >>> describe((28, 28, 1))
        '28x28x1'
    """
    return "x".join(map(str, shape))


def parse_shape(text: str) -> Shape:
    """Returns the shape that a person wrote.

    Args:
        text: Positive integers with ``x`` between them, channels last.

    Returns:
        The shape.

    Raises:
        UsageError: It is written otherwise.

    Example:
        >>> parse_shape("28x28x1")
        (28, 28, 1)
    """
    parts = text.split("x")
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise UsageError(f"input must be positive integers with x between them, such as 28x28x1 or 40x1; got {text!r}")
    return tuple(map(int, parts))
