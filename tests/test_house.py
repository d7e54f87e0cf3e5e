"""The rules of the house as tests: each rule is a small function that lists what breaks it.

Every rule is shown a bad sample first, so that a rule that has stopped seeing is seen itself;
then it is held against the project. Import directions are import-linter's (`make check`).
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("archive", "doc_templates", "indexer", "storage")
TOP_LEVEL = {
    *PACKAGES,
    "wsgi.py",
    "pyproject.toml",
    "tests",
    "README.md",
    "Makefile",
    "bench",
    "docs",
    "CHANGELOG.md",
    "LICENSE",
    "SECURITY.md",
    "requirements.lock",
    "requirements-dev.lock",
}
# Made at run time and git-ignored.
LEFT_BY_TOOLS = {"instance", "build", "dist", "node_modules", "__pycache__"}
STATIONS = (
    *("core", "people", "customers", "records", "documents"),
    *("signing", "filing", "lending", "search", "workbench", "web"),
)

# A ratchet: these may only go down.
LONGEST_FILE = 600
LONGEST_FUNCTION = 80
LONGEST_TEST_FILE = 900


def sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "__pycache__" not in path.parts)


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def project_findings(rule, *folders: str) -> list[str]:
    paths = sources(*folders)
    assert paths, f"no source under {folders}"
    return [
        f"{shown(path)}:{finding}"
        for path in paths
        for finding in rule(shown(path), path.read_text(encoding="utf-8"))
    ]


# ---------------------------------------------------------------- the tree


def strangers(names: list[str]) -> list[str]:
    known = TOP_LEVEL | LEFT_BY_TOOLS
    return [
        name
        for name in names
        if not name.startswith(".") and not name.endswith(".egg-info") and name not in known
    ]


def test_top_level_holds_only_what_the_design_names():
    assert strangers(["archive", "utils", ".git", "x.egg-info", "notes.txt"]) == [
        "utils",
        "notes.txt",
    ]
    assert strangers([path.name for path in ROOT.iterdir()]) == []


def test_no_test_folder_is_a_package():
    # tests/storage/__init__.py would shadow the package storage.
    assert [shown(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


def test_test_files_have_names_of_their_own():
    names = [path.name for path in sources("tests")]
    assert sorted({name for name in names if names.count(name) > 1} - {"conftest.py"}) == []


def test_archive_package_itself_imports_only_what_must_come_before_numpy():
    tree = ast.parse((ROOT / "archive" / "__init__.py").read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(one) for one in found] == ["import indexer as indexer"]


@pytest.mark.parametrize("station", STATIONS)
def test_every_station_is_a_package(station: str):
    assert (ROOT / "archive" / station / "__init__.py").is_file()


# ---------------------------------------------------------------- reading the code


def missing_docstrings(name: str, text: str) -> Iterator[str]:
    tree = ast.parse(text)
    if tree.body and not ast.get_docstring(tree):
        yield "1 module without docstring"


def bare_excepts(name: str, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{node.lineno} bare except"


def imports_inside_functions(name: str, text: str) -> Iterator[str]:
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{node.lineno} import inside {function.name}"


def too_long(name: str, text: str) -> Iterator[str]:
    if name.startswith("archive/migrations/"):
        return  # a migration is written once and only read again when it runs
    lines = text.count("\n")
    if lines > LONGEST_FILE:
        yield f"1 file of {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{node.lineno} {node.name} has {length} lines"


def foreign_commits(name: str, text: str) -> Iterator[str]:
    """Only storage/work.py commits a session; elsewhere only an edge says ``uow.commit()``."""
    if name == "storage/work.py" or name.startswith("archive/migrations/"):
        return
    is_edge = Path(name).name not in {"service.py", "rules.py", "models.py", "forms.py"}
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr != "commit":
            continue
        holder = node.func.value
        is_unit = isinstance(holder, ast.Name) and holder.id.endswith(("uow", "work"))
        if not (is_unit and is_edge and name.startswith("archive/")):
            yield f"{node.lineno} {ast.unparse(node)}"


MACHINE_PATH = re.compile(r"""["'\s=(](/(?:work|root|home)/[\w.-]+)""")


