"""From `run` to every report and export: what a newcomer does, in small."""
import csv
import io
import json
import os

import tap
from program import Program


class Whole(Program):
    def measured(self):
        run = self.churn('run', '--matrix', 'small.toml', '--seed', '7')
        self.assertEqual(run.returncode, 0, run.stderr)
        return run

    def test_a_run_leaves_store_report_and_comparison(self):
        run = self.measured()
        report = (self.directory / 'churn-report.md').read_text()
        for text in (run.stdout, report):
            for word in ('glibc', 'slab', 'malloc/random-sizes', '--seed 7'):
                self.assertIn(word, text)
        self.assertTrue(self.db.exists())
        self.assertNotIn('\x1b', run.stdout + run.stderr)

    def test_every_format_says_the_same(self):
        self.measured()
        rows = self.rows()
        self.assertEqual({row['allocator'] for row in rows}, {'glibc', 'slab'})
        for row in rows:
            self.assertEqual((row['outcome'], row['threads']), ('ok', 1))
            metric = row['metrics']['time_per_op_ns']
            self.assertEqual((metric['n'], metric['unit']), (2, 'ns'))
            self.assertLessEqual(metric['low'], metric['median'])
            self.assertLessEqual(metric['median'], metric['high'])
        table = self.churn('report', '--format', 'csv')
        self.assertEqual({row['allocator'] for row in csv.DictReader(io.StringIO(table.stdout))},
                         {'glibc', 'slab'})
        for form in ('terminal', 'markdown'):
            self.assertIn('slab', self.churn('report', '--format', form).stdout)

    def test_exports_carry_every_sample(self):
        self.measured()
        lines = [json.loads(line)
                 for line in self.churn('export', '--format', 'jsonl').stdout.splitlines()]
        self.assertGreater(len(lines), 0)
        table = list(csv.DictReader(io.StringIO(self.churn('export', '--format', 'csv').stdout)))
        self.assertGreater(len(table), 0)
        google = json.loads(self.churn('export', '--format', 'google-benchmark').stdout)
        self.assertIn('context', google)
        for entry in google['benchmarks']:
            self.assertGreater(entry['real_time'], 0)
            self.assertIn(entry['time_unit'], ('ns', 'us', 'ms', 's'))

    def test_the_same_seed_gives_the_same_plan(self):
        self.measured()
        first = [row['workload'] for row in self.rows()]
        self.db.unlink()
        self.measured()
        self.assertEqual([row['workload'] for row in self.rows()], first)

    def test_a_library_by_path_is_an_allocator(self):
        path = os.path.join(os.environ['CHURN_ALLOCATORS'], 'libchurn_slab.so')
        run = self.churn('run', '--allocator', path, '--workload', 'malloc/random-sizes',
                         '--invocations', '1')
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual([row['outcome'] for row in self.rows()], ['ok'])

    def test_lists_are_data(self):
        for what, some in (('allocators', 'glibc'), ('collectors', 'refcount'),
                           ('workloads', 'malloc/larson'), ('matrices', 'quick'),
                           ('metrics', 'time_per_op_ns')):
            run = self.churn('list', what, '--json')
            self.assertEqual(run.returncode, 0, run.stderr)
            rows = {row['name']: row for row in json.loads(run.stdout)}
            self.assertIn(some, rows)
            for row in rows.values():
                self.assertLessEqual({'name', 'summary', 'available', 'why_not'}, set(row))

    def test_doctor(self):
        run = self.churn('doctor', '--json')
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertGreater(len(json.loads(run.stdout)), 0)

    def test_help_everywhere(self):
        self.assertEqual(self.churn('--help').returncode, 0)
        for command in ('list', 'run', 'report', 'export', 'doctor'):
            run = self.churn(command, '--help')
            self.assertEqual(run.returncode, 0)
            self.assertIn(f'churn {command}', run.stdout)


if __name__ == '__main__':
    tap.main()
