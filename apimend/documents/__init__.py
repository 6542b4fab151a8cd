"""
The desired state: YAML that operators write, and what it declares for one instance.

`wiring` makes a source, the command line calls `load` and `explain`. Only this package knows the language; rules see
`Desired`. It reads no instance and writes nothing.
"""

from apimend.documents.load import load
from apimend.documents.source import Fetch, Fetched, FetchedSource, FileSource, ManagementGroups
from apimend.documents.state import DesiredState, Explained
from apimend.documents.words import Words

__all__ = [
    "DesiredState",
    "Explained",
    "Fetch",
    "Fetched",
    "FetchedSource",
    "FileSource",
    "ManagementGroups",
    "Words",
    "load",
]
