"""
Publishes what became of runs to an Event Grid topic, as CloudEvents, for a SIEM or a ticket system.

docs/events.md describes the events. Each has an id made of its run, so that a subscriber knows a repetition.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.eventgrid.aio import EventGridPublisherClient

from apimend.model.errors import Denied, Rejected, Throttled, Unavailable

_REFUSED_FOR_NOW = frozenset({408, 409})


class Topic:
    """The topic at `endpoint`, spoken to with an Entra credential. The transport stays its owner's."""

    def __init__(
        self, endpoint: str, credential: AsyncTokenCredential, *, transport: AsyncHttpTransport[Any, Any] | None = None
    ) -> None:
        # No retries here: the queue is the one layer that tries again.
        self._client = EventGridPublisherClient(endpoint, credential, transport=transport, retry_total=0)

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Publish CloudEvents. Raises TryLater on limits and outages, Denied or Rejected otherwise."""
        try:
            await self._client.send([CloudEvent.from_dict(dict(event)) for event in events])
        except ClientAuthenticationError as error:
            raise Denied(
                "The outgoing topic does not let us publish. Give our identity the role EventGrid Data Sender.",
                status=401,
            ) from error
        except ResourceNotFoundError as error:
            # The SDK raises its own here, without the response.
            raise Rejected("There is no topic at APIMEND_TOPIC_ENDPOINT.", status=404) from error
        except HttpResponseError as error:
            raise _translated(error) from error
        except AzureError as error:
            raise Unavailable(f"The outgoing topic gave no answer ({type(error).__name__}).") from error

    async def close(self) -> None:
        """Give the client's connections back."""
        await self._client.close()


def _translated(error: HttpResponseError) -> Exception:
    # An answer that the SDK can't read has no status of its own.
    status = int(error.status_code or 0)
    said = f"The outgoing topic answered {status}."
    if status == 403:
        return Denied(said + " Give our identity the role EventGrid Data Sender.", status=status)
    if status == 429:
        return Throttled(said, after=_seconds(error))
    if status == 0 or status >= 500 or status in _REFUSED_FOR_NOW:
        return Unavailable(said, after=_seconds(error))
    return Rejected(said, status=status)


def _seconds(error: HttpResponseError) -> float | None:
    asked = getattr(error.response, "headers", {}).get("Retry-After", "")
    return float(asked[:6]) if asked.isascii() and asked.isdigit() else None
