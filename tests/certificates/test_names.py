"""
A vault whose name nobody knows: it is gone, or lies behind a private DNS zone. Which of the two can't be told by that.
"""

import socket

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from azure.core.exceptions import ServiceRequestError

from apimend.arm.errors import UNKNOWN_NAME, translated
from apimend.model.errors import Denied, Unavailable

KEY = ConnectionKey("kv.vault.azure.net", 443, True, True, None, None, None)


def failed(number: int) -> ServiceRequestError:
    """What azure-core makes of a name that was not resolved."""
    cause = aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(number, "no"))
    return ServiceRequestError("no", error=cause)


def test_a_name_that_does_not_exist_is_not_tried_for_ever() -> None:
    """
    The resolver's word that there is no such name is not a failure that passes by itself.
    """
    with pytest.raises(Denied) as told, translated("vault"):
        raise failed(socket.EAI_NONAME)

    assert UNKNOWN_NAME == told.value.code


def test_a_resolver_that_can_not_tell_now_is_asked_again() -> None:
    """
    A name server that does not answer proves nothing.
    """
    with pytest.raises(Unavailable), translated("vault"):
        raise failed(socket.EAI_AGAIN)
