"""
The recorded cases as stories, and the cases that are left out.

Every recording is in exactly one of the two; a test holds that. What a story's tenant declares is what the recorder's
test had made before.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.conformance.replay import Story
from tests.conformance.stories.entities import ENTITIES
from tests.conformance.stories.policies import POLICIES
from tests.conformance.stories.services import SERVICES
from tests.conformance.stories.vaults import VAULTS

STORIES: tuple[Story, ...] = (*SERVICES, *POLICIES, *ENTITIES, *VAULTS)

LEFT_OUT: Mapping[str, str] = {
    "api-product/18": "imports a document from the internet; the emulator imports nothing",
    "api-product/19": "the end of that import",
    "discovery/02": "the query was not recorded, and its answer is the table form of a retired version",
    "discovery/03": "a list of vaults of an old version; the product asks Resource Graph",
    "discovery/04": "the general list of resources is not emulated; the product asks Resource Graph",
    "errors/03": "authorization providers are not emulated; the product has nothing to do with them",
    "errors/04": "Microsoft.Network, recorded for the shape of its error",
    "errors/05": "Microsoft.Network, recorded for the shape of its error",
    "errors/06": "a rule about the places of a multi-region service, which the emulator doesn't have",
    "hostnames/01": "the request was not transcribed",
    "hostnames/02": "the request was not transcribed",
    "keyvault/02": "certificates are made by an issuer, which the emulator doesn't have; it imports them",
    "keyvault/03": "the end of that making",
    "keyvault/12": "merging is part of making certificates by an issuer",
    "keyvault/15": "a vault of an old version; only what access depends on is emulated",
    "service/20": "the DELETE that started it was not recorded",
    "service/21": "the DELETE that started it was not recorded",
    "service/27": "an update that changes nothing but was recorded as long, right after another; see service/29",
}
