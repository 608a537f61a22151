"""Any network of clnas in PyTorch or ONNX Runtime, on the CPU: the peer of `clnas-bench peers`.

    python3 network.py GRAPH.txt [--train BATCH] [--infer 1,64] [--seconds 2] [--threads 2] [--channels-last]
    python3 network.py GRAPH.txt --onnx MODEL.onnx              # writes the network for ONNX Runtime
    python3 network.py GRAPH.txt --engine onnxruntime --onnx MODEL.onnx --infer 1,64
    python3 network.py GRAPH.txt --weights W.safetensors --input X.npy --output Y.npy

GRAPH.txt is a network's text as clnas writes it (include/clnas/graph.h): a line per node, "N operator(inputs) options".  The module
is made from it node by node, so whatever clnas trains is trained here.

Prints one line of JSON: engine with its version, trained parameters, milliseconds of each training step and of each inference by
batch, peak memory of the process.  Images and labels are random and stay where they are; the first steps, in which memory is mapped and
kernels are chosen, are not counted.  With --weights the outputs for given images are written instead: with the parameters of a file that
clnas saved they must be clnas's own, for neither knows the other's code.
"""
import argparse
import json
import re
import resource
import struct
import time
import warnings

WARM_UP_STEPS = 3
SAMPLES_MAX = 99  # as many as clnas-bench keeps


# ---- the text -------------------------------------------------------------------------------------------------------

def read_value(text):
    """A number, a truth, a text or a list of numbers."""
    text = text.strip()
    if text.startswith("["):
        return [read_value(item) for item in text[1:-1].split(",") if item.strip()]
    if text.startswith('"'):
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    return float(text) if re.search(r"[.eE]", text) else int(text)


def read_graph(path):
    """Shape of the input, nodes as (operator, inputs, options), number of the output."""
    shape, nodes, output = None, [None], -1
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("input "):
                shape = tuple(int(n) for n in line[6:].split("x"))
                continue
            if line.startswith("output "):
                output = int(line[7:])
                continue
            match = re.fullmatch(r"(\d+) (\w+)\(([\d, ]*)\)(.*)", line)
            if not match or int(match[1]) != len(nodes):
                raise SystemExit(f"{path}: no node {len(nodes)}: {line}")
            options = dict((part.split("=", 1)[0].strip(), read_value(part.split("=", 1)[1]))
                           for part in match[4].split(";") if part.strip())
            nodes.append((match[2], [int(n) for n in match[3].split(",") if n.strip()], options))
    return shape, nodes, output if output >= 0 else len(nodes) - 1


def pair(value):
    """Height and width of an option that may be one number for both."""
    return (value[0], value[-1]) if isinstance(value, list) else (value, value)


# ---- operators ------------------------------------------------------------------------------------------------------

