"""
The codes of findings, read out of the sources: `python -m script.findings` lists them with the files they stand in.

tests/infra/test_docs.py compares them with docs/findings.md.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = re.compile(r"[a-z]+(?:_[a-z0-9]+)+")
NOT_POSTURE = "posture"
"""The controls of the baseline report under codes of their own, and have a page of their own."""


def codes(root: Path = ROOT) -> dict[str, set[str]]:
    """Every code, with the files that it stands in."""
    found: dict[str, set[str]] = {}
    for path in sorted([*root.glob("apimend/**/*.py"), *root.glob("remediators/**/*.py")]):
        if NOT_POSTURE not in path.parts:
            for code in _in(ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault(code, set()).add(path.relative_to(root).as_posix())
    return found


def _in(tree: ast.Module) -> Iterator[str]:
    constants = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        given: list[ast.expr] = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        if "finding" in name.casefold():
            given += node.args[:2]
        for expression in given:
            if isinstance(expression, ast.Name):
                expression = constants.get(expression.id, expression)
            for each in (expression.body, expression.orelse) if isinstance(expression, ast.IfExp) else (expression,):
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and CODE.fullmatch(each.value):
                    yield each.value


def main() -> int:
    """List them."""
    for code, files in sorted(codes().items()):
        print(f"{code:34} {', '.join(sorted(files))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
