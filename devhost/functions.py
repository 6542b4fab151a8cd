"""
Reads a FunctionApp: its functions, their triggers, and whether this host can run them.

Called once per app (azure-functions refuses a second reading). What the host in Azure would refuse at indexing is
refused here too, and so is what this host doesn't do: a clear error at the start, not a surprise at the first call.
"""

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func

from devhost.keys import Access
from devhost.schedule import Schedule

EVERY_METHOD = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"})
RETURN = "$return"


class NotSupported(Exception):
    """An app that the Functions host would refuse, or that needs what this host doesn't do."""


@dataclass(frozen=True, kw_only=True)
class HttpTrigger:
    route: str
    methods: frozenset[str]
    access: Access


@dataclass(frozen=True, kw_only=True)
class EventGridTrigger:
    """Event Grid's webhook, one call per event."""


@dataclass(frozen=True, kw_only=True)
class QueueTrigger:
    queue: str


@dataclass(frozen=True, kw_only=True)
class TimerTrigger:
    schedule: Schedule
    run_on_startup: bool


Trigger = HttpTrigger | EventGridTrigger | QueueTrigger | TimerTrigger

ARGUMENTS: Mapping[type[Trigger], frozenset[object]] = {
    HttpTrigger: frozenset({func.HttpRequest}),
    EventGridTrigger: frozenset({str, bytes}),
    QueueTrigger: frozenset({func.QueueMessage, str, bytes}),
    TimerTrigger: frozenset({func.TimerRequest}),
}


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function of the app, as the host sees it."""

    name: str
    call: Callable[..., Any]
    trigger: Trigger
    argument: str
    annotation: object
    returns: bool


def read(app: func.FunctionApp) -> tuple[Function, ...]:
    """The functions of an app. Reading one app twice is an error of azure-functions' own."""
    functions = tuple(_function(each) for each in app.get_functions())
    if not functions:
        raise NotSupported("The app has no functions")
    return functions


def _function(built: Any) -> Function:
    name = built.get_function_name()
    bindings = [json.loads(each) for each in built.get_raw_bindings()]
    triggers = [each for each in bindings if each["type"].lower().endswith("trigger")]
    outputs = [each for each in bindings if each not in triggers]
    for output in outputs:
        if (output["type"].lower(), output["name"]) != ("http", RETURN):
            raise NotSupported(f"{name}: the binding {output['type']} {output['name']!r} is not run here")
    call = built.get_user_function()
    trigger = _trigger(name, triggers[0])
    argument = triggers[0]["name"]
    parameters = set(inspect.signature(call).parameters)
    if parameters != {argument}:
        raise NotSupported(f"{name}: the parameters {sorted(parameters)} don't match the binding {argument!r}")
    annotation = typing.get_type_hints(call).get(argument)
    if annotation not in ARGUMENTS[type(trigger)]:
        raise NotSupported(f"{name}: {argument} is annotated {annotation}, which is not handed over here")
    return Function(
        name=name,
        call=call,
        trigger=trigger,
        argument=argument,
        annotation=annotation,
        returns=bool(outputs),
    )


def _trigger(name: str, binding: Mapping[str, Any]) -> Trigger:
    kind = binding["type"].lower()
    if kind == "httptrigger":
        return HttpTrigger(
            route=binding["route"],
            methods=frozenset(each.upper() for each in binding.get("methods") or EVERY_METHOD),
            access=Access((binding.get("authLevel") or "FUNCTION").upper()),
        )
    if kind == "eventgridtrigger":
        return EventGridTrigger()
    if kind == "queuetrigger":
        return QueueTrigger(queue=_literal(name, binding["queueName"]))
    if kind == "timertrigger":
        return TimerTrigger(
            schedule=Schedule.parse(_literal(name, binding["schedule"])),
            run_on_startup=bool(binding.get("runOnStartup")),
        )
    raise NotSupported(f"{name}: the trigger {binding['type']} is not run here")


def _literal(name: str, value: str) -> str:
    if "%" in value:
        raise NotSupported(f"{name}: {value!r} names an app setting, which is not looked up here")
    return value
