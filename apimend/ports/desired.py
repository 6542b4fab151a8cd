"""
Where the engine asks what was declared; `apimend.documents` answers. It never says what to do about it.
"""

from typing import Protocol

from apimend.model.azure import Service
from apimend.model.desired import Desired
from apimend.model.ids import InstanceId


class DesiredSource(Protocol):
    """Where the desired state comes from."""

    async def resolve(self, service: Service) -> Desired | None:
        """
        What is declared for this instance; None where nothing selects it.

        Raises BadInput where the desired state can't be read: then nothing is written.
        """
        ...

    async def allows(self, instance: InstanceId) -> bool:
        """Whether the instance lies in a declared subscription."""
        ...
