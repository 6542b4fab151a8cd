"""
What happens without anybody seeing it: logs that are off or gone too soon, alerts that nobody gets.

What it finds: missing resource logs, destinations and retention, activity logs, metric and change alerts, telemetry of
requests, Defender for APIs, forwarded alerts, security contacts.
Why it matters: an attack that nobody sees goes on, and one that left no trace can't be investigated.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-use-azure-monitor
"""

from collections.abc import Iterator

from apimend.model.features import CLASSIC
from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.posture.control import Control, Family
from apimend.posture.doubt import Beside
from apimend.posture.estate import Estate
from apimend.posture.node import Node

_DESTINATIONS = ("workspaceId", "eventHubAuthorizationRuleId", "storageAccountId", "marketplacePartnerId")
_RETENTION = 90
_RETIRED = frozenset({"unauthorizedrequests", "failedrequests", "totalrequests", "successfulrequests", "otherrequests"})
_SERVICE_CHANGES = ("microsoft.apimanagement/service/write", "microsoft.apimanagement/service/delete")
_OTHER_CHANGES = (
    "microsoft.network/networksecuritygroups/write",
    "microsoft.authorization/policyassignments/write",
)
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


def _reaches(estate: Estate, rule: Node) -> bool:
    """Whether an alert rule is on, and somebody hears of it."""
    if rule.prop("enabled").truth is False:
        return False
    groups = {row.subject.casefold(): row for row in estate.of_type("monitor", "microsoft.insights/actiongroups")}
    actions = rule.prop("actions")
    listed = actions.at("actionGroups") if not isinstance(actions.value, list) else actions
    for action in listed.items:
        id = action.word if isinstance(action.value, str) else action.at("actionGroupId").word
        group = groups.get(id)
        if group is None or group.prop("enabled").truth is not False:
            return True
    return False


def _covers(estate: Estate, scopes: Node) -> bool:
    home = estate.instance.key
    return any(home == scope.rstrip("/") or home.startswith(f"{scope.rstrip('/')}/") for scope in scopes.words)


def no_metric_alert(estate: Estate) -> Iterator[Evidence]:
    rules = estate.of_type("monitor", "microsoft.insights/metricalerts", "microsoft.insights/scheduledqueryrules")
    mine = [rule for rule in rules if _covers(estate, rule.prop("scopes")) and _reaches(estate, rule)]
    by_log = [rule for rule in mine if rule.at("type").word.endswith("scheduledqueryrules")]
    metrics = {name: rule for rule in mine for name in _metrics(rule)}
    node = estate.service.at("id")
    load = "capacity" if estate.tier.name in CLASSIC else "cpupercent_gateway"
    for name, wanted in (("requests", "refusals and errors"), (load, "load"), ("duration", "slowness")):
        rule = metrics.get(name) or next(iter(by_log), None)
        why = "" if rule else f"Nobody is told of {wanted}."
        yield (rule.prop("enabled") if rule else node).found(rule is not None, f"an alert on {wanted}", why)
    for name in sorted(_RETIRED & set(metrics)):
        yield (
            metrics[name]
            .prop("criteria")
            .found(False, "a metric that exists", f"The metric {name} is retired: this alert never fires.", shown=name)
        )


def _metrics(rule: Node) -> list[str]:
    criteria = rule.prop("criteria", "allOf")
    return [each.at("metricName").word for each in criteria.items if each.at("metricName").text]


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


def no_change_alert(estate: Estate) -> Iterator[Evidence]:
    rules = [
        rule
        for rule in estate.of_type("monitor", "microsoft.insights/activitylogalerts")
        if _covers(estate, rule.prop("scopes")) and _reaches(estate, rule)
    ]
    told = {name: rule for rule in rules for name in _operations(rule)}
    node = estate.service.at("id")
    for name in _SERVICE_CHANGES:
        rule = told.get(name)
        why = "" if rule else "Compensated by Apimend's own event subscription."
        yield (rule.prop("enabled") if rule else node).found(True, name, why)
    for name in (*_OTHER_CHANGES, "servicehealth"):
        rule = told.get(name)
        why = "" if rule else f"Nobody is told of {name}."
        yield (rule.prop("enabled") if rule else node).found(rule is not None, name, why)


def _operations(rule: Node) -> list[str]:
    conditions = rule.prop("condition", "allOf").items
    return [each.at("equals").word for each in conditions if each.at("field").word in ("operationname", "category")]


def defender_for_apis_off(estate: Estate) -> Iterator[Evidence]:
    tier = estate.one("defender plan").prop("pricingTier")
    on = tier.word == "standard"
    yield tier.found(on, "Standard", "" if on else "Defender for APIs is off.")
    if not on:
        return
    onboarded = {row.name.casefold() for row in estate.rows("api collections")}
    for row in estate.rows("apis"):
        if (row.prop("type").word or "http") == "http" and not row.workspace:
            name = row.at("name")
            there = row.name.casefold() in onboarded
            why = "" if there else "An API is not onboarded."
            yield name.found(there, "onboarded", why, severity=None if there else Severity.MEDIUM)
    yield from _unhealthy(estate)


def _unhealthy(estate: Estate) -> Iterator[Evidence]:
    home = estate.instance.key
    for row in estate.rows("defender"):
        status = row.prop("status", "code")
        if row.subject.casefold().startswith(home) and status.word == "unhealthy":
            name = row.prop("displayName").text or row.name
            yield status.found(False, "Healthy", f"Defender: {name}.", severity=Severity.MEDIUM)


