"""
What happens without anybody being told: alerts that are missing, go nowhere or are never looked at.

What it finds: missing metric and change alerts, Defender for APIs that is off, alerts that stay in a portal, and no
security contact.
Why it matters: an attack that nobody sees goes on.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-use-azure-monitor
"""

from collections.abc import Iterator

from apimend.model.features import CLASSIC
from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.posture.control import Control, Family
from apimend.posture.estate import Estate
from apimend.posture.node import Node

_RETIRED = frozenset({"unauthorizedrequests", "failedrequests", "totalrequests", "successfulrequests", "otherrequests"})
_SERVICE_CHANGES = ("microsoft.apimanagement/service/write", "microsoft.apimanagement/service/delete")
_OTHER_CHANGES = (
    "microsoft.network/networksecuritygroups/write",
    "microsoft.authorization/policyassignments/write",
)


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
        heard = estate.heard
        why = "No alert tells of it, and no event about the instance has reached Apimend yet."
        if heard is not None:
            why = f"Compensated: events about it reach Apimend, the last on {heard:%Y-%m-%d}."
        if rule is not None:
            yield rule.prop("enabled").found(True, name)
        else:
            yield node.found(True if heard else None, name, why)
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
        id="L6",
        name="no_change_alert",
        family=Family.DETECTION,
        title="Nobody is told of changes around the instance",
        severity=Severity.MEDIUM,
        needs=("service", "monitor"),
        why="Changes are silent.",
        mend="Create activity log alerts.",
        limits="Where events about the instance reach Apimend, its own changes are compensated for; before the first "
        "nothing is claimed.",
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
