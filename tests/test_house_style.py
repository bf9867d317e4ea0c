"""The habits of the sources: a duty at the top, short files and functions, plain names, no attic."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("cpp", "python", "tests", "bench", "examples", "tools")
GENERATED = {"python/gradgate/_core.pyi"}
MAX_FILE, MAX_FUNCTION = 400, 50
MAX_CPP_WIDTH = 140  # ruff checks the width of Python


def files(*suffixes: str) -> list[Path]:
    found = [p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*")) if p.suffix in suffixes]
    return [p for p in found if name_of(p) not in GENERATED and "__pycache__" not in p.parts]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def cpp_files() -> list[Path]:
    return files(".h", ".cpp")


def python_files() -> list[Path]:
    return files(".py")


def report(wrong: list[str]) -> None:
    assert not wrong, "\n" + "\n".join(wrong)


def test_there_are_sources_to_check() -> None:
    assert len(cpp_files()) > 80
    assert len(python_files()) > 50


def duty(path: Path) -> str:
    """The first paragraph of the comment or docstring that a file opens with."""
    if path.suffix == ".py":
        module = ast.parse(text_of(path))
        return (ast.get_docstring(module) or "").split("\n\n")[0].replace("\n", " ")
    lines = []
    for line in text_of(path).splitlines():
        if not line.startswith("// "):
            break
        lines.append(line[3:])
    return " ".join(lines)


def test_every_file_opens_with_its_duty() -> None:
    wrong = [name_of(p) for p in cpp_files() + python_files() if not re.match(r"\S.{10,}[.:]", duty(p))]
    report([f"{name} does not open with a sentence that says what it is for" for name in wrong])


def test_files_are_short() -> None:
    lengths = {name_of(p): text_of(p).count("\n") for p in cpp_files() + python_files()}
    report([f"{name} has {n} lines: it is two files" for name, n in lengths.items() if n >= MAX_FILE])


def test_lines_are_short() -> None:
    report(
        [
            f"{name_of(p)}:{i} is {len(line)} wide"
            for p in cpp_files()
            for i, line in enumerate(text_of(p).splitlines(), 1)
            if len(line) > MAX_CPP_WIDTH
        ]
    )


def without_comments_and_strings(text: str) -> str:
    """C++ with comments, includes, strings and character literals blanked, lines kept."""
    token = re.compile(
        r'^\s*#\s*include[^\n]*|//[^\n]*|/\*.*?\*/|R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
        re.DOTALL | re.MULTILINE,
    )
    return token.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def function_bodies(text: str) -> Iterator[tuple[int, int]]:
    """(line, lines) of the outermost function bodies of C++: the blocks whose head ends in a parameter list."""
    heads = re.compile(r"\)(?:\s*(?:const|noexcept|override|final|mutable))*(?:\s*->\s*[\w:<>*& ]+)?\s*$")
    constructor = re.compile(r"\)\s*:[^{}]*$")
    start, before, opened = None, 0, []  # opened: for every open block, whether it is within a function
    for token in re.finditer(r"[{};]", text):
        i = token.start()
        if token[0] == "{":
            head = text[max(before, i - 400) : i].rstrip()
            inside = bool(opened) and opened[-1]
            is_function = bool(heads.search(head) or constructor.search(head))
            if is_function and not inside:
                start = i
            opened.append(inside or is_function)
        elif token[0] == "}":
            was = opened.pop()
            if was and not (opened and opened[-1]) and start is not None:
                yield text.count("\n", 0, start) + 1, text.count("\n", start, i) + 1
                start = None
        before = i + 1


def test_functions_are_short() -> None:
    wrong = []
    for path in cpp_files():
        bodies = function_bodies(without_comments_and_strings(text_of(path)))
        wrong += [f"{name_of(path)}:{line} has {n} lines" for line, n in bodies if n >= MAX_FUNCTION]
    for path in python_files():
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                n = (body[-1].end_lineno or 0) - body[0].lineno + 1
                wrong += [f"{name_of(path)}:{node.lineno} {node.name} has {n} lines"] if n >= MAX_FUNCTION else []
    report(wrong)


def test_function_bodies_are_found() -> None:
    lines = ["int f(int x) {", "if (x) {", "}", "}", "namespace a {", "struct B {", "B() : x{1} {}", "int g() const {"]
    bodies = list(function_bodies("\n".join([*lines, "return 1;", "}", "};", "}"])))
    assert (1, 4) in bodies
    assert (8, 3) in bodies


FORBIDDEN = {"util", "utils", "utility", "misc", "helper", "helpers", "impl"}
PYTORCH_NAMES = {"python/gradgate/utils", "python/gradgate/nn/utils", "tests/test_nn_utils.py"}
VARIANT = re.compile(r"_(?:v\d+|tmp|final)$")
FILE_VARIANT = re.compile(r"_(?:v?\d+|new|old|copy|tmp|final)$")


def parts(identifier: str) -> set[str]:
    """leaky_relu and LeakyReLU as the words they are made of."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)}