def alerts_not_forwarded(estate: Estate) -> Iterator[Evidence]:
    rules = estate.of_type("monitor", "microsoft.security/automations")
    live = [
        rule
        for rule in rules
        if rule.prop("isEnabled").truth is not False
        and any(source.at("eventSource").word == "alerts" for source in rule.prop("sources").items)
    ]
    kinds = {action.at("actionType").word: rule for rule in live for action in rule.prop("actions").items}
    node = estate.service.at("id")
    exports = kinds.get("eventhub") or kinds.get("workspace")
    why = "" if exports else "Alerts of Defender stay in a portal."
    yield (exports.prop("actions") if exports else node).found(exports is not None, "continuous export of alerts", why)
    answers = kinds.get("logicapp")
    why = "" if answers else "No workflow answers an alert."
    severity = None if answers else Severity.LOW
    yield (answers.prop("actions") if answers else node).found(
        answers is not None, "workflow automation", why, severity=severity
    )


def no_security_contact(estate: Estate) -> Iterator[Evidence]:
    contacts = [row for row in estate.rows("security contacts") if row.prop("isEnabled").truth is not False]
    node = estate.service.at("id")
    if not any(row.prop("emails").text for row in contacts):
        yield node.found(False, "an address for alerts", "Nobody is told of a breach.", shown="0 addresses")
    for row in contacts:
        emails = row.prop("emails")
        if not emails.text:
            continue
        number = len([each for each in emails.text.replace(",", ";").split(";") if each.strip()])
        yield emails.found(True, "an address for alerts", shown=f"{number} addresses")
        role = row.prop("notificationsByRole")
        owners = role.at("state").word == "on" and "owner" in role.at("roles").words
        yield role.found(owners, "Owner", "" if owners else "Owners are not told.", shown="roles")
        yield from _minimal(row)


def _minimal(row: Node) -> Iterator[Evidence]:
    for source in row.prop("notificationsSources").items:
        if source.at("sourceType").word == "alert":
            least = source.at("minimalSeverity")
            low = least.word in ("low", "medium", "high")
            yield least.found(low, "High or lower", "" if low else "No alert is severe enough to be sent.")


CONTROLS = (
    Control(
        id="L1",
        name="resource_logs_off",
        family=Family.DETECTION,
        title="Gateway logs go nowhere",
        severity=Severity.HIGH,
        needs=("service", "resource logs"),
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
        id="L4",
        name="no_metric_alert",
        family=Family.DETECTION,
        title="Nobody is told of refusals, load or slowness",
        severity=Severity.MEDIUM,
        needs=("service", "monitor"),
        why="Attacks and overload go unseen.",
        mend="Create the baseline alerts: Requests by GatewayResponseCodeCategory, load, Duration.",
        limits="Any log alert on the instance counts for all three.",
        mcsb="LT-1, IR-3",
        others="AMBA, AzTS Enable_Alerts",
        judge=no_metric_alert,
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
    Control(
        id="L6",
        name="no_change_alert",
        family=Family.DETECTION,
        title="Nobody is told of changes around the instance",
        severity=Severity.MEDIUM,
        needs=("service", "monitor"),
        why="Changes are silent.",
        mend="Create activity log alerts.",
        limits="Changes of the instance itself Apimend hears of: compensated.",
        mcsb="LT-3",
        policy="b954148f",
        cis="6.1.2.1-6.1.2.4, 6.1.2.9-6.1.2.11",
        judge=no_change_alert,
    ),
    Control(
        id="L7",
        name="defender_for_apis_off",
        family=Family.DETECTION,
        title="Defender for APIs does not watch",
        severity=Severity.HIGH,
        needs=("defender plan", "api collections", "apis", "defender"),
        feature="defender",
        why="Nothing detects attacks while they run.",
        mend="Switch the plan on, and onboard the APIs one by one: it costs capacity.",
        limits="Not for workspaces, self-hosted gateways, US Government, China and some regions.",
        mcsb="LT-1",
        policy="7926a6d1-b268-4586-8197-e8ae90c877d7",
        psrule="AZR-000387",
        cis="8.1.2.1",
        judge=defender_for_apis_off,
    ),
    Control(
        id="L8",
        name="alerts_not_forwarded",
        family=Family.DETECTION,
        title="Alerts of Defender are not forwarded",
        severity=Severity.MEDIUM,
        needs=("service", "monitor"),
        why="Alerts stay in a portal.",
        mend="Continuous export, and a workflow that answers.",
        limits="Connectors of Sentinel and Defender XDR do it elsewhere: attestation A14.",
        mcsb="LT-5, IR-6",
        policy="ffb6f416, cdfcce10, f1525828",
        judge=alerts_not_forwarded,
    ),
    Control(
        id="L9",
        name="no_security_contact",
        family=Family.DETECTION,
        title="Nobody is told of a breach",
        severity=Severity.MEDIUM,
        needs=("service", "security contacts"),
        why="Azure does not know whom to tell.",
        mend="Set the security contacts of the subscription.",
        limits="Counts are shown, never addresses.",
        mcsb="IR-2",
        policy="4f4f78b8, 6e2593d9",
        cis="8.1.12-8.1.14",
        judge=no_security_contact,
    ),
)
