"""
An inventory as JSON: the one form that the command line and the HTTP API give.
"""

from typing import Any

from apimend.inventory import Inventory, Item, Problem, Stored
from apimend.report.plain import clean


def inventory_json(found: Inventory) -> dict[str, Any]:
    """For programs."""
    return {
        "instance": clean(found.service.id.text),
        "taken": found.taken.isoformat(),
        "certificates": [_told(item) for item in found.items],
        "problems": [_problem(each) for each in found.problems],
    }


def _told(item: Item) -> dict[str, Any]:
    return {
        "name": clean(item.name),
        "held": item.held.value,
        "target": clean(item.target.text),
        "subject": clean(item.subject),
        "thumbprint": item.thumbprint,
        "expires": item.expires.isoformat() if item.expires else None,
        "source": item.source.value,
        "vault": None if item.stored is None else _stored(item.stored),
        "status": clean(item.status),
        "uses": [{"kind": use.kind, "name": clean(use.name), "how": clean(use.how)} for use in item.uses],
    }


def _stored(stored: Stored) -> dict[str, Any]:
    return {
        "vault": clean(stored.vault),
        "name": clean(stored.name),
        "version": stored.version,
        "expires": stored.expires.isoformat() if stored.expires else None,
        "trouble": clean(stored.trouble),
    }


def _problem(each: Problem) -> dict[str, Any]:
    return {
        "code": each.code,
        "severity": each.severity.word,
        "about": clean(each.about),
        "message": clean(each.message),
        "steps": [clean(step) for step in each.steps],
    }