def test_files_have_plain_names() -> None:
    wrong = []
    for path in files(".h", ".cpp", ".py", ".pyi"):
        for folder in [path, *path.parents]:
            if folder == ROOT:
                break
            known = name_of(folder) in PYTORCH_NAMES
            if not known and (parts(folder.stem) & FORBIDDEN or FILE_VARIANT.search(folder.stem)):
                wrong.append(name_of(path))
    report(wrong)


def test_names_are_plain() -> None:
    wrong = []
    for path in cpp_files():
        names = set(re.findall(r"\b[A-Za-z_]\w*\b", without_comments_and_strings(text_of(path))))
        wrong += [f"{name_of(path)}: {n}" for n in sorted(names) if parts(n) & FORBIDDEN or VARIANT.search(n)]
    for path in python_files():
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                name = node.name
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                name = node.id
            else:
                continue
            if parts(name) & FORBIDDEN or VARIANT.search(name):
                wrong.append(f"{name_of(path)}: {name}")
    report(wrong)


ATTIC = {
    "work left for later": r"\b(?:TO" + "DO|FIX" + "ME|X" + "XX|HA" + "CK)\\b",
    "code switched off": r"^\s*#\s*if\s+0\b|^\s*if (?:False|0):",
    "a lint switched off without its reason": r"#\s*(?:no"
    + r"qa|type:\s*ig"
    + r"nore)(?!\S*\[|: [A-Z]+\d)|NO"
    + r"LINT(?!\()",
}


@pytest.mark.parametrize("what", ATTIC)
def test_no_attic(what: str) -> None:
    pattern = re.compile(ATTIC[what], re.MULTILINE)
    wrong = []
    for path in cpp_files() + python_files():
        text = text_of(path)
        wrong += [
            f"{name_of(path)}:{text.count(chr(10), 0, m.start()) + 1} {m[0].strip()}" for m in pattern.finditer(text)
        ]
    report(wrong)


def test_no_test_is_shadowed() -> None:
    wrong = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        names = [
            node.name for node in ast.parse(text_of(path)).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        ]
        wrong += [f"{name_of(path)}: {name} is defined twice" for name in set(names) if names.count(name) > 1]
    report(wrong)


def test_gates_are_named_in_their_definition_alone() -> None:
    """Beyond their list, gates are named only where an operator or a faster path of the graph is one of them.

    The vocabulary in which the definitions are read with V = Tensor (words.h) is made of gates, too.
    """
    definitions = "".join(text_of(ROOT / "cpp" / "gates" / name) for name in ("unary.h", "binary.h", "ternary.h"))
    gates = re.findall(r"^struct (\w+) \{\n  static constexpr GateInfo", definitions, re.MULTILINE)
    assert len(gates) >= 44
    named = {
        gate
        for path in cpp_files()
        if {"kernels", "array", "graph", "account", "bindings"} & set(path.relative_to(ROOT).parts[1:-1])
        for gate in re.findall(
            r"\b(" + "|".join(gates) + r")\b(?=::|>|\()", without_comments_and_strings(text_of(path))
        )
    }
    operators = {"Add", "Sub", "Mul", "Div", "Pow", "Neg", "Abs", "Maximum", "Minimum"}
    # Gates with arguments of their own in Python (numbers or tensors), and those that other gates are made of.
    special = {
        "Clamp",
        "Lerp",
        "Exp",
        "Log",
        "Sqrt",
        "Square",
        "Rsqrt",
        "Reciprocal",
        "Sign",
        "Relu",
        "Round",
        "Tanh",
        "Sigmoid",
    }
    assert named <= operators | special, f"{named - operators - special}: define what the gate needs in its GateInfo"
