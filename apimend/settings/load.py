"""
Puts the settings together: one frozen object, or every fault at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from apimend.model.desired import Mode
from apimend.model.errors import BadInput
from apimend.settings.cloud import Cloud, read_cloud
from apimend.settings.environment import Environment
from apimend.settings.storage import AzureStorage, SqliteStorage, read_storage


class SignIn(Enum):
    """Whether App Service authentication stands in front of the app: only then is its header believed."""

    NONE = "none"
    APP_SERVICE = "appservice"


class Approval(Enum):
    """Who may approve: a signed-in member of a declared group, or whoever holds the link."""

    ENTRA = "entra"
    LINK = "link"


class Envelope(Enum):
    """What the Teams workflow expects around a card."""

    MESSAGE = "message"
    CARD = "card"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    All settings. `subscriptions` and `tenant` are in lower case; empty means all, or not said.

    `webhooks` has the URLs by the names that routes use; that of APIMEND_TEAMS_WEBHOOK is `teams`.
    """

    ceiling: Mode
    desired_state: str
    storage: SqliteStorage | AzureStorage
    tenant: str
    subscriptions: frozenset[str]
    client_id: str
    cloud: Cloud
    webhooks: Mapping[str, str] = field(repr=False)
    envelope: Envelope
    topic_endpoint: str
    pages_url: str
    sign_in: SignIn
    approval: Approval
    approval_lasts: timedelta
    keep_days: int
    settle_seconds: int
    sweep_schedule: str
    probe: bool
    log_level: str

    @property
    def desired_state_is_blob(self) -> bool:
        """Whether the desired state lies in a blob, not in a file of the app."""
        return self.desired_state.startswith("https://")

    @property
    def desired_state_path(self) -> Path:
        """The file of the desired state, where it is one."""
        return Path(self.desired_state)

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings in `environ`. Raises BadInput with every fault, unknown APIMEND_ names included."""
        env = Environment(environ)
        settings = _read(env)
        env.unknown()
        if env.faults:
            raise BadInput(env.faults)
        return settings


def _read(env: Environment) -> Settings:
    cloud = read_cloud(env)
    return Settings(
        ceiling=Mode.parse(env.choice("APIMEND_MODE_CEILING", [mode.word for mode in Mode])),
        desired_state=_desired_state(env),
        storage=read_storage(env, cloud.storage_suffix),
        tenant=_tenant(env),
        subscriptions=env.guids("APIMEND_SUBSCRIPTIONS"),
        client_id=env.guid("APIMEND_CLIENT_ID"),
        cloud=cloud,
        webhooks=_webhooks(env),
        envelope=Envelope(env.choice("APIMEND_TEAMS_ENVELOPE", [word.value for word in Envelope])),
        topic_endpoint=env.url("APIMEND_TOPIC_ENDPOINT"),
        pages_url=env.url("APIMEND_PAGES_URL", schemes=("https", "http")),
        sign_in=SignIn(env.choice("APIMEND_SIGN_IN", [word.value for word in SignIn])),
        approval=Approval(env.choice("APIMEND_APPROVAL", [word.value for word in Approval])),
        approval_lasts=timedelta(hours=env.number("APIMEND_APPROVAL_HOURS", 1, 168)),
        keep_days=env.number("APIMEND_KEEP_DAYS", 30, 3650),
        settle_seconds=env.number("APIMEND_SETTLE_SECONDS", 1, 3600),
        sweep_schedule=_schedule(env),
        probe=env.choice("APIMEND_PROBE", ("true", "false")) == "true",
        log_level=env.choice("APIMEND_LOG_LEVEL", ("debug", "info", "warning", "error")),
    )


def _desired_state(env: Environment) -> str:
    value = env.text("APIMEND_DESIRED_STATE")
    if "://" in value and "?" in value:
        mend = "Leave out what follows the question mark, and give the identity the role Storage Blob Data Reader."
        env.fault("APIMEND_DESIRED_STATE", "The URL carries a signature.", mend)
        return ""
    return env.url("APIMEND_DESIRED_STATE") if "://" in value else value


def _tenant(env: Environment) -> str:
    tenant = env.guid("APIMEND_TENANT_ID")
    if not tenant and env.text("APIMEND_SIGN_IN") == SignIn.APP_SERVICE.value:
        env.fault(
            "APIMEND_TENANT_ID", "Sign-in needs the tenant whose people are let in.", "Set it to the tenant's id."
        )
    return tenant


def _schedule(env: Environment) -> str:
    value = env.text("APIMEND_SWEEP_SCHEDULE")
    if len(value.split()) != 6:
        mend = "Six fields: seconds, minutes, hours, day, month, weekday."
        env.fault("APIMEND_SWEEP_SCHEDULE", f"{value[:100]!r} is no NCRONTAB expression.", mend)
    return value


def _webhooks(env: Environment) -> dict[str, str]:
    teams = env.url("APIMEND_TEAMS_WEBHOOK")
    webhooks = env.webhooks()
    if "teams" in webhooks:
        env.fault("APIMEND_WEBHOOK_TEAMS", "The name teams is that of APIMEND_TEAMS_WEBHOOK.", "Choose another name.")
    webhooks |= {"teams": teams} if teams else {}
    allowed = env.words("APIMEND_WEBHOOK_HOSTS")
    for name, url in webhooks.items():
        host = urlsplit(url).hostname or ""
        if url and allowed and not any(_matches(host, pattern) for pattern in allowed):
            setting = "APIMEND_TEAMS_WEBHOOK" if name == "teams" else f"APIMEND_WEBHOOK_{_upper(name)}"
            env.fault(
                setting, f"Its host {host} is not in APIMEND_WEBHOOK_HOSTS.", "Add the host there, if it is right."
            )
    return webhooks


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")


def _matches(host: str, pattern: str) -> bool:
    lower = pattern.lower()
    return host == lower or (lower.startswith(".") and host.endswith(lower))
