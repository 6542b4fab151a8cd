"""
The settings of the app: environment variables, read once into one frozen object.

`wiring` and `cli` call `Settings.load` with a mapping; nothing else in Apimend reads the environment. All faults
come at once, unknown names included, because a setting that is misspelt must never fall back to a default in
silence. No value of a secret gets into a fault or a repr.
"""

from apimend.settings.cloud import Cloud
from apimend.settings.load import Approval, Envelope, Settings, SignIn
from apimend.settings.names import SETTINGS, Setting
from apimend.settings.storage import AzureStorage, SqliteStorage

__all__ = [
    "SETTINGS",
    "Approval",
    "AzureStorage",
    "Cloud",
    "Envelope",
    "Setting",
    "Settings",
    "SignIn",
    "SqliteStorage",
]
