"""
What Event Grid delivers, as values: parsing without input or output.

The function app, the replay door and the command line call `parse_events` and `to_trigger`. An event is a
doorbell: who rang, and for which instance. Nothing here looks at an instance's state, and nothing that is well
formed raises, however foreign: it becomes a value that says so.
"""

from apimend.events.parse import MAX_EVENTS, parse_event, parse_events
from apimend.events.parsed import Concern, ParsedEvent, Schema
from apimend.events.trigger import to_trigger

__all__ = ["MAX_EVENTS", "Concern", "ParsedEvent", "Schema", "parse_event", "parse_events", "to_trigger"]