def machine_paths(name: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        for match in MACHINE_PATH.finditer(line):
            yield f"{number} {match[1]}"


NAMED_FILE = re.compile(r"Content-Disposition[^\n]*filename|filename\*?=\\?[\"']?\{|download_name=")


def file_names_of_their_own(name: str, text: str) -> Iterator[str]:
    """Only core/file_names.py writes the name of a download; whatever it is made of, it is safe."""
    if name == "archive/core/file_names.py":
        return
    for number, line in enumerate(text.splitlines(), 1):
        if NAMED_FILE.search(line):
            yield f"{number} {line.strip()}"


VAGUE = re.compile(r"(?:^|_)(?:utils?|helpers?|manager|data|handle|process)(?:_|$)")


def vague_names(name: str, text: str) -> Iterator[str]:
    if VAGUE.search(Path(name).stem):
        yield "1 file name says nothing"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and re.search(
            r"(?:Utils?|Helpers?|Manager|Handler)$", node.name
        ):
            yield f"{node.lineno} class {node.name} says nothing"


LONG_FUNCTION = "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION

CODE_RULES = {
    "docstring": (missing_docstrings, "archive/a.py", "x = 1\n"),
    "bare except": (bare_excepts, "archive/a.py", "try:\n    f()\nexcept:\n    pass\n"),
    "import inside": (imports_inside_functions, "archive/a.py", "def f():\n    import os\n"),
    "long function": (too_long, "archive/a.py", LONG_FUNCTION),
    "long file": (too_long, "archive/a.py", "x = 1\n" * (LONGEST_FILE + 1)),
    "session commit": (foreign_commits, "archive/records/routes.py", "uow.session.commit()"),
    "service commit": (foreign_commits, "archive/records/service.py", "uow.commit()"),
    "storage commit": (foreign_commits, "storage/outbox.py", "session.commit()"),
    "machine path": (machine_paths, "archive/a.py", 'x = "/' + 'root/project"\n'),
    "file name": (file_names_of_their_own, "archive/a.py", "h = f'inline; filename=\"{name}\"'"),
    "vague file": (vague_names, "archive/form_utils.py", "x = 1"),
    "vague class": (vague_names, "archive/a.py", "class LoanManager: pass"),
}


@pytest.mark.parametrize("rule", CODE_RULES)
def test_a_code_rule_sees_what_it_forbids(rule: str):
    find, name, sample = CODE_RULES[rule]
    assert list(find(name, sample))


def test_the_edge_may_commit_its_unit_of_work():
    assert list(foreign_commits("archive/records/routes.py", "uow.commit()")) == []
    assert list(foreign_commits("storage/work.py", "self.session.commit()")) == []


@pytest.mark.parametrize(
    "rule",
    [missing_docstrings, bare_excepts, imports_inside_functions, too_long, machine_paths],
    ids=lambda rule: rule.__name__,
)
def test_the_code_keeps_the_house_rules(rule):
    assert project_findings(rule, *PACKAGES) == []


def test_file_and_class_names_say_what_they_are():
    assert project_findings(vague_names, *PACKAGES) == []


def test_only_the_unit_of_work_commits():
    # indexer and doc_templates know no database (import-linter); Whoosh's own commit() is theirs.
    assert project_findings(foreign_commits, "archive", "storage") == []


def test_downloads_are_named_in_one_place():
    assert project_findings(file_names_of_their_own, *PACKAGES) == []


def test_tests_keep_to_this_machine_and_to_a_readable_length():
    found = project_findings(machine_paths, "tests")
    found += [
        shown(path)
        for path in sources("tests")
        if path.read_text(encoding="utf-8").count("\n") > LONGEST_TEST_FILE
    ]
    assert found == []


# ---------------------------------------------------------------- what pages fetch

OUTSIDE_ASSET = re.compile(
    r"""(?:\b(?:src|srcset|href|action|poster)\s*=\s*["']?|url\(\s*["']?|@import\s+["']?|"""
    r"""(?:\bfetch|\bimport|WebSocket|EventSource)\s*\(\s*["'`])\s*(?:https?:|wss?:)?//[^\s"'`)>]+""",
    re.IGNORECASE,
)


def outside_assets(text: str) -> list[str]:
    return [match[0] for match in OUTSIDE_ASSET.finditer(text)]


@pytest.mark.parametrize(
    "sample",
    [
        '<script src="https://cdn.example/x.js"></script>',
        "<link rel=stylesheet href='//cdn.example/x.css'>",
        "body { background: url(http://cdn.example/x.png) }",
        '@import "https://cdn.example/x.css";',
        'await fetch("https://cdn.example/x.json")',
    ],
)
def test_an_asset_from_outside_is_seen(sample: str):
    assert outside_assets(sample)


def test_a_local_asset_and_a_namespace_are_not_from_outside():
    assert (
        outside_assets('<svg xmlns="http://www.w3.org/2000/svg"><use href="/static/i.svg"/>') == []
    )


def test_pages_fetch_nothing_from_outside():
    pages = [
        path
        for path in (ROOT / "archive").rglob("*")
        if path.suffix in {".html", ".jinja", ".j2", ".css", ".js", ".svg"}
    ]
    assert [
        (shown(path), found) for path in pages if (found := outside_assets(path.read_text("utf-8")))
    ] == []


# ---------------------------------------------------------------- what is installed

PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; (.+?))? \\$")


