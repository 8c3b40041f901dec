"""Runs a module's unittest cases and prints TAP, so that Meson counts and names each case.

Usage, as the last lines of a test script:  if __name__ == '__main__': tap.main()
An argument that is part of a case's name runs only the matching cases.
"""
import sys
import time
import traceback
import unittest


class TapResult(unittest.TestResult):
    """One TAP line per case; what went wrong goes in `#` lines below it."""

    def __init__(self):
        super().__init__()
        self.buffer = False
        self.number = 0
        self.started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def line(self, good, test, note='', detail=''):
        self.number += 1
        name = f'{type(test).__name__}.{getattr(test, "_testMethodName", test)}'
        seconds = time.monotonic() - self.started
        print(f'{"ok" if good else "not ok"} {self.number} - {name}{note}', flush=True)
        print(f'# {seconds:.1f} s')
        for text in detail.splitlines():
            print(f'# {text}', flush=True)

    def addSuccess(self, test):
        self.line(True, test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(True, test, f' # SKIP {reason}')

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line(False, test, detail=''.join(traceback.format_exception(*err)))

    def addError(self, test, err):
        super().addError(test, err)
        self.line(False, test, detail=''.join(traceback.format_exception(*err)))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            detail = ''.join(traceback.format_exception(*err))
            self.line(False, test, f' {subtest._subDescription()}', detail)


def main():
    """Runs the calling script's cases; the exit status is 1 if one failed or none ran."""
    wanted = sys.argv[1:]
    cases = [case for suite in unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules['__main__']) for case in suite
        if not wanted or any(part in case.id() for part in wanted)]
    result = TapResult()
    unittest.TestSuite(cases).run(result)
    print(f'1..{result.number}')
    sys.exit(0 if result.wasSuccessful() and result.number else 1)
