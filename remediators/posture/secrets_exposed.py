"""
Secrets where too many can read them: named values, policies, backends, loggers, telemetry.

What it finds: secrets outside of a vault, plain values that look like secrets, credentials in policies and settings,
headers and bodies that end up in logs.
Why it matters: every Reader of the instance can read them, and they are copied into repositories and backups.
What it changes: nothing. A credential is named by its place and kind, never shown.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-properties
"""

from collections.abc import Iterator

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.posture import documents
from apimend.posture.control import Control, Family
from apimend.posture.credentials import credentials_in, is_harmless, is_secret_name, kind_of
from apimend.posture.estate import Estate
from apimend.posture.node import Node
from apimend.posture.table import APIM

_BY_LOGGERS = "logger-credentials--"
_HIDDEN = "(masked)"
_TELLTALE = frozenset(
    {"authorization", "ocp-apim-subscription-key", "cookie", "set-cookie", "x-arr-clientcert", "api-key", "x-api-key"}
)


def secret_outside_vault(estate: Estate) -> Iterator[Evidence]:
    for row in estate.rows("namedValues"):
        if not row.prop("secret").truth or row.prop("displayName").word.startswith(_BY_LOGGERS):
            continue
        identifier = row.prop("keyVault", "secretIdentifier")
        if row.workspace and not identifier.text:
            continue  # there is no Key Vault in workspaces
        parts = identifier.text.split("://")[-1].strip("/").split("/")
        ok = bool(identifier.text) and len(parts) == 3
        why = "" if ok else "A secret lies in API Management itself." if not identifier.text else "A version is pinned."
        yield identifier.found(ok, "a secret in Key Vault, without a version", why)


def plain_value_looks_secret(estate: Estate) -> Iterator[Evidence]:
    for row in estate.rows("namedValues"):
        if row.prop("secret").truth or row.prop("keyVault", "secretIdentifier").text:
            continue
        value, name = row.prop("value"), row.prop("displayName").text or row.name
        if value.value is None:
            yield value.found(None, "no secret", "The value of a named value is not shown.")
            continue
        kind = kind_of(value.text)
        suspect = bool(kind) or (is_secret_name(name) and not is_harmless(value.text))
        why = f"A plain value looks like a secret ({kind or 'by its name'})." if suspect else ""
        yield value.found(not suspect, "no secret", why, shown=_HIDDEN)


def credential_in_policy(estate: Estate) -> Iterator[Evidence]:
    yield from documents.unreadable(estate)
    for written in documents.documents(estate):
        matches = list(credentials_in(written.document.text))
        for match in matches:
            yield Evidence(
                subject=written.id,
                pointer=f"line {match.line}",
                observed=match.pattern,
                expected="a named value from a vault, or a managed identity",
                ok=False,
                read=estate.now,
                api_version=APIM,
                why=f"A policy holds a credential ({match.pattern}).",
                severity=Severity.MEDIUM if match.in_comment else Severity.INFO,
            )
        if not matches:
            yield documents.found(estate, written, written.document.root, True, "no credential")


def credential_in_backend_or_logger(estate: Estate) -> Iterator[Evidence]:
    for backend in estate.rows("backends"):
        yield from _in_backend(backend.prop("credentials"))
    for logger in estate.rows("loggers"):
        yield from _in_logger(logger.prop("credentials"))


def _in_backend(credentials: Node) -> Iterator[Evidence]:
    values = [each for place in ("header", "query") for _, node in credentials.at(place).members for each in node.items]
    values.append(credentials.at("authorization", "parameter"))
    for value in values:
        if value.text:
            ok = "{{" in value.text
            why = "" if ok else "A backend's credential is written out."
            yield value.found(ok, "a named value", why, shown="a named value" if ok else _HIDDEN)


def _in_logger(credentials: Node) -> Iterator[Evidence]:
    if credentials.value is None:
        return
    has_identity = bool(credentials.at("identityClientId").text)
    written_out = [node for _, node in credentials.members if node.text and "{{" not in node.text]
    keyed = [node for node in written_out if kind_of(node.text) or "key=" in node.word]
    for node in keyed:
        yield node.found(False, "a managed identity", "A logger's key is written out.", shown=_HIDDEN)
    if not keyed:
        why = "" if has_identity else "A logger uses a key instead of an identity."
        severity = None if has_identity else Severity.LOW
        yield credentials.found(has_identity, "a managed identity", why, severity=severity, shown="its credentials")


