"""Real Python interpreters repeat what `generational` has recorded, with Python objects, and must
see the same: Debian's, and CPython 3.13 as Pyodide brings it, under Node.

CHURN_RECORD is the program that records, CHURN_REPLAY_FOLDER where Pyodide is installed to (once,
from the npm registry). CHURN_TEST_SEEDS and CHURN_TEST_OPERATIONS say how much; CHURN_TEST_PYODIDE
is set where it is to be used at all.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import tap

HERE = pathlib.Path(__file__).parent
REPLAY = HERE / 'replay.py'
SEEDS = os.environ.get('CHURN_TEST_SEEDS', '100')
OPERATIONS = os.environ.get('CHURN_TEST_OPERATIONS', '2000')
INSTALLING_SECONDS = 300


def rules_of(version):
    """Which of the recorded rules an interpreter follows; None if none."""
    if version < (3, 10) or version >= (3, 14):
        return None
    return '3.11' if version < (3, 12) else '3.13'


def replayed(rules, command, seeds=SEEDS):
    """(exit status, what it said) of an interpreter that repeats a record of these rules."""
    record = [os.environ['CHURN_RECORD'], rules, '1', seeds, OPERATIONS]
    with subprocess.Popen(record, stdout=subprocess.PIPE) as recording:
        done = subprocess.run(command, stdin=recording.stdout, capture_output=True, text=True,
                              check=False)
        recording.stdout.close()
        recording.terminate()
    return done.returncode, done.stdout + done.stderr


class Replay(unittest.TestCase):
    def expect_same(self, rules, command):
        status, said = replayed(rules, command)
        self.assertEqual(status, 0, said)
        self.assertIn(f' {SEEDS} programs', said)  # the recording may have ended early
        print('#', said.strip(), flush=True)

    def test_python_of_this_machine(self):
        rules = rules_of(sys.version_info[:2])
        if rules is None:
            self.skipTest(f'no rules of Python {sys.version_info[0]}.{sys.version_info[1]} here')
        self.expect_same(rules, [sys.executable, '-I', REPLAY])

    def test_other_rules_are_seen_to_differ(self):
        rules = rules_of(sys.version_info[:2])
        if rules is None:
            self.skipTest(f'no rules of Python {sys.version_info[0]}.{sys.version_info[1]} here')
        other = '3.13' if rules == '3.11' else '3.11'
        status, said = replayed(other, [sys.executable, '-I', REPLAY], '5')
        self.assertEqual(status, 1, said)
        self.assertIn('the logs differ', said)

    def test_python_3_13_under_node(self):
        if 'CHURN_TEST_PYODIDE' not in os.environ:
            self.skipTest('only the nightly suite does it')
        node, npm = shutil.which('node'), shutil.which('npm')
        if node is None or npm is None:
            self.skipTest('node or npm is not installed (apt-get install nodejs npm)')
        folder = pathlib.Path(os.environ['CHURN_REPLAY_FOLDER'])
        reason = install_pyodide(npm, folder)
        if reason:
            self.skipTest(reason)
        script = HERE / 'pyodide' / 'replay.mjs'
        self.expect_same('3.13', [node, script, REPLAY, folder / 'node_modules'])


def install_pyodide(npm, folder):
    """Why it cannot be had; None where it is there."""
    files = ['package.json', 'package-lock.json']
    wanted = [(HERE / 'pyodide' / name).read_text() for name in files]
    folder.mkdir(parents=True, exist_ok=True)
    there = (folder / 'node_modules' / 'pyodide' / 'pyodide.mjs').exists()
    if there and [(folder / name).read_text() for name in files] == wanted:
        return None
    for name, text in zip(files, wanted):
        (folder / name).write_text(text)
    try:
        done = subprocess.run([npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'],
                              cwd=folder, capture_output=True, text=True, check=False,
                              timeout=INSTALLING_SECONDS)
    except subprocess.TimeoutExpired:
        return f'npm ci took more than {INSTALLING_SECONDS} s'
    if done.returncode == 0:
        return None
    said = (done.stderr.strip() or 'it says nothing').splitlines()
    return f'npm ci cannot install pyodide: {said[0]}'


if __name__ == '__main__':
    tap.main()
