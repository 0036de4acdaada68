#!/usr/bin/env python3
"""Names that a file uses of this project's headers without including them, directly or not.

The larger targets are compiled eight files at a time, where one file's includes serve the next: the
compiler notices a missing one only where each file is compiled alone. Names that more than one header
declares at its outermost level are left out, and so are those that a file declares itself.
"""
import os
import re
import sys

ROOTS = ('detector/include/', 'runtime_hooks/include/', '')
DECLARED = re.compile(
    r'^(?:inline |constexpr |extern |template <[^;{]*> ?|\[\[\w+\]\] |using )*'
    r'(?:(?:class|struct|enum class)(?: alignas\(\w+\))? (\w+)(?= [:{]| final)'  # a type
    r'|(\w+)(?= = )'                                                            # an alias
    r'|[\w:<>,&*\s]+?[ &*](\w+)(?=\())', re.M)                                 # a function
CONSTANT = re.compile(r'^inline constexpr [\w:<>]+ (k\w+)', re.M)
INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]', re.M)
ENUM = re.compile(r'\benum (?:class )?\w+[^{;]*\{([^}]*)\}')
NAME = re.compile(r'(?<![.>:\w])(?:[A-Z](?=\w*[a-z])\w{2,}|k[A-Z]\w+)\b')
# What a file declares itself, somewhere.
OWN = re.compile(r'\b(?:class|struct|enum|using|void|bool|auto|int|[A-Za-z_]\w*[>&*]?) [&*]?(\w+)(?= *[({;=:,>])')
NOISE = re.compile(r'R"\w*\(.*?\)\w*"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)


def sources(root):
    for room in ('runtime_hooks', 'detector', 'cli'):
        for folder, _, files in os.walk(os.path.join(root, room)):
            for name in files:
                if name.endswith(('.cc', '.h')):
                    yield os.path.relpath(os.path.join(folder, name), root)


def declared(code):
    """The names declared at the outermost level of a header."""
    names = set(CONSTANT.findall(code))
    for match in DECLARED.finditer(code):
        names.update(name for name in match.groups() if name)
    return {name for name in names if NAME.fullmatch(name)}


def may_include(path, header):
    """See DIRECTIONS in rules.py."""
    room = path.split('/')[0]
    return header.startswith(room) or room != 'runtime_hooks' and '/include/' in header


class Project:
    def __init__(self, texts):
        """`texts`: from path to text."""
        self.includes = {path: INCLUDE.findall(text) for path, text in texts.items()}
        self.code = {path: NOISE.sub(' ', text) for path, text in texts.items()}
        self.homes = {}
        for path, code in self.code.items():
            if path.endswith('.h'):
                for name in declared(code):
                    self.homes.setdefault(name, set()).add(path)
        self.reached = {}
        self.tokens = {path: set(re.findall(r'\w+', code)) for path, code in self.code.items()}

    def find(self, named):
        for root in ROOTS:
            if root + named in self.code:
                return root + named
        return None

    def reach(self, path):
        """All headers that come with a file, itself among them."""
        if path not in self.reached:
            seen, queue = {path}, [path]
            while queue:
                for named in self.includes[queue.pop()]:
                    header = self.find(named)
                    if header and header not in seen:
                        seen.add(header)
                        queue.append(header)
            self.reached[path] = seen
        return self.reached[path]

    def missing(self, path):
        """The (name, header) pairs that a file uses and does not include."""
        code = self.code[path]
        reach = self.reach(path)
        own = set(OWN.findall(code))
        own.update(word for body in ENUM.findall(code) for word in re.findall(r'\w+', body))
        for name in sorted(set(NAME.findall(code)) - own):
            homes = self.homes.get(name)
            if homes is None or len(homes) > 1 or homes & reach:
                continue
            if not may_include(path, next(iter(homes))):
                continue
            # A header that it does include says what the name is, too: as a member, or forward.
            if not any(name in self.tokens[header] for header in reach if header != path):
                yield name, next(iter(homes))


def read(root):
    texts = {}
    for path in sources(root):
        with open(os.path.join(root, path), encoding='utf-8') as file:
            texts[path] = file.read()
    return Project(texts)


def main():
    project = read(sys.argv[1] if len(sys.argv) > 1 else '.')
    found = 0
    for path in sorted(project.code):
        for name, header in project.missing(path):
            print(f'{path}: uses {name} of {header}, which it does not include')
            found += 1
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
