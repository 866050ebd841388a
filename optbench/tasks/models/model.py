"""What a model is before it has arrays: its layers for any input, its table, and how to build it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.errors import UsageError
from optbench.tasks.models.arithmetic import Shape, describe
from optbench.tasks.models.layer import Layer

if TYPE_CHECKING:
    import numpy as np

    from optbench.tasks.models.network import Network, Stats


@dataclass(frozen=True, slots=True)
class Row:
    """A layer's line in the table of a model.

    Attributes:
        name: Name of the layer.
        shape: Shape of its output, channels last.
        kernel: Side of its kernel or window; ``None`` where it has none.
        stride: Stride, or ``None``.
        padding: Padding at each end, or ``None``.
        weights: Trained numbers without biases; scales of batch normalization are among them.
        biases: Biases; shifts of batch normalization are among them.
        multiply_adds: Multiplications with a weight for one example, of convolutions and dense layers.
    """

    name: str
    shape: Shape
    kernel: int | None
    stride: int | None
    padding: int | None
    weights: int
    biases: int
    multiply_adds: int


@dataclass(frozen=True, slots=True)
class Model:
    """A network's design.

    Attributes:
        name: Registry name.
        design: From the shape of an example and the number of classes to the layers.
        input_shape: Shape of an example where none is given, channels last.
        n_classes: Classes where no number is given.
        axes: Numbers of spatial axes that it takes; none means any shape.
        reference: Where it comes from.
        remarks: What is to be known of it.
        definition_only: Whether it is there to be counted, not to be built.
        recount: Layers of another way of counting it, and its name.
    """

    name: str
    design: Callable[[Shape, int], tuple[Layer, ...]]
    input_shape: Shape
    n_classes: int = 10
    axes: tuple[int, ...] = ()
    reference: str = ""
    remarks: str = ""
    definition_only: bool = False
    recount: tuple[str, Callable[[Shape, int], tuple[Layer, ...]]] | None = None

    def layers(self, input_shape: Shape | None = None, n_classes: int | None = None) -> tuple[Layer, ...]:
        """Returns the layers for a shape of examples.

        Args:
            input_shape: Shape of an example; the default if ``None``.
            n_classes: Number of classes; the default if ``None``.

        Returns:
            The layers, each of which can take what it gets.

        Raises:
            UsageError: The model does not take such examples.
        """
        return self._checked(self.design, input_shape, n_classes)

    def _checked(
        self, design: Callable[[Shape, int], tuple[Layer, ...]], input_shape: Shape | None, n_classes: int | None
    ) -> tuple[Layer, ...]:
        shape = self.input_shape if input_shape is None else input_shape
        classes = self.n_classes if n_classes is None else n_classes
        if classes < 2:
            raise UsageError(f"{self.name}: classes must be at least 2; got {classes}")
        if not shape or min(shape) < 1:
            raise UsageError(f"{self.name}: an input has positive sizes, channels last; got {describe(shape)!r}")
        if self.axes and len(shape) - 1 not in self.axes:
            wanted = " or ".join({1: "length x channels", 2: "height x width x channels"}[n] for n in self.axes)
            raise UsageError(
                f"{self.name}: takes inputs of {wanted}, such as {describe(self.input_shape)}; got {describe(shape)}"
            )
        try:
            layers = design(shape, classes)
            self._rows(layers, shape)
        except UsageError as error:
            raise UsageError(f"{self.name}: an input of {describe(shape)} does not suit: {error}") from None
        return layers

    @staticmethod
    def _rows(layers: tuple[Layer, ...], shape: Shape) -> list[Row]:
        rows = []
        for layer in layers:
            after = layer.output(shape)
            kernel, stride, padding = layer.window() or (None, None, None)
            rows.append(
                Row(
                    layer.name,
                    after,
                    kernel,
                    stride,
                    padding,
                    layer.n_weights(shape),
                    layer.n_biases(shape),
                    layer.multiply_adds(shape),
                )
            )
            shape = after
        return rows

    def table(self, input_shape: Shape | None = None, n_classes: int | None = None) -> list[Row]:
        """Returns the layers with their output shapes and counts; nothing is built.

        Args:
            input_shape: Shape of an example; the default if ``None``.
            n_classes: Number of classes; the default if ``None``.

        Returns:
            One row for each layer.

        Raises:
            UsageError: The model does not take such examples.
        """
        return self._rows(self.layers(input_shape, n_classes), input_shape or self.input_shape)

    def recounted(self, input_shape: Shape | None = None, n_classes: int | None = None) -> dict[str, Row]:
        """Returns the rows of the other way of counting by their names, none where there is no other way.

        Args:
            input_shape: Shape of an example; the default if ``None``.
            n_classes: Number of classes; the default if ``None``.

        Returns:
            The rows.

        Raises:
            UsageError: The model does not take such examples.
        """
        if self.recount is None:
            return {}
        layers = self._checked(self.recount[1], input_shape, n_classes)
        return {row.name: row for row in self._rows(layers, input_shape or self.input_shape)}

    def build(
        self,
        rng: np.random.Generator,
        input_shape: Shape | None = None,
        n_classes: int | None = None,
        *,
        convolution: str | None = None,
    ) -> tuple[Network, Stats]:
        """Returns the network at its start, and its running statistics.

        Args:
            rng: Where the weights come from.
            input_shape: Shape of an example; the default if ``None``.
            n_classes: Number of classes; the default if ``None``.
            convolution: How convolutions are computed; what suits the backend if ``None``.

        Returns:
            The network, whose leaves are its parameters, and one dictionary of statistics for each layer.

        Raises:
            UsageError: The model does not take such examples, or is a definition only.

        Example:
            >>> import numpy as np
            >>> from optbench.tasks.models.fully_connected import linear
            >>> network, stats = linear.build(np.random.default_rng(0), (8, 8, 1))
            >>> logits, stats = network(np.zeros((5, 8, 8, 1), np.float32), stats, train=True)
            >>> network.size, logits.shape
            (650, (5, 10))
        """
        if self.definition_only:
            raise UsageError(f"{self.name} is a definition only, to be counted: see optbench info {self.name}")
        from optbench.tasks.models.network import initialized

        layers = self.layers(input_shape, n_classes)
        return initialized(layers, input_shape or self.input_shape, rng, convolution)
