"""
The settings: what they default to, and that every fault is said at once and without a secret.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimend.model.desired import Mode
from apimend.model.errors import BadInput
from apimend.settings import SETTINGS, AzureStorage, Cloud, Settings, SqliteStorage

DOCS = Path(__file__).parents[1] / "docs" / "settings.md"
TENANT = "22222222-2222-2222-2222-222222222222"
CUSTOM = {
    "APIMEND_CLOUD": "custom",
    "APIMEND_ARM_URL": "https://localhost:8443/",
    "APIMEND_VAULT_SUFFIX": "vault.localhost:8443",
    "APIMEND_CA_FILE": "/tmp/ca.pem",
    "APIMEND_GATEWAY_ADDRESS": "127.0.0.1:9443",
    "APIMEND_VERIFY_VAULT_DOMAIN": "false",
}


def faults(environ: dict[str, str]) -> list[str]:
    with pytest.raises(BadInput) as caught:
        Settings.load(environ)
    return [str(fault) for fault in caught.value.faults]


def test_nothing_set_writes_nothing() -> None:
    """
    An app without any setting runs, and may write nothing.
    """
    settings = Settings.load({})

    assert (Mode.REPORT, "public", SqliteStorage(path=Path(".apimend/apimend.db")), timedelta(hours=24)) == (
        settings.ceiling,
        settings.cloud.name,
        settings.storage,
        settings.approval_lasts,
    )


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param(
            {"APIMEND_MODE_CEILNG": "ask"},
            "APIMEND_MODE_CEILNG: There is no such setting. Did you mean APIMEND_MODE_CEILING?",
            id="misspelt name",
        ),
        pytest.param(
            {"apimend_cloud": "china"},
            "apimend_cloud: There is no such setting. Did you mean APIMEND_CLOUD?",
            id="name in lower case",
        ),
        pytest.param(
            {"APIMEND_MODE_CEILING": "enforced"},
            "APIMEND_MODE_CEILING: 'enforced' is none of report, ask, enforce. Did you mean enforce?",
            id="mode",
        ),
        pytest.param(
            {"APIMEND_TENANT_ID": "contoso"}, "APIMEND_TENANT_ID: 'contoso' is no GUID.", id="tenant that is no GUID"
        ),
        pytest.param(
            {"APIMEND_SUBSCRIPTIONS": f"{TENANT}, prod"},
            "APIMEND_SUBSCRIPTIONS: 'prod' is no GUID. Separate several with commas.",
            id="subscription that is no GUID",
        ),
        pytest.param(
            {"APIMEND_SETTLE_SECONDS": "0"},
            "APIMEND_SETTLE_SECONDS: '0' is no whole number from 1 to 3600.",
            id="number out of range",
        ),
        pytest.param(
            {"APIMEND_ARM_URL": "https://localhost"},
            "APIMEND_ARM_URL: It only counts with APIMEND_CLOUD=custom. Remove it, or set APIMEND_CLOUD.",
            id="custom endpoint of a preset",
        ),
        pytest.param(
            {"APIMEND_STORAGE": "sqlite:x.db", "WEBSITE_INSTANCE_ID": "a1"},
            "APIMEND_STORAGE: SQLite does not last in Azure. Set it to azure.",
            id="SQLite in Azure",
        ),
        pytest.param(
            {"APIMEND_SIGN_IN": "appservice"},
            "APIMEND_TENANT_ID: Sign-in needs the tenant whose people are let in. Set it to the tenant's id.",
            id="sign-in without tenant",
        ),
        pytest.param(
            {"APIMEND_WEBHOOK_TEAM_A": "https://evil.example/x", "APIMEND_WEBHOOK_HOSTS": ".powerplatform.com"},
            "APIMEND_WEBHOOK_TEAM_A: Its host evil.example is not in APIMEND_WEBHOOK_HOSTS. "
            "Add the host there, if it is right.",
            id="webhook to another host",
        ),
        pytest.param(
            {"APIMEND_TEAMS_WEBHOOK": "@Microsoft.KeyVault(SecretUri=https://kv/secrets/x)"},
            "APIMEND_TEAMS_WEBHOOK: The Key Vault reference was not resolved. "
            "Look at the app's configuration in Azure.",
            id="unresolved Key Vault reference",
        ),
        pytest.param(
            {"APIMEND_WEBHOOK_TEAMS": "https://a.example"},
            "APIMEND_WEBHOOK_TEAMS: The name teams is that of APIMEND_TEAMS_WEBHOOK. Choose another name.",
            id="a second webhook called teams",
        ),
        pytest.param(
            {"APIMEND_DESIRED_STATE": "https://a.blob.core.windows.net/c/d.yaml?sig=abc"},
            "APIMEND_DESIRED_STATE: The URL carries a signature. Leave out what follows the question mark, "
            "and give the identity the role Storage Blob Data Reader.",
            id="signed URL of the desired state",
        ),
        pytest.param(
            {"APIMEND_SWEEP_SCHEDULE": "hourly"},
            "APIMEND_SWEEP_SCHEDULE: 'hourly' is no NCRONTAB expression. "
            "Six fields: seconds, minutes, hours, day, month, weekday.",
            id="schedule",
        ),
    ],
)
def test_a_fault_names_the_setting_and_the_way_out(environ: dict[str, str], expected: str) -> None:
    """
    A wrong setting is one fault that names it, says what is wrong and how to put it right.
    """
    assert [expected] == faults(environ)


def test_all_faults_come_at_once() -> None:
    """
    Three wrong settings are three faults in one error.
    """
    found = faults({"APIMEND_CLOUD": "moon", "APIMEND_PAGES_URL": "here", "APIMEND_X": "1"})

    assert [fault.split(":")[0] for fault in found] == ["APIMEND_CLOUD", "APIMEND_PAGES_URL", "APIMEND_X"]


@pytest.mark.parametrize("name", ["APIMEND_TEAMS_WEBHOOK", "APIMEND_WEBHOOK_TEAM_A", "AzureWebJobsStorage"])
def test_no_secret_is_shown(name: str) -> None:
    """
    Neither the repr of the settings nor a fault shows a webhook's URL or a connection string.
    """
    good = {
        name: "https://x.example/?sig=verysecret",
        "APIMEND_STORAGE": "azure",
        "AzureWebJobsStorage__accountName": "a",
    }
    shown = repr(Settings.load(good)) + "".join(faults({name: "http://verysecret", "APIMEND_CLOUD": "moon"}))

    assert "verysecret" not in shown


def test_webhooks_have_the_names_that_routes_use() -> None:
    """
    A webhook's name is the rest of its setting's, in lower case with hyphens.
    """
    environ = {"APIMEND_TEAMS_WEBHOOK": "https://a.example/1", "APIMEND_WEBHOOK_TEAM_A": "https://a.example/2"}

    assert Settings.load(environ).webhooks == {"teams": "https://a.example/1", "team-a": "https://a.example/2"}


def test_a_custom_cloud_is_read_whole() -> None:
    """
    A local Azure is a cloud like any other: endpoints, authorities and address come from settings.
    """
    expected = Cloud(
        name="custom",
        arm_url="https://localhost:8443",
        arm_audience="https://localhost:8443",
        login_url="https://login.microsoftonline.com",
        vault_suffix="vault.localhost:8443",
        vault_audience="https://vault.azure.net",
        gateway_suffix="azure-api.net",
        storage_suffix="core.windows.net",
        ca_file=Path("/tmp/ca.pem"),
        gateway_address="127.0.0.1:9443",
        verify_vault_domain=False,
    )

    assert expected == Settings.load(CUSTOM).cloud


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param(
            {"AzureWebJobsStorage__accountName": "stapimend", "APIMEND_CLOUD": "china"},
            AzureStorage(
                blob_url="https://stapimend.blob.core.chinacloudapi.cn",
                queue_url="https://stapimend.queue.core.chinacloudapi.cn",
                table_url="https://stapimend.table.core.chinacloudapi.cn",
            ),
            id="account name",
        ),
        pytest.param(
            {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
            AzureStorage(connection_string="UseDevelopmentStorage=true"),
            id="connection string",
        ),
        pytest.param(
            {
                "AzureWebJobsStorage__blobServiceUri": "https://a.example/",
                "AzureWebJobsStorage__queueServiceUri": "https://b.example",
                "AzureWebJobsStorage__tableServiceUri": "https://c.example",
                "AzureWebJobsStorage__clientId": TENANT,
            },
            AzureStorage(
                blob_url="https://a.example",
                queue_url="https://b.example",
                table_url="https://c.example",
                client_id=TENANT,
            ),
            id="URLs and identity",
        ),
    ],
)
def test_azure_storage_is_found_as_functions_find_it(environ: dict[str, str], expected: AzureStorage) -> None:
    """
    The account is taken from the settings that Azure Functions use for their own storage.
    """
    assert expected == Settings.load({"APIMEND_STORAGE": "azure", **environ}).storage


def test_an_undeclared_account_names_what_is_missing() -> None:
    """
    Azure storage with one URL only says which two are missing.
    """
    found = faults({"APIMEND_STORAGE": "azure", "AzureWebJobsStorage__blobServiceUri": "https://a.example"})

    assert found[0] == (
        "AzureWebJobsStorage: The storage account is not declared. Set AzureWebJobsStorage__accountName, "
        "AzureWebJobsStorage__queueServiceUri and AzureWebJobsStorage__tableServiceUri, "
        "or the connection string AzureWebJobsStorage."
    )


@given(st.dictionaries(st.sampled_from([s.name for s in SETTINGS]) | st.text().map("APIMEND_".__add__), st.text()))
def test_any_environment_is_settings_or_bad_input(environ: dict[str, str]) -> None:
    """
    Whatever stands in the environment, the answer is settings or a list of faults.
    """
    try:
        answer: object = Settings.load(environ)
    except BadInput as fault:
        answer = fault.faults

    assert answer


def test_the_page_lists_every_setting() -> None:
    """
    docs/settings.md has exactly the settings of the code, with their defaults and words.
    """
    rows = [f"| `{s.name}` | {f'`{s.default}`' if s.default else ''} | {s.about} |" for s in SETTINGS]

    assert rows == [line for line in DOCS.read_text().splitlines() if line.startswith("| `APIMEND")]
