"""clang-tidy (.clang-tidy, version 19) finds nothing in any source.

Costs seconds per unit, so it is a nightly test.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

from source import ROOT

TOOL = 'clang-tidy-19'
# Libraries that are built as one unit have no command of their own for each source.
FLAGS = ('-std=c++20', f'-I{ROOT}', '-DTOML_HEADER_ONLY=0')
ROOMS = ('allocators', 'collectors', 'harness', 'results', 'workloads')
CANARY = 'int f(char* p) {\n  if (p == 0) return 1;\n  return 0;\n}\n'


def complaint(*arguments):
    """What clang-tidy says, empty if it is content."""
    run = subprocess.run([TOOL, '--quiet', f'--config-file={ROOT}/.clang-tidy', *arguments],
                         text=True, capture_output=True, check=False)
    return run.stdout if run.returncode else ''


def units():
    """The project's own sources; generated ones and tests have no reader."""
    return sorted(str(path.relative_to(ROOT)) for room in ROOMS
                  for path in (ROOT / room).rglob('*.cpp'))


def main():
    if shutil.which(TOOL) is None:
        print(f'1..1\nok 1 - lint # SKIP {TOOL} is not installed')
        return 0
    names = units()
    print(f'1..{len(names) + 1}')
    with tempfile.NamedTemporaryFile('w', suffix='.cpp') as canary:
        canary.write(CANARY)
        canary.flush()
        good = bool(complaint(canary.name, '--'))
    print(f'{"ok" if good else "not ok"} 1 - canary')
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = pool.map(lambda name: complaint(str(ROOT / name), '--', *FLAGS), names)
        for number, (name, text) in enumerate(zip(names, said), 2):
            good &= not text
            print(f'{"not ok" if text else "ok"} {number} - {name}', flush=True)
            for line in text.splitlines():
                print(f'# {line}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
