"""Cells against the same work written by hand: at most 1 % more instructions.

Arguments: the hand-written program, the directory of the cell programs, valgrind ("" if there is
none). Start-up and set-up are left out by the difference of two runs that differ in the number of
units alone. The time ratio is printed with its interval and decides nothing.
"""
import re
import subprocess
import sys

import cells

MOST = 1.01
SAMPLES = 5
FEW, MANY = 100, 600  # units
PAIRS, TIMED_UNITS = 12, 3000
# Collector, workload, and its parameters in the order of the hand-written program.
CASES = [("manual", "managed/cycle-churn", {"ring": 10, "live": 16}),
         ("malloc", "malloc/larson", {"blocks": 5000, "min": 8, "max": 1000}),
         ("malloc", "malloc/random-sizes", {"blocks": 50000, "min": 16, "max": 65536})]


def callgrind(valgrind):
    return [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def collected(text):
    return int(re.search(r"Collected\s*:\s*(\d+)", text).group(1))


def by_hand(program, workload, units, parameters, before=()):
    numbers = [1, units, *parameters.values()]
    done = subprocess.run([*before, program, workload, *map(str, numbers)], text=True,
                          capture_output=True, check=True)
    checksum, ns = done.stdout.split()
    return done, checksum, float(ns)


def instructions(hand, cell, workload, parameters, valgrind):
    """Instructions per op of the cell and of the hand-written program."""
    cell_counts, hand_counts = [], []
    for units in (FEW, MANY):
        wanted = cells.request(workload, units, SAMPLES, parameters=parameters)
        done, record = cells.run_cell(cell, wanted, callgrind(valgrind))
        cell_counts.append(collected(done.stderr))
        hand_done, checksum, _ = by_hand(hand, workload, units, parameters, callgrind(valgrind))
        hand_counts.append(collected(hand_done.stderr))
        if checksum != record["checksum"]:
            sys.exit(f"{workload}: the cell's checksum is {record['checksum']}, by hand {checksum}:"
                     " not the same work")
    ops = (MANY - FEW) * record["ops_per_unit"]
    return ((cell_counts[1] - cell_counts[0]) / ops, (hand_counts[1] - hand_counts[0]) / ops)


def times(hand, cell, workload, parameters):
    """ns per op of cell and hand-written program, in pairs whose order alternates."""
    cell_ns, hand_ns = [], []

    def run_the_cell():
        wanted = cells.request(workload, TIMED_UNITS, SAMPLES, parameters=parameters)
        _, record = cells.run_cell(cell, wanted)
        cell_ns.append(cells.ns_per_op(record))

    def run_by_hand():
        hand_ns.append(by_hand(hand, workload, TIMED_UNITS, parameters)[2])

    for pair in range(PAIRS):
        for run in ((run_the_cell, run_by_hand), (run_by_hand, run_the_cell))[pair % 2]:
            run()
    return cell_ns, hand_ns


def main():
    hand, folder, valgrind = sys.argv[1:4]
    if not valgrind:
        print("skipped: valgrind is not installed")
        return cells.SKIPPED
    failed = False
    for name, workload, parameters in CASES:
        cell = cells.cell_program(folder, name)
        of_cell, of_hand = instructions(hand, cell, workload, parameters, valgrind)
        ratio = of_cell / of_hand
        failed |= ratio > MOST
        median, low, high = cells.ratio_interval(*times(hand, cell, workload, parameters))
        print(f"{workload} ({name}): {of_cell:.2f} instructions per op, {of_hand:.2f} by hand, "
              f"ratio {ratio:.4f} (at most {MOST}); "
              f"time ratio {median:.3f} [{low:.3f}, {high:.3f}]", flush=True)
    return 1 if failed else 0


sys.exit(main())
