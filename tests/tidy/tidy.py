"""Checks every file of the tree and prints TAP, one case per check.

Each check comes with a canary, a made-up file that breaks the rule: a check that does not find its
canary fails, whatever the tree looks like.
"""
import sys

import arrows
import shape
from source import ROOT, Source, all_sources

HEADER = '// What:  x\n#pragma once\n'
LONG_BODY = '  call();\n' * 70
MARKER = 'TO' 'DO'

# Check -> files that it must find something wrong with.
CHECKS = {
    arrows.arrows: [
        Source('collectors/x.hpp', HEADER + '#include "workloads/managed/y.hpp"\n'),
        Source('harness/core/x.hpp', HEADER + '#include "results/store/store.hpp"\n'),
        Source('results/x.cpp', '#include "harness/run/plan.hpp"\n'),
        Source('harness/run/x.cpp', '#include "collectors/manual.hpp"\n'),
        Source('harness/cell/x.cpp', '#include "tests/x.hpp"\n'),
        Source('harness/cell/x.cpp.in', '#include "results/store/store.hpp"\n'),
        Source('harness/run/x.hpp', HEADER + '#include <nlohmann/json.hpp>\n'),
        Source('workloads/malloc/x.cpp', '#include <fmt/format.h>\n'),
        Source('results/x.cpp', '#include "x.hpp"\n'),
    ],
    arrows.exists: [Source('results/x.cpp', '#include "results/no_such_file.hpp"\n')],
    shape.file_length: [Source('results/x.cpp', 'int x;\n' * 601)],
    shape.line_length: [Source('results/x.cpp', '/' * 101 + '\n')],
    shape.function_length: [
        Source('results/x.cpp', f'void f(int a) {{\n{LONG_BODY}}}\n'),
        Source('results/x.cpp', 'namespace a {\nstruct S {\n  int f() const noexcept {\n' +
               LONG_BODY + '  }\n};\n}\n'),
        Source('results/x.cpp', f"char c = '{{';\nauto f = [] (int x) {{\n{LONG_BODY}}};\n"),
        Source('tests/x.py', 'def f():\n' + '    call()\n' * 70),
    ],
    shape.header_opening: [Source('results/x.hpp', '#pragma once\nint x;\n'),
                           Source('results/x.hpp', '// What:  x\nint x;\n')],
    shape.macro_names: [Source('results/x.cpp', '# define CHECK(x) (x)\n')],
    shape.unfinished: [Source('results/README.md', f'{MARKER}: say more\n')],
    shape.private_paths: [Source('README.md', 'see /home/' 'me/notes\n')],
    shape.file_names: [Source('results/ReportWriter.cpp', '')],
    shape.sorted_lists: [
        Source('collectors/meson.build', "collectors = [\n  'refcount',\n  'manual',\n]\n"),
        Source('collectors/meson.build', "collectors = [\n  'manual',\n  'manual',\n]\n"),
    ],
}

# Files that must pass everything: a check that finds fault with anything is as useless.
GOOD = [
    Source('results/x.hpp', HEADER + '#include "harness/core/error.hpp"\n#define CHURN_X 1\n'
           '// A comment may show {"a": [{}, {}] or (x) {\n'
           'namespace churn {\nstruct S {\n  int f() const { return 0; }\n};\n' +
           'int x;\n' * 80 + '}\n'),
    Source('harness/cell/x.cpp.in', '#include "collectors/@HEADER@.hpp"\n'),
    Source('collectors/meson.build', "collectors = [\n  'manual',\n  'refcount',\n]\n"),
]


def readmes(sources):
    """Every room explains itself to somebody who is new."""
    present = {source.path for source in sources}
    rooms = {room for room in map(arrows.room_of, present) if room and '/catalogue' not in room}
    return [f'{room}: no README.md' for room in sorted(rooms) if f'{room}/README.md' not in present]


def executables():
    """At the top there is one thing to run."""
    return [f'{path.name}: the only executable at the top is churn' for path in ROOT.iterdir()
            if path.is_file() and path.stat().st_mode & 0o111 and path.name != 'churn']


def report(number, name, problems):
    print(f'{"not ok" if problems else "ok"} {number} - {name}')
    for problem in problems:
        print(f'# {problem}')
    return not problems


def main():
    sources = all_sources()
    good, number = True, 0
    for check, canaries in CHECKS.items():
        number += 1
        problems = [f'the canary {canary.path} was not found: {canary.text[:80]!r}'
                    for canary in canaries if not list(check(canary))]
        problems += [f'false alarm: {problem}' for source in GOOD for problem in check(source)
                     if check is not arrows.exists]
        problems += [problem for source in sources for problem in check(source)]
        good &= report(number, check.__name__, problems)
    number += 1
    missing = [] if readmes([Source('results/x.cpp', '')]) else ['the canary room was not found']
    good &= report(number, 'readmes', missing + readmes(sources))
    number += 1
    good &= report(number, 'executables', executables())
    print(f'1..{number}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
