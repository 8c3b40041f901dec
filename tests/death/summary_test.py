"""The last line of `./churn test`, computed from made-up logs in the two forms that Meson writes.

Usage: summary_test.py ROOT
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import tap

SUMMARY = pathlib.Path(sys.argv.pop(1)) / 'tests' / 'summary.py'


def case(name, inside=''):
    return f'<testcase name="{name}" classname="c">{inside}</testcase>'


def suite(name, *cases):
    return f'<testsuite name="{name}">{"".join(cases)}</testsuite>'


class Summary(unittest.TestCase):
    def summary(self, programs, *suites):
        with tempfile.TemporaryDirectory() as directory:
            logs = pathlib.Path(directory)
            (logs / 'testlog.json').write_text(''.join(
                json.dumps({'name': name, 'result': result}) + '\n'
                for name, result in programs.items()))
            (logs / 'testlog.junit.xml').write_text(f'<testsuites>{"".join(suites)}</testsuites>')
            run = subprocess.run([sys.executable, SUMMARY, logs], text=True, capture_output=True,
                                 check=False)
            return run.returncode, run.stdout

    def test_single_cases_are_counted(self):
        programs = {'churn:core / core': 'OK', 'churn / alone': 'OK'}
        got = self.summary(programs, suite('churn.churn:core / core.A', case('1'), case('2')),
                           suite('churn.churn:core / core.B', case('3', '<skipped/>')),
                           suite('churn', case('churn / alone')))
        self.assertEqual(got, (0, '3 passed, 0 failed, 1 skipped\n'))

    def test_a_failed_case_fails(self):
        got = self.summary({'churn:core / core': 'FAIL'}, suite(
            'churn.churn:core / core.A', case('1', '<failure message="no"/>'), case('2')))
        self.assertEqual(got, (1, '1 passed, 1 failed\n'))

    def test_a_program_that_fails_after_its_last_case_fails(self):
        got = self.summary({'churn:core / core': 'FAIL'},
                           suite('churn.churn:core / core.A', case('1'), case('2')))
        self.assertEqual(got, (1, '2 passed, 1 failed\n'))

    def test_a_timeout_that_junit_shows_as_passed_fails(self):
        got = self.summary({'churn / slow': 'TIMEOUT'}, suite('churn', case('churn / slow')))
        self.assertEqual(got, (1, '0 passed, 1 failed\n'))

    def test_nothing_run_is_no_success(self):
        self.assertEqual(self.summary({})[0], 1)


if __name__ == '__main__':
    tap.main()
