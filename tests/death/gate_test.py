"""`churn gate` as a user meets it: bad sides, sides that fail, interruption, replay of a store that
somebody has changed; and `churn compare`. What a gate says of times is not looked at here:
tests/benchmark does that."""
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import time

import tap
from program import Program, children, library

CELL = ('--workload', 'malloc/larson{blocks=1000}')  # small on every allocator


class BadSides(Program):
    def refused(self, *arguments, words):
        self.assert_refused(self.churn('gate', *arguments), *words)
        self.assertFalse(self.db.exists(), 'nothing was measured')

    def test_each_is_refused_by_name(self):
        sides = ('--baseline', 'glibc', '--candidate')
        self.refused(words=['two sides', '--baseline-command'])
        self.refused('--baseline', 'glibc', words=['go together'])
        self.refused('--baseline-command', 'true', words=['go together'])
        self.refused(*sides, 'glibc', '--baseline-command', 'true', words=['two sides'])
        self.refused(*sides, 'nosuch', words=['"nosuch"', 'churn list'])
        self.refused(*sides, 'refcount', words=['allocator and a collector'])
        self.refused(*sides, './missing.so', words=['./missing.so'])
        self.refused(*sides, 'glibc', '--allocator', 'slab', words=['leave out --allocator'])
        self.refused(*sides, 'glibc', '--workload', 'malloc/nosuch', words=['malloc/nosuch'])
        self.refused(*sides, 'bump', *CELL, words=['never gives memory back'])
        self.refused('--baseline-build', '/nowhere', words=['/nowhere'])

    def test_what_cannot_be_linked_again_is_told(self):
        self.refused('--baseline-command', 'true', '--candidate-command', 'true', '--rebuild', '8',
                     words=['--rebuild', 'commands'])
        self.refused('--baseline', 'glibc', '--candidate', 'glibc', '--rebuild', '1',
                     words=['--rebuild'])

    def test_resume_needs_an_unfinished_gate_and_its_sides(self):
        self.refused('--resume', words=['churn.db'])
        self.refused('--resume', '--replay', '1', words=['exclude'])

    def test_limits_that_make_no_sense(self):
        sides = ('--baseline', 'glibc', '--candidate', 'glibc')
        self.refused(*sides, '--tolerance', '1', words=['percentage', '0.5%'])
        self.refused(*sides, '--tolerance', '5%', words=['less than --detect'])
        self.refused(*sides, '--cell-budget', '20', words=['--cell-budget', 'length of time'])
        self.refused(*sides, '--seed', 'x', words=['--seed'])

    def test_replay_needs_a_gate(self):
        self.assert_refused(self.churn('gate', '--replay', '1'), 'churn.db')


