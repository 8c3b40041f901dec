"""Plants one bug: copies a header with one deliberate mistake in it, and compiles against the copy
the tests that must notice.

A NAME.bug file has lines `why:`, `collector:` (whose conformance suite is to turn red) or `test:`
(a GoogleTest source that is), and `file:` (the header that gets the bug); then the lines `<` that
are to be replaced, as they stand in the header but for indentation and trailing space, and the
lines `>` that take their place. The lines `<` must occur in the file exactly once: a bug that no
longer fits the code is an error, not a pass.
"""
import argparse
import pathlib
import shlex
import subprocess

UNIT = '''#include "collectors/{header}.hpp"
#include "harness/conform/collector_suite.hpp"

std::vector<churn::conform::CollectorSuite> churn::conform::collector_suites() {{
  return {{make_suite<churn::{header}::Collector>("{name}")}};
}}
'''


class BugError(Exception):
    """The description is wrong, or no longer fits the code."""


class Bug:
    def __init__(self, name, text):
        self.name = name
        self.fields, self.wanted, self.planted = {}, [], []
        for number, line in enumerate(text.splitlines(), 1):
            key, mark, value = line.partition(':')
            if line.startswith('<'):
                self.wanted.append(line[1:].strip())
            elif line.startswith('>'):
                self.planted.append(line[1:])
            elif mark and key in ('why', 'collector', 'test', 'file'):
                self.fields[key] = value.strip()
            elif line.strip():
                raise BugError(f'{name}.bug:{number}: neither a field, nor < or >: {line}')
        if not {'why', 'file'} <= self.fields.keys() or not self.wanted:
            raise BugError(f'{name}.bug: needs why:, file: and at least one line <')
        if len({'collector', 'test'} & self.fields.keys()) != 1:
            raise BugError(f'{name}.bug: needs either collector: or test:')

    def apply(self, source):
        """The source with the bug in it."""
        lines = source.splitlines()
        stripped = [line.strip() for line in lines]
        length = len(self.wanted)
        found = [at for at in range(len(lines) - length + 1)
                 if stripped[at:at + length] == self.wanted]
        if len(found) != 1:
            raise BugError(f'{self.name}.bug: its lines < occur {len(found)} times in '
                           f'{self.fields["file"]}; they must occur once')
        lines[found[0]:found[0] + length] = self.planted
        return '\n'.join(lines) + '\n'


def plant(bug, root, folder, compiler, libraries, test_libraries, program):
    """Writes the changed header into `folder` and links `program` against it."""
    header = folder / bug.fields['file']
    header.parent.mkdir(parents=True, exist_ok=True)
    header.write_text(bug.apply((root / bug.fields['file']).read_text()))
    if 'test' in bug.fields:
        unit, libraries = root / bug.fields['test'], test_libraries
    else:
        name = bug.fields['collector']
        unit = folder / 'unit.cpp'
        unit.write_text(UNIT.format(name=name, header=name.replace('-', '_')))
    # Not optimised: a bug is no less wrong, and compiling is what these tests cost.
    command = [*compiler, '-std=c++20', '-O0', '-UNDEBUG', '-DCHURN_VERIFYING=1', '-w',
               f'-I{folder}', f'-I{root}', '-MD', '-MF', f'{program}.d', '-MT', str(program),
               str(unit), '-o', str(program), *libraries, '-lpthread']
    subprocess.run(command, check=True)


def arguments(parser):
    """What both this script and the one that runs the bugs must be told."""
    parser.add_argument('--root', type=pathlib.Path, required=True)
    parser.add_argument('--compiler', type=shlex.split, required=True)
    parser.add_argument('--library', action='append', default=[], help='for a collector: bug')
    parser.add_argument('--test-library', action='append', default=[], help='for a test: bug')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    arguments(parser)
    parser.add_argument('bug', type=pathlib.Path)
    parser.add_argument('program', type=pathlib.Path)
    options = parser.parse_args()
    try:
        bug = Bug(options.bug.stem, options.bug.read_text())
        plant(bug, options.root, options.program.with_suffix('.planted').absolute(),
              options.compiler, options.library, options.test_library, options.program)
    except (BugError, subprocess.CalledProcessError) as error:
        # The test that runs it turns red; the rest of the build goes on.
        options.program.write_text(f'#!/bin/sh\ncat <<"END"\n{error}\nEND\nexit 2\n')
        options.program.chmod(0o755)
        header = options.root / 'collectors'
        pathlib.Path(f'{options.program}.d').write_text(f'{options.program}: {header}\n')


if __name__ == '__main__':
    main()
