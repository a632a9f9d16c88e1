"""Whoever changes places writes them down for the past: the board can be read as of any day."""

from __future__ import annotations

import ast
from pathlib import Path

import marketplace

ROOT = Path(marketplace.__file__).parent


def changes_places(tree: ast.Module) -> bool:
    """Tell whether a module inserts, updates or deletes rows of `Priority`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        named = node.func.id if isinstance(node.func, ast.Name) else ""
        about = any(isinstance(one, ast.Name) and one.id == "Priority" for one in node.args)
        if named == "Priority" or (named in {"insert", "update", "delete"} and about):
            return True
    return False


def notes_places(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "note"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "places"
        for node in ast.walk(tree)
    )


def test_every_module_that_changes_places_notes_them_for_the_past() -> None:
    changing = {
        str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
        for path in sorted(ROOT.rglob("*.py"))
        if "Priority" in path.read_text("utf-8")
    }
    changing = {name: tree for name, tree in changing.items() if changes_places(tree)}
    assert "needs/actions.py" in changing
    forgot = [name for name, tree in changing.items() if not notes_places(tree)]
    assert forgot == [], (
        "after a change of Priority call needs.places.note(session, organisation_id, cycle_id)"
    )
