"""
Hand-offs of the controls L1 to L9: logs, alerts, telemetry and Defender.
"""

from apimend.mends import Block, Mend, Value, Var
from apimend.report.handoff.spot import Entry, Spot, Table

_WORKSPACE = Var("workspace_id")
_ACTION = Var("action_group_id")
_METRICS: dict[str, tuple[str, str, int]] = {
    "an alert on refusals and errors": ("Requests", "Total", 100),
    "an alert on load": ("Capacity", "Average", 80),
    "an alert on slowness": ("Duration", "Average", 5000),
}
_RETENTION = 90


def _logs(spot: Spot) -> Mend:
    every: dict[str, Value] = {"categoryGroup": "allLogs", "enabled": True}
    return Mend(
        target=spot.upon("Microsoft.Insights/diagnosticSettings/all-logs"),
        arm={"properties": {"workspaceId": _WORKSPACE, "logAnalyticsDestinationType": "Dedicated", "logs": [every]}},
        azurerm={
            "target_resource_id": spot.instance.text,
            "log_analytics_workspace_id": _WORKSPACE,
            "log_analytics_destination_type": "Dedicated",
            "enabled_log": Block({"category_group": "allLogs"}),
        },
        new=True,
    )


def _kept(spot: Spot) -> Mend | None:
    if "/tables/" not in spot.subject.key:
        return None
    return Mend(
        target=spot.subject,
        arm={"properties": {"totalRetentionInDays": _RETENTION}},
        azurerm={"workspace_id": spot.subject.text.rpartition("/tables/")[0], "total_retention_in_days": _RETENTION},
    )


def _exported(spot: Spot) -> Mend | None:
    category = spot.evidence.expected.removesuffix(" exported")
    return Mend(
        target=spot.in_subscription("Microsoft.Insights/diagnosticSettings/activity-log"),
        arm={"properties": {"workspaceId": _WORKSPACE, "logs": [{"category": category, "enabled": True}]}},
        azurerm={
            "target_resource_id": f"/subscriptions/{spot.instance.subscription}",
            "log_analytics_workspace_id": _WORKSPACE,
            "enabled_log": [Block({"category": category})],
        },
        new=True,
    )


def _metric(spot: Spot) -> Mend | None:
    found = _METRICS.get(spot.evidence.expected)
    if found is None:
        return None
    metric, aggregation, threshold = found
    refused: list[str] = ["4xx", "5xx"] if metric == "Requests" else []
    of = {"name": "GatewayResponseCodeCategory", "operator": "Include", "values": refused}
    criterion: dict[str, Value] = {
        "name": metric.lower(),
        "criterionType": "StaticThresholdCriterion",
        "metricNamespace": "Microsoft.ApiManagement/service",
        "metricName": metric,
        "timeAggregation": aggregation,
        "operator": "GreaterThan",
        "threshold": threshold,
        **({"dimensions": [of]} if refused else {}),
    }
    criteria: dict[str, Value] = {
        "metric_namespace": "Microsoft.ApiManagement/service",
        "metric_name": metric,
        "aggregation": aggregation,
        "operator": "GreaterThan",
        "threshold": threshold,
        **({"dimension": Block(of)} if refused else {}),
    }
    kind = "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"
    return Mend(
        target=spot.beside(f"Microsoft.Insights/metricAlerts/{spot.instance.name}-{metric.lower()}"),
        arm={
            "location": "global",
            "properties": {
                "severity": 2,
                "enabled": True,
                "scopes": [spot.instance.text],
                "evaluationFrequency": "PT5M",
                "windowSize": "PT15M",
                "criteria": {"odata.type": kind, "allOf": [criterion]},
                "actions": [{"actionGroupId": _ACTION}],
            },
        },
        azurerm={
            "scopes": [spot.instance.text],
            "severity": 2,
            "frequency": "PT5M",
            "window_size": "PT15M",
            "criteria": Block(criteria),
            "action": Block({"action_group_id": _ACTION}),
        },
        new=True,
        note="The threshold is yours; v2 tiers tell their load by CpuPercent_Gateway" if metric == "Capacity" else
        "The threshold is yours",
    )  # fmt: skip


