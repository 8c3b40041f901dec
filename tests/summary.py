"""Prints `N passed, N failed[, N skipped]` for the last `meson test` and exits 1 if any failed.

Usage: summary.py BUILD/meson-logs

Single cases are counted where Meson's JUnit log has them (GoogleTest, TAP). It does not mark a
test that timed out or was interrupted, and has no case for one that failed after its last case (a
leak found at exit), so the JSON log, one line per test program, has the last word.
"""
import collections
import json
import pathlib
import sys
import xml.etree.ElementTree

BAD = {'ERROR', 'FAIL', 'INTERRUPT', 'TIMEOUT', 'UNEXPECTEDPASS'}


def cases_by_program(junit):
    """Program name -> outcomes of its cases; one without cases of its own is its only case."""
    found = collections.defaultdict(list)
    for suite in xml.etree.ElementTree.parse(junit).getroot().iter('testsuite'):
        parts = suite.get('name').split('.')
        for case in suite.iter('testcase'):
            if case.find('failure') is not None or case.find('error') is not None:
                outcome = 'failed'
            elif case.find('skipped') is not None or case.get('status') == 'notrun':
                outcome = 'skipped'
            else:
                outcome = 'passed'
            found[parts[1] if len(parts) > 1 else case.get('name')].append(outcome)
    return found


def tally(logs):
    """Counts of every case in the two logs of one `meson test`."""
    cases = cases_by_program(logs / 'testlog.junit.xml')
    total = collections.Counter()
    for line in (logs / 'testlog.json').read_text().splitlines():
        program = json.loads(line)
        outcomes = collections.Counter(cases.get(program['name'], []))
        if program['result'] in BAD and not outcomes['failed']:
            if sum(outcomes.values()) == 1:
                outcomes.clear()
            outcomes['failed'] += 1
        elif not outcomes:
            outcomes['skipped' if program['result'] == 'SKIP' else 'passed'] += 1
        total += outcomes
    return total


def main():
    total = tally(pathlib.Path(sys.argv[1]))
    line = f"{total['passed']} passed, {total['failed']} failed"
    if total['skipped']:
        line += f", {total['skipped']} skipped"
    print(line)
    if not total:
        sys.exit('no test ran')
    return 1 if total['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
