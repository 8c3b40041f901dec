"""CPU-seconds that the build pays for one collector-workload pair: at most 0.5.

Argument: the build directory. Each collector's generated unit is compiled with all its workloads
and with none; the difference, divided by the workloads, is the price of a pair. The commands are
those of the build's own compile_commands.json.
"""
import json
import os
import re
import resource
import shlex
import subprocess
import sys
import tempfile

MOST_S = 0.5
REPEATS = 3  # the least counts: neighbours on the machine only ever add
ENTRY = re.compile(r"^\s*managed_entry<.*\n", re.MULTILINE)
INCLUDE = re.compile(r'^#include "workloads/managed/\w+\.hpp"$', re.MULTILINE)


def with_source(command, source, changed, result):
    """The compiler's words for another source and result, without those for dependencies."""
    words, given = [], iter(shlex.split(command))
    for word in given:
        if word in ("-MQ", "-MF"):
            next(given)
        elif word == "-o":
            next(given)
            words += ["-o", result]
        elif os.path.basename(word) == os.path.basename(source):
            words.append(changed)
        elif word != "-MD":
            words.append(word)
    return words


def compile_cpu_s(command, folder, source, text):
    """User and system time of compiling `text` as the build compiles `source`."""
    with tempfile.TemporaryDirectory() as scratch:
        changed = os.path.join(scratch, os.path.basename(source))
        with open(changed, "w", encoding="utf-8") as file:
            file.write(text)
        words = with_source(command, source, changed, os.path.join(scratch, "unit.o"))
        spans_s = []
        for _ in range(REPEATS):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(words, cwd=folder, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spans_s.append((after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime))
        return min(spans_s)


def without_workloads(text):
    """An array of entries must not be empty: it becomes an explicit one of none."""
    text = INCLUDE.sub("", ENTRY.sub("", text))
    return text.replace("constexpr std::array entries{", "constexpr std::array<Entry, 0> entries{")


def main():
    build = sys.argv[1]
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    worst, pairs, total_s = 0.0, 0, 0.0
    for entry in commands:
        source = os.path.join(entry["directory"], entry["file"])
        name = os.path.basename(source)
        if not re.fullmatch(r"cell_\w+\.cpp", name) or name == "cell_malloc.cpp":
            continue
        with open(source, encoding="utf-8") as file:
            text = file.read()
        workloads = len(ENTRY.findall(text))
        full = compile_cpu_s(entry["command"], entry["directory"], source, text)
        empty = compile_cpu_s(entry["command"], entry["directory"], source, without_workloads(text))
        each = (full - empty) / workloads
        worst, pairs, total_s = max(worst, each), pairs + workloads, total_s + full
        print(f"{name}: {full:.2f} CPU-seconds, {empty:.2f} without workloads, "
              f"{each:.3f} for each of {workloads}", flush=True)
    if pairs == 0:
        sys.exit(f"{build}/compile_commands.json names no generated unit of a collector")
    print(f"worst pair {worst:.3f} CPU-seconds (at most {MOST_S}); {pairs} pairs, "
          f"{total_s:.1f} in all")
    return 0 if worst <= MOST_S else 1


sys.exit(main())
