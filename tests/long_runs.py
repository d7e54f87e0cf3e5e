"""Every pattern of the product against long runs of what it repeats; run in a child of its own.

Finds the patterns in the source, makes from each the texts it is slowest with, and prints as JSON
what is wrong with which, with its place; the last line says how many were tried. Used by
``tests/trust/test_patterns_in_time.py``.
"""

import ast
import importlib
import json
import re
import resource
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from re import _constants as op
from re import _parser

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("archive", "indexer", "doc_templates", "storage")
METHODS = {"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
ANCHORED = {"match", "fullmatch"}
LETTERS = 50_000
SECONDS = 1.0  # of CPU
MOST = 200  # seconds of CPU for all
MANY = 20  # a repeat that ends sooner is no long run
SIGNS = " 0a中\"(,A\t\n-.<{[_'/\\:;)]}>=|*+#%&@\u3000·元x"
# Made while it runs, from tables of (pattern, …): their names, how they are used, with what flag.
TABLES = {
    "archive/forms/guesses.py": (("_KINDS", "_CANDIDATES"), "fullmatch", re.DOTALL),
    "archive/people/signin/rules.py": (("_BROWSERS", "_SYSTEMS"), "search", 0),
    "archive/web/wording.py": (("_SCHEMA",), "search", 0),
}
# Made while it runs, of words as they stand or of letters: nothing in them is repeated.
OF_WORDS = {
    "archive/forms/proposals.py",
    "archive/people/signin/passwords.py",
    "doc_templates/faces.py",
    "doc_templates/relations.py",
    "indexer/marks.py",  # what was looked for; tried in the test itself
    "indexer/synonyms.py",
}
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
CATEGORIES = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_WORD: lambda char: char.isalnum() or char == "_",
    op.CATEGORY_NOT_DIGIT: lambda char: not char.isdecimal(),
    op.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    op.CATEGORY_NOT_WORD: lambda char: not (char.isalnum() or char == "_"),
}


class TooLong(Exception):
    """The CPU time for one text is used up."""


# ---------------------------------------------------------------- the patterns in the source


def patterns(folder, package):
    """Yield (place, compiled pattern or None, ways it is used) of each call of ``re`` there."""
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((folder / package).rglob("*.py"))
        if "migrations" not in path.parts
    }
    for path, tree in trees.items():
        module = ".".join(path.relative_to(folder).with_suffix("").parts)
        names = _names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_of_re(node.func):
                place = f"{path.relative_to(folder).as_posix()}:{node.lineno}"
                known = vars(importlib.import_module(module.removesuffix(".__init__")))
                ways = _ways(node, names.get(id(node)), trees, path)
                yield place, _compiled(node, known), ways
        yield from _in_tables(path.relative_to(folder).as_posix())


def _in_tables(path):
    tables, way, flag = TABLES.get(path, ((), "", 0))
    for table in tables:
        known = vars(importlib.import_module(path.removesuffix(".py").replace("/", ".")))
        for pattern, *_ in known[table]:
            yield f"{path}:{table}", re.compile(pattern, flag), {way}


def _is_of_re(func):
    is_re = isinstance(func, ast.Attribute) and getattr(func.value, "id", "") == "re"
    return is_re and func.attr in METHODS | {"compile"}


