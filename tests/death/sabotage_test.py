"""Allocators that trap, return NULL or hang: each is a row with its reason and without a time."""
import tap
from program import Program, library

PLAN = '''
rounds = 2
seconds = 0.05
baseline = "glibc"

[[star]]
allocators = ["glibc", "{trap}", "{null}", "{hang}"]
workloads = ["malloc/random-sizes"]
'''
TIMES = ('time_per_op_ns', 'cpu_per_op_ns', 'system_per_op_ns', 'slowest_batch_ns')


class Sabotage(Program):
    def test_each_failure_is_a_row_without_a_time(self):
        names = {name: library(f'libsabotage_{name}.so') for name in ('trap', 'null', 'hang')}
        self.write('plan.toml', PLAN.format(**names))
        run = self.churn('run', '--matrix', 'plan.toml', '--time-limit', '2')
        self.assertEqual(run.returncode, 4, run.stderr)
        rows = {row['allocator']: row for row in self.rows()}
        self.assertEqual(rows['glibc']['outcome'], 'ok')
        self.assertGreater(rows['glibc']['metrics']['time_per_op_ns']['median'], 0)
        for name, outcome, reason in (('trap', 'crashed', 'SIG'),
                                      ('null', 'out-of-memory', 'NULL'),
                                      ('hang', 'timed-out', 's')):
            row = rows[names[name]]
            self.assertEqual(row['outcome'], outcome, row)
            self.assertIn(reason, row['reason'])
            self.assertFalse(set(TIMES) & set(row['metrics']), row)
            self.assertIn(outcome, run.stdout)


if __name__ == '__main__':
    tap.main()