class Failures(Program):
    def gate(self, *arguments):
        run = self.churn('gate', '--json', *arguments)
        self.assertTrue(run.stdout, run.stderr)
        return run, json.loads(run.stdout)

    def test_a_candidate_that_fails_is_unmeasured_with_its_reason(self):
        for name, limit, reason in (('trap', '60s', 'crashed'), ('null', '60s', 'out-of-memory'),
                                    ('hang', '2s', 'timed-out')):
            run, found = self.gate('--baseline', 'glibc', '--candidate',
                                   library(f'libsabotage_{name}.so'), *CELL, '--time-limit', limit)
            self.assertEqual(run.returncode, 4, run.stderr)
            self.assertEqual(found['verdict'], 'unmeasured')
            [cell] = found['cells']
            self.assertEqual(cell['verdict'], 'unmeasured')
            self.assertIn('candidate ' + reason, cell['reason'])
            self.assertNotIn('ratio', cell)

    def test_a_command_that_fails_is_unmeasured(self):
        run, found = self.gate('--baseline-command', 'true', '--candidate-command',
                               'echo broken >&2; exit 7')
        self.assertEqual(run.returncode, 4, run.stderr)
        self.assertIn('exit status 7; it said: broken', found['cells'][0]['reason'])

    def test_a_budget_that_is_too_small_is_never_green(self):
        run, found = self.gate('--baseline', 'slab', '--candidate', 'slab', *CELL,
                               '--cell-budget', '1ms')
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertEqual(found['verdict'], 'inconclusive')

    def test_another_build_is_found_from_where_one_stands(self):
        build = pathlib.Path(os.environ['CHURN_PROGRAM']).parents[2]
        run = self.churn('gate', '--json', '--baseline-build', build.name, '--allocator', 'slab',
                         *CELL, '--cell-budget', '1ms', '--db', self.db, cwd=build.parent)
        self.assertEqual(run.returncode, 3, run.stderr)
        cell = json.loads(run.stdout)['cells'][0]
        self.assertEqual(cell['protocol'], 'small', 'slab was there to be preloaded')

    def test_what_was_stored_replays(self):
        run, found = self.gate('--baseline', 'slab', '--candidate', 'slab', *CELL,
                               '--cell-budget', '1ms', '--seed', '7')
        again = self.churn('gate', '--replay', found['run'], '--json')
        self.assertEqual((again.returncode, again.stdout), (run.returncode, run.stdout))
        self.assertEqual(found['seed'], 7)
        with contextlib.closing(sqlite3.connect(self.db)) as store, store:
            store.execute('UPDATE samples SET time_ns = time_ns * 2 WHERE invocation_id = '
                          '(SELECT candidate_invocation_id FROM gate_pairs WHERE stage = 1)')
        self.assert_refused(self.churn('gate', '--replay', found['run']), 'does not replay',
                            'do not follow from its pairs')

    def test_a_gate_is_no_run_to_report_or_resume(self):
        self.gate('--baseline', 'slab', '--candidate', 'slab', *CELL, '--cell-budget', '1ms')
        self.assert_refused(self.churn('report'), 'and no other run', '--replay')
        self.assert_refused(self.churn('report', '--run', '1'), 'is a gate', '--replay')
        self.assert_refused(self.churn('run', '--resume'), 'and no other run')


class TwoRuns(Program):
    def test_stored_runs_are_compared_cell_by_cell(self):
        for _ in range(2):
            run = self.churn('run', '--matrix', 'small.toml')
            self.assertEqual(run.returncode, 0, run.stderr)
        run = self.churn('compare', '1', '2', '--json')
        self.assertEqual(run.returncode, 0, run.stderr)  # two rounds prove nothing
        found = json.loads(run.stdout)
        self.assertEqual(len(found['cells']), 2)
        for cell in found['cells']:
            self.assertEqual(cell['change'], 'no proven change')
            self.assertLessEqual(cell['low'], cell['ratio'])
        self.assertIn('is the stronger', self.churn('compare', '1', '2').stdout)
        self.assert_refused(self.churn('compare', '1', '3'), 'no run 3')
        self.assert_refused(self.churn('compare', '1'), 'candidate')
        self.assert_refused(self.churn('compare', '1', 'x'), 'whole number')


class Interruption(Program):
    def test_a_killed_gate_keeps_its_pairs_and_leaves_nobody_behind(self):
        run = self.start('gate', '--baseline', 'slab', '--candidate', 'slab', *CELL,
                         '--cell-budget', '10m')
        self.addCleanup(run.communicate)
        self.wait_for_invocations(4, run)
        os.kill(run.pid, signal.SIGKILL)
        run.communicate(timeout=60)
        self.wait_until_alone(run.pid)
        again = self.churn('gate', '--replay', '1', '--json')
        self.assertEqual(again.returncode, 3, again.stderr)
        self.assertGreaterEqual(max(cell['pairs'] for cell in json.loads(again.stdout)['cells']), 2)

    def wait_until_alone(self, session):
        """Both sides die of their parent's death; the kernel takes a moment to tear them down."""
        deadline = time.monotonic() + 20
        while (left := children(session)) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(left, [])

    def test_an_interrupted_gate_has_no_verdict(self):
        run = self.start('gate', '--baseline', 'slab', '--candidate', 'slab', *CELL,
                         '--cell-budget', '10m')
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        self.wait_for_invocations(4, run)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, err)
        self.assertEqual(out, '')
        self.assertIn('no verdict', err)
        again = self.churn('gate', '--replay', '1', '--json')
        self.assertEqual(again.returncode, 3, again.stderr)
        self.assertEqual(json.loads(again.stdout)['verdict'], 'unfinished')
        self.assert_refused(self.churn('gate', '--resume', '--candidate', 'glibc'), 'compares slab')
        self.assert_refused(self.churn('gate', '--resume', '--detect', '9%'), 'leave out')
        self.cut_budget()
        resumed = self.churn('gate', '--resume', '--json')
        self.assertIn(resumed.returncode, (0, 3), resumed.stderr)
        finished = self.churn('gate', '--resume', '--json')
        self.assertIn('nothing to resume', finished.stderr)
        self.assertEqual(finished.stdout, resumed.stdout)

    def cut_budget(self):
        """What is left of it is used up, so that going on comes to an end."""
        with contextlib.closing(sqlite3.connect(self.db)) as store, store:
            store.execute("UPDATE gate_limits SET value = 0.001"
                          " WHERE name = 'cell_budget_seconds'")

    def test_a_side_that_is_killed_is_unmeasured_with_the_signal(self):
        run = self.start('gate', '--baseline', 'slab', '--candidate', 'slab', *CELL,
                         '--cell-budget', '10m', '--json')
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        self.wait_for_invocations(4, run)
        while run.poll() is None:  # between two pairs there is nobody to kill
            for child in set(map(int, children(run.pid))) - {run.pid}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 4, err)
        [cell] = json.loads(out)['cells']
        self.assertIn('SIGKILL', cell['reason'])


