"""
The OpenAPI document, made of the route table: served at /api/openapi.json and kept as docs/openapi.json.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from apimend.web.answers import JSON, PROBLEM
from apimend.web.request import Body
from apimend.web.route import Route
from apimend.web.schemas import SCHEMAS
from apimend.web.signin import Access

TITLES = {
    200: "Done.",
    202: "Ordered: the status URL tells what comes of it.",
    204: "Done; nothing to say.",
    400: "The request has faults; all of them are told.",
    401: "No key, and nobody signed in.",
    403: "Not allowed.",
    404: "There is no such thing.",
    409: "Another visit is at work.",
    422: "Azure, or what is declared, doesn't allow it.",
    503: "Try again later, or mend the settings.",
}
_PARAMETER = re.compile(r"\{(\w+)\}")


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The document of the API's routes; pages are for people and are not in it."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if route.access is Access.API:
            paths.setdefault(f"/{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Apimend",
            "version": "1",
            "description": "Visits, orders and posture of an Apimend app. docs/api.md tells who may do what.",
        },
        "security": [{"functionKey": []}, {"entra": []}],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
                "entra": {"type": "http", "scheme": "bearer", "description": "With APIMEND_SIGN_IN=appservice."},
            },
        },
    }


def written(routes: Iterable[Route]) -> str:
    """The document as it stands in docs/openapi.json."""
    return json.dumps(document(routes), indent=2, ensure_ascii=False) + "\n"


def _operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": route.name, "summary": route.about}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PARAMETER.findall(route.path)
    ]
    parameters += [
        {
            "name": each.name,
            "in": "query",
            "required": each.required,
            "description": each.about,
            "schema": dict(each.schema),
        }
        for each in route.query
    ]
    if parameters:
        found["parameters"] = parameters
    if route.body is not None:
        found["requestBody"] = {"required": _required(route.body), "content": {JSON: {"schema": _schema(route.body)}}}
    problems = {401, 503, *route.problems}
    found["responses"] = {
        str(status): _answer(status, name, route.forms) for status, name in sorted(route.answers.items())
    } | {str(status): _problem(status) for status in sorted(problems - set(route.answers))}
    return found


def _answer(status: int, name: str, forms: Iterable[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": TITLES[status]}
    if name:
        content: dict[str, Any] = {JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        told["content"] = content | {form: {"schema": {"type": "string"}} for form in forms if status == 200}
    if status == 202 and name == "Orders":
        told["headers"] = {"Location": {"schema": {"type": "string"}, "description": "The status of the first order."}}
    if status == 503:
        told["content"][PROBLEM] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return told


def _problem(status: int) -> dict[str, Any]:
    """The platform itself answers 401, without a body."""
    if status == 401:
        return {"description": TITLES[status]}
    return {
        "description": TITLES[status],
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _required(body: type[Body] | Mapping[str, Any]) -> bool:
    return not isinstance(body, type) or bool(body.model_json_schema().get("required"))


def _schema(body: type[Body] | Mapping[str, Any]) -> Mapping[str, Any]:
    return body.model_json_schema() if isinstance(body, type) else body
