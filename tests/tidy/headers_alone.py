"""Every header compiles alone: whoever includes one needs nothing else before it.

Usage: headers_alone.py COMPILER... (the command that compiles C++ here, without flags)
"""
import concurrent.futures
import os
import subprocess
import sys
import tempfile

from source import ROOT, all_sources

FLAGS = ['-std=c++20', '-fsyntax-only', '-Wall', '-Wextra', '-I', str(ROOT), '-x', 'c++']


def complaint(compiler, path):
    """What the compiler says of a unit that includes this header, twice, and nothing else."""
    run = subprocess.run([*compiler, *FLAGS, '-'], input=f'#include "{path}"\n' * 2, text=True,
                         capture_output=True, cwd=ROOT, check=False)
    return run.stderr


def main():
    compiler = sys.argv[1:]
    headers = [source.path for source in all_sources() if source.is_header]
    print(f'1..{len(headers) + 1}')
    with tempfile.NamedTemporaryFile('w', suffix='.hpp') as canary:
        canary.write('// needs <string>\n#pragma once\ninline std::string needs_it();\n')
        canary.flush()
        good = bool(complaint(compiler, canary.name))
    print(f'{"ok" if good else "not ok"} 1 - canary')
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = pool.map(lambda path: complaint(compiler, path), headers)
        for number, (path, text) in enumerate(zip(headers, said), 2):
            good &= not text
            print(f'{"not ok" if text else "ok"} {number} - {path}')
            for line in text.splitlines():
                print(f'# {line}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
