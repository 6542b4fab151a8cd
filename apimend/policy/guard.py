"""
A guarded check: `choose` with one `when` that says for which calls the check is meant.

Called by change.py, placement, coverage and pipeline. A guard is how one check at global scope spares what
is waived (R20), gateways whose negotiation is not known (R1) and hosts that are declared plain (R7). Only this one
form is written, and only this one form is recognised: any other condition is somebody's own code.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from apimend.policy.document import Element
from apimend.policy.layout import Lines

_API = "context.Api.Id"
_OPERATION = "context.Operation?.Id"
_PRODUCT = "context.Product?.Id"
_WORKSPACE = "context.Workspace?.Id"
_GATEWAY = "context.Deployment.Gateway.Id"
_HOST = "context.Request.OriginalUrl.Host"

_STRING = r'"([^"\\{}]*)"'
_TERM = re.compile(
    rf"{re.escape(_API)} != {_STRING}"
    rf"|!\({re.escape(_API)} == {_STRING} && {re.escape(_OPERATION)} == {_STRING}\)"
    rf"|{re.escape(_PRODUCT)} != {_STRING}"
    rf"|{re.escape(_WORKSPACE)} != {_STRING}"
    rf"|{re.escape(_HOST)} != {_STRING}"
    rf"|\(({re.escape(_GATEWAY)} == {_STRING}(?: \|\| {re.escape(_GATEWAY)} == {_STRING})*)\)"
)
_ONE_GATEWAY = re.compile(rf"{re.escape(_GATEWAY)} == {_STRING}")
_PLAIN = re.compile(r'[^"\\{}\r\n]+')


@dataclass(frozen=True, kw_only=True)
class GuardedCall:
    """What a guard sees of a call. A call without a product or a workspace has an empty text there."""

    api: str
    operation: str
    host: str
    gateway: str
    product: str = ""
    workspace: str = ""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """
    For which calls a check is meant: for all, save those to these APIs, operations, products, workspaces and hosts.

    `only_gateways` restricts it to these gateways (`managed` is the instance's own); None means every gateway,
    also those that come later. Operations are (API id, operation id).
    """

    except_apis: frozenset[str] = frozenset()
    except_operations: frozenset[tuple[str, str]] = frozenset()
    except_products: frozenset[str] = frozenset()
    except_workspaces: frozenset[str] = frozenset()
    except_hosts: frozenset[str] = frozenset()
    only_gateways: frozenset[str] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it guards nothing: the check is meant for every call."""
        return self == Guard()

    def applies(self, call: GuardedCall) -> bool:
        """Whether a call meets the check."""
        return (
            call.api not in self.except_apis
            and (call.api, call.operation) not in self.except_operations
            and call.product not in self.except_products
            and call.workspace not in self.except_workspaces
            and call.host.lower() not in self.except_hosts
            and (self.only_gateways is None or call.gateway in self.only_gateways)
        )


def condition(guard: Guard) -> str:
    """The guard as a policy expression, its terms sorted. Raises ValueError for ids that are no plain text."""
    terms = [f"{_API} != {_quoted(api)}" for api in sorted(guard.except_apis)]
    terms += [
        f"!({_API} == {_quoted(api)} && {_OPERATION} == {_quoted(operation)})"
        for api, operation in sorted(guard.except_operations)
    ]
    terms += [f"{_PRODUCT} != {_quoted(product)}" for product in sorted(guard.except_products)]
    terms += [f"{_WORKSPACE} != {_quoted(workspace)}" for workspace in sorted(guard.except_workspaces)]
    terms += [f"{_HOST} != {_quoted(host)}" for host in sorted(guard.except_hosts)]
    if guard.only_gateways is not None:
        if not guard.only_gateways:
            raise ValueError("a check for no gateway at all is no check")
        gateways = (f"{_GATEWAY} == {_quoted(gateway)}" for gateway in sorted(guard.only_gateways))
        terms.append(f"({' || '.join(gateways)})")
    return f"@({' && '.join(terms)})"


def guarded(guard: Guard | None, lines: Lines) -> Lines:
    """An element with its guard around it, where it has one."""
    if guard is None or guard.is_empty:
        return lines
    return [
        (0, "<choose>"),
        (1, f'<when condition="{condition(guard)}">'),
        *((depth + 2, line) for depth, line in lines),
        (1, "</when>"),
        (0, "</choose>"),
    ]


def read_condition(value: str) -> Guard | None:
    """The guard that an expression is; None where it isn't one of ours to the letter."""
    text = " ".join(value.split())
    if not (text.startswith("@(") and text.endswith(")")):
        return None
    body, position = text[2:-1], 0
    terms: list[re.Match[str]] = []
    while term := _TERM.match(body, position):
        terms.append(term)
        position = term.end()
        if position == len(body):
            return _guard(terms)
        if not body.startswith(" && ", position):
            return None
        position += len(" && ")
    return None


def read_guarded(choose: Element) -> tuple[Guard, Element] | None:
    """The guard and the `when` with what it guards, where `choose` has the form that we write; else None."""
    if choose.name != "choose":
        return None
    children = choose.children
    if choose.attributes or len(children) != 1 or choose.own_text.strip():
        return None
    when = children[0]
    if when.name != "when" or set(when.attributes) != {"condition"} or when.own_text.strip():
        return None
    guard = read_condition(when.attributes["condition"].value)
    return None if guard is None else (guard, when)


def _guard(terms: Sequence["re.Match[str]"]) -> Guard | None:
    apis, api_of, operations, products, workspaces, hosts, gateways = (
        [term.group(number) for term in terms if term.group(number) is not None] for number in range(1, 8)
    )
    if len(gateways) > 1 or any(host != host.lower() for host in hosts):
        return None
    return Guard(
        except_apis=frozenset(apis),
        except_operations=frozenset(zip(api_of, operations, strict=True)),
        except_products=frozenset(products),
        except_workspaces=frozenset(workspaces),
        except_hosts=frozenset(hosts),
        only_gateways=frozenset(_ONE_GATEWAY.findall(gateways[0])) if gateways else None,
    )


def _quoted(value: str) -> str:
    if not _PLAIN.fullmatch(value):
        raise ValueError(f"`{value}` can't stand in a guard")
    return f'"{value}"'
