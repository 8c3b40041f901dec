"""The finished `churn` as a user meets it: run in a directory of its own, its exits and rows read.

The scripts that use this are started by Meson with the paths of `churn` and of the broken libraries
in the environment: CHURN_PROGRAM, CHURN_LIBRARIES.
"""
import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unittest

# Small but real: two cells, two rounds, a few hundredths of a second each.
SMALL = '''
rounds = 2
seconds = 0.05
baseline = "glibc"

[[star]]
allocators = ["glibc", "slab"]
workloads = ["malloc/random-sizes"]
'''


def library(name):
    """Path of a library that tests/death/libraries builds."""
    return str(pathlib.Path(os.environ['CHURN_LIBRARIES']) / name)


def children(session):
    """Cells have process groups of their own but stay in the session that start() made."""
    left = []
    for entry in os.listdir('/proc'):
        if not entry.isdigit():
            continue
        try:
            with open(f'/proc/{entry}/stat', encoding='utf-8', errors='replace') as stat:
                fields = stat.read().rpartition(')')[2].split()
        except OSError:
            continue
        if fields[0] not in 'ZX' and int(fields[3]) == session:
            left.append(entry)
    return left


class Program(unittest.TestCase):
    """Each case gets an empty directory, in which it runs churn."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='churn-death-'))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.db = self.directory / 'churn.db'
        self.write('small.toml', SMALL)

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def command(self, *arguments):
        return [os.environ['CHURN_PROGRAM'], *map(str, arguments)]

    def churn(self, *arguments, cwd=None, **options):
        """Runs it to its end; the time limit is for a hang, not a measurement."""
        return subprocess.run(self.command(*arguments), cwd=cwd or self.directory, text=True,
                              capture_output=True, check=False, timeout=120,
                              stdin=subprocess.DEVNULL, **options)

    def start(self, *arguments, **options):
        """Starts it in a process group of its own, as a terminal would."""
        return subprocess.Popen(self.command(*arguments), cwd=self.directory, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, start_new_session=True, **options)

    def rows(self, *arguments):
        """The rows of `churn report --format json`."""
        run = self.churn('report', '--format', 'json', *arguments)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def invocations(self):
        """How many invocations the store holds now, read beside whoever writes it."""
        if not self.db.exists():
            return 0
        try:
            with contextlib.closing(sqlite3.connect(f'file:{self.db}?mode=ro', uri=True)) as store:
                return store.execute('SELECT count(*) FROM invocations').fetchone()[0]
        except sqlite3.OperationalError:
            return 0  # the schema is being made

    def wait_for_invocations(self, count, running):
        """Returns once the store holds so many; fails if the run ends before."""
        while self.invocations() < count:
            self.assertIsNone(running.poll(), 'the run ended early')
            time.sleep(0.01)  # leaves the machine to what is waited for

    def assert_refused(self, run, *words):
        """Exit 2 with one message that names the input and says what to do; no half result."""
        self.assertEqual(run.returncode, 2, f'stdout: {run.stdout}\nstderr: {run.stderr}')
        self.assertTrue(run.stderr.startswith('churn: '), run.stderr)
        for word in words:
            self.assertIn(word, run.stderr)
        self.assertNotIn('terminate called', run.stderr)
        self.assertEqual(run.stdout, '')
