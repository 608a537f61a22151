"""A search step of a one-shot method in PyTorch on the CPU: the peer of `clnas-bench supernet --peer`.

    python3 supernet.py [--method darts|gdas|spos|fairnas] [--cells 8] [--channels 16] [--batch 64] [--size 32] [--steps 3] [--threads 2]
                        [--channels-last]

The search network of DARTS (arXiv 1806.09055): each edge carries eight operations, added up by the softmax of its architecture
weights; normal and reduction cells (at a third and two thirds of the depth) have weights of their own.  A search step is

    darts     a step of SGD for the network's weights (clipped to norm 5) and a step of Adam for the architecture, first order,
              each on a batch
    gdas      the same, but of each edge the winner of a Gumbel draw alone runs (1910.04465, and its authors' way to hand the gradient
              on: the others' weights are added as numbers)
    spos      a step of SGD for one path (1904.00420): per node two of its inputs, an operation each, uniformly drawn
    fairnas   the same inputs, a permutation of the operations for each; eight paths over one batch, gradients added, one step (1907.01845)

Operations that do not run have no gradient, and SGD leaves them alone.  The batches are random and stay where they are; the first step, in
which memory is mapped, is not counted.  Prints one line:
torch VERSION parameters COUNT median_ms X min_ms Y max_ms Z peak_bytes B
"""
import argparse
import random
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional

STATES = 4  # inner nodes of a cell
OPERATIONS = 8


def norm(width):
    return nn.BatchNorm2d(width, affine=False)


def projection(width_in, width):
    return nn.Sequential(nn.ReLU(), nn.Conv2d(width_in, width, 1, bias=False), norm(width))


