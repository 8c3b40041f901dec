"""The same seed gives the same checksum on every collector, and what a cell leaves behind is told.

Arguments: the cell programs. Each workload that a program can run is run once small, as `churn`
would run it; sequence-list and sequence-generator are one sequence and agree with each other too.
"""
import json
import subprocess
import sys
import unittest
from collections import defaultdict

PROGRAMS = sys.argv[1:]
SEED = 11
# Not so small that a collector with thresholds never collects.
UNITS = {"managed/large-list": 2, "managed/linked-list": 2, "managed/prefork": 3}
STANDARD_UNITS = 30


def describe(program):
    done = subprocess.run([program, "--describe"], text=True, capture_output=True, check=True)
    return json.loads(done.stdout)


def run(program, workload, threads, seed=SEED, units=None):
    wanted = {"protocol": 1, "mode": "time", "workload": workload, "threads": threads, "seed": seed,
              "samples": 1, "units": units or UNITS.get(workload, STANDARD_UNITS)}
    done = subprocess.run([program, "--churn_request=-"], input=json.dumps(wanted), text=True,
                          capture_output=True, timeout=120)
    if done.returncode != 0 or not done.stdout.strip():
        raise AssertionError(f"{program} on {workload} ended with {done.returncode}: {done.stderr}")
    record = json.loads(done.stdout)
    if record["outcome"] != "ok":
        raise AssertionError(f"{program} on {workload}: {record['outcome']}: {record['reason']}")
    return record


SHAPES = {program: describe(program) for program in PROGRAMS}


def runnable():
    """(program, its collector or None, workload) of every pair that is not not-applicable."""
    for program, shape in SHAPES.items():
        for workload in shape["workloads"]:
            if not workload["why_not"]:
                yield program, shape["collector"], workload


class Agreement(unittest.TestCase):
    def test_all_collectors_give_the_same_checksum(self):
        for many in (False, True):
            sums = defaultdict(dict)
            for program, collector, workload in runnable():
                threads = 3 * workload["min_threads"] if many else workload["min_threads"]
                most = collector["traits"]["max_mutators"] if collector else threads
                if threads > min(workload["max_threads"], most):
                    continue
                record = run(program, workload["name"], threads)
                sums[workload["name"]].setdefault(record["checksum"], []).append(program)
            self.assertTrue(sums)
            for workload, found in sums.items():
                self.assertEqual(len(found), 1, f"{workload}, seed {SEED}: {found}")
            if "managed/sequence-list" in sums:
                self.assertEqual(set(sums["managed/sequence-list"]),
                                 set(sums["managed/sequence-generator"]))

    def test_seed_and_units_change_the_checksum(self):
        seen = set()
        for program, _, workload in runnable():
            name, threads = workload["name"], workload["min_threads"]
            if name in seen:
                continue
            seen.add(name)
            sums = {run(program, name, threads, seed, units)["checksum"]
                    for seed, units in ((SEED, 3), (SEED, 4), (SEED + 1, 3))}
            self.assertEqual(len(sums), 3, f"{name}: {sums}")

    def test_what_is_not_reclaimed_is_told(self):
        for program, collector, workload in runnable():
            if collector is None or not collector["traits"]["reports_objects"]:
                continue
            traits = collector["traits"]
            record = run(program, workload["name"], workload["min_threads"])
            left = record["collector_stats"]["unreclaimed_at_end_objects"]
            leaks = not traits["reclaims"] or (workload["makes_cycles"] and not traits["cycles"])
            pair = f"{program}, {workload['name']}"
            if leaks:
                self.assertGreater(left, 0, f"{pair}: a leak by nature is not reported")
            elif not traits["conservative"]:
                self.assertEqual(left, 0, f"{pair}: objects are left at the end")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
