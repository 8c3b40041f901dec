"""Every planted bug must turn a test red. Prints the score.

Usage: bugs_test.py --sound PROGRAM [PROGRAM...]     programs that plant.py has made
       bugs_test.py --plant BUG [BUG...]          plants first: for bugs not built by default
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

import plant

SECONDS = 120  # far beyond what the slowest needs, on a busy machine
CAUGHT = 1
CHECKED = 'churn: check failed: '  # stops a test that runs in no child


def is_caught(status, line):
    """A crash that says nothing is luck."""
    return status == CAUGHT or line.startswith(CHECKED)


def run(command):
    """(exit status, the last line it printed)"""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return -1, f'still running after {SECONDS} s'
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return done.returncode, lines[-1] if lines else 'printed nothing'


def planted(options, path):
    """The program with this bug. One that cannot be planted is an error."""
    if options.plant is None:
        return path
    folder = options.plant / path.stem
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / 'program'
    plant.plant(plant.Bug(path.stem, path.read_text()), options.root, folder, options.compiler,
                options.library, options.test_library, program)
    return program


def verdict(options, path):
    """(name, exit status, last line) of the program with this bug."""
    try:
        return path.stem, *run([planted(options, path)])
    except (plant.BugError, subprocess.CalledProcessError) as error:
        return path.stem, -1, f'cannot be planted: {error}'


def check_planting():
    """The descriptions that must be refused are."""
    text = 'why: w\nfile: f.hpp\ncollector: c\n< a\n< b\n> x\n'
    bug = plant.Bug('n', text)
    assert bug.apply('a\n  b \nc\n') == ' x\nc\n'
    for source in ('a\nc\nb\n', 'a\nb\na\nb\n'):
        try:
            bug.apply(source)
        except plant.BugError:
            continue
        return f'planted where it must not: {source!r}'
    for wrong in ('why: w\n< a\n', text + 'junk\n', text + 'test: t.cpp\n'):
        try:
            plant.Bug('n', wrong)
        except plant.BugError:
            continue
        return f'took a wrong description: {wrong!r}'
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sound', nargs='+', help='a command that must find nothing')
    parser.add_argument('--plant', action='store_true')
    plant.arguments(parser)
    parser.add_argument('subjects', type=pathlib.Path, nargs='*')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options.plant = pathlib.Path(folder) if options.plant else None
        return report(options)


def report(options):
    results = [('planting', check_planting())]
    if options.sound:
        status, line = run(options.sound)
        results.append(('sound', None if status == 0 else f'nothing is planted, but: {line}'))
    caught = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, status, line in pool.map(lambda path: verdict(options, path), options.subjects):
            good = is_caught(status, line)
            caught += good
            results.append((name, None if good else f'not caught: {line}'))
            print(f'# {name}: {line}', flush=True)
    for number, (name, failure) in enumerate(results, 1):
        print(f'{"not ok" if failure else "ok"} {number} - {name}')
        if failure:
            print(f'# {failure}')
    print(f'1..{len(results)}')
    print(f'# {caught} of {len(options.subjects)} bugs caught')
    return any(failure for _, failure in results)


if __name__ == '__main__':
    sys.exit(main())