def secrets_in_telemetry(estate: Estate) -> Iterator[Evidence]:
    for row in (*estate.rows("diagnostics"), *estate.rows("api diagnostics")):
        yield from _diagnostic(estate, row)
    for row in estate.rows("subscriptions"):
        traces = row.prop("allowTracing")
        ok = traces.truth is not True
        yield traces.found(ok, "not true", "" if ok else "A subscription may trace calls whole.")


def _diagnostic(estate: Estate, row: Node) -> Iterator[Evidence]:
    for side in ("frontend", "backend"):
        for way in ("request", "response"):
            part = row.prop(side, way)
            headers = part.at("headers")
            bad = (headers.words & _TELLTALE) - _masked(part)
            why = f"Headers with secrets are logged: {', '.join(sorted(bad))}." if bad else ""
            yield headers.found(not bad, "none with secrets", why)
            size = part.at("body", "bytes")
            logs = estate.is_prod and bool(size.number)
            yield size.found(not logs, "0", "Bodies are logged." if logs else "")
    verbosity = row.prop("verbosity")
    loud = verbosity.word == "verbose"
    yield verbosity.found(not loud, "not verbose", "Everything is logged." if loud else "")


def _masked(part: Node) -> frozenset[str]:
    entries = part.at("dataMasking", "headers").items
    return frozenset(each.at("value").word for each in entries if each.at("mode").word in ("mask", "hide"))


CONTROLS = (
    Control(
        id="S1",
        name="secret_outside_vault",
        family=Family.SECRETS,
        title="A secret named value lies outside of Key Vault",
        severity=Severity.MEDIUM,
        needs=("namedValues",),
        why="No rotation, and no audit of who read it.",
        mend="Reference a Key Vault secret without a version.",
        limits="Workspaces have no Key Vault. Values made for loggers are judged by S4.",
        mcsb="IM-8, DP-6",
        policy="f1cc7827-022c-473e-836e-5a51cae0b249",
        psrule="AZR-000045",
        judge=secret_outside_vault,
    ),
    Control(
        id="S2",
        name="plain_value_looks_secret",
        family=Family.SECRETS,
        title="A plain named value looks like a secret",
        severity=Severity.HIGH,
        needs=("namedValues",),
        why="Plain values are readable by every Reader.",
        mend="Move it to a vault, then rotate it.",
        limits="Judged by names and forms; thumbprints, GUIDs, public keys and plain URLs are left alone.",
        mcsb="IM-8",
        others="DevOpsKit named values",
        judge=plain_value_looks_secret,
    ),
    Control(
        id="S3",
        name="credential_in_policy",
        family=Family.SECRETS,
        title="A policy holds a credential",
        severity=Severity.CRITICAL,
        needs=("survey",),
        why="Policies are readable by Readers, and copied into repositories and backups.",
        mend="Use a named value from a vault or a managed identity, and rotate what was exposed.",
        limits="In a comment it is medium. Expressions and named values are no literals.",
        mcsb="IM-8",
        others="DevOpsKit secrets in policies",
        judge=credential_in_policy,
    ),
    Control(
        id="S4",
        name="credential_in_backend_or_logger",
        family=Family.SECRETS,
        title="A backend or logger holds a credential",
        severity=Severity.HIGH,
        needs=("backends", "loggers"),
        why="GET shows what is stored there.",
        mend="Named values for backends, a managed identity for loggers.",
        mcsb="IM-8, IM-3",
        judge=credential_in_backend_or_logger,
    ),
    Control(
        id="S5",
        name="secrets_in_telemetry",
        family=Family.SECRETS,
        title="Secrets can end up in telemetry",
        severity=Severity.HIGH,
        needs=("diagnostics", "api diagnostics", "subscriptions"),
        why="Keys and personal data land in logs that many can read.",
        mend="Leave the header out or mask it; log no bodies in production; allow no tracing.",
        limits="Keys that stand in URLs are not seen.",
        mcsb="DP-2",
        others="DevOpsKit header logging",
        judge=secrets_in_telemetry,
    ),
)
