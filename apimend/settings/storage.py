"""
Where bells, queue, leases and ledger are kept, as the settings say.

Functions keep their own storage under `AzureWebJobsStorage`; ours is the same account, found by the same names.
"""

from dataclasses import dataclass, field
from pathlib import Path

from apimend.settings.environment import Environment

CONNECTION = "AzureWebJobsStorage"


@dataclass(frozen=True, kw_only=True)
class SqliteStorage:
    """A file on this machine: the embedded default, never in Azure."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class AzureStorage:
    """
    A storage account: three URLs and an identity, or else a connection string.

    `client_id` is that of a user-assigned identity, empty for the system-assigned one.
    """

    blob_url: str = ""
    queue_url: str = ""
    table_url: str = ""
    client_id: str = ""
    connection_string: str = field(default="", repr=False)


def read_storage(env: Environment, storage_suffix: str) -> SqliteStorage | AzureStorage:
    """The declared storage. SQLite is refused where the app runs in Azure: its disk is not shared, nor does it last."""
    value = env.text("APIMEND_STORAGE")
    if value == "azure":
        return _azure(env, storage_suffix)
    kind, _, path = value.partition(":")
    if kind != "sqlite" or not path:
        env.fault("APIMEND_STORAGE", f"{value[:100]!r} is neither azure nor sqlite:PATH.")
    elif env.is_set("WEBSITE_INSTANCE_ID"):
        env.fault("APIMEND_STORAGE", "SQLite does not last in Azure.", "Set it to azure.")
    return SqliteStorage(path=Path(path or "apimend.db"))


def _azure(env: Environment, storage_suffix: str) -> AzureStorage:
    account = env.text(f"{CONNECTION}__accountName")
    urls = {kind: _service_url(env, kind, account, storage_suffix) for kind in ("blob", "queue", "table")}
    connection = env.text(CONNECTION)
    missing = [f"{CONNECTION}__{kind}ServiceUri" for kind, url in urls.items() if not url]
    if not connection and missing:
        mend = f"Set {CONNECTION}__accountName, {' and '.join(missing)}, or the connection string {CONNECTION}."
        env.fault(CONNECTION, "The storage account is not declared.", mend)
    if not missing:
        connection = ""
    return AzureStorage(
        blob_url=urls["blob"],
        queue_url=urls["queue"],
        table_url=urls["table"],
        client_id=env.guid(f"{CONNECTION}__clientId"),
        connection_string=connection,
    )


def _service_url(env: Environment, kind: str, account: str, suffix: str) -> str:
    given = env.url(f"{CONNECTION}__{kind}ServiceUri", schemes=("https", "http"))
    return given or (f"https://{account}.{kind}.{suffix}" if account else "")
