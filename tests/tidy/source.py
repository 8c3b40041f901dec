"""The files that tidiness is about, and what every check needs to know of one."""
import pathlib
import re
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
CPP = ('.cpp', '.hpp', '.cpp.in', '.hpp.in', '.inc.in')
SCRIPT = ('.py', '.sh', 'meson.build', '.toml')


class Source(NamedTuple):
    """A file by its path from the root; canaries are made up, so no check reads from disk."""
    path: str
    text: str

    @property
    def lines(self):
        return self.text.splitlines()

    @property
    def is_cpp(self):
        return self.path.endswith(CPP)

    @property
    def is_header(self):
        return self.path.endswith('.hpp')


def all_sources():
    """Every file a person wrote: no build directory, nothing hidden but .ci."""
    found = []
    for path in sorted(ROOT.rglob('*')):
        relative = path.relative_to(ROOT)
        top = relative.parts[0]
        hidden = any(part.startswith('.') and part != '.ci' for part in relative.parts)
        made = top.startswith(('build', 'churn.db', 'churn-report'))
        made = made or '__pycache__' in relative.parts
        if hidden or made or not path.is_file():
            continue
        try:
            found.append(Source(str(relative), path.read_text(encoding='utf-8')))
        except UnicodeDecodeError:
            continue  # a binary fixture
    return found


def without_comments_and_strings(text):
    """C++ text with comments and literals blanked, newlines kept, so that lines still count."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)
    return token.sub(lambda match: '\n' * match.group().count('\n') or ' ', text)
