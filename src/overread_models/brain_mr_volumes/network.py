"""MeshNet as OpenVINO runs it: ten dilated 3D convolutions at full resolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

from overread.vocabulary.errors import Rejected


class Network:
    """The compiled network for one input shape."""

    def __init__(
        self,
        architecture: dict[str, Any],
        tensors: dict[str, NDArray[np.float32]],
        shape: tuple[int, int, int],
    ) -> None:
        # Single precision everywhere: a processor with bfloat16 would else give other labels.
        options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        model = _build(architecture, tensors, shape)
        self._compiled = openvino.Core().compile_model(model, "CPU", options)

    def label(self, voxels: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The most likely label of each voxel; axes as given: index growing to L, I and A."""
        answer = self._compiled(voxels[np.newaxis, np.newaxis])[0]
        return np.asarray(answer, dtype=np.uint8)


def _build(
    architecture: dict[str, Any],
    tensors: dict[str, NDArray[np.float32]],
    shape: tuple[int, int, int],
) -> Any:
    source = ops.parameter([1, 1, *shape], np.float32)
    node: Any = source
    layers = architecture["layers"]
    for number, layer in enumerate(layers):
        weight = tensors[f"model.{2 * number}.weight"]
        bias = tensors[f"model.{2 * number}.bias"]
        expected = (layer["out_channels"], layer["in_channels"], *[layer["kernel_size"]] * 3)
        if weight.shape != expected:
            raise Rejected(f"Layer {number} has the shape {weight.shape}, not {expected}.")
        padding, dilation = [layer["padding"]] * 3, [layer["dilation"]] * 3
        strides = [layer["stride"]] * 3
        node = ops.convolution(node, ops.constant(weight), strides, padding, padding, dilation)
        node = ops.add(node, ops.constant(bias.reshape(1, -1, 1, 1, 1)))
        if number + 1 < len(layers):
            node = ops.elu(node, 1.0)
    best = ops.topk(node, ops.constant(np.int64(1)), 1, "max", "none", "i32").output(1)
    return openvino.Model([ops.squeeze(best, ops.constant(np.array([0, 1])))], [source])
