"""
Calls one function, as the Python worker does.

Called by the HTTP side, the queue listeners and the timers. An `async` function runs on the loop, any other in a
thread. A failure is logged with its stack and raised as FunctionFailed, and what the platform does then is the
caller's to decide. Only Exception is caught: a cancelled or killed host must look like one.
"""

import asyncio
import inspect
import logging
import uuid
from datetime import datetime

import azure.functions as func

from devhost.functions import Function
from devhost.queues import Message

log = logging.getLogger("devhost")


class FunctionFailed(Exception):
    """A function raised, or returned what it has no binding for. The cause is in the log."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Exception while executing function: Functions.{name}")


class QueueMessage(func.QueueMessage):
    """The library's message carries no counts and times: there only the worker's converter adds them."""

    def __init__(self, message: Message) -> None:
        super().__init__(id=message.id, body=message.body, pop_receipt=message.pop_receipt)
        self._message = message

    @property
    def dequeue_count(self) -> int:
        return self._message.dequeue_count

    @property
    def insertion_time(self) -> datetime:
        return self._message.inserted

    @property
    def expiration_time(self) -> datetime:
        return self._message.expires

    @property
    def time_next_visible(self) -> datetime:
        return self._message.next_visible


class TimerRequest(func.TimerRequest):
    """The library's is abstract before azure-functions 2."""

    def __init__(self, *, past_due: bool) -> None:
        self._past_due = past_due

    @property
    def past_due(self) -> bool:
        return self._past_due


async def invoke(function: Function, value: object) -> object:
    """The function's result. Raises FunctionFailed."""
    invocation = uuid.uuid4()
    arguments = {function.argument: value}
    log.debug("function.started function=%s invocation=%s", function.name, invocation)
    try:
        if inspect.iscoroutinefunction(function.call):
            result = await function.call(**arguments)
        else:
            result = await asyncio.to_thread(function.call, **arguments)
        if result is not None and not function.returns:
            raise TypeError(f"{function.name} returned {type(result).__name__} and has no $return binding")
    except Exception as error:  # as the platform does: logged, and the invocation has failed
        log.exception("function.failed function=%s invocation=%s", function.name, invocation)
        raise FunctionFailed(function.name) from error
    log.info("function.succeeded function=%s invocation=%s", function.name, invocation)
    return result


def as_annotated(function: Function, text: bytes) -> str | bytes:
    """A body as the function asks for it."""
    return text if function.annotation is bytes else text.decode()
