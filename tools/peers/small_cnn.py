"""The small reference network of `clnas-bench net` in PyTorch, trained on the CPU: the peer of `clnas-bench peers`.

    python3 small_cnn.py [--batch 128] [--steps 40] [--threads 2] [--channels-last]

Prints one line: torch VERSION parameters COUNT median_ms X min_ms Y max_ms Z, over single steps, and
processor_ms W, the mean processor time of a step over all threads.  The batch is
random and stays where it is; the first steps, in which memory is mapped and kernels are chosen, are not counted.
"""
import argparse
import statistics
import time

import torch
from torch import nn

WARM_UP_STEPS = 8


def normed(*layers, width):
    """Convolutions without bias, one batch norm behind the last, then ReLU."""
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU())


def plain(width_in, width, stride=1):
    return normed(nn.Conv2d(width_in, width, 3, stride=stride, padding=1, bias=False), width=width)


def separable(width_in, width):
    depthwise = nn.Conv2d(width_in, width_in, 3, padding=1, groups=width_in, bias=False)
    pointwise = nn.Conv2d(width_in, width, 1, bias=False)
    return normed(depthwise, pointwise, width=width)


def small_cnn():
    return nn.Sequential(plain(1, 16), plain(16, 32, stride=2), separable(32, 64), nn.MaxPool2d(2),
                         separable(64, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def train(network, images, labels, steps):
    """Seconds of each step."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    loss_of = nn.CrossEntropyLoss()
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss_of(network(images), labels).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    network = small_cnn().to(memory_format=layout)
    images = torch.randn(options.batch, 1, 28, 28).contiguous(memory_format=layout)
    labels = torch.randint(10, (options.batch,))
    train(network, images, labels, WARM_UP_STEPS)
    start = time.process_time()
    counted = train(network, images, labels, options.steps)
    processor = (time.process_time() - start) / options.steps
    print(f"torch {torch.__version__} parameters {sum(p.numel() for p in network.parameters())} "
          f"median_ms {statistics.median(counted) * 1e3:.4f} min_ms {min(counted) * 1e3:.4f} "
          f"max_ms {max(counted) * 1e3:.4f} processor_ms {processor * 1e3:.4f}")


if __name__ == "__main__":
    main()