def make_network(path):
    """The module; its layers are called as clnas calls them: the number of the node."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Subsample(nn.Module):
        def __init__(self, step, start):
            super().__init__()
            self.step, self.start = pair(step), pair(start)

        def forward(self, x):
            out = []
            for axis in (0, 1):
                side = x.shape[2 + axis]
                out.append((1, 0, side) if side == 1 else
                           (self.step[axis], self.start[axis], -(-side // self.step[axis])))
            (sh, fh, h), (sw, fw, w) = out
            y = x[:, :, fh::sh, fw::sw]
            return functional.pad(y, (0, w - y.shape[3], 0, h - y.shape[2]))

    class Upsample(nn.Module):
        def __init__(self, factor, height, width):
            super().__init__()
            self.factor, self.height, self.width = factor, height, width

        def forward(self, x):
            h, w = x.shape[2], x.shape[3]
            y = functional.interpolate(x, scale_factor=(1 if h == 1 else self.factor, 1 if w == 1 else self.factor))
            return y[:, :, :self.height or y.shape[2], :self.width or y.shape[3]]

    class Shuffle(nn.Module):
        def __init__(self, groups):
            super().__init__()
            self.groups = groups

        def forward(self, x):
            n, c, h, w = x.shape
            return x.reshape(n, self.groups, c // self.groups, h, w).transpose(1, 2).reshape(n, c, h, w)

    class Call(nn.Module):
        """An operator without parameters."""
        def __init__(self, function):
            super().__init__()
            self.function = function

        def forward(self, *inputs):
            return self.function(*inputs)

    def conv2d(o, x):
        kernel = (o.get("kernel_h") or o.get("kernel", 3), o.get("kernel_w") or o.get("kernel", 3))
        dilation, common = o.get("dilation", 1), o.get("padding", -1)
        padding = []
        for own, k in zip((o.get("padding_h", -2), o.get("padding_w", -2)), kernel):
            own = common if own == -2 else own
            padding.append(dilation * (k - 1) // 2 if own < 0 else own)
        channels = x.shape[1]
        return nn.Conv2d(channels, o.get("out") or channels, kernel, stride=o.get("stride", 1),
                         padding=tuple(padding), dilation=dilation,
                         groups=o.get("groups", 1) or channels, bias=o.get("bias", False))

    def pool(o, _):
        kind, kernel = o.get("kind", "max"), pair(o.get("kernel", 2))
        if kind == "global_average":
            return nn.AdaptiveAvgPool2d(1)
        stride = tuple(s or k for s, k in zip(pair(o.get("stride", 0)), kernel))
        padding = pair(o.get("padding", 0))
        if kind == "max":
            return nn.MaxPool2d(kernel, stride, padding)
        return nn.AvgPool2d(kernel, stride, padding, count_include_pad=False)

    def activation(o, _):
        kinds = {"relu": nn.ReLU, "relu6": nn.ReLU6, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh,
                 "silu": nn.SiLU, "hard_swish": nn.Hardswish, "gelu": nn.GELU}
        kind = o.get("kind", "relu")
        if kind == "leaky_relu":
            return nn.LeakyReLU(o.get("slope", 0.01))
        return kinds[kind]()

    def dense(o, x):
        return nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), o["out"], bias=o.get("bias", True)))

    def batch_norm(o, x):
        return nn.BatchNorm2d(x.shape[1], eps=o.get("epsilon", 1e-5), momentum=o.get("momentum", 0.1),
                              affine=o.get("affine", True), track_running_stats=o.get("running", True))

    def slice_of(o, _):
        first = o.get("from", 0)
        return Call(lambda x: x[:, first:first + o["count"]])

    makers = {
        "conv2d": conv2d, "pool": pool, "activation": activation, "dense": dense,
        "batch_norm": batch_norm, "slice": slice_of,
        "add": lambda o, x: Call(lambda *inputs: sum(inputs[1:], inputs[0])),
        "mul": lambda o, x: Call(lambda a, b: a * b),
        "concat": lambda o, x: Call(lambda *inputs: torch.cat(inputs, 1)),
        "zero": lambda o, x: Call(torch.zeros_like),
        "shuffle": lambda o, x: Shuffle(o.get("groups", 2)),
        "dropout": lambda o, x: nn.Dropout(o.get("rate", 0.5)),
        "drop_path": lambda o, x: nn.Identity(),  # the step block's probability is 0 in a benchmark
        "subsample": lambda o, x: Subsample(o.get("step", 2), o.get("from", 0)),
        "upsample": lambda o, x: Upsample(o.get("factor", 2), o.get("height", 0), o.get("width", 0)),
    }

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.shape, self.nodes, self.output = read_graph(path)
            self.layers = nn.ModuleDict()
            with torch.no_grad():
                self.run(torch.zeros((1,) + self.shape), make=True)

        def run(self, x, make=False):
            """Values are dropped behind their last reader, as a hand-written module would."""
            last = {}
            for i, node in enumerate(self.nodes[:self.output + 1]):
                for k in node[1] if node else ():
                    last[k] = i
            values = {0: x}
            for i in range(1, self.output + 1):
                op, inputs, options = self.nodes[i]
                if make:
                    if op not in makers:
                        raise SystemExit(f"{path}: no operator {op} in this peer")
                    layer = makers[op](options, values[inputs[0]])
                    self.layers[str(i)] = layer.eval() if op == "batch_norm" else layer
                values[i] = self.layers[str(i)](*(values[k] for k in inputs))
                for k in set(inputs):
                    if last[k] == i:
                        del values[k]
            return values[self.output].flatten(1)

        def forward(self, x):
            return self.run(x)

    return Network()


# ---- weights --------------------------------------------------------------------------------------------------------

def read_safetensors(path):
    import numpy
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: numpy.frombuffer(data[t["data_offsets"][0]:t["data_offsets"][1]], "<f4").reshape(t["shape"])
            for name, t in header.items()}


def load_weights(network, path):
    """Every tensor of the file has its place here, and every place here its tensor."""
    import torch
    names = {"gamma": "weight", "beta": "bias", "running_variance": "running_var"}
    places = dict(network.state_dict(keep_vars=True))
    found = set()
    for name, values in read_safetensors(path).items():
        node, parameter = name.split(".", 1)
        place = f"layers.{node}.{names.get(parameter, parameter)}"
        if place not in places:
            place = f"layers.{node}.1.{parameter}"  # dense: flatten, then the layer
        with torch.no_grad():
            places[place].copy_(torch.tensor(values).reshape(places[place].shape))
        found.add(place)
    missing = {p for p in places if not p.endswith("num_batches_tracked")} - found
    if missing:
        raise SystemExit(f"{path} lacks {sorted(missing)}")


# ---- measuring ------------------------------------------------------------------------------------------------------

def samples_ms(run, seconds):
    """Milliseconds of each run for about so many seconds, at least three."""
    for _ in range(WARM_UP_STEPS):
        run()
    times, begin = [], time.perf_counter()
    while len(times) < 3 or (time.perf_counter() - begin < seconds and len(times) < 100000):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    stride = -(-len(times) // SAMPLES_MAX)  # of many short ones, means of neighbours
    return [sum(times[i:i + stride]) / len(times[i:i + stride]) for i in range(0, len(times), stride)]


def train(network, batch, layout, seconds):
    import torch
    images = torch.randn((batch,) + network.shape).contiguous(memory_format=layout)
    labels = torch.randint(10, (batch,))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    loss_of = torch.nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss_of(network(images), labels).backward()
        optimizer.step()

    network.train()
    return samples_ms(step, seconds)


def infer_torch(network, batch, layout, seconds):
    import torch
    images = torch.randn((batch,) + network.shape).contiguous(memory_format=layout)
    network.eval()
    with torch.inference_mode():
        return samples_ms(lambda: network(images), seconds)


def infer_onnx(path, shape, batch, threads, seconds):
    import numpy
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    images = numpy.random.default_rng(1).standard_normal((batch,) + shape, dtype=numpy.float32)
    return samples_ms(lambda: session.run(None, {"images": images}), seconds)


def export(network, path):
    import torch
    network.eval()
    warnings.filterwarnings("ignore")  # the older exporter needs no further package; what it traces here is fixed
    older = {} if tuple(int(n) for n in torch.__version__.split(".")[:2]) < (2, 5) else {"dynamo": False}
    torch.onnx.export(network, torch.zeros((2,) + network.shape), path, input_names=["images"], output_names=["logits"],
                      dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}}, **older)


def compare(network, options):
    import numpy
    import torch
    load_weights(network, options.weights)
    network.eval()
    images = torch.tensor(numpy.load(options.input))
    with torch.inference_mode():
        numpy.save(options.output, network(images).numpy())


def run_torch(options, report):
    import torch
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    network = make_network(options.graph).to(memory_format=layout)
    report["engine"] = f"torch {torch.__version__}"
    report["parameters"] = sum(p.numel() for p in network.parameters())
    if options.weights:
        compare(network, options)
    elif options.onnx:
        export(network, options.onnx)
    if options.train:
        report["train_ms"] = train(network, options.train, layout, options.seconds)
        report["train_bytes"] = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for batch in options.infer:
        report["infer_ms"][str(batch)] = infer_torch(network, batch, layout, options.seconds)


def run_onnx(options, report):
    import onnxruntime
    report["engine"] = f"onnxruntime {onnxruntime.__version__}"
    shape = read_graph(options.graph)[0]
    for batch in options.infer:
        report["infer_ms"][str(batch)] = infer_onnx(options.onnx, shape, batch, options.threads, options.seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("graph")
    parser.add_argument("--engine", choices=["torch", "onnxruntime"], default="torch")
    parser.add_argument("--train", type=int, default=0)
    parser.add_argument("--infer", type=lambda text: [int(n) for n in text.split(",")], default=[])
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--onnx")
    parser.add_argument("--weights")
    parser.add_argument("--input")
    parser.add_argument("--output")
    options = parser.parse_args()
    report = {"engine": "", "infer_ms": {}}
    (run_onnx if options.engine == "onnxruntime" else run_torch)(options, report)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
