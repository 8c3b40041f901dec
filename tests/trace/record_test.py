"""Whole programs recorded, read and replayed, from outside."""
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

CHURN = os.environ['CHURN_PROGRAM']
RECORDED = os.environ['CHURN_RECORDED']
STATIC = os.environ['CHURN_STATIC']


class Recording(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.trace = self.folder / 'of.trace'

    def churn(self, *arguments, status=0):
        done = subprocess.run([CHURN, *map(str, arguments)], cwd=self.folder, text=True,
                              capture_output=True, timeout=100)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def record(self, kind, *options, status=0):
        return self.churn('record', '-o', self.trace, *options, '--', RECORDED, kind,
                          status=status)

    def calls(self, done):
        return int(re.search(r'(\d+) calls? of', done.stderr).group(1))

    def replay(self, *arguments, **more):
        return self.churn('replay', self.trace, '--allocator', 'glibc', '--invocations', 1,
                          '--budget', '2s', *arguments, **more)

    def test_every_entry_point_is_recorded_and_replayed(self):
        done = self.record('all')
        self.assertGreaterEqual(self.calls(done), 30)
        rows = json.loads(self.replay('--json').stdout)
        self.assertEqual([row['outcome'] for row in rows], ['ok'])

    def test_live_bytes_are_those_of_the_trace(self):
        self.record('many')
        self.assertIn('as in the trace', self.replay().stderr)

    def test_four_bytes_a_call_at_most(self):
        done = self.record('many')
        self.assertGreaterEqual(self.calls(done), 2_000_000)
        self.assertLess(self.trace.stat().st_size, 4 * self.calls(done))

    def test_a_killed_program_loses_nothing(self):
        done = self.record('killed')
        self.assertIn('Killed', done.stderr)
        self.assertGreaterEqual(self.calls(done), 100_000)

    def test_blocks_that_change_threads(self):
        self.record('hand-over')
        self.assertIn('of which', self.replay('--touch', 'all').stderr)

    def test_children_only_where_asked_for(self):
        alone = self.calls(self.record('forks'))
        self.assertGreater(self.calls(self.record('forks', '--children')), alone + 900)
        self.assertIn('process images', self.replay().stderr)

    def test_the_programs_status_is_told(self):
        self.assertIn('status 7', self.record('fails').stderr)

    def test_a_torn_file_is_used_up_to_the_tear(self):
        self.record('many')
        whole = self.trace.read_bytes()
        self.trace.write_bytes(whole[:len(whole) // 2])
        self.assertIn('ends early: at byte', self.replay().stderr)

    def test_what_cannot_be_recorded_is_said(self):
        done = self.churn('record', '-o', self.trace, '--', STATIC, status=2)
        self.assertIn('statically linked', done.stderr)
        done = self.churn('record', '-o', self.trace, '--', 'no-such-program', status=2)
        self.assertIn('no-such-program', done.stderr)
        done = self.churn('record', '-o', self.folder / 'no' / 'such', '--', RECORDED, 'all',
                          status=2)
        self.assertIn('cannot write', done.stderr)
        self.churn('record', status=2)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_what_cannot_be_replayed_is_said(self):
        done = self.churn('replay', self.folder / 'none.trace', status=2)
        self.assertIn('none.trace', done.stderr)
        self.trace.write_text('hello\n')
        done = self.churn('replay', self.trace, status=2)
        self.assertIn('no trace that churn knows', done.stderr)
        done = self.churn('run', '--workload', f'malloc/larson:{self.trace}', status=2)
        self.assertIn('reads no file', done.stderr)

    def test_more_threads_than_the_trace_has(self):
        self.record('all')
        done = self.churn('run', '--workload', f'trace:{self.trace}', '--threads', 2, status=2)
        self.assertIn('no more than 1 thread at once', done.stderr)

    def test_texts_of_others(self):
        self.trace.write_text('1: malloc 0x10 24\n1: oops\n2: free 0x10\n')
        done = self.replay()
        self.assertIn('line 2: it is not understood', done.stderr)
        self.trace.write_text('= Start\n@ a:[0x1] + 0x4052a0 0x18\n@ a:[0x1] - 0x4052a0\n= End\n')
        self.replay()


tap.main()
