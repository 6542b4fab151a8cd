"""
Every setting there is, with its default and what it is for: the one table that code and docs/settings.md share.
"""

from dataclasses import dataclass

PREFIX = "APIMEND_"
WEBHOOK_PREFIX = "APIMEND_WEBHOOK_"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting. `custom` marks those that only count with `APIMEND_CLOUD=custom`."""

    name: str
    default: str
    about: str
    secret: bool = False
    custom: bool = False


SETTINGS = (
    Setting(
        name="APIMEND_MODE_CEILING",
        default="report",
        about="How far any run may go: `report` (nothing is written), `ask` or `enforce`.",
    ),
    Setting(
        name="APIMEND_DESIRED_STATE",
        default="desired.yaml",
        about="Where the desired state lies: a path, or the https URL of a blob.",
    ),
    Setting(
        name="APIMEND_STORAGE",
        default="sqlite:.apimend/apimend.db",
        about="Where bells, leases and the ledger are kept: `sqlite:PATH`, or `azure` for the account of "
        "`AzureWebJobsStorage`. In Azure it has to be `azure`.",
    ),
    Setting(
        name="APIMEND_TENANT_ID",
        default="",
        about="The Entra tenant. Events of another tenant are ignored. Needed with `APIMEND_SIGN_IN=appservice`.",
    ),
    Setting(
        name="APIMEND_SUBSCRIPTIONS",
        default="",
        about="The subscriptions to look at, separated by commas. Empty: all that can be read.",
    ),
    Setting(
        name="APIMEND_CLIENT_ID",
        default="",
        about="The client id of the user-assigned managed identity to use. Empty: the system-assigned one.",
    ),
    Setting(
        name="APIMEND_TEAMS_WEBHOOK",
        default="",
        about="The URL of the Teams workflow that gets cards unless a route says otherwise. Routes call it `teams`.",
        secret=True,
    ),
    Setting(
        name="APIMEND_WEBHOOK_<NAME>",
        default="",
        about="A further webhook. Routes name it in lower case with hyphens: `APIMEND_WEBHOOK_TEAM_A` is `team-a`.",
        secret=True,
    ),
    Setting(
        name="APIMEND_WEBHOOK_HOSTS",
        default="",
        about="Where webhooks may lead, separated by commas: a host, or a domain with a dot in front. Empty: any.",
    ),
    Setting(
        name="APIMEND_TEAMS_ENVELOPE",
        default="message",
        about="What the workflow expects: `message` (the template's form) or `card` (the bare Adaptive Card).",
    ),
    Setting(
        name="APIMEND_TOPIC_ENDPOINT",
        default="",
        about="The https endpoint of an Event Grid topic that hears what was planned, applied, failed and undone.",
    ),
    Setting(
        name="APIMEND_PAGES_URL",
        default="",
        about="The address of the app, as people reach it: what the links in cards begin with.",
    ),
    Setting(
        name="APIMEND_SIGN_IN",
        default="none",
        about="Whether App Service authentication stands in front: `none` or `appservice`. Only then is its header "
        "believed.",
    ),
    Setting(
        name="APIMEND_APPROVAL",
        default="entra",
        about="Who may approve: `entra` (a signed-in member of a declared group) or `link` (whoever holds the link; "
        "the ledger says so).",
    ),
    Setting(
        name="APIMEND_APPROVAL_HOURS",
        default="24",
        about="How many hours an approval can be given and used, 1 to 168.",
    ),
    Setting(
        name="APIMEND_KEEP_DAYS",
        default="400",
        about="How many days runs, writes with their pre-images, orders and parked messages are kept, 30 to 3650. The "
        "last write to each resource stays, whatever its age, so that what is in force can be taken back.",
    ),
    Setting(
        name="APIMEND_SETTLE_SECONDS",
        default="60",
        about="How many seconds lie between the readings that prove negotiation live, 1 to 3600.",
    ),
    Setting(
        name="APIMEND_SWEEP_SCHEDULE",
        default="0 7 * * * *",
        about="When all instances are looked at, whatever events said: an NCRONTAB expression of six fields, in UTC.",
    ),
    Setting(
        name="APIMEND_PROBE",
        default="false",
        about="`true` shakes hands with the gateway hosts of an instance on sweeps and when a person asks, to see "
        "from outside whether they ask for a client certificate.",
    ),
    Setting(
        name="APIMEND_LOG_LEVEL",
        default="info",
        about="How much is logged: `debug`, `info`, `warning` or `error`.",
    ),
    Setting(
        name="APIMEND_CLOUD",
        default="public",
        about="Which Azure: `public`, `usgovernment`, `china`, or `custom` with the settings below.",
    ),
    Setting(
        name="APIMEND_ARM_URL",
        default="",
        about="The URL of Azure Resource Manager. Needed with `custom`.",
        custom=True,
    ),
    Setting(
        name="APIMEND_ARM_AUDIENCE",
        default="",
        about="For whom tokens for Resource Manager are asked. Empty: `APIMEND_ARM_URL`.",
        custom=True,
    ),
    Setting(
        name="APIMEND_LOGIN_URL",
        default="https://login.microsoftonline.com",
        about="Where tokens come from.",
        custom=True,
    ),
    Setting(
        name="APIMEND_VAULT_SUFFIX",
        default="",
        about="What follows the name of a vault in its host, with the port if there is one. Needed with `custom`.",
        custom=True,
    ),
    Setting(
        name="APIMEND_VAULT_AUDIENCE",
        default="https://vault.azure.net",
        about="For whom tokens for Key Vault are asked.",
        custom=True,
    ),
    Setting(
        name="APIMEND_VERIFY_VAULT_DOMAIN",
        default="true",
        about="Whether a vault's challenge has to name the vault's own domain: `true` or `false`.",
        custom=True,
    ),
    Setting(
        name="APIMEND_GATEWAY_SUFFIX",
        default="azure-api.net",
        about="What follows the name of an instance in the host of its gateway.",
        custom=True,
    ),
    Setting(
        name="APIMEND_GATEWAY_ADDRESS",
        default="",
        about="`host:port` to connect to instead of looking up the hosts of gateways.",
        custom=True,
    ),
    Setting(
        name="APIMEND_STORAGE_SUFFIX",
        default="core.windows.net",
        about="What follows `blob.`, `queue.` and `table.` in the hosts of a storage account given by name only.",
        custom=True,
    ),
    Setting(
        name="APIMEND_CA_FILE",
        default="",
        about="A PEM file of certificate authorities to trust besides those of the system, for calls to this cloud.",
        custom=True,
    ),
)
"""In the order of docs/settings.md."""

DEFAULTS = {setting.name: setting.default for setting in SETTINGS}

NOT_OURS = frozenset({"APIMEND_MATERIAL", "APIMEND_SCHEDULES"})
"""Read by the test suite in the same environment: known, and without meaning for the app."""
