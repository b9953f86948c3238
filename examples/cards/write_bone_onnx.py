"""Write bone.onnx: one convolution and a sigmoid, where a site would export its own network."""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

WEIGHT = np.full((1, 1, 1, 1, 1), 1000, np.float32)
BIAS = np.array([-650], np.float32)  # 300 HU is 0.65 between -1000 and 1000 HU

graph = helper.make_graph(
    [
        helper.make_node("Conv", ["image", "weight", "bias"], ["score"]),
        helper.make_node("Sigmoid", ["score"], ["probability"]),
    ],
    "bone",
    [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, "z", "y", "x"])],
    [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1, 1, "z", "y", "x"])],
    [numpy_helper.from_array(WEIGHT, "weight"), numpy_helper.from_array(BIAS, "bias")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
Path(sys.argv[1]).write_bytes(model.SerializeToString())
