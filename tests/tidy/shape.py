"""Size and form: what makes a file readable in one go, checked so that nobody has to say it."""
import ast
import re

from source import SCRIPT, without_comments_and_strings

MAX_FILE_LINES, MAX_COLUMNS, MAX_FUNCTION_LINES = 600, 100, 70

# Spelled in two parts, or this file would find itself.
MARKERS = re.compile(r'\b(' + '|'.join(('TO' 'DO', 'FIX' 'ME', 'XX' 'X', 'HA' 'CK')) + r')\b')
PRIVATE_PATH = re.compile(r'(?<![\w.$@}])/(?:home|root|work|Users)/\w')
KEYWORD = re.compile(
    r'^(?:else\b|do\b|try\b|namespace\b|extern\b|enum\b|union\b|'
    r'(?:else\s+)?(?:if|for|while|switch|catch)\b|'
    r'(?:template\s*<.*>\s*)?(?:class|struct|concept)\b(?!.*\)\s*$))',
    re.DOTALL)


def file_length(source):
    if source.is_cpp or source.path.endswith(SCRIPT):
        if len(source.lines) > MAX_FILE_LINES:
            yield (f'{source.path}: {len(source.lines)} lines; one idea a file, '
                   f'{MAX_FILE_LINES} at most')


def line_length(source):
    if not (source.is_cpp or source.path.endswith(SCRIPT) or source.path == 'churn'):
        return
    for number, line in enumerate(source.lines, 1):
        if len(line) > MAX_COLUMNS:
            yield f'{source.path}:{number}: {len(line)} columns, {MAX_COLUMNS} at most'


def cpp_functions(text):
    """(first line, last line) of every function body; braces of other things are looked through."""
    code = re.sub(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', '', without_comments_and_strings(text),
                  flags=re.MULTILINE)
    stack, head_start, line = [], 0, 1
    for position, character in enumerate(code):
        if character == '\n':
            line += 1
        elif character == '{':
            head = code[head_start:position].strip()
            is_function = ')' in head and not KEYWORD.match(head)
            stack.append((line, is_function))
            head_start = position + 1
        elif character == '}' and stack:
            first, is_function = stack.pop()
            if is_function:
                yield first, line
            head_start = position + 1
        elif character == ';':
            head_start = position + 1


def function_length(source):
    spans = []
    if source.is_cpp:
        spans = cpp_functions(source.text)
    elif source.path.endswith('.py'):
        spans = [(node.lineno, node.end_lineno) for node in ast.walk(ast.parse(source.text))
                 if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for first, last in spans:
        if last - first + 1 > MAX_FUNCTION_LINES:
            yield (f'{source.path}:{first}: a function of {last - first + 1} lines, '
                   f'{MAX_FUNCTION_LINES} at most')


def header_opening(source):
    if not source.is_header:
        return
    if not source.text.startswith('// '):
        yield f'{source.path}: opens without a comment that says what it is'
    if '\n#pragma once\n' not in source.text:
        yield f'{source.path}: has no #pragma once'


# Macros that a library's header asks for, with the library.
ASKED_FOR = {'GC_NO_THREAD_REDIRECTS': 'bdwgc', 'GC_THREADS': 'bdwgc', 'Py_BUILD_CORE': 'CPython'}


def macro_names(source):
    if not source.is_cpp:
        return
    for number, line in enumerate(source.lines, 1):
        match = re.match(r'\s*#\s*define\s+(\w+)', line)
        if match and match.group(1) not in ASKED_FOR and not match.group(1).startswith('CHURN_'):
            yield f'{source.path}:{number}: macro {match.group(1)} does not begin with CHURN_'


def unfinished(source):
    for number, line in enumerate(source.lines, 1):
        if MARKERS.search(line):
            yield f'{source.path}:{number}: unfinished: {line.strip()}'


def private_paths(source):
    """A path that exists on its author's machine alone."""
    if source.path.startswith('tests/golden/'):
        return  # made-up machines
    for number, line in enumerate(source.lines, 1):
        if PRIVATE_PATH.search(line):
            yield f'{source.path}:{number}: a path of one machine: {line.strip()}'


def file_names(source):
    name = source.path.rsplit('/', 1)[-1]
    code = source.is_cpp or name.endswith(('.py', '.sh'))
    if code and not re.fullmatch(r'[a-z][a-z0-9_.]*', name):
        yield f'{source.path}: file names are snake_case'


def sorted_lists(source):
    """Lists of quoted names, one a line, are registrations: sorted, they merge without conflict."""
    if not source.path.endswith('meson.build'):
        return
    previous, number_of = None, {}
    for number, line in enumerate(source.lines, 1):
        match = re.fullmatch(r"\s*'([^']+)',?\s*(?:#.*)?", line)
        if match is None or match.group(1).startswith('-'):  # command lines have their own order
            previous, number_of = None, {}
            continue
        name = match.group(1)
        if name in number_of:
            yield f'{source.path}:{number}: {name} stands twice'
        elif previous is not None and name < previous:
            yield f'{source.path}:{number}: {name} comes before {previous}'
        previous = name
        number_of[name] = number
