"""The arrows between the rooms: every #include and every import points down, as CONTRIBUTING.md draws them."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CPP = ROOT / "cpp"
PACKAGE = ROOT / "python" / "gradgate"

# Room: the rooms whose headers it may include, its own among them.
CPP_ROOMS = {
    "base": {"base"},
    "simd": {"simd"},
    "gates": {"gates", "simd"},
    "kernels": {"kernels", "gates", "simd", "base"},
    "array": {"array", "kernels", "gates", "base"},
    "graph": {"graph", "array", "kernels", "gates", "base"},
    "account": {"account", "graph", "array", "kernels", "gates", "base"},
    "bindings": {"bindings", "account", "graph", "array", "kernels", "gates", "base"},
}
# The folders of the graph, lowest first: each may include those before it.
GRAPH_FOLDERS = [
    "graph/engine",
    "graph/shapes",
    "graph/elementwise",
    "graph/products",
    "graph/choosing",
    "graph/reduce",
    "graph/fused",
    "graph/random",
    "graph/backward",
]
ISA_ROOMS = {"simd", "gates", "kernels"}
# Headers of the system that hold no code an instruction set could get into.
ISA_SYSTEM_HEADERS = {"cstdint", "cstddef", "type_traits", "immintrin.h", "xmmintrin.h", "arm_neon.h"}

# Module or package of gradgate: those it may import. The package itself and its commands may import all.
PYTHON_ROOMS: dict[str, set[str]] = {
    "_core": set(),
    "autograd": {"_core"},
    "config": {"_core"},
    "copying": {"_core"},
    "cuda": set(),
    "devices": set(),
    "einsum": {"_core"},
    "io": {"_core"},
    "limits": {"_core"},
    "printing": {"_core"},
    "functional": {"_core", "autograd", "einsum"},
    "nn": {"_core", "autograd", "functional"},
    "explain": {"_core", "nn"},
    "health": {"_core", "nn", "explain"},
    "optim": {"_core", "autograd"},
    "utils": {"_core", "autograd"},
}
PYTHON_TOP = {"__init__", "__main__", "demo", "bench"}
# Rooms in which no module, and no folder as a whole, imports itself by way of others.
ROOMS_WITHOUT_CIRCLES = ("autograd", "explain", "functional", "health", "io", "nn", "optim", "utils")
# What runs when the package is imported, and what the commands need on top (the extra "demo").
RUN_TIME_PACKAGES = {"numpy"}
DEMO_PACKAGES = {"sklearn", "matplotlib", "tqdm"}
# What a room needs on top when its functions are called (the extras "draw" and "demo").
ROOM_PACKAGES = {"explain": {"graphlay"}, "health": {"matplotlib"}}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def sources() -> list[Path]:
    return sorted(p for p in CPP.rglob("*") if p.suffix in (".h", ".cpp"))


def includes(path: Path) -> list[tuple[bool, str]]:
    """(whether it is a header of ours, its name) for every include of a file."""
    return [(kind == '"', name) for kind, name in INCLUDE.findall(path.read_text(encoding="utf-8"))]


def name_of(path: Path) -> str:
    return path.relative_to(CPP).as_posix()


def test_contributing_draws_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    python, _, cpp = text.partition("    python/gradgate/\n")[2].partition("    cpp/\n")
    drawn = {name for line in python.splitlines() for name in re.split(r",? +|/", line.strip().partition("   ")[0])}
    assert drawn >= set(PYTHON_ROOMS) | PYTHON_TOP - {"__init__"}
    assert {line.split("/")[0].strip() for line in cpp.split("\n\n")[0].splitlines()} >= set(CPP_ROOMS)


def test_there_are_sources_to_check() -> None:
    assert {p.relative_to(CPP).parts[0] for p in sources()} == set(CPP_ROOMS)
    assert len(sources()) > 80


def test_includes_point_down() -> None:
    wrong = []
    for path in sources():
        room = path.relative_to(CPP).parts[0]
        for ours, name in includes(path):
            if ours and name.split("/")[0] not in CPP_ROOMS[room]:
                wrong.append(f"{name_of(path)} includes {name}")
    assert not wrong, "\n".join(wrong)


def test_folders_of_the_graph_point_down() -> None:
    wrong = []
    for path in sources():
        folder = path.parent.relative_to(CPP).as_posix()
        if not folder.startswith("graph"):
            continue
        assert folder in GRAPH_FOLDERS, f"give {folder} a place in GRAPH_FOLDERS, and in CONTRIBUTING.md"
        above = GRAPH_FOLDERS[GRAPH_FOLDERS.index(folder) + 1 :]
        wrong += [
            f"{name_of(path)} includes {n}" for ours, n in includes(path) if ours and str(Path(n).parent) in above
        ]
    assert not wrong, "\n".join(wrong)


def test_no_circle_of_units() -> None:
    """A unit is x.h with x.cpp. Of the bindings, casters and numpy still know each other."""
    arrows: dict[str, set[str]] = {}
    for path in sources():
        unit = name_of(path.with_suffix(""))
        if unit.startswith("bindings/"):
            continue
        arrows.setdefault(unit, set()).update(str(Path(name).with_suffix("")) for ours, name in includes(path) if ours)
    assert circles({unit: included - {unit} for unit, included in arrows.items()}) == []


def test_our_headers_are_included_by_their_path() -> None:
    missing = [
        f"{name_of(p)}: {name}" for p in sources() for ours, name in includes(p) if ours and not (CPP / name).is_file()
    ]
    assert not missing, "\n".join(missing)


def test_python_is_only_under_bindings() -> None:
    python = re.compile(r"^(Python\.h|structmember\.h|pybind11/|numpy/)")
    found = [
        f"{name_of(p)} includes {name}"
        for p in sources()
        for _, name in includes(p)
        if python.match(name) and not name_of(p).startswith("bindings/")
    ]
    assert not found, "\n".join(found)


def closure(path: Path) -> set[Path]:
    """The file and all of our headers that it reaches."""
    reached, waiting = set(), [path]
    while waiting:
        current = waiting.pop()
        if current not in reached:
            reached.add(current)
            waiting += [CPP / name for ours, name in includes(current) if ours]
    return reached


@pytest.mark.parametrize("unit", sorted(p.name for p in (CPP / "kernels" / "isa").glob("*.cpp")))
def test_units_of_an_instruction_set_reach_no_shared_code(unit: str) -> None:
    for path in closure(CPP / "kernels" / "isa" / unit):
        room = path.relative_to(CPP).parts[0]
        assert room in ISA_ROOMS, f"{unit} reaches {name_of(path)}"
        for ours, name in includes(path):
            assert ours or name in ISA_SYSTEM_HEADERS, f"{unit} reaches <{name}> by {name_of(path)}"


def module_of(path: Path) -> str:
    return ".".join(["gradgate", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


def modules() -> dict[str, Path]:
    return {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(module: str, path: Path) -> list[str]:
    """The full names of the modules that a file imports, wherever in it."""
    known = {*modules(), "gradgate._core"}
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: write imports in full"
            base = node.module or ""
            found += [f"{base}.{a.name}" if f"{base}.{a.name}" in known else base for a in node.names]
    return found


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def test_python_imports_point_down() -> None:
    wrong = []
    for module, path in modules().items():
        room = room_of(module)
        if room in PYTHON_TOP:
            continue
        assert room in PYTHON_ROOMS, f"give gradgate.{room} a place in PYTHON_ROOMS, and in CONTRIBUTING.md"
        allowed = PYTHON_ROOMS[room] | {room}
        wrong += [
            f"{module} imports {name}"
            for name in imports(module, path)
            if name.split(".")[0] == "gradgate" and room_of(name) not in allowed
        ]
    assert not wrong, "\n".join(wrong)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other by the edges of a graph, and so themselves."""
    reached = {}
    for start in graph:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for following in graph[waiting.pop()] - seen:
                seen.add(following)
                waiting.append(following)
        reached[start] = seen
    groups = {tuple(sorted(b for b in reached[a] if a in reached[b])) for a in graph}
    return sorted(list(group) for group in groups if group)


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c", "d"}, "c": {"b"}, "d": {"d"}, "e": {"a"}}) == [["b", "c"], ["d"]]
    assert not circles({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports inside functions and for type checkers count: they hide a circle and do not open it."""
    known = modules()
    graph = {module: set(imports(module, path)) & known.keys() for module, path in known.items()}
    found = [group for group in circles(graph) if {room_of(module) for module in group} & set(ROOMS_WITHOUT_CIRCLES)]
    assert not found, "\n".join(map(str, found))


def test_no_other_package_is_needed() -> None:
    for module, path in modules().items():
        room = room_of(module)
        allowed = RUN_TIME_PACKAGES | ROOM_PACKAGES.get(room, set()) | (DEMO_PACKAGES if room in PYTHON_TOP else set())
        for name in imports(module, path):
            package = name.split(".")[0]
            assert package == "gradgate" or package in sys.stdlib_module_names or package in allowed, (
                f"{module}: {name}"
            )


def arrows_within(folder: str) -> dict[str, set[str]]:
    """Which of the modules and folders directly in a folder import which; all imports count, wherever they stand in a file.

    A folder is one unit with all that is in it. What the package `folder` itself says, its `__init__`, is a unit, too.
    """

    def unit_of(module: str) -> str:
        return module.removeprefix(folder).lstrip(".").split(".")[0] or "__init__"

    inside = {name: path for name, path in modules().items() if f"{name}.".startswith(f"{folder}.")}
    arrows: dict[str, set[str]] = {unit_of(name): set() for name in inside}
    for name, path in inside.items():
        arrows[unit_of(name)] |= {unit_of(i) for i in imports(name, path) if f"{i}.".startswith(f"{folder}.")}
    return {unit: targets - {unit} for unit, targets in arrows.items()}


@pytest.mark.parametrize("room", ROOMS_WITHOUT_CIRCLES)
def test_no_circle_between_the_units_of_a_room(room: str) -> None:
    folders = [module_of(path) for path in sorted((PACKAGE / room).rglob("__init__.py"))]
    assert folders or (PACKAGE / f"{room}.py").is_file()
    found = [f"{folder}: {group}" for folder in folders for group in circles(arrows_within(folder))]
    assert not found, "\n".join(found)
