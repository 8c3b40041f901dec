"""What the benchmarks share: running one cell by its request, and a bootstrap interval."""
import json
import os
import random
import statistics
import subprocess
import sys

SKIPPED = 77  # what Meson takes as skipped


def request(workload, units, samples=10, seed=1, threads=1, **more):
    return {"protocol": 1, "workload": workload, "units": units, "samples": samples, "seed": seed,
            "threads": threads, **more}


def run_cell(program, wanted, before=()):
    """The finished process and its record. `before` is a command that runs the program."""
    done = subprocess.run([*before, program, "--churn_request=-"], input=json.dumps(wanted),
                          text=True, capture_output=True)
    if done.returncode != 0 or not done.stdout.strip():
        sys.exit(f"{program} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    record = json.loads(done.stdout)
    if record["outcome"] != "ok":
        sys.exit(f"{program}: {record['outcome']}: {record['reason']}")
    return done, record


def ns_per_op(record):
    ops = record["units"] * record["ops_per_unit"]
    return sum(record["sample_ns"]) / ops


def ratio_interval(numerators, denominators, seed=1, resamples=2000):
    """Median of the paired ratios and its 95 % bootstrap interval."""
    ratios = [a / b for a, b in zip(numerators, denominators)]
    chance = random.Random(seed)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios)))
                     for _ in range(resamples))
    return (statistics.median(ratios), medians[int(0.025 * resamples)],
            medians[int(0.975 * resamples)])


def cell_program(folder, name):
    return os.path.join(folder, "churn-cell-" + name)
