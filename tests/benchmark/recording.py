"""What recording pauses and latency costs: the same cells, compiled with it and without.

Arguments: valgrind ("" if there is none), then the programs in pairs, without and with. Fails where
it costs more than 1 ns an op, by the lower end of the interval. Instructions leave start-up out by
the difference of two runs; they are exact, and decide nothing: they cost what the time says.
"""
import random
import re
import statistics
import sys

import cells

MOST_NS = 1.0
WORKLOADS = ("managed/cycle-churn", "managed/binary-trees")
FEW, MANY, SAMPLES = 100, 400, 5  # units, under valgrind
PAIRS, TIMED_UNITS, WARM_UNITS = 15, 2000, 200


def instructions_per_op(program, workload, valgrind):
    counts = []
    for units in (FEW, MANY):
        done, record = cells.run_cell(
            program, cells.request(workload, units, SAMPLES),
            [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"])
        counts.append(int(re.search(r"Collected\s*:\s*(\d+)", done.stderr).group(1)))
    return (counts[1] - counts[0]) / ((MANY - FEW) * record["ops_per_unit"])


def cpu_ns_per_op(program, workload):
    _, record = cells.run_cell(
        program, cells.request(workload, TIMED_UNITS, SAMPLES, warmup_units=WARM_UNITS))
    return sum(record["sample_cpu_ns"]) / (record["units"] * record["ops_per_unit"])


def interval(differences, seed=1, resamples=2000):
    """Median and its 95 % bootstrap interval."""
    chance = random.Random(seed)
    medians = sorted(statistics.median(chance.choices(differences, k=len(differences)))
                     for _ in range(resamples))
    return (statistics.median(differences), medians[int(0.025 * resamples)],
            medians[int(0.975 * resamples)])


def compare(without, with_it, workload):
    """CPU times in pairs whose order alternates."""
    times = {without: [], with_it: []}
    for pair in range(PAIRS):
        for program in ((without, with_it), (with_it, without))[pair % 2]:
            times[program].append(cpu_ns_per_op(program, workload))
    differences = [b - a for a, b in zip(times[without], times[with_it])]
    return statistics.median(times[without]), interval(differences)


def main():
    valgrind, programs = sys.argv[1], sys.argv[2:]
    failed = False
    print("collector and workload: CPU ns per op without; more with [95 %]; instructions per op")
    for without, with_it in zip(programs[::2], programs[1::2]):
        name = re.search(r"recording-(.*)-0$", without).group(1)
        for workload in WORKLOADS:
            base, (median, low, high) = compare(without, with_it, workload)
            text = f"{name} {workload}: {base:.2f}; {median:+.3f} [{low:+.3f}, {high:+.3f}]"
            if valgrind:
                counts = [instructions_per_op(each, workload, valgrind)
                          for each in (without, with_it)]
                text += f"; {counts[0]:.3f} and {counts[1]:.3f}"
            print(text, flush=True)
            failed |= low > MOST_NS
    return 1 if failed else 0


sys.exit(main())
