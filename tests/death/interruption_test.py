"""Ctrl-C and `kill -9` lose at most the invocation in flight, and --resume finishes the plan."""
import contextlib
import os
import signal
import sqlite3
import time

import tap
from program import Program, children

ROUNDS = 12
CELLS = 2


class Interruption(Program):
    def begin(self, after):
        """A run that has stored at least so many invocations and goes on."""
        run = self.start('run', '--matrix', 'small.toml', '--invocations', ROUNDS)
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        self.wait_for_invocations(after, run)
        return run

    def finish(self, kept):
        """Resumes; what was stored stays as it was, and every cell ends with every round."""
        run = self.churn('run', '--resume')
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertLessEqual(set(kept), set(self.raw()))
        with contextlib.closing(sqlite3.connect(self.db)) as store:
            self.assertEqual(store.execute('SELECT count(*) FROM runs').fetchone()[0], 1)
            rounds = store.execute(
                'SELECT count(*), count(DISTINCT round) FROM invocations GROUP BY cell_id'
            ).fetchall()
        self.assertEqual(rounds, [(ROUNDS, ROUNDS)] * CELLS)
        self.assertEqual({row['outcome'] for row in self.rows()}, {'ok'})
        again = self.churn('run', '--resume')
        self.assertIn(again.returncode, (0, 2), again.stderr)
        self.assertEqual(self.invocations(), ROUNDS * CELLS)

    def raw(self):
        """Every raw sample, as the export gives it."""
        run = self.churn('export', '--format', 'jsonl')
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout.splitlines()

    def test_ctrl_c(self):
        run = self.begin(after=2)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, err)
        self.assertIn('--resume', out + err)
        stored = self.invocations()
        self.assertGreaterEqual(stored, 2)
        self.assertLess(stored, ROUNDS * CELLS)
        self.assert_no_child_left(run.pid)
        self.finish(self.raw())

    def test_kill(self):
        run = self.begin(after=3)
        os.kill(run.pid, signal.SIGKILL)
        run.communicate(timeout=60)
        self.assertGreaterEqual(self.invocations(), 3)
        self.assert_no_child_left(run.pid)
        self.finish(self.raw())

    def assert_no_child_left(self, session):
        """A cell dies of its parent's death; the kernel takes a moment to tear it down."""
        deadline = time.monotonic() + 20
        while (left := children(session)) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(left, [])

    def test_resume_without_anything_to_resume(self):
        self.assert_refused(self.churn('run', '--resume'), 'churn.db')


if __name__ == '__main__':
    tap.main()
