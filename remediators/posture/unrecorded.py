"""
What happens without leaving a record: logs that are off, or gone before they are needed.

What it finds: missing resource logs, destinations and retention, activity logs that end, calls without telemetry.
Why it matters: what left no trace can't be investigated.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/monitor-api-management
"""

from collections.abc import Iterator

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.posture.control import Control, Family
from apimend.posture.doubt import Beside
from apimend.posture.estate import Estate
from apimend.posture.node import Node

_DESTINATIONS = ("workspaceId", "eventHubAuthorizationRuleId", "storageAccountId", "marketplacePartnerId")
_RETENTION = 90
_EXPORTED = ("administrative", "security", "alert", "policy")


def _enables(setting: Node, *names: str) -> bool:
    wanted = {name.casefold() for name in names}
    return any(
        bool(log.at("enabled").truth) and bool({log.at("category").word, log.at("categoryGroup").word} & wanted)
        for log in setting.prop("logs").items
    )


def _goes_somewhere(setting: Node) -> bool:
    return any(setting.prop(name).text for name in _DESTINATIONS)


def resource_logs_off(estate: Estate) -> Iterator[Evidence]:
    settings = estate.rows("resource logs")
    live = [each for each in settings if _enables(each, "GatewayLogs", "allLogs") and _goes_somewhere(each)]
    if not live:
        name = estate.service.at("id")
        yield name.found(False, "GatewayLogs or allLogs, with a destination", "No gateway log goes anywhere.")
    for each in live:
        yield each.prop("logs").found(True, "GatewayLogs or allLogs, with a destination")
    if live and estate.service.prop("developerPortalStatus").word != "disabled":
        audited = any(_enables(each, "DeveloperPortalAuditLogs", "allLogs", "audit") for each in settings)
        why = "" if audited else "The portal's audit log goes nowhere."
        yield (
            live[0]
            .prop("logs")
            .found(audited, "DeveloperPortalAuditLogs", why, severity=None if audited else Severity.MEDIUM)
        )
    yield from _sampled_away(estate)


def _sampled_away(estate: Estate) -> Iterator[Evidence]:
    """A diagnostic for Azure Monitor decides what reaches the log at all; that of an API overrides the instance's."""
    for row in (*estate.rows("diagnostics"), *estate.rows("api diagnostics")):
        if row.name.casefold() == "azuremonitor":
            share = row.prop("sampling", "percentage")
            some = share.number is None or share.number > 0
            yield share.found(some, "more than 0", "" if some else "Gateway logs are sampled away.")


def log_destination_or_retention(estate: Estate) -> Iterator[Evidence]:
    settings = [each for each in estate.rows("resource logs") if _enables(each, "GatewayLogs", "allLogs")]
    if not settings:
        raise Beside("No gateway log goes anywhere (see L1).")
    for each in settings:
        kept = bool(each.prop("workspaceId").text or each.prop("eventHubAuthorizationRuleId").text)
        why = "" if kept else "Logs go to a storage account only, where nobody queries them."
        yield each.prop("workspaceId").found(
            kept, "a workspace or an event hub", why, severity=None if kept else Severity.LOW
        )
    for table in estate.rows("log tables"):
        days = table.prop("totalRetentionInDays")
        if days.number is None:
            days = table.prop("retentionInDays")
        if days.number is None:
            yield days.found(None, f"at least {_RETENTION}", "How long logs are kept is not shown.")
            continue
        long = days.number >= _RETENTION or days.number < 0
        yield days.found(long, f"at least {_RETENTION}", "" if long else "Logs are gone too soon.")


def activity_log_not_exported(estate: Estate) -> Iterator[Evidence]:
    settings = [each for each in estate.rows("activity logs") if _goes_somewhere(each)]
    node = estate.service.at("id")
    for category in _EXPORTED:
        there = next((each for each in settings if _enables(each, category, "allLogs")), None)
        why = "" if there else f"The category {category.capitalize()} of the activity log ends after 90 days."
        where = there.prop("logs") if there else node
        yield where.found(there is not None, f"{category.capitalize()} exported", why)


def no_request_telemetry(estate: Estate) -> Iterator[Evidence]:
    loggers = [row for row in estate.rows("loggers") if row.prop("loggerType").word == "applicationinsights"]
    if not loggers:
        node = estate.service.at("id")
        severity = Severity.HIGH if estate.tier.name == "Consumption" else Severity.INFO
        yield node.found(False, "an Application Insights logger", "No call leaves a trace.", severity=severity)
        return
    ids = {row.subject.casefold() for row in loggers} | {f"/loggers/{row.name.casefold()}" for row in loggers}
    uses = [
        row
        for row in (*estate.rows("diagnostics"), *estate.rows("api diagnostics"))
        if row.prop("loggerId").word in ids or row.prop("loggerId").word.endswith(tuple(ids))
    ]
    if not uses:
        yield loggers[0].prop("loggerType").found(False, "a diagnostic that uses it", "No diagnostic uses the logger.")
    for row in uses:
        share = row.prop("sampling", "percentage")
        some = share.number is None or share.number > 0
        yield share.found(some, "more than 0", "" if some else "Nothing is sampled.")
        errors = row.prop("alwaysLog")
        always = errors.word == "allerrors"
        yield errors.found(always, "allErrors", "" if always else "Errors can be sampled away.")


CONTROLS = (
    Control(
        id="L1",
        name="resource_logs_off",
        family=Family.DETECTION,
        title="Gateway logs go nowhere",
        severity=Severity.HIGH,
        needs=("service", "resource logs", "diagnostics", "api diagnostics"),
        feature="resource_logs",
        why="There is nothing to investigate with.",
        mend="Send allLogs to a workspace.",
        limits="Sampling of 0 in the azuremonitor diagnostic empties the log. Workspaces have settings of their own.",
        mcsb="LT-3",
        policy="567c93f7-3661-494f-a30f-0a94d9bfebf8, 3a8ff864-d881-44ce-bed3-0c63ede634cb, "
        "6f3f5778-f809-4755-9d8f-bd5a5a7add85",
        cis="6.1.4",
        others="AzTS Enable_Diagnostics_Log",
        judge=resource_logs_off,
    ),
    Control(
        id="L2",
        name="log_destination_or_retention",
        family=Family.DETECTION,
        title="Logs are gone before they are needed",
        severity=Severity.MEDIUM,
        needs=("resource logs", "log tables"),
        feature="resource_logs",
        why="An investigation begins months later.",
        mend="Set the retention of the table, or the lifecycle of the storage account.",
        limits="The retention in diagnostic settings is dead since 2025-09-30.",
        mcsb="LT-5, LT-6",
        judge=log_destination_or_retention,
    ),
    Control(
        id="L3",
        name="activity_log_not_exported",
        family=Family.DETECTION,
        title="The activity log is not kept",
        severity=Severity.MEDIUM,
        needs=("service", "activity logs"),
        why="The history of the control plane ends after 90 days.",
        mend="Export it to the central workspace.",
        limits="Judged once for the subscription.",
        mcsb="LT-3, LT-5",
        cis="6.1.1.1, 6.1.1.2",
        judge=activity_log_not_exported,
    ),
    Control(
        id="L5",
        name="no_request_telemetry",
        family=Family.DETECTION,
        title="Single calls leave no trace",
        severity=Severity.LOW,
        needs=("service", "loggers", "diagnostics", "api diagnostics"),
        why="Nobody can follow one call. On Consumption there is no other log: high.",
        mend="Add an Application Insights logger with a managed identity.",
        mcsb="LT-3",
        cis="6.1.3.1",
        judge=no_request_telemetry,
    ),
)
