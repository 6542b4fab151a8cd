"""
Instances that will not survive a bad day, or can't be brought back after one.

What it finds: retired platforms, tiers and zones that don't fit, missing backups, and backups that anybody can take.
Why it matters: what can't be restored is lost.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-disaster-recovery-backup-restore
"""

from collections.abc import Iterator
from datetime import timedelta

from apimend.model.features import CLASSIC
from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.posture.control import Control, Family
from apimend.posture.doubt import Beside, Unsure
from apimend.posture.estate import Estate
from apimend.posture.node import Node

_BACKUP_DAYS = 30
_BACKUP = "microsoft.apimanagement/service/backup/action"


def platform_retired(estate: Estate) -> Iterator[Evidence]:
    places = [estate.service.at("properties"), *estate.service.prop("additionalLocations").items]
    for place in places:
        version = place.at("platformVersion")
        if version.value is None:
            yield version.found(None, "stv2 or newer", "The platform is not shown.")
            continue
        old = version.word == "stv1"
        yield version.found(not old, "stv2 or newer", "stv1 lost support on 2024-08-31." if old else "")


def tier_unfit(estate: Estate) -> Iterator[Evidence]:
    if not estate.is_prod:
        raise Beside("It is not production.")
    sku = estate.service.at("sku", "name")
    fits = sku.word != "developer"
    yield sku.found(fits, "not Developer", "" if fits else "Developer has no SLA, and every update takes it down.")


def not_zone_redundant(estate: Estate) -> Iterator[Evidence]:
    service = estate.service
    if estate.tier.name not in CLASSIC:
        yield _redundant(estate.one("zones").prop("zoneRedundant"))
        return
    units, zones = service.at("sku", "capacity"), service.at("zones")
    enough = (units.number or 0) >= 2
    yield units.found(enough, "at least 2 units", "" if enough else "One unit is one zone.")
    if zones.value is None:
        yield zones.found(None, "two zones or more", "Zones are automatic on newer instances, and not shown.")
    else:
        several = len(zones.items) >= 2
        yield zones.found(several, "two zones or more", "" if several else "It lies in one zone.")
    for place in service.prop("additionalLocations").items:
        off = place.at("disableGateway")
        yield off.found(off.truth is not True, "not true", "A region's gateway is off." if off.truth else "")


def _redundant(switch: Node) -> Evidence:
    if switch.truth is None:
        return switch.found(None, "true", "Whether it lies in several zones is not shown.")
    return switch.found(switch.truth, "true", "" if switch.truth else "It lies in one zone.")


def no_recent_backup(estate: Estate) -> Iterator[Evidence]:
    since = estate.now - timedelta(days=_BACKUP_DAYS)
    home = estate.instance.key
    for row in estate.rows("changes"):
        about = row.at("resourceId").word
        name, status = row.at("operationName", "value").word, row.at("status", "value").word
        when = row.at("eventTimestamp")
        if about.startswith(home) and name == _BACKUP and status == "succeeded" and (when.moment or since) > since:
            yield when.found(True, f"within {_BACKUP_DAYS} days", "A backup was made.")
            return
    service, wanted = estate.service.at("id"), f"a backup within {_BACKUP_DAYS} days"
    yield service.found(False, wanted, "No backup was made lately.", attestable=True)


def backup_store_unprotected(estate: Estate) -> Iterator[Evidence]:
    wanted = estate.service.at("tags", "backup-account").word
    if not wanted:
        raise Beside("No backup account is declared (tag backup-account).")
    accounts = estate.of_type("stores", "microsoft.storage/storageaccounts")
    account = next((row for row in accounts if wanted in (row.subject.casefold(), row.name.casefold())), None)
    if account is None:
        raise Unsure(f"The storage account {wanted} can't be seen.")
    shut = account.prop("publicNetworkAccess").word == "disabled"
    acls = account.prop("networkAcls", "defaultAction")
    shut = shut or acls.word == "deny"
    yield acls.found(shut, "Deny", "" if shut else "Every network reaches the backups.")
    for name, why in (
        ("allowBlobPublicAccess", "Containers can be public."),
        ("allowSharedKeyAccess", "Account keys open the backups."),
    ):
        switch = account.prop(name)
        off = switch.truth is False
        yield switch.found(off, "false", "" if off else why)
    tls = account.prop("minimumTlsVersion")
    new = tls.word >= "tls1_2"
    yield tls.found(new, "TLS1_2", "" if new else "Old TLS is taken.")


CONTROLS = (
    Control(
        id="C5",
        name="platform_retired",
        family=Family.OPERATION,
        title="The platform is retired",
        severity=Severity.CRITICAL,
        needs=("service",),
        why="stv1 lost support on 2024-08-31 and is being shut down.",
        mend="Migrate to stv2.",
        limits="`undetermined` is normal on the v2 tiers.",
        mcsb="PV-2, AM-2",
        policy="1dc2fc00-2245-4143-99f4-874c937f13ef",
        others="APRL e35cf148",
        judge=platform_retired,
    ),
    Control(
        id="C6",
        name="tier_unfit",
        family=Family.OPERATION,
        title="The tier is not made for production",
        severity=Severity.HIGH,
        needs=("service",),
        why="No SLA, and every update takes the gateway down.",
        mend="Basic or above.",
        mcsb="BR-1",
        others="APRL baf3bfc0, azqr apim-003",
        judge=tier_unfit,
    ),
    Control(
        id="C7",
        name="not_zone_redundant",
        family=Family.OPERATION,
        title="One zone's failure stops the gateway",
        severity=Severity.MEDIUM,
        needs=("service", "zones"),
        feature="zones",
        why="A zone fails now and then.",
        mend="Automatic zones, two units, a second region.",
        limits="Null zones mean automatic zones on new instances: unknown. The v2 tiers say it in the api-version "
        "2025-09-01-preview only, which is read for them.",
        mcsb="BR-1",
        policy="42daa904-5969-47ef-92cb-b75df946195a",
        psrule="AZR-000052, AZR-000340, AZR-000341",
        others="APRL 740f2c1c, APRL af4f88cb",
        judge=not_zone_redundant,
    ),
    Control(
        id="C10",
        name="no_recent_backup",
        family=Family.OPERATION,
        title="There is no recent backup",
        severity=Severity.MEDIUM,
        needs=("service", "changes"),
        feature="backup",
        attested_by="A11",
        why="A deleted or broken configuration can't be brought back.",
        mend="Schedule backups with a managed identity, or attest A11.",
        limits="A backup lapses after 30 days and has no certificates, portal content or network settings in it.",
        mcsb="BR-1, BR-3",
        judge=no_recent_backup,
    ),
    Control(
        id="C11",
        name="backup_store_unprotected",
        family=Family.OPERATION,
        title="The backups are not protected",
        severity=Severity.MEDIUM,
        needs=("service", "stores"),
        why="A backup holds every secret of the instance.",
        mend="Lock the account down: network, keys, public access, TLS.",
        limits="Only where the tag backup-account names it. Soft delete and immutability are not read.",
        mcsb="BR-2",
        policy="8c6a50c6",
        judge=backup_store_unprotected,
    ),
)
