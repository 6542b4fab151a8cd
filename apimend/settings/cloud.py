"""
Which Azure we speak to: endpoints and audiences as one value, with presets. A local Azure is one more of them.
"""

from dataclasses import dataclass
from pathlib import Path

from apimend.settings.environment import Environment
from apimend.settings.names import SETTINGS


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """
    One Azure. Audiences and URLs have no slash at the end; a vault's host is `{name}.{vault_suffix}`.

    `ca_file` is trusted besides the system's authorities. `gateway_address` is a `host:port` to connect to instead
    of resolving gateway hosts. `verify_vault_domain` is for the vault client's check of the challenge.
    """

    name: str
    arm_url: str
    arm_audience: str
    login_url: str
    vault_suffix: str
    vault_audience: str
    gateway_suffix: str
    storage_suffix: str
    ca_file: Path | None = None
    gateway_address: str | None = None
    verify_vault_domain: bool = True


PRESETS = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            name="public",
            arm_url="https://management.azure.com",
            arm_audience="https://management.azure.com",
            login_url="https://login.microsoftonline.com",
            vault_suffix="vault.azure.net",
            vault_audience="https://vault.azure.net",
            gateway_suffix="azure-api.net",
            storage_suffix="core.windows.net",
        ),
        Cloud(
            name="usgovernment",
            arm_url="https://management.usgovcloudapi.net",
            arm_audience="https://management.core.usgovcloudapi.net",
            login_url="https://login.microsoftonline.us",
            vault_suffix="vault.usgovcloudapi.net",
            vault_audience="https://vault.usgovcloudapi.net",
            gateway_suffix="azure-api.us",
            storage_suffix="core.usgovcloudapi.net",
        ),
        Cloud(
            name="china",
            arm_url="https://management.chinacloudapi.cn",
            arm_audience="https://management.chinacloudapi.cn",
            login_url="https://login.chinacloudapi.cn",
            vault_suffix="vault.azure.cn",
            vault_audience="https://vault.azure.cn",
            gateway_suffix="azure-api.cn",
            storage_suffix="core.chinacloudapi.cn",
        ),
    )
}


def read_cloud(env: Environment) -> Cloud:
    """The declared cloud; a setting that only counts with `custom` is a fault beside a preset."""
    name = env.choice("APIMEND_CLOUD", (*PRESETS, "custom"))
    if name == "custom":
        return _custom(env)
    for setting in SETTINGS:
        if setting.custom and env.is_set(setting.name):
            env.fault(setting.name, "It only counts with APIMEND_CLOUD=custom.", "Remove it, or set APIMEND_CLOUD.")
    return PRESETS.get(name, PRESETS["public"])


def _custom(env: Environment) -> Cloud:
    arm_url = env.url("APIMEND_ARM_URL", required=True)
    ca_file = env.text("APIMEND_CA_FILE")
    return Cloud(
        name="custom",
        arm_url=arm_url,
        arm_audience=env.url("APIMEND_ARM_AUDIENCE") or arm_url,
        login_url=env.url("APIMEND_LOGIN_URL"),
        vault_suffix=env.text("APIMEND_VAULT_SUFFIX", required=True).strip("."),
        vault_audience=env.url("APIMEND_VAULT_AUDIENCE"),
        gateway_suffix=env.text("APIMEND_GATEWAY_SUFFIX").strip("."),
        storage_suffix=env.text("APIMEND_STORAGE_SUFFIX").strip("."),
        ca_file=Path(ca_file) if ca_file else None,
        gateway_address=env.address("APIMEND_GATEWAY_ADDRESS"),
        verify_vault_domain=env.choice("APIMEND_VERIFY_VAULT_DOMAIN", ("true", "false")) == "true",
    )