def separable(width, kernel, stride, dilation=1):
    """ReLU, depthwise, pointwise, norm."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(width, width, kernel, stride, dilation * (kernel // 2), dilation, groups=width, bias=False),
        nn.Conv2d(width, width, 1, bias=False), norm(width))


class Halved(nn.Module):
    """Factorized reduction: two strided projections, one of them shifted by a pixel."""

    def __init__(self, width_in, width):
        super().__init__()
        self.even = nn.Conv2d(width_in, width // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(width_in, width // 2, 1, 2, bias=False)
        self.norm = norm(width)

    def forward(self, x):
        x = functional.relu(x)
        return self.norm(torch.cat((self.even(x), self.odd(x[:, :, 1:, 1:])), dim=1))


class Nothing(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return torch.zeros_like(x[:, :, ::self.stride, ::self.stride])


def candidates(width, stride):
    return nn.ModuleList([
        Nothing(stride),
        nn.Sequential(nn.MaxPool2d(3, stride, 1), norm(width)),
        nn.Sequential(nn.AvgPool2d(3, stride, 1, count_include_pad=False), norm(width)),
        nn.Identity() if stride == 1 else Halved(width, width),
        nn.Sequential(separable(width, 3, stride), separable(width, 3, 1)),
        nn.Sequential(separable(width, 5, stride), separable(width, 5, 1)),
        separable(width, 3, stride, 2),
        separable(width, 5, stride, 2),
    ])


class Cell(nn.Module):
    def __init__(self, before, last, width, reduces, was_reduced):
        super().__init__()
        self.reduces = reduces
        self.first = Halved(before, width) if was_reduced else projection(before, width)
        self.second = projection(last, width)
        self.edges = nn.ModuleList(candidates(width, 2 if reduces and source < 2 else 1)
                                   for node in range(STATES) for source in range(node + 2))

    def forward(self, before, last, edges):
        """`edges`: for each edge a function of (operations, state), or None where it carries nothing."""
        states = [self.first(before), self.second(last)]
        pairs = iter(zip(self.edges, edges))
        for _ in range(STATES):
            terms = []
            for state in list(states):
                operations, edge = next(pairs)
                if edge is not None:
                    terms.append(edge(operations, state))
            states.append(sum(terms))
        return torch.cat(states[2:], dim=1)


def mixed(weights):
    """All operations, each times its weight."""
    return lambda operations, state: sum(w * operation(state) for w, operation in zip(weights, operations))


def winner(logits):
    """The operation that a Gumbel draw takes; its value is the operation's, its gradient the soft sample's."""
    gumbel = -torch.empty_like(logits).exponential_().log()
    soft = functional.softmax((logits + gumbel) / 10, dim=0)
    best = int(soft.argmax())
    hard = torch.zeros_like(soft)
    hard[best] = 1
    weights = hard - soft.detach() + soft
    others = [k for k in range(OPERATIONS) if k != best]
    return lambda operations, state: weights[best] * operations[best](state) + weights[others].sum()


def one(choice):
    return lambda operations, state: operations[choice](state)


def draw_inputs():
    """Per edge, in order: does it belong to the two inputs of its node?"""
    used = []
    for node in range(STATES):
        two = random.sample(range(node + 2), 2)
        used += [source in two for source in range(node + 2)]
    return used


def uniform_path():
    return [one(random.randrange(1, OPERATIONS)) if used else None for used in draw_inputs()]


def fair_paths():
    orders = [random.sample(range(OPERATIONS), OPERATIONS) if used else None for used in draw_inputs()]
    return [[one(order[k]) if order else None for order in orders] for k in range(OPERATIONS)]


class Supernet(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 3 * width, 3, padding=1, bias=False), nn.BatchNorm2d(3 * width))
        before = last = 3 * width
        self.cells = nn.ModuleList()
        was_reduced = False
        for depth_now in range(depth):
            reduces = depth_now in (depth // 3, 2 * depth // 3)
            width *= 2 if reduces else 1
            self.cells.append(Cell(before, last, width, reduces, was_reduced))
            before, last, was_reduced = last, STATES * width, reduces
        self.classifier = nn.Linear(last, 10)
        edges = sum(node + 2 for node in range(STATES))
        self.normal = nn.Parameter(1e-3 * torch.randn(edges, OPERATIONS))
        self.reduction = nn.Parameter(1e-3 * torch.randn(edges, OPERATIONS))

    def architecture(self):
        return [self.normal, self.reduction]

    def weights(self):
        return [p for name, p in self.named_parameters() if name not in ("normal", "reduction")]

    def forward(self, images, normal, reduction):
        before = last = self.stem(images)
        for cell in self.cells:
            before, last = last, cell(before, last, reduction if cell.reduces else normal)
        return self.classifier(last.mean(dim=(2, 3)))


def main():
    parser = argparse.ArgumentParser()
    for name, default in (("cells", 8), ("channels", 16), ("batch", 64), ("size", 32), ("steps", 3), ("threads", 2)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--method", choices=("darts", "gdas", "spos", "fairnas"), default="darts")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    random.seed(1)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    network = Supernet(options.channels, options.cells).to(memory_format=layout)
    weights = network.weights()
    weight_optimizer = torch.optim.SGD(weights, lr=0.025, momentum=0.9, weight_decay=3e-4)
    architecture_optimizer = torch.optim.Adam(network.architecture(), lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    batches = [(torch.randn(options.batch, 3, options.size, options.size).contiguous(memory_format=layout),
                torch.randint(10, (options.batch,))) for _ in range(2)]

    def backward(batch, normal, reduction):
        images, labels = batch
        functional.cross_entropy(network(images, normal, reduction), labels).backward()

    def by_architecture():
        if options.method == "gdas":
            return [[winner(row) for row in logits] for logits in network.architecture()]
        return [[mixed(row) for row in functional.softmax(logits, dim=1)] for logits in network.architecture()]

    def passes():
        """The paths of a step of the weights."""
        if options.method == "spos":
            return [(uniform_path(), uniform_path())]
        if options.method == "fairnas":
            return list(zip(fair_paths(), fair_paths()))
        return [by_architecture()]

    def step():
        if options.method in ("darts", "gdas"):
            architecture_optimizer.zero_grad(set_to_none=True)
            backward(batches[1], *by_architecture())
            architecture_optimizer.step()
        weight_optimizer.zero_grad(set_to_none=True)
        for path in passes():
            backward(batches[0], *path)
        nn.utils.clip_grad_norm_(weights, 5)
        weight_optimizer.step()

    step()
    seconds = []
    for _ in range(options.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"torch {torch.__version__} parameters {sum(p.numel() for p in weights)} "
          f"median_ms {statistics.median(seconds) * 1e3:.4f} min_ms {min(seconds) * 1e3:.4f} "
          f"max_ms {max(seconds) * 1e3:.4f} peak_bytes {peak}")


if __name__ == "__main__":
    main()