def lock_findings(text: str) -> list[str]:
    found = [line for line in text.splitlines() if "://" in line or line.startswith("-")]
    for block in re.split(r"\n(?=\S)", text):
        if block.startswith("#"):
            continue
        if not PIN.match(block.splitlines()[0]) or "--hash=sha256:" not in block:
            found.append(block.splitlines()[0])
    return found


def pins(text: str) -> set[tuple[str, str]]:
    return {(match[1], match[2]) for line in text.splitlines() if (match := PIN.match(line))}


def lock(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_an_address_or_a_missing_hash_in_a_lock_is_seen():
    good = "abc==1.0 \\\n    --hash=sha256:00\n    # via x\n"
    assert lock_findings(good) == []
    assert lock_findings("--index-url https" + "://example/simple\n" + good)
    assert lock_findings("abc @ https" + "://example/abc.whl \\\n    --hash=sha256:00\n")
    assert lock_findings("abc==1.0\n")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locks_carry_hashes_and_no_addresses(name: str):
    assert lock_findings(lock(name)) == []
    assert len(pins(lock(name))) > 20


def test_the_test_environment_is_what_runs_and_more():
    assert pins(lock("requirements.lock")) < pins(lock("requirements-dev.lock"))


def test_everything_the_project_asks_for_is_locked():
    project = tomllib.loads(lock("pyproject.toml"))["project"]
    wanted = set(map(canonical, project["dependencies"]))
    tools = set(map(canonical, project["optional-dependencies"]["dev"]))
    assert wanted | {"uv"} <= {name for name, _ in pins(lock("requirements.lock"))}
    assert wanted | tools <= {name for name, _ in pins(lock("requirements-dev.lock"))}


def canonical(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def build_files() -> list[Path]:
    return [ROOT / "Makefile", ROOT / "pyproject.toml", *sorted((ROOT / ".ci").iterdir())]


def test_the_build_names_no_host_but_this_machine():
    addresses = [
        (shown(path), match[0])
        for path in build_files()
        for match in re.finditer(
            r"\b(?:https?|ftp|git|ssh)://[^\s/\"'$]+", path.read_text(encoding="utf-8")
        )
    ]
    assert [found for found in addresses if not found[1].startswith("http://127.0.0.1")] == []


def test_the_makefile_explains_every_command():
    text = lock("Makefile")
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony
    explained = dict(re.findall(r"^([a-z-]+):.*? ## (.+)$", text, re.MULTILINE))
    assert set(phony[1].split()) == set(explained)
    assert {"setup", "run", "test", "check", "bench", "test-fresh"} <= set(explained)
    assert all(re.search(r"[\u4e00-\u9fff]", words) for words in explained.values())


@pytest.mark.parametrize("name", ["SECURITY.md", "README.md"])
def test_every_test_a_page_names_is_there(name: str):
    named = set(re.findall(r"tests/[\w/]+\.\w+", (ROOT / name).read_text(encoding="utf-8")))
    assert named
    assert sorted(one for one in named if not (ROOT / one).exists()) == []
