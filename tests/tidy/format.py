"""Every C++ file is what clang-format makes of it (.clang-format; version 19, others differ)."""
import shutil
import subprocess
import sys

from source import ROOT, all_sources

TOOL = 'clang-format-19'


def unformatted(text):
    """clang-format's complaint about a text, empty if it is formatted."""
    return subprocess.run([TOOL, '--dry-run', '-Werror', '--assume-filename=x.cpp'], input=text,
                          text=True, capture_output=True, cwd=ROOT, check=False).stderr


def main():
    print('1..2')
    if shutil.which(TOOL) is None:
        print(f'ok 1 - canary # SKIP {TOOL} is not installed')
        print(f'ok 2 - formatted # SKIP {TOOL} is not installed')
        return 0
    canary = bool(unformatted('int  x ;\n')) and not unformatted('int x;\n')
    print(f'{"ok" if canary else "not ok"} 1 - canary')
    paths = [source.path for source in all_sources() if source.path.endswith(('.cpp', '.hpp'))]
    run = subprocess.run([TOOL, '--dry-run', '-Werror', '--ferror-limit=1', *paths], text=True,
                         capture_output=True, cwd=ROOT, check=False)
    bad = sorted({line.split(':')[0] for line in run.stderr.splitlines() if ': error:' in line})
    print(f'{"not ok" if run.returncode else "ok"} 2 - formatted')
    for path in bad:
        print(f'# {path}: {TOOL} -i {path}')
    return 0 if canary and run.returncode == 0 else 1


if __name__ == '__main__':
    sys.exit(main())
