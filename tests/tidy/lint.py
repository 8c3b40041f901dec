"""clang-tidy (.clang-tidy, version 19) finds nothing in any unit of the build.

Usage: lint.py BUILD    Costs seconds per unit, so it is a nightly test.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from source import ROOT

TOOL = 'clang-tidy-19'
CANARY = 'int f(char* p) {\n  if (p == 0) return 1;\n  return 0;\n}\n'


def complaint(*arguments):
    """What clang-tidy says, empty if it is content."""
    run = subprocess.run([TOOL, '--quiet', f'--config-file={ROOT}/.clang-tidy', *arguments],
                         text=True, capture_output=True, check=False)
    return run.stdout if run.returncode else ''


def units(build):
    """The build's own sources; generated ones and tests have no reader."""
    commands = json.loads((build / 'compile_commands.json').read_text())
    paths = {(pathlib.Path(entry['directory']) / entry['file']).resolve() for entry in commands}
    return sorted(str(path.relative_to(ROOT)) for path in paths
                  if path.is_relative_to(ROOT) and not path.is_relative_to(build.resolve())
                  and path.relative_to(ROOT).parts[0] != 'tests')


def main():
    build = pathlib.Path(sys.argv[1])
    if shutil.which(TOOL) is None:
        print(f'1..1\nok 1 - lint # SKIP {TOOL} is not installed')
        return 0
    names = units(build)
    print(f'1..{len(names) + 1}')
    with tempfile.NamedTemporaryFile('w', suffix='.cpp') as canary:
        canary.write(CANARY)
        canary.flush()
        good = bool(complaint(canary.name, '--'))
    print(f'{"ok" if good else "not ok"} 1 - canary')
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = pool.map(lambda name: complaint('-p', str(build), str(ROOT / name)), names)
        for number, (name, text) in enumerate(zip(names, said), 2):
            good &= not text
            print(f'{"not ok" if text else "ok"} {number} - {name}', flush=True)
            for line in text.splitlines():
                print(f'# {line}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
