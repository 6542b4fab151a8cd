"""
Storage on an Azure Storage account: tables for what is small, blobs for what may be large, leases on blobs, queues.

Opened by `apimend.wiring`, which loads this package by name: its libraries cost a fifth of a second that nobody pays
who runs on SQLite. The backends here are thin; what they hold and why stands in `apimend.storage`.
"""

from apimend.storage.azure.account import open_azure

__all__ = ["open_azure"]
