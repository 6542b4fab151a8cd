"""
Stand-ins for the messages between Azure's proxy and Microsoft's Python runtime for Functions.

The runtime takes its message classes from whoever starts it, so that it is free of protobuf. These know just enough:
which fields were set, in which order, and None for any other.
"""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace
from typing import Any

NAMES = [
    "WorkerInitResponse",
    "WorkerMetadata",
    "StatusResult",
    "RpcException",
    "BindingInfo",
    "RpcFunctionMetadata",
    "RpcRetryOptions",
    "FunctionMetadataResponse",
    "FunctionLoadResponse",
    "InvocationResponse",
    "TypedData",
    "RpcHttp",
    "RpcHttpCookie",
    "ParameterBinding",
    "NullableString",
    "NullableBool",
    "NullableDouble",
    "NullableTimestamp",
]


class Message:
    """A message with the fields it was given. The first one is the one that is set, where only one can be."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)
        self._set = list(fields)

    def WhichOneof(self, _: str) -> str | None:
        return self._set[0] if self._set else None

    def HasField(self, name: str) -> bool:
        return name in self._set

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name[0].isupper():
            raise AttributeError(name)  # the runtime looks for nested classes
        return None


def classes() -> Any:
    """The message classes, by name, with the numbers of their enumerations."""
    made: Any = SimpleNamespace(**{name: type(name, (Message,), {}) for name in NAMES})
    made.StatusResult.Failure, made.StatusResult.Success = 0, 1
    setattr(made.BindingInfo, "in", 0)
    made.BindingInfo.out, made.BindingInfo.inout = 1, 2
    for number, name in enumerate(("undefined", "string", "binary", "stream")):
        setattr(made.BindingInfo, name, number)
    made.RpcHttpCookie.SameSite = SimpleNamespace(**{"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})
    return made


PROTOS = classes()


def request(**content: dict[str, Any]) -> Any:
    """A request of the proxy to the runtime."""
    return SimpleNamespace(
        name="",
        request=SimpleNamespace(**{name: Message(**fields) for name, fields in content.items()}),
        properties={"host": "127.0.0.1", "protos": PROTOS},
    )


def invocation(function_id: str, argument: str, call: dict[str, Any]) -> Any:
    """A request to call a function. `call` says what kind of trigger fires, and with what."""
    data, metadata = _INPUTS[call["kind"]](call)
    return request(
        invocation_request={
            "invocation_id": str(uuid.uuid4()),
            "function_id": function_id,
            "input_data": [Message(data=data, name=argument)],
            "trigger_metadata": metadata,
            "trace_context": Message(trace_parent="", trace_state="", attributes={}),
            "retry_context": Message(retry_count=0, max_retry_count=0, exception=None),
        }
    )


def _event(call: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return PROTOS.TypedData(json=json.dumps(call["event"])), {}


def _queue(call: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    moment = PROTOS.TypedData(json='"2026-03-01T12:00:00+00:00"')
    metadata = {
        "Id": PROTOS.TypedData(string="1"),
        "DequeueCount": PROTOS.TypedData(string=str(call.get("dequeue_count", 1))),
        "PopReceipt": PROTOS.TypedData(string="receipt"),
        "InsertionTime": moment,
        "ExpirationTime": moment,
        "NextVisibleTime": moment,
    }
    return PROTOS.TypedData(string=call["body"]), metadata


def _timer(_: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
    return PROTOS.TypedData(json=json.dumps(timer)), {}


def _http(call: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    body = PROTOS.TypedData(bytes=call.get("body", "").encode())
    http = PROTOS.RpcHttp(
        method=call.get("method", "GET"),
        url=call.get("url", "http://127.0.0.1/"),
        headers=call.get("headers", {}),
        query=call.get("query", {}),
        params=call.get("params", {}),
        body=body,
    )
    return PROTOS.TypedData(http=http), {}


_INPUTS = {"event": _event, "queue": _queue, "timer": _timer, "http": _http}