class Calibration(Program):
    """Of the class with the fewest conditions: nothing changed, and two sizes of memory."""
    COMMAND = ('gate', '--calibrate', '--class', 'memory', '--load', 'quiet', '--pairs', '6')

    def pairs(self):
        if not self.db.exists():
            return []
        with contextlib.closing(sqlite3.connect(self.db)) as store:
            try:
                return store.execute(
                    'SELECT id, condition, steady FROM calibration_pairs').fetchall()
            except sqlite3.OperationalError:  # not made yet
                return []

    def stop_after(self, pairs, how):
        run = self.start(*self.COMMAND)
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        while len(self.pairs()) < pairs:
            self.assertIsNone(run.poll(), 'it ended before its time')
            time.sleep(0.02)
        os.kill(run.pid, how)
        run.wait(30)
        kept = self.pairs()
        self.assertGreaterEqual(len(kept), pairs)
        return run, kept

    def test_it_goes_on_after_ctrl_c_and_after_kill(self):
        run, first = self.stop_after(2, signal.SIGINT)
        self.assertEqual(run.returncode, 130)
        self.assertIn('the same command goes on', run.communicate()[1])
        _, second = self.stop_after(len(first) + 2, signal.SIGKILL)
        self.assertLessEqual(set(first), set(second))
        whole = self.churn(*self.COMMAND, '--json')
        self.assertEqual(whole.returncode, 0, whole.stderr)
        self.assertLessEqual(set(second), set(self.pairs()))
        found = json.loads(whole.stdout)
        self.assertEqual({(row['condition'], row['pairs']) for row in found['rates']},
                         {('', 6), ('memory 5%', 6), ('memory 10%', 1)})
        with contextlib.closing(sqlite3.connect(self.db)) as store:
            self.assertEqual(store.execute('SELECT kind, finished FROM runs').fetchall(),
                             [('calibration', 1)])
        again = self.churn('gate', '--calibrate', '--report', '--json')
        self.assertEqual(again.stdout, whole.stdout, 'the same pairs give the same rates')

    def test_bad_words_are_refused(self):
        calibrate = ('gate', '--calibrate')
        self.assert_refused(self.churn(*calibrate, '--class', 'smal'), '"smal"', 'cache-sized')
        self.assert_refused(self.churn(*calibrate, '--pairs', '0'), '--pairs')
        self.assert_refused(self.churn(*calibrate, '--baseline', 'glibc'), 'its own sides')
        self.assert_refused(self.churn('gate', '--report'), 'go with --calibrate')
        self.assert_refused(self.churn(*calibrate, '--load', 'some'), 'quiet, busy and both')
        self.assert_refused(self.churn(*calibrate, '--report'), 'churn.db')
        self.assertFalse(self.db.exists(), 'nothing was measured')


if __name__ == '__main__':
    tap.main()
