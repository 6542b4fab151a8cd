"""
The recorded cases as stories, and the cases that are left out.

Every recording is in exactly one of the two; a test holds that. What a story's tenant declares is what the recorder's
test had made before.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.conformance.replay import Story
from tests.conformance.stories.discovery import DISCOVERY
from tests.conformance.stories.entities import ENTITIES
from tests.conformance.stories.making import MAKING
from tests.conformance.stories.policies import POLICIES
from tests.conformance.stories.services import SERVICES
from tests.conformance.stories.vaults import VAULTS

STORIES: tuple[Story, ...] = (*SERVICES, *MAKING, *POLICIES, *ENTITIES, *DISCOVERY, *VAULTS)

LEFT_OUT: Mapping[str, str] = {
    "errors/04": "Microsoft.Network, recorded for the shape of its error",
    "errors/05": "Microsoft.Network, recorded for the shape of its error",
    "keyvault/02": "certificates are made by an issuer, which the emulator doesn't have; it imports them",
    "keyvault/03": "the end of that making",
    "keyvault/12": "merging is part of making certificates by an issuer",
}
