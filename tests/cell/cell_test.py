"""The cell programs as `churn` uses them: description, request, record, proof of the back end.

Arguments: the directory of the cell programs, and "sanitized" or "plain".
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import tap

CELLS, KIND = sys.argv[1], sys.argv.pop(2)
PLAIN = KIND == "plain"


def run_cell(program, request=None, arguments=(), environment=None):
    """Runs one cell program with the request on standard input."""
    command = [os.path.join(CELLS, program), *arguments]
    text = None
    if request is not None:
        command.append("--churn_request=-")
        text = json.dumps({"protocol": 1, **request})
    return subprocess.run(command, input=text, text=True, capture_output=True, timeout=120,
                          env={**os.environ, **(environment or {})})


def record_of(done):
    return json.loads(done.stdout)


SMALL = {"workload": "malloc/random-sizes", "units": 40, "samples": 10, "warmup_units": 5}


class Description(unittest.TestCase):
    def test_every_program_describes_itself(self):
        programs = [name for name in os.listdir(CELLS)
                    if name.startswith("churn-cell-") and "." not in name]
        self.assertIn("churn-cell-malloc", programs)
        for program in programs:
            shape = json.loads(run_cell(program, arguments=["--describe"]).stdout)
            self.assertEqual(shape["protocol"], 1)
            if program == "churn-cell-malloc":
                self.assertIsNone(shape["collector"])
            else:
                self.assertEqual("churn-cell-" + shape["collector"]["name"], program)
            for workload in shape["workloads"]:
                for key in ("summary", "source", "op"):
                    self.assertTrue(workload[key], (program, workload["name"], key))
                for parameter in workload["parameters"]:
                    self.assertLessEqual(parameter["minimum"], parameter["standard"])
                    self.assertLessEqual(parameter["standard"], parameter["maximum"])

    def test_what_a_collector_cannot_run_says_why(self):
        def why_not(collector, workload):
            shape = json.loads(run_cell("churn-cell-" + collector, arguments=["--describe"]).stdout)
            return next(each["why_not"] for each in shape["workloads"]
                        if each["name"] == "managed/" + workload)
        self.assertIn("more threads", why_not("refcount", "shared-graph"))
        self.assertIn("when its objects die", why_not("manual", "shared-graph"))
        self.assertIn("weak references", why_not("no-reclaim", "weak-cache"))
        self.assertIn("finalizers", why_not("no-reclaim", "finalizers"))
        self.assertEqual(why_not("refcount-atomic", "shared-graph"), "")

    def test_is_a_google_benchmark_program(self):
        done = run_cell("churn-cell-malloc", arguments=[
            "--benchmark_filter=random-sizes", "--benchmark_format=json",
            "--benchmark_min_time=0.01"])
        runs = json.loads(done.stdout)["benchmarks"]
        self.assertEqual([run["name"] for run in runs], ["malloc/random-sizes/manual_time"])
        self.assertRegex(runs[0]["label"], "^checksum [0-9a-f]{16}$")


class Record(unittest.TestCase):
    def test_time_has_one_sample_per_slice(self):
        record = record_of(run_cell("churn-cell-malloc", SMALL))
        self.assertEqual(record["outcome"], "ok", record["reason"])
        self.assertEqual(len(record["sample_ns"]), 10)
        self.assertEqual(len(record["sample_cpu_ns"]), 10)
        self.assertEqual(len(record["rss_time_line"]), 11)
        self.assertGreater(min(record["sample_ns"]), 0)
        self.assertGreater(record["rss_start_bytes"], 0)
        self.assertGreaterEqual(record["peak_rss_bytes"], record["rss_start_bytes"])
        self.assertNotIn("collector_stats", record)

    def test_the_checksum_follows_seed_and_units_alone(self):
        def checksum(**changed):
            return record_of(run_cell("churn-cell-malloc", {**SMALL, **changed}))["checksum"]
        self.assertEqual(checksum(), checksum())
        self.assertEqual(checksum(), checksum(samples=4))
        self.assertNotEqual(checksum(), checksum(seed=2))
        self.assertNotEqual(checksum(), checksum(units=80))

    def test_a_pilot_reports_a_slice_that_is_long_enough(self):
        record = record_of(run_cell("churn-cell-malloc",
                                    {**SMALL, "mode": "pilot", "target_ns": 2_000_000}))
        self.assertGreater(record["slice_units"], 0)
        self.assertGreater(record["slice_ns"], 0)
        self.assertNotIn("sample_ns", record)

    def test_a_managed_heap_reports_its_collector(self):
        record = record_of(run_cell("churn-cell-refcount", {
            "workload": "managed/cycle-churn", "units": 40, "samples": 10}))
        stats = record["collector_stats"]
        self.assertEqual(len(stats["reclaimed_objects"]), 3)
        # Counting never frees a ring: all that was made after the start line is still there.
        self.assertGreaterEqual(stats["unreclaimed_at_end_objects"], stats["allocated_objects"])

    def test_a_collector_of_cycles_leaves_nothing(self):
        record = record_of(run_cell("churn-cell-trial-deletion", {
            "workload": "managed/cycle-churn", "units": 40, "samples": 10}))
        self.assertEqual(record["collector_stats"]["unreclaimed_at_end_objects"], 0)
        self.assertEqual(record["collector_stats"]["unreclaimed_at_end_bytes"], 0)

    def test_presence_is_what_lives_and_what_floats(self):
        def present(collector, workload):
            record = record_of(run_cell("churn-cell-" + collector, {
                "mode": "presence", "workload": "managed/" + workload, "units": 12, "samples": 4,
                "warmup_units": 2}))
            self.assertEqual(len(record["present_objects"]), 4)
            self.assertNotIn("sample_ns", record)
            return record["checksum"], record["present_objects"], record["present_bytes"]
        # Counting frees at once: it holds what the oracle says is alive, to the byte.
        self.assertEqual(present("refcount", "lru-cache"), present("manual", "lru-cache"))
        # A table of sixteen rings of ten; counting keeps each of 3 * 100 rings that came and went.
        _, alive, _ = present("manual", "cycle-churn")
        self.assertEqual(alive, [161] * 4)
        _, held, _ = present("refcount", "cycle-churn")
        floating = [before - after for before, after in zip(held, alive)]
        self.assertEqual(floating, [(2 + 3 * slice) * 1000 for slice in (1, 2, 3, 4)])

    def test_presence_needs_a_heap(self):
        done = run_cell("churn-cell-malloc", {**SMALL, "mode": "presence"})
        self.assertEqual(done.returncode, 70)
        self.assertEqual(record_of(done)["outcome"], "not-applicable")

    def test_a_server_tells_its_latencies(self):
        record = record_of(run_cell("churn-cell-refcount", {
            "workload": "managed/request-server", "units": 40, "samples": 4, "warmup_units": 40}))
        told = record["workload_figures"]
        # 40 units of 50 requests; of 10 000 there would be a p99.99, and warm-up does not count.
        names = ["latency_p50_ns", "latency_p99_ns", "latency_p999_ns", "latency_max_ns"]
        self.assertEqual(list(told), names)
        values = [told[name] for name in names]
        self.assertEqual(values, sorted(values))
        self.assertGreater(values[0], 0)

    @unittest.skipUnless(PLAIN, "a sanitizer's shadow memory is pages, too")
    def test_a_fork_tells_what_it_came_to_own(self):
        def unshared(collector):
            return record_of(run_cell("churn-cell-" + collector, {
                "workload": "managed/prefork", "units": 2, "samples": 1,
                "parameters": {"collections": 0}}))["workload_figures"]["unshared_pages"]
        # 50 000 objects of 64 bytes and more: reading writes all their counts, and nothing else.
        self.assertGreater(unshared("refcount"), 50_000 * 64 // 4096)
        self.assertLess(unshared("manual"), 100)

    def test_a_heap_that_cannot_be_frozen_is_not(self):
        done = run_cell("churn-cell-manual", {
            "workload": "managed/prefork", "units": 1, "samples": 1, "parameters": {"freeze": 1}})
        self.assertEqual(done.returncode, 70)
        self.assertEqual(record_of(done)["outcome"], "not-applicable")
        self.assertIn("cannot freeze", record_of(done)["reason"])

    def test_a_heap_limit_is_an_outcome_with_a_record(self):
        done = run_cell("churn-cell-refcount", {
            "workload": "managed/cycle-churn", "units": 100000, "samples": 10,
            "heap_limit_bytes": 1 << 20})
        self.assertEqual(done.returncode, 70)
        record = record_of(done)
        self.assertEqual(record["outcome"], "out-of-memory")
        self.assertIn("1048576", record["reason"])
        self.assertNotIn("sample_ns", record)


    def test_parameters_that_exclude_each_other_do_not_apply(self):
        done = run_cell("churn-cell-malloc", {**SMALL, "parameters": {"min": 100, "max": 50}})
        self.assertEqual(done.returncode, 70)
        record = record_of(done)
        self.assertEqual(record["outcome"], "not-applicable")
        self.assertIn("min=100", record["reason"])


class Turns(unittest.TestCase):
    """Two processes that share a page, as `churn gate` starts them."""

    def take_turns(self, program, request, turns, extra=None):
        """Both records, the side's first that was asked for nothing extra."""
        with tempfile.NamedTemporaryFile() as page:
            page.write(bytes(4096))
            page.flush()
            sides = []
            for place in (1, 0):  # whoever is started first, place 0 moves first
                text = json.dumps({"protocol": 1, **request, "mode": "turns", "turns": {
                    "count": turns, "place": place, "page": page.name},
                    **({"extra": extra} if extra and place == 0 else {})})
                side = subprocess.Popen(
                    [os.path.join(CELLS, program), "--churn_request=-"], text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                side.stdin.write(text)
                side.stdin.close()
                sides.append(side)
            records = [json.loads(side.stdout.read()) for side in sides]
            for side in sides:
                said = side.stderr.read()
                side.stderr.close()
                side.stdout.close()
                self.assertEqual(side.wait(), 0, said)
            page.seek(0)
            moves = int.from_bytes(page.read(4), sys.byteorder)
        self.assertEqual(moves, 2 * (turns + 2))
        return records

    def test_each_has_its_turns_and_samples(self):
        plain = record_of(run_cell("churn-cell-malloc", SMALL))
        for record in self.take_turns("churn-cell-malloc", SMALL, 5):
            self.assertEqual(record["outcome"], "ok")
            self.assertEqual(record["checksum"], plain["checksum"])
            self.assertEqual(len(record["sample_ns"]), 10)
            self.assertEqual(len(record["turn_ns"]), 5)
            self.assertEqual(sum(record["turn_ns"]), sum(record["sample_ns"]))
            self.assertNotIn("sample_collections", record)

    def test_threads_of_a_side_work_together(self):
        one, other = self.take_turns("churn-cell-malloc", {**SMALL, "threads": 2}, 2)
        self.assertEqual(one["checksum"], other["checksum"])

    def test_background_threads_of_a_side_rest_with_it(self):
        request = {"workload": "managed/cycle-churn", "units": 200, "samples": 20,
                   "warmup_units": 10, "threads": 2}
        for collector in ("concurrent-mark", "recycler"):
            for record in self.take_turns("churn-cell-" + collector, request, 5):
                self.assertEqual(record["outcome"], "ok")
                self.assertEqual(len(record["turn_ns"]), 5)

    def test_extra_work_is_exactly_what_was_asked_for(self):
        for extra, units in (({"per_mille": 30}, 2), ({"per_mille": 100, "shape": "once"}, 4),
                             ({"per_mille": 250, "shape": "every-tenth-slice"}, 10),
                             ({"per_mille": 100, "shape": "collections"}, 4),
                             ({"bytes": 1 << 20}, 0)):
            plain, other = self.take_turns("churn-cell-malloc", SMALL, 5, extra)
            self.assertNotIn("extra_units", plain)
            self.assertEqual(other["extra_units"], units, extra)
            self.assertEqual(sum(other["turn_ns"]), sum(other["sample_ns"]))
            self.assertEqual(plain["checksum"] == other["checksum"], units == 0)
            # As many units more without being asked give the same sum: they are the workload's own.
            longer = {**SMALL, "units": 40 + units, "samples": 1}
            self.assertEqual(other["checksum"],
                             record_of(run_cell("churn-cell-malloc", longer))["checksum"])
        self.assertGreater(other["peak_rss_bytes"], plain["peak_rss_bytes"] + (1 << 19))

    def test_extra_work_where_collections_end(self):
        request = {"workload": "managed/cycle-churn", "units": 400, "samples": 20,
                   "warmup_units": 10}
        _, other = self.take_turns("churn-cell-generational", request, 4,
                                   {"per_mille": 100, "shape": "collections"})
        self.assertEqual(other["extra_units"], 40)

    def test_collections_are_counted_by_sample(self):
        request = {"workload": "managed/cycle-churn", "units": 400, "samples": 20,
                   "warmup_units": 10}
        for record in self.take_turns("churn-cell-generational", request, 4):
            for key in ("sample_collections", "sample_full_collections"):
                self.assertEqual(len(record[key]), 20)
                self.assertEqual(record[key], sorted(record[key]))
            self.assertGreater(record["sample_collections"][-1], 0)
            self.assertGreaterEqual(sum(record["turn_ns"]), sum(record["sample_ns"]))

    def test_bad_requests_are_refused(self):
        for turns, message in (({"count": 3, "place": 0, "page": "x"}, "no multiple of its turns"),
                               ({"count": 5, "place": 2, "page": "x"}, "\"place\" is 2"),
                               ({"count": 5, "place": 0}, "no key \"page\"")):
            done = run_cell("churn-cell-malloc", {**SMALL, "mode": "turns", "turns": turns})
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(message, done.stderr)
        done = run_cell("churn-cell-malloc", {**SMALL, "extra": {"shape": "nosuch"}})
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("nosuch", done.stderr)


SPLIT_PARTS = ([], ["allocation"], ["barriers"], ["allocation", "barriers"],
               ["allocation", "barriers", "reclamation"])


class Split(unittest.TestCase):
    @unittest.skipUnless(PLAIN, "what is never freed would be found as a leak")
    def test_each_part_does_the_same_work(self):
        split = 0
        for program in sorted(os.listdir(CELLS)):
            if not program.startswith("churn-cell-") or "." in program:
                continue
            shape = json.loads(run_cell(program, arguments=["--describe"]).stdout)
            for workload in shape["workloads"]:
                if workload["why_not"] or workload["why_no_split"] or not shape["collector"]:
                    continue
                split += 1
                request = {"workload": workload["name"], "units": 40, "samples": 10,
                           "warmup_units": 4}
                sums = {record_of(run_cell(program, request))["checksum"]}
                for parts in SPLIT_PARTS:
                    record = record_of(run_cell(program, {**request, "mode": "split",
                                                          "parts": parts}))
                    self.assertEqual(record["outcome"], "ok", (program, workload["name"], parts))
                    self.assertEqual(len(record["sample_cpu_ns"]), 10)
                    sums.add(record["checksum"])
                self.assertEqual(len(sums), 1, (program, workload["name"]))
        self.assertGreater(split, 20)

    def test_bad_requests_are_refused(self):
        rings = {"workload": "managed/cycle-churn", "units": 40, "samples": 10, "mode": "split"}
        for parts, message in ((["sweeping"], "have \"sweeping\""),
                               (["reclamation"], "needs allocation and barriers"),
                               ([1], "not as the protocol says")):
            done = run_cell("churn-cell-refcount", {**rings, "parts": parts})
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(message, done.stderr)
        done = run_cell("churn-cell-refcount", rings)
        self.assertIn("no key \"parts\"", done.stderr)

    def test_where_there_is_none_says_why(self):
        for program, request, reason in (
                ("churn-cell-cpython", {"workload": "managed/cycle-churn"}, "CPython alone"),
                ("churn-cell-refcount", {"workload": "managed/large-list"}, "few workloads"),
                ("churn-cell-refcount-atomic", {"workload": "managed/cycle-churn", "threads": 2},
                 "one thread")):
            record = record_of(run_cell(program, {**request, "mode": "split", "parts": []}))
            self.assertEqual(record["outcome"], "not-applicable")
            self.assertIn(reason, record["reason"])


class Memory(unittest.TestCase):
    @unittest.skipUnless(PLAIN, "a sanitizer's malloc keeps what was freed")
    def test_what_stays_when_the_work_has_ended(self):
        buffers = {"workload": "malloc/large-buffers", "mode": "life", "units": 2, "samples": 2,
                   "parameters": {"live": 2, "min": 40 << 20, "max": 40 << 20},
                   "watch_ms": [0, 10]}
        for keep_one_of, freed in ((0, 80 << 20), (2, 40 << 20)):
            record = record_of(run_cell("churn-cell-malloc",
                                        {**buffers, "keep_one_of": keep_one_of}))
            self.assertEqual([ms for ms, _ in record["rss_after_free"]], [0, 10])
            for _, after in record["rss_after_free"]:
                self.assertAlmostEqual((record["rss_before_free_bytes"] - after) / freed, 1,
                                       delta=.1)
        done = run_cell("churn-cell-refcount", {"workload": "managed/binary-trees",
                                                "mode": "life"})
        self.assertEqual(record_of(done)["outcome"], "not-applicable")
        done = run_cell("churn-cell-malloc", {**buffers, "watch_ms": [10, 0]})
        self.assertIn("\"watch_ms\"", done.stderr)

    def test_litter_lies_below_the_start_line(self):
        for program, workload in (("churn-cell-malloc", "malloc/random-sizes"),
                                  ("churn-cell-refcount", "managed/binary-trees")):
            request = {"workload": workload, "units": 40, "samples": 10}
            clean = record_of(run_cell(program, request))
            dirty = record_of(run_cell(program, {**request, "dirty_heap": True}))
            self.assertEqual(dirty["checksum"], clean["checksum"])
            self.assertGreater(dirty["rss_start_bytes"], clean["rss_start_bytes"] + (1 << 20))

    def test_single_calls_are_timed(self):
        record = record_of(run_cell("churn-cell-malloc", {
            "workload": "malloc/request-server", "units": 4, "samples": 2, "threads": 2}))
        told = record["workload_figures"]
        for call in ("latency", "malloc", "local_free", "remote_free"):
            self.assertLessEqual(told[call + "_p50_ns"], told[call + "_max_ns"])


class BadRequest(unittest.TestCase):
    def refused(self, request, message):
        done = run_cell("churn-cell-malloc", request)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, message)
        self.assertEqual(done.stdout, "")

    def test_each_is_refused_by_name(self):
        self.refused({**SMALL, "protocol": 99}, "protocol 99, this program 1")
        self.refused({**SMALL, "workload": "malloc/nosuch"}, "no workload malloc/nosuch")
        self.refused({**SMALL, "mode": "guess"}, "mode is \"guess\"")
        self.refused({**SMALL, "units": -1}, "\"units\" is -1")
        self.refused({**SMALL, "units": 41}, "no multiple of its samples")
        self.refused({**SMALL, "threads": 5000}, "\"threads\" is 5000")
        self.refused({**SMALL, "parameters": {"nosuch": 1}}, "no parameter nosuch")
        self.refused({**SMALL, "parameters": {"nosuch": "x"}}, "whole number")
        self.refused({"units": 1}, "no key \"workload\"")
        self.refused({"workload": "malloc/producer-consumer", "threads": 3}, "not on 3")

    def test_text_that_is_no_json(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write("{")
            file.flush()
            done = run_cell("churn-cell-malloc", arguments=["--churn_request=" + file.name])
        self.assertEqual(done.returncode, 2)
        self.assertIn("not as the protocol says", done.stderr)


@unittest.skipUnless(PLAIN, "a sanitizer's own malloc is in the way of any preload")
class Proof(unittest.TestCase):
    def test_glibc_is_proved_where_it_is_asked_for(self):
        record = record_of(run_cell("churn-cell-malloc", {**SMALL, "library": None}))
        self.assertEqual(record["outcome"], "ok")
        self.assertIn("libc.so", record["proof"]["malloc"])

    def test_a_library_that_is_not_there_is_unproved(self):
        status = os.stat(sys.executable)
        done = run_cell("churn-cell-malloc", {**SMALL, "library": {
            "path": "/nowhere/libfast.so", "device": status.st_dev, "inode": status.st_ino}})
        self.assertEqual(done.returncode, 70)
        record = record_of(done)
        self.assertEqual(record["outcome"], "unproved")
        self.assertRegex(record["reason"], "malloc lies in .*libc.so.*, not in /nowhere/libfast.so")
        self.assertNotIn("sample_ns", record)

    def test_counting_needs_its_library(self):
        record = record_of(run_cell("churn-cell-malloc", {**SMALL, "mode": "count"}))
        self.assertEqual(record["outcome"], "unproved")


if __name__ == "__main__":
    sys.argv.pop(1)
    tap.main()