def _telemetry(spot: Spot) -> Mend | None:
    if spot.is_instance:
        connection = Var("connection_string")
        return Mend(
            target=spot.instance.child("loggers", "applicationinsights"),
            arm={
                "properties": {
                    "loggerType": "applicationInsights",
                    "resourceId": Var("application_insights_id"),
                    "credentials": {"connectionString": connection, "identityClientId": "SystemAssigned"},
                }
            },
            azurerm={
                "resource_id": Var("application_insights_id"),
                "application_insights": Block({"connection_string": connection}),
            },
            new=True,
            note="And a diagnostic `applicationinsights` that uses it; Terraform can't name the identity",
        )
    if spot.last == "alwaysLog":
        return _diagnostic(spot, {"alwaysLog": "allErrors"}, {"always_log_errors": True})
    if spot.place == "sampling/percentage":
        share: dict[str, Value] = {"samplingType": "fixed", "percentage": 100}
        return _diagnostic(spot, {"sampling": share}, {"sampling_percentage": 100})
    return None


def _diagnostic(spot: Spot, arm: dict[str, Value], azurerm: dict[str, Value]) -> Mend:
    return Mend(target=spot.subject, arm={"properties": arm}, azurerm=azurerm if spot.is_in("diagnostics") else None)


def _change_alert(spot: Spot) -> Mend | None:
    name = spot.evidence.expected
    if "/" not in name:
        return None
    home = f"/subscriptions/{spot.instance.subscription}"
    label = name.replace("microsoft.", "").replace("/", "-")
    conditions: list[Value] = [
        {"field": "category", "equals": "Administrative"},
        {"field": "operationName", "equals": name},
    ]
    return Mend(
        target=spot.beside(f"Microsoft.Insights/activityLogAlerts/{label}"),
        arm={
            "location": "global",
            "properties": {
                "enabled": True,
                "scopes": [home],
                "condition": {"allOf": conditions},
                "actions": {"actionGroups": [{"actionGroupId": _ACTION}]},
            },
        },
        azurerm={
            "location": "global",
            "scopes": [home],
            "criteria": Block({"category": "Administrative", "operation_name": name}),
            "action": Block({"action_group_id": _ACTION}),
        },
        new=True,
    )


def _defender(spot: Spot) -> Mend | None:
    if spot.last != "pricingTier":
        return None
    return Mend(
        target=spot.in_subscription("Microsoft.Security/pricings/Api"),
        arm={"properties": {"pricingTier": "Standard", "subPlan": "P1"}},
        azurerm={"tier": "Standard", "resource_type": "Api", "subplan": "P1"},
        note="It costs; the sub-plan goes by how many calls there are",
    )


def _forwarded(spot: Spot) -> Mend | None:
    if spot.evidence.expected != "continuous export of alerts":
        return None
    return Mend(
        target=spot.beside("Microsoft.Security/automations/export-alerts"),
        arm={
            "location": Var("location"),
            "properties": {
                "isEnabled": True,
                "scopes": [{"scopePath": f"/subscriptions/{spot.instance.subscription}"}],
                "sources": [{"eventSource": "Alerts"}],
                "actions": [{"actionType": "Workspace", "workspaceResourceId": _WORKSPACE}],
            },
        },
        azurerm={
            "location": Var("location"),
            "scopes": [f"/subscriptions/{spot.instance.subscription}"],
            "source": Block({"event_source": "Alerts"}),
            "action": Block({"type": "loganalytics", "resource_id": _WORKSPACE}),
        },
        new=True,
    )


def _contact(spot: Spot) -> Mend | None:
    if not spot.is_instance:
        return None
    return Mend(
        target=spot.in_subscription("Microsoft.Security/securityContacts/default"),
        arm={
            "properties": {
                "isEnabled": True,
                "emails": Var("security_email"),
                "notificationsByRole": {"state": "On", "roles": ["Owner"]},
                "notificationsSources": [{"sourceType": "Alert", "minimalSeverity": "Medium"}],
            }
        },
        azurerm={"email": Var("security_email"), "alert_notifications": True, "alerts_to_admins": True},
        new=True,
    )


TABLE: Table = {
    "L1": Entry(make=_logs),
    "L2": Entry(make=_kept, otherwise="Where logs go, and for how long, is decided with who reads them."),
    "L3": Entry(make=_exported),
    "L4": Entry(make=_metric, otherwise="The alert names a metric that Azure has retired: it is written anew."),
    "L5": Entry(make=_telemetry, otherwise="Which diagnostic is to use the logger, its owner decides."),
    "L6": Entry(make=_change_alert, otherwise="Which services and regions health alerts are for, a person decides."),
    "L7": Entry(make=_defender, otherwise="APIs are onboarded one by one, as each costs capacity."),
    "L8": Entry(make=_forwarded, otherwise="What answers an alert is a workflow of the operators' own."),
    "L9": Entry(make=_contact, otherwise="Who is told of what, a person decides."),
}
