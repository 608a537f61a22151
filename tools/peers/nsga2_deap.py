"""NSGA-II of DEAP (python3-deap) on the NAS-Bench-201 and HW-NAS-Bench tables: the peer of configs/simulate/hardware.cfg.

    python3 nsga2_deap.py FOLDER [--seeds 20] [--population 40]                  a table of all costs
    python3 nsga2_deap.py FOLDER --cost raspi4_latency --seed 3 --at 500 2000    one search, as clnas-simulate runs it

Prints for each cost the share of the exact front's hypervolume after 500 and 2,000 evaluations, mean ± std over the
seeds.  The same operators as `nsga2` here: uniform crossover for 90 % of the pairs, each gene changed with 1/6,
tournaments by front and crowding.  Every evaluation counts, also of a cell that is known; DEAP does not look for duplicates.
"""
import argparse
import csv
import gzip
import os
import random
import statistics

from deap import base, creator, tools

COSTS = ["edgegpu_latency", "edgegpu_energy", "raspi4_latency", "edgetpu_latency", "pixel3_latency",
         "eyeriss_latency", "fpga_latency"]


def read_tables(folder):
    """{genes: (accuracy, {cost: value})}"""
    with gzip.open(os.path.join(folder, "nb201_hwnasbench_cifar10.csv.gz"), "rt") as file:
        costs = {row["index"]: row for row in csv.DictReader(file)}
    table = {}
    with open(os.path.join(folder, "nb201_accuracy.csv")) as file:
        for row in csv.DictReader(file):
            genes = tuple(int(digit) for digit in row["ops"])
            cost = costs.get(row["index"], {})
            table[genes] = (float(row["c10_test200"]), {name: float(cost[name]) for name in COSTS if cost.get(name)})
    return table


def hypervolume(points, reference):
    """Points (accuracy up, cost down); the area that they dominate, up to the reference."""
    area, ceiling = 0.0, reference[1]
    for accuracy, cost in sorted(points, key=lambda point: (-point[0], point[1])):
        if cost < ceiling and accuracy > reference[0]:
            area += (accuracy - reference[0]) * (ceiling - cost)
            ceiling = cost
    return area


def mutate(genes):
    changed = [i for i in range(6) if random.random() < 1 / 6] or [random.randrange(6)]
    for i in changed:
        genes[i] = (genes[i] + random.randrange(1, 5)) % 5
    return genes,


def search(values, seed, population_size, evaluations):
    """Every evaluated point, in order."""
    random.seed(seed)
    points = []

    def evaluate(genes):
        points.append(values[tuple(genes)])
        return points[-1]

    def random_one():
        return creator.Cell(random.randrange(5) for _ in range(6))

    population = [random_one() for _ in range(population_size)]
    for cell in population:
        cell.fitness.values = evaluate(cell)
    population = tools.selNSGA2(population, population_size)
    while len(points) < evaluations:
        children = [creator.Cell(cell) for cell in tools.selTournamentDCD(population, population_size)]
        for first, second in zip(children[::2], children[1::2]):
            if random.random() < 0.9:
                tools.cxUniform(first, second, 0.5)
        for child in children:
            mutate(child)
            child.fitness.values = evaluate(child)
        population = tools.selNSGA2(population + children, population_size)
    return points


def shares_of(table, cost, seeds, options):
    """For each seed, the share of the exact front's hypervolume at each of options.at."""
    values = {genes: (accuracy, costs[cost]) for genes, (accuracy, costs) in table.items() if cost in costs}
    reference = min(v[0] for v in values.values()), max(v[1] for v in values.values())
    whole = hypervolume(values.values(), reference)
    for seed in seeds:
        points = search(values, seed, options.population, options.at[-1])
        yield [hypervolume(points[:at], reference) / whole for at in options.at]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--population", type=int, default=40)
    parser.add_argument("--at", type=int, nargs="+", default=[500, 2000])
    parser.add_argument("--cost", choices=COSTS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    creator.create("Fitness", base.Fitness, weights=(1.0, -1.0))
    creator.create("Cell", list, fitness=creator.Fitness)
    table = read_tables(options.folder)
    if options.cost:
        print(*next(shares_of(table, options.cost, [options.seed], options)), sep=",")
        return
    for name in COSTS:
        shares = list(shares_of(table, name, range(options.seeds), options))
        print("| deap_" + name, options.seeds,
              *(f"{statistics.mean(s):.4f} ± {statistics.stdev(s):.4f}" for s in zip(*shares)), sep=" | ", end=" |\n")


if __name__ == "__main__":
    main()