def _names(tree):
    """Return the name that each ``re.compile`` is kept under."""
    return {
        id(node.value): node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _compiled(call, known):
    flags = [word.value for word in call.keywords if word.arg == "flags"]
    if call.func.attr == "compile":
        flags += call.args[1:]
    try:
        pattern, *flag = (
            eval(compile(ast.Expression(one), "-", "eval"), dict(known))
            for one in (call.args[0], *flags)
        )
    except (NameError, AttributeError, TypeError):
        return None  # made while it runs
    return re.compile(pattern, *flag)


def _ways(call, name, trees, path):
    """Return how a pattern is used: the call's own way, or those of the name it is kept under."""
    if call.func.attr != "compile":
        return {call.func.attr}
    where = [trees[path]] if name is None or name.startswith("_") else trees.values()
    found = {
        node.attr
        for tree in where
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in METHODS
        if node.value is call or (name and name in (_last(node.value)))
    }
    return found or {"search"}


def _last(node):
    return {getattr(node, "id", ""), getattr(node, "attr", "")}


# ---------------------------------------------------------------- the texts made from a pattern


def attacks(pattern):
    """Yield short words and the texts to try: runs, with and without what comes before them."""
    tree = _parser.parse(pattern.pattern, pattern.flags)
    whole = _sample(tree)
    runs = {}
    for before, unit in _runs(tree, ""):
        runs |= {("", unit): None, (before, unit): None, ("", before + unit): None}
    runs |= {("", whole): None, ("", whole[:-1]): None, ("", whole[1:]): None}
    every = [("", sign, "\n!") for sign in SIGNS]
    every += [(*run, end) for run in runs if run[1] for end in ("", "\0", "\n!")]
    for before, unit, end in every:
        text = before + unit * (LETTERS // len(unit)) + end
        yield f"{before!r} + {unit!r}… + {end!r}", _as_kind(pattern, text)


def _as_kind(pattern, text):
    return text.encode() if isinstance(pattern.pattern, bytes) else text


def _runs(items, before):
    """Yield each thing that may be repeated at length, with the shortest text before it."""
    for kind, said in items:
        if kind in REPEATS:
            _, most, body = said
            if most >= MANY:
                yield from ((before, unit) for unit in _units(body))
            yield from _runs(body, before)
        elif kind is op.SUBPATTERN:
            yield from _runs(said[-1], before)
        elif kind is op.ATOMIC_GROUP:
            yield from _runs(said, before)
        elif kind is op.BRANCH:
            for branch in said[1]:
                yield from _runs(branch, before)
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            yield from _runs(said[1], before)
        before += _sample([(kind, said)])


def _units(body):
    """Return texts that a repeated body takes: two letters of a class, one of each branch."""
    if len(body) == 1 and _is_one(body[0][0]):
        return _letters(body[0])[:3]
    if len(body) == 1 and body[0][0] is op.SUBPATTERN:
        return _units(body[0][1][-1])
    if len(body) == 1 and body[0][0] is op.BRANCH:
        return [unit for branch in body[0][1][1] for unit in _units(branch)]
    return [_sample(body), _sample(body, at_least=1), _sample(body, at_least=2)]


def _is_one(kind):
    return kind in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN)


def _letters(item):
    kind, said = item
    if kind is op.LITERAL:
        return [chr(said)]
    if kind is op.ANY:
        return list(SIGNS[:3])
    if kind is op.NOT_LITERAL:
        return [sign for sign in SIGNS if ord(sign) != said]
    own = [chr(one if what is op.LITERAL else one[0]) for what, one in said if what in _OWN]
    return [sign for sign in (*SIGNS, *own) if _takes(said, sign)] or own


_OWN = (op.LITERAL, op.RANGE)


def _takes(items, sign):
    is_not = items[0][0] is op.NEGATE
    found = any(
        (kind is op.LITERAL and ord(sign) == said)
        or (kind is op.RANGE and said[0] <= ord(sign) <= said[1])
        or (kind is op.CATEGORY and CATEGORIES[said](sign))
        for kind, said in items
    )
    return found != is_not


def _sample(items, at_least=0):
    """Return a short text that the pattern takes (as good as that can be told from its parts)."""
    text = ""
    for kind, said in items:
        if _is_one(kind):
            text += _letters((kind, said))[0]
        elif kind in REPEATS:
            text += _sample(said[2], at_least) * max(said[0], min(at_least, said[1]))
        elif kind is op.SUBPATTERN:
            text += _sample(said[-1], at_least)
        elif kind is op.ATOMIC_GROUP:
            text += _sample(said, at_least)
        elif kind is op.BRANCH:
            text += _sample(said[1][0], at_least)
    return text


# ---------------------------------------------------------------- trying


@contextmanager
def _timed():
    def stop(*_):
        raise TooLong

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def slow_with(pattern, ways):
    """Return the first text that takes the pattern too long, in words; "" if there is none."""
    tried = {way if way in ANCHORED else "finditer" for way in ways}
    for words, text in attacks(pattern):
        for way in tried:
            try:
                with _timed():
                    found = getattr(pattern, way)(text)
                    if way == "finditer":
                        sum(1 for _ in found)
            except TooLong:
                return f"{way}: {words}"
    return ""


def judged(place, pattern, ways):
    """Return what is wrong with a pattern in words; "" when nothing is."""
    if pattern is None:
        path = place.partition(":")[0]
        return "" if path in TABLES or path in OF_WORDS else "made while it runs: place it"
    words = slow_with(pattern, ways)
    return f"{pattern.pattern!r} is slow: {words}" if words else ""


def main(folder, *packages):
    resource.setrlimit(resource.RLIMIT_CPU, (MOST, MOST))
    count = 0
    for package in packages:
        for place, pattern, ways in patterns(Path(folder), package):
            count += 1
            print("…", place, file=sys.stderr, flush=True)  # the last is the one that killed us
            if words := judged(place, pattern, ways):
                print(json.dumps(f"{place}: {words}"), flush=True)
    print(json.dumps(count))


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    main(*sys.argv[1:])
