"""The golden files of findings, read by parsers that are not ours: libxml2, junitparser,
Prometheus' client, jsonschema, cmark. golden_test makes sure that these files are what churn
writes; the run in them has names that try to break out of each format."""
import json
import pathlib
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

import tap

HERE = pathlib.Path(__file__).parent
ROWS, OK = 16, 11  # of the synthetic run

# As published at bencher.dev/docs/reference/bencher-metric-format, with the lengths named there.
BMF = {
    'type': 'object',
    'propertyNames': {'minLength': 1, 'maxLength': 1024},
    'additionalProperties': {
        'type': 'object',
        'propertyNames': {'pattern': '^[a-z0-9-]{1,64}$'},
        'additionalProperties': {
            'type': 'object',
            'properties': {name: {'type': 'number'}
                           for name in ('value', 'lower_value', 'upper_value')},
            'required': ['value'],
            'additionalProperties': False,
        },
    },
}
# Of github-action-benchmark's customSmallerIsBetter.
CUSTOM = {
    'type': 'array',
    'items': {
        'type': 'object',
        'properties': {'name': {'type': 'string', 'minLength': 1}, 'unit': {'type': 'string'},
                       'value': {'type': 'number'}, 'range': {'type': 'string'},
                       'extra': {'type': 'string'}},
        'required': ['name', 'unit', 'value'],
        'additionalProperties': False,
    },
}


def golden(name):
    return (HERE / name).read_text(encoding='utf-8')


def needs(test, module):
    """The module; the test is skipped with the package's name where it is not installed."""
    try:
        return __import__(module[0], fromlist=['x'])
    except ImportError:
        test.skipTest(f'{module[1]} is not installed')


class Json(unittest.TestCase):
    def test_bencher_metric_format(self):
        document = json.loads(golden('bmf.json'))
        needs(self, ('jsonschema', 'python3-jsonschema')).validate(document, BMF)
        self.assertEqual(len(document), OK)
        for measures in document.values():
            for measure in measures.values():
                self.assertLessEqual(measure['lower_value'], measure['value'])
                self.assertLessEqual(measure['value'], measure['upper_value'])
            self.assertIn('latency', measures)

    def test_custom_smaller_is_better(self):
        document = json.loads(golden('custom_smaller_is_better.json'))
        needs(self, ('jsonschema', 'python3-jsonschema')).validate(document, CUSTOM)
        names = [each['name'] for each in document]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 2 * OK)


class JUnit(unittest.TestCase):
    def test_the_schema(self):
        if shutil.which('xmllint') is None:
            self.skipTest('libxml2-utils is not installed')
        run = subprocess.run(['xmllint', '--noout', '--schema', HERE / 'junit.xsd',
                              HERE / 'junit.xml'], text=True, capture_output=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_the_schema_can_refuse(self):
        if shutil.which('xmllint') is None:
            self.skipTest('libxml2-utils is not installed')
        wrong = golden('junit.xml').replace('tests="16"', 'tests="many"')
        run = subprocess.run(['xmllint', '--noout', '--schema', HERE / 'junit.xsd', '-'],
                             input=wrong, text=True, capture_output=True, check=False)
        self.assertNotEqual(run.returncode, 0)

    def test_a_reader_of_junit(self):
        module = needs(self, ('junitparser', 'python3-junitparser'))
        [suite] = module.JUnitXml.fromfile(str(HERE / 'junit.xml'))
        results = [type(each.result[0]).__name__ if each.result else 'Passed' for each in suite]
        self.assertEqual(len(results), ROWS)
        self.assertEqual({name: results.count(name) for name in set(results)},
                         {'Passed': OK, 'Skipped': 1, 'Failure': 1, 'Error': 3})
        self.assertEqual((suite.tests, suite.failures, suite.errors, suite.skipped),
                         (ROWS, 1, 3, 1))

    def test_text_comes_back_harmless(self):
        root = xml.etree.ElementTree.fromstring(golden('junit.xml').encode())
        names = [case.get('name') for case in root.iter('testcase')]
        self.assertEqual(len(names), len(set(names)))
        self.assertTrue(any('<b>' in name and r'\x1b' in name for name in names))


class OpenMetrics(unittest.TestCase):
    def test_a_parser_of_prometheus(self):
        parser = needs(self, ('prometheus_client.openmetrics.parser',
                              'python3-prometheus-client'))
        families = {each.name: each for each in
                    parser.text_string_to_metric_families(golden('openmetrics.txt'))}
        times = families['churn_time_per_op_seconds']
        self.assertEqual((times.type, times.unit), ('gauge', 'seconds'))
        self.assertEqual(len(times.samples), 3 * OK)
        medians = [each for each in times.samples if each.labels['estimate'] == 'median']
        self.assertAlmostEqual(medians[0].value, 20.507e-9)
        outcomes = [each.value for each in families['churn_cell_ok'].samples]
        self.assertEqual((len(outcomes), sum(outcomes)), (ROWS, OK + 1))
        self.assertEqual(families['churn'].samples[0].labels['run'], '1')

    def test_the_parser_can_refuse(self):
        parser = needs(self, ('prometheus_client.openmetrics.parser',
                              'python3-prometheus-client'))
        with self.assertRaises(ValueError):
            list(parser.text_string_to_metric_families(
                golden('openmetrics.txt').replace('# EOF\n', '')))


class Markdown(unittest.TestCase):
    def test_cmark_makes_one_table_and_no_foreign_html(self):
        if shutil.which('cmark') is None:
            self.skipTest('cmark is not installed')
        text = golden('comment.md')
        html = subprocess.run(['cmark', '--unsafe'], input=text, text=True, capture_output=True,
                              check=True).stdout
        self.assertNotRegex(html, r'<b>|<k>|<script|<a |<img|<code>rm')
        # cmark knows no tables: theirs is counted by bars that are not escaped.
        bars = {len(re.findall(r'(?<!\\)\|', line)) for line in text.splitlines()
                if line.startswith('|')}
        self.assertEqual(bars, {7})

    def test_the_gravest_come_first(self):
        rows = [line for line in golden('comment.md').splitlines() if line.startswith('| ')][1:]
        self.assertIn('wrong-answer', rows[0])
        self.assertIn('| ok |', rows[-1])


class GitHub(unittest.TestCase):
    # github.com/actions/toolkit: a command is a line; % CR LF are escaped, and : , in properties.
    COMMAND = re.compile(r'::(error|warning) title=([^:,\r\n]+)::((?:[^%\r\n]|%25|%0D|%0A)+)')

    def test_every_line_is_a_command(self):
        lines = golden('github.txt').splitlines()
        kinds = [self.COMMAND.fullmatch(line).group(1) for line in lines]
        self.assertEqual((kinds.count('error'), kinds.count('warning')), (3, 1))


if __name__ == '__main__':
    tap.main()
