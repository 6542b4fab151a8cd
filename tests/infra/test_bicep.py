"""
The templates in infra/: without fault as far as can be seen without Azure, and safe in what they set.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tree_sitter import Node

from apimend.documents import load
from apimend.settings import SETTINGS, Settings
from emulator.events.filters import Filter
from script.bicep.check import check
from script.bicep.read import BicepFile, body, literal, member, members, name_of, text
from tests.infra.grants import ROOT

INFRA = ROOT / "infra"
TOP = ("main", "events", "tenant", "remediate", "remediate-tenant")
FILTERS = ("instances", "vaults", "certificates")


def bicep(name: str) -> BicepFile:
    return BicepFile(INFRA / f"{name}.bicep")


def resource(file: BicepFile, name: str) -> Node:
    found = body(file.declared("resource")[name])
    assert found is not None
    return found


def value(node: Node | None, *path: str) -> str:
    found = member(node, *path)
    assert found is not None, path
    return text(found)


def test_the_templates_have_no_fault() -> None:
    """
    Both parsers take every file, and every name, module, output, loaded file, API version and member is there.
    """
    assert [] == check(INFRA)


GOOD = "param name string\nresource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {\n  name: name\n}\n"
ACCOUNT = """resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {{
  name: name
  sku: {{ name: '{sku}' }}
  properties: {{ networkAcls: {acls} }}
}}
"""
SUBSCRIPTION = "targetScope = 'subscription'\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(GOOD.replace("name: name", "name: nam"), "there is no nam", id="unknown name"),
        pytest.param(GOOD.replace("name: name", "name: toLowr(name)"), "there is no function toLowr", id="function"),
        pytest.param(GOOD.replace("2024-03-01", "2024-03-02"), "known is 2024-03-01", id="version"),
        pytest.param(GOOD.replace("/resourceGroups", "/resourceGroup"), "the type is not known", id="type"),
        pytest.param(GOOD.replace("name: name", "name: name\n  colour: 1"), "colour is no member", id="member"),
        pytest.param(
            f"param name string\nvar rules = {{ bypas: 'None' }}\n{ACCOUNT.format(sku='Standard_LRS', acls='rules')}",
            "properties.networkAcls.bypas is no member; known are bypass",
            id="member behind a variable",
        ),
        pytest.param(
            f"param name string\n{ACCOUNT.format(sku='Standard_LSR', acls='{ }')}",
            "sku.name is 'Standard_LSR'; known are",
            id="value",
        ),
        pytest.param(
            f"param name string\n{ACCOUNT.format(sku='Standard_LRS', acls='{ rules: { a: 1 } }')}",
            "properties.networkAcls.rules is no member",
            id="object",
        ),
        pytest.param(GOOD + "var other = 1\n", "the variable other is not used", id="unused variable"),
        pytest.param(GOOD.replace("{", "{{"), "this is no Bicep", id="syntax"),
        pytest.param(GOOD + "output x object = loadJsonContent('no.json')\n", "there is no file", id="loaded file"),
        pytest.param(
            "module one 'part.bicep' = {\n  name: 'one'\n  params: { size: 1 }\n}\n",
            "part.bicep needs the parameter name",
            id="missing parameter",
        ),
        pytest.param(
            "module one 'part.bicep' = {\n  name: 'one'\n  params: { name: 'a', size: 1, colour: 1 }\n}\n",
            "part.bicep has no parameter colour",
            id="unknown parameter",
        ),
        pytest.param(
            SUBSCRIPTION + "module one 'part.bicep' = {\n  name: 'one'\n  params: { name: 'a', size: 1 }\n}\n",
            "part.bicep is for the scope resourceGroup, not subscription",
            id="scope",
        ),
        pytest.param(
            "module one 'part.bicep' = {\n  name: 'one'\n  params: { name: 'a', size: 1 }\n}\n"
            "output x string = one.outputs.colour\n",
            "there is no output one.outputs.colour",
            id="output",
        ),
        pytest.param("module one 'no.bicep' = {\n  name: 'one'\n}\n", "there is no module no.bicep", id="module"),
    ],
)
def test_a_fault_is_found(text: str, expected: str, tmp_path: Path) -> None:
    """
    A template with one fault is refused with a sentence that names it.
    """
    (tmp_path / "main.bicep").write_text(text, encoding="utf-8")
    (tmp_path / "part.bicep").write_text(
        "param name string\nparam size int\noutput made string = '${name}${size}'\n", encoding="utf-8"
    )
    found = check(tmp_path)

    assert [expected] == [expected for fault in found if expected in fault][:1], found


def test_a_fault_inside_a_policy_is_found(tmp_path: Path) -> None:
    """
    The template that an Azure Policy deploys is looked through like the others.
    """
    resource = {"type": "Microsoft.EventGrid/systemTopics", "apiVersion": "2025-02-14", "name": "t", "source": "s"}
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "one.json").write_text(json.dumps({"then": {"resources": [resource]}}), encoding="utf-8")
    found = check(tmp_path)

    assert ["known is 2025-02-15", "source is no member"] == [
        fault.rpartition("; ")[2] if "known is" in fault else fault.partition(": t: ")[2].partition(";")[0]
        for fault in found
    ]


@pytest.mark.parametrize("name", TOP)
def test_every_parameter_is_described(name: str) -> None:
    """
    Whoever deploys reads in the template what each parameter is for.
    """
    file = bicep(name)

    assert set() == set(file.declared("parameter")) - file.described()


@pytest.mark.parametrize("name", TOP)
def test_every_parameter_is_in_the_documentation(name: str) -> None:
    """
    docs/deploy.md names every parameter of the templates that one deploys.
    """
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")

    assert [] == [each for each in bicep(name).declared("parameter") if f"`{each}`" not in page]


def test_a_deployment_reports_and_nothing_else_unless_told() -> None:
    """
    The ceiling is `report` by default, in the template and in azd's parameters.
    """
    declared = bicep("main").declared("parameter")["modeCeiling"]
    parameters = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]

    assert "report" == literal(declared.named_children[-1])
    assert "${APIMEND_MODE_CEILING=report}" == parameters["modeCeiling"]["value"]


def app_settings() -> dict[str, str]:
    """The app settings as they are written."""
    file = bicep("app/function")
    call = member(resource(file, "settings"), "properties")
    assert call is not None
    found: dict[str, str] = {}
    for node in call.named_children[-1].named_children:
        objects = [node, *node.named_children]
        for each in objects:
            if each.type == "object":
                found |= {name: value(each, name) for name in members(each)}
    return found


def test_the_settings_are_known_and_taken() -> None:
    """
    The app starts with the settings that the template gives it.
    """
    samples = {
        "APIMEND_KEEP_DAYS": "400",
        "APIMEND_MODE_CEILING": "report",
        "APIMEND_DESIRED_STATE": "https://stapimend.blob.core.windows.net/desired-state/desired.yaml",
        "APIMEND_TENANT_ID": "22222222-2222-2222-2222-222222222222",
        "APIMEND_SUBSCRIPTIONS": "11111111-1111-1111-1111-111111111111",
        "APIMEND_CLIENT_ID": "77777777-7777-7777-7777-777777777777",
        "AzureWebJobsStorage__clientId": "77777777-7777-7777-7777-777777777777",
        "APIMEND_TOPIC_ENDPOINT": "https://evgt-apimend.westeurope-1.eventgrid.azure.net/api/events",
        "APIMEND_PAGES_URL": "https://func-apimend.azurewebsites.net",
        "APIMEND_SIGN_IN": "appservice",
        "APIMEND_SWEEP_SCHEDULE": "0 7 * * * *",
        "APIMEND_TEAMS_WEBHOOK": "https://example.com/?sig=x",
        **{
            f"AzureWebJobsStorage__{kind}ServiceUri": f"https://st.{kind}.core.windows.net/"
            for kind in ("blob", "queue", "table")
        },
    }
    written = app_settings()
    environ = {name: samples.get(name, literal_of(said)) for name, said in written.items()}
    ours = {name for name in written if name.startswith("APIMEND_")}

    assert ours <= {setting.name for setting in SETTINGS}
    assert "report" == Settings.load(environ | {"WEBSITE_INSTANCE_ID": "1"}).ceiling.word


def literal_of(said: str) -> str:
    return said.strip("'")


DEPRECATED = (
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_EXTENSION_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
)


def test_flex_consumption_gets_its_runtime_where_it_looks() -> None:
    """
    Runtime, version and package stand in functionAppConfig, and none of the settings that the plan refuses is set.
    """
    site = resource(bicep("app/function"), "site")
    config = member(site, "properties", "functionAppConfig")

    assert ("'python'", "pythonVersion") == (value(config, "runtime", "name"), value(config, "runtime", "version"))
    assert "'blobContainer'" == value(config, "deployment", "storage", "type")
    assert [] == [name for name in app_settings() if name in DEPRECATED or name.startswith("WEBSITE_CONTENT")]


@pytest.mark.parametrize(
    ("file", "name", "path", "expected"),
    [
        pytest.param("app/storage", "account", ("properties", "allowSharedKeyAccess"), "false", id="no account keys"),
        pytest.param("app/storage", "account", ("properties", "allowBlobPublicAccess"), "false", id="no public blobs"),
        pytest.param("app/storage", "account", ("properties", "minimumTlsVersion"), "'TLS1_2'", id="storage tls"),
        pytest.param("app/monitoring", "insights", ("properties", "DisableLocalAuth"), "true", id="entra telemetry"),
        pytest.param("app/topic", "topic", ("properties", "disableLocalAuth"), "true", id="no topic keys"),
        pytest.param("app/vault", "vault", ("properties", "enableRbacAuthorization"), "true", id="vault by roles"),
        pytest.param("app/function", "site", ("properties", "httpsOnly"), "true", id="https"),
        pytest.param("app/function", "noBasicScm", ("properties", "allow"), "false", id="no basic scm"),
        pytest.param("app/function", "noBasicFtp", ("properties", "allow"), "false", id="no basic ftp"),
        pytest.param(
            "app/function",
            "signIn",
            ("properties", "globalValidation", "excludedPaths"),
            "['/runtime/webhooks/*']",
            id="event grid is let in past sign-in, and nobody else",
        ),
        pytest.param(
            "app/function",
            "signIn",
            ("properties", "globalValidation", "requireAuthentication"),
            "true",
            id="sign-in required",
        ),
    ],
)
def test_doors_are_shut(file: str, name: str, path: tuple[str, ...], expected: str) -> None:
    """
    What keeps strangers out is set as docs/security.md says.
    """
    assert expected == value(resource(bicep(file), name), *path)


def test_the_places_of_storage_are_there() -> None:
    """
    The containers, queues and the table that the app writes to are those that the template makes.
    """
    written = (INFRA / "app" / "storage.bicep").read_text(encoding="utf-8")
    names = {"apimend", "apimend-preimages", "deadletters", "desired-state", "app-package"}
    queues = {"apimend-visits", "apimend-visits-poison", "apimend-notices", "apimend-notices-poison"}

    assert set() == {name for name in names | queues if f"'{name}'" not in written}


PREFIXES = {
    "Microsoft.EventGrid/systemTopics": "evgst-",
    "Microsoft.EventGrid/topics": "evgt-",
    "Microsoft.Insights/actionGroups": "ag-",
    "Microsoft.Insights/components": "appi-",
    "Microsoft.KeyVault/vaults": "kv-",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "id-",
    "Microsoft.OperationalInsights/workspaces": "log-",
    "Microsoft.Resources/resourceGroups": "rg-",
    "Microsoft.Storage/storageAccounts": "st",
    "Microsoft.Web/serverfarms": "plan-",
}


def test_names_follow_the_convention() -> None:
    """
    Names begin with the abbreviation that Azure's documentation recommends for the type, then the app's name.
    """
    wrong = []
    for path in sorted(INFRA.rglob("*.bicep")):
        for node in BicepFile(path).declared("resource").values():
            prefix = PREFIXES.get(literal(node.named_children[1]).partition("@")[0])
            name = member(body(node), "name")
            if prefix and name is not None and name.type == "string" and " existing " not in text(node):
                said = text(name).strip("'")
                wrong += [said] if not said.startswith(f"{prefix}apimend") else []

    assert [] == wrong


def test_what_we_make_is_tagged() -> None:
    """
    Every resource that can carry tags carries the environment's, so that teardown and cost reports find it.
    """
    bare = []
    for path in sorted(INFRA.rglob("*.bicep")):
        for node in BicepFile(path).declared("resource").values():
            made = body(node)
            if member(made, "location") is not None and member(made, "tags") is None:
                bare.append(f"{path.name}: {name_of(node)}")

    assert ["tenant.bicep: assignment"] == bare  # policy assignments have no tags


def event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "tests" / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def admits(filter_name: str, name: str) -> bool:
    """Whether a filter of ours lets a sample through, as the local Event Grid judges it."""
    raw = json.loads((INFRA / "filters" / f"{filter_name}.json").read_text(encoding="utf-8"))
    made, sample = Filter.parse(raw), event(name)
    types = made.event_types or frozenset()
    return str(sample["eventType"]).casefold() in types and all(
        each.admits(sample, arrays=False) for each in made.advanced
    )


@pytest.mark.parametrize(
    ("filter_name", "name", "expected"),
    [
        pytest.param("instances", "arm-service-write", True, id="service written"),
        pytest.param("instances", "arm-service-create", True, id="service created"),
        pytest.param("instances", "arm-service-delete", True, id="service deleted"),
        pytest.param("instances", "arm-service-write-failure", True, id="failed update"),
        pytest.param("instances", "arm-operation-policy-write", True, id="policy written"),
        pytest.param("instances", "arm-refresh-secret", True, id="certificate refreshed"),
        pytest.param("instances", "arm-workspace-gateway-write", True, id="workspace gateway"),
        pytest.param("instances", "arm-list-value", False, id="a secret was read"),
        pytest.param("instances", "arm-deployment-write", False, id="deployment"),
        pytest.param("instances", "arm-vault-role-write", False, id="role on a vault"),
        pytest.param("vaults", "arm-vault-role-write", True, id="role on a vault, by the vaults' filter"),
        pytest.param("vaults", "arm-vault-firewall-write", True, id="firewall of a vault"),
        pytest.param("vaults", "arm-service-write", False, id="service, by the vaults' filter"),
        pytest.param("certificates", "kv-certificate-near-expiry", True, id="certificate near expiry"),
    ],
)
def test_filters_let_through_what_concerns_us(filter_name: str, name: str, expected: bool) -> None:
    """
    Event Grid delivers what rings a bell, and keeps what would only cost a function call.
    """
    assert expected is admits(filter_name, name)


def test_the_policy_makes_what_the_templates_make() -> None:
    """
    A subscription that Azure Policy covers hears the same events, under the same names, as one that was named.
    """
    rule = json.loads((INFRA / "policy" / "subscribe.json").read_text(encoding="utf-8"))["policyRule"]["then"][
        "details"
    ]
    inner = rule["deployment"]["properties"]["template"]["resources"][1]["properties"]["template"]["resources"]
    topic, subscription = inner
    written = (INFRA / "modules" / "subscription-topic.bicep").read_text(encoding="utf-8")
    outer = (INFRA / "modules" / "subscription-events.bicep").read_text(encoding="utf-8")

    assert json.loads((INFRA / "filters" / "instances.json").read_text("utf-8")) == subscription["properties"]["filter"]
    assert f"{topic['name']}/apimend-instances" == subscription["name"] == rule["name"]
    assert f"'{topic['name']}'" in outer
    assert f"'{rule['resourceGroupName']}'" in outer
    assert f"systemTopics@{topic['apiVersion']}" in written


def test_the_first_desired_state_reports() -> None:
    """
    What the deployment puts there at first is valid, selects every instance and writes nothing.
    """
    state = load((INFRA / "desired.starter.yaml").read_text(encoding="utf-8"))

    defaults = state.document.defaults

    assert defaults is not None
    assert ("report", 1) == (defaults.mode, len(state.document.instances))


@pytest.mark.parametrize("name", ["postdeploy", "teardown"])
def test_hooks_are_valid_scripts(name: str) -> None:
    """
    The shell takes what azd runs, and azure.yaml names it.
    """
    path = INFRA / "hooks" / f"{name}.sh"
    ran = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)

    assert (0, "") == (ran.returncode, ran.stderr)
    assert f"infra/hooks/{name}.sh" in (ROOT / "azure.yaml").read_text(encoding="utf-8")


def test_scripts_name_what_the_templates_make() -> None:
    """
    Teardown looks for topics, event subscriptions and groups under the names that the templates give them.
    """
    teardown = (INFRA / "hooks" / "teardown.sh").read_text(encoding="utf-8")
    made = "".join(path.read_text(encoding="utf-8") for path in (INFRA / "modules").glob("*.bicep"))
    subscriptions = set(re.findall(r"\}/(apimend-[a-z]+)'", made))

    assert {"apimend-instances", "apimend-vaults", "apimend-certificates"} == subscriptions
    assert all(name in teardown for name in (*subscriptions, "evgst-apimend-", "rg-apimend-events", "'Apimend "))
    assert "Microsoft.ApiManagement" not in teardown
