"""
What only a real instance can tell: each open question with the option that answers it, the answers that are played, and
what Apimend does under each.

The scenarios run the product: an app in its host against a local Azure with that answer. `test_questions` plays them
all, and holds that no option and no open question is missing here; `document` writes the table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from apimend.model.runs import OrderKind
from demo.world import TENANTS, open_world
from emulator import Lag, Options, Polling, Throttle, Uploaded
from emulator.tenant import Tenant, load_tenant
from tests.certificates import conftest as estate
from tests.certificates import test_backends as backends
from tests.certificates import test_trust as trust
from tests.certificates import test_vault_access as vaults
from tests.engine import conftest as orders
from tests.engine.test_orders import last_with
from tests.job import conftest as job
from tests.job import test_tiers as tiers
from tests.job.test_invariants import statuses

Scenario = Callable[[Options], Awaitable[Any]]
ALLOWED_ONLY = (401, 401, 200)
"""Nobody without a certificate, no stranger, the declared client."""
EVERYBODY = (200, 200, 200)


@dataclass(frozen=True, kw_only=True)
class Question:
    """
    One question. `answers` has for each answer what the scenario has to end with; `asked` False says that Apimend's
    doings never depend on it, which is played as well.
    """

    option: str
    scenario: Scenario
    answers: Mapping[Any, Any]
    facts: str = ""
    asked: bool = True
    means: str


async def enforcing(options: Options) -> Any:
    """From the first event to the enforced check on a Developer instance: what three callers get."""
    async with job.opened(options=options) as world:
        await job.touch(world)
        await world.settle(3600)
        return await statuses(world)


async def in_vain(options: Options) -> Any:
    """The same, with the codes of the last run and the number of updates sent."""
    async with job.opened(options=options) as world:
        mark = world.mark()
        await job.touch(world)
        await world.settle(8 * 3600)
        _, run = await world.http("GET", (await world.runs())[0]["detail"])
        updates = [entry for entry in world.writes(mark) if entry.method == "PATCH"]
        return await statuses(world), sorted(tiers.codes(run)), len(updates)


async def undoing(options: Options) -> Any:
    """Everything that was done is taken back in order: check, certificate; what is left of them."""
    async with orders.opened(options=options) as world:
        await job.touch(world)
        policy = await last_with(world, "policy")
        certificate = await last_with(world, "certificate")
        for run in (certificate, policy, certificate):
            await orders.order(world, OrderKind.UNDO, run=run)
        left = await world.arm("GET", f"{job.INSTANCE}/certificates")
        return await orders.checks(world), len(left["value"])


async def failing(options: Options) -> Any:
    """The first update ends badly: what callers get later, and what is told meanwhile."""
    async with job.opened(options=options) as world:
        world.azure.provider.operations.fail_next(job.INSTANCE)
        await world.arm("PATCH", job.INSTANCE, {"tags": {"touched": "now"}})
        await world.settle(40 * 60)
        _, run = await world.http("GET", (await world.runs())[0]["detail"])
        await world.settle(40 * 60)
        return await statuses(world), sorted(tiers.codes(run))


async def on_v2(options: Options) -> Any:
    """The main job on Standard v2."""
    async with tiers.opened("contoso-partners", options=options) as world:
        await tiers.replayed(world, tiers.PARTNERS)
        host = "contoso-partners.azure-api.net"
        return tuple(
            [
                (await world.call(host, "/offers/1", certificate=who, headers=tiers.TRAVEL_KEY)).status
                for who in ("", "stranger", "allowed-client")
            ]
        )


async def resending(options: Options) -> Any:
    """An instance with an uploaded host certificate, where sending it back is declared: does it ask afterwards?"""
    async with tiers.opened("contoso-prod", "    uploadedCertificates: resend\n", options) as world:
        await tiers.replayed(world, tiers.PRODUCTION)
        return await _asks(world, tiers.PRODUCTION)


async def with_a_managed_host(options: Options) -> Any:
    """The same with a certificate that Azure manages."""
    content = dict(load_tenant(TENANTS / "small.yaml").content)
    content["services"] = [{**content["services"][0], "hostnames": [{"host": "free.contoso.com", "managed": True}]}]
    text = job.desired(more="    uploadedCertificates: resend\n")
    async with open_world(Tenant.of(content), desired=text, options=options) as world:
        await job.touch(world)
        return await _asks(world, job.INSTANCE)


async def _asks(world: Any, instance: str) -> bool:
    hosts = (await world.arm("GET", instance))["properties"]["hostnameConfigurations"]
    return any(one["negotiateClientCertificate"] for one in hosts)


async def to_a_backend(options: Options) -> Any:
    """A backend gets a certificate: what its partner answers, and once the owner took the snippet."""
    async with estate.opened(estate.desired(backends.SAID), alter=backends.unchecked, options=options) as world:
        await estate.look(world)
        before = await backends.status(world)
        changes = (await estate.asked(world))["changes"]
        snippet = next(change["handOff"] for change in changes if change["kind"] == "backend").splitlines()[-1]
        await backends._put_into_policy(world, snippet)
        return before, await backends.status(world)


async def trusting_on_v2(options: Options) -> Any:
    """A CA certificate is declared for a v2 instance: what is told, and what is written."""
    alter = trust.holding(sku="StandardV2")
    async with estate.opened(estate.desired(), alter=alter, options=options) as world:
        mark = world.mark()
        run = await trust.declare(world, root="Root")
        return estate.told(run, by=trust.RULE), len(world.writes(mark))


async def refused_by_a_vault(options: Options) -> Any:
    """The service could not fetch a certificate, as its lastStatus says: how grave the finding is."""
    text = estate.desired("certificates: [partner]", mode="report")
    async with estate.opened(text, alter=vaults.refused, options=options) as world:
        run = await estate.look(world)
        return next(one["severity"] for one in run["findings"] if one["code"] == vaults.RULE)


async def attaching_what_is_elliptic(options: Options) -> Any:
    """A certificate with an EC key is declared: what is written."""
    async with estate.opened(estate.desired("certificates: [elliptic]"), options=options) as world:
        mark = world.mark()
        await estate.look(world)
        return len(world.writes(mark))


async def with_workspaces(options: Options) -> Any:
    """A look at an instance with workspaces: what is written below one."""
    async with tiers.opened("contoso-prod", options=options) as world:
        mark = world.mark()
        await tiers.replayed(world, tiers.PRODUCTION)
        return [entry.path for entry in world.writes(mark) if "/workspaces/" in entry.path]


def alike(*answers: Any, end: Any = ALLOWED_ONLY) -> dict[Any, Any]:
    """Every answer ends alike."""
    return dict.fromkeys(answers, end)


J, M = "apim.md J: ", "rules.md [M]: "
QUESTIONS = (
    Question(
        facts=J + 'Is PATCH with `certificateSource:"Custom"`',
        option="uploaded_certificates",
        scenario=resending,
        answers={Uploaded.ACCEPT: True, Uploaded.REFUSE: False},
        means="sent back only where declared; refused, nothing has changed",
    ),
    Question(
        facts=J + "Status and LastError of validate-client-certificate failures per tier",
        option="invalid_certificate_status",
        scenario=enforcing,
        answers={401: ALLOWED_ONLY, 403: (403, 403, 200)},
        means="callers see it, Apimend doesn't depend on it",
    ),
    Question(
        facts=J + "Status and LastError of validate-client-certificate failures per tier",
        option="invalid_certificate_reason",
        scenario=enforcing,
        answers=alike("ClientCertificateInvalid", "CertificateNotTrusted"),
        means="nothing depends on it",
    ),
    Question(
        facts=J + "unknown-reference error text",
        option="check_references",
        scenario=enforcing,
        answers=alike(True, False),
        means="certificates are attached before a policy names them, and no text is read",
    ),
    Question(
        facts=J + "delete-in-use text",
        option="certificate_in_use_status",
        scenario=undoing,
        answers=alike(400, 409, None, end=("nothing", 0)),
        means="nothing is deleted that a policy, backend or gateway names (R4)",
    ),
    Question(
        facts=J + "lastStatus failure codes",
        option="failed_status_code",
        scenario=refused_by_a_vault,
        answers=alike("AccessDenied", "Forbidden", "SomethingElse", end="high"),
        means="any code but Success is a failure",
    ),
    Question(
        facts=J + "Does backend `certificateIds` work without authentication-certificate",
        option="backend_certificates_suffice",
        scenario=to_a_backend,
        answers={True: (200, 200), False: (403, 200)},
        means="the policy's author is handed the element that then works",
    ),
    Question(
        facts=J + "CA certificates and validate-trust on v2",
        option="ca_certificates_on_v2",
        scenario=trusting_on_v2,
        answers=alike(False, True, end=(["ca_store_unsupported"], 0)),
        asked=False,
        means="nothing is written there, and trust is not relied on",
    ),
    Question(
        facts=J + "Key Vault certificates in workspaces",
        option="workspace_key_vault",
        scenario=with_workspaces,
        answers=alike(False, True, end=[]),
        asked=False,
        means="nothing is written below a workspace",
    ),
    Question(
        facts=J + "APIM provider's own rate limits",
        option="management",
        scenario=enforcing,
        answers=alike(None, Throttle(size=20, per_second=1)),
        means="429 is waited for, and the visit rings again",
    ),
    Question(
        facts=J + "header style (Location only or both)",
        option="polling",
        scenario=enforcing,
        answers=alike(*Polling, None),
        means="operations are not polled; the resource is read again",
    ),
    Question(
        facts=J + "duration on v2/Consumption",
        option="update_duration_v2",
        scenario=on_v2,
        answers=alike(timedelta(seconds=20), timedelta(minutes=5), timedelta(minutes=45)),
        means="a visit waits for no update",
    ),
    Question(
        facts=M + "certificates are read with *Key Vault Reader* [M]",
        option="vault_reader_reads_certificates",
        scenario=enforcing,
        answers=alike(True, False),
        means="unread is unknown; what the service has attached is read from the service",
    ),
    Question(
        option="managed_certificates",
        scenario=with_a_managed_host,
        answers={Uploaded.ACCEPT: True, Uploaded.REFUSE: False},
        means="sent back only where declared; refused, nothing has changed",
    ),
    Question(
        option="negotiate_on_default_host",
        scenario=in_vain,
        answers={True: (ALLOWED_ONLY, [], 1), False: (EVERYBODY, ["fight_detected"], 3)},
        means="given up after three rounds, with a finding; no check goes in, nobody is locked out",
    ),
    Question(
        option="negotiate_on_regional_hosts",
        scenario=enforcing,
        answers=alike(True, False),
        means="judged by a probe or a declaration (R1)",
    ),
    Question(
        option="custom_properties_reset",
        scenario=enforcing,
        answers=alike(False, True),
        asked=False,
        means="no PATCH carries customProperties",
    ),
    Question(
        option="ec_certificate_breaks",
        scenario=attaching_what_is_elliptic,
        answers=alike(True, False, end=0),
        asked=False,
        means="a certificate with an EC key is never sent",
    ),
    Question(
        option="state_after_failed_update",
        scenario=failing,
        answers={"Succeeded": (ALLOWED_ONLY, ["update_failed"]), "Failed": (EVERYBODY, ["update_failed"])},
        means="the failure is told and the update sent again, but not while Azure shows the service itself as failed",
    ),
    Question(
        option="tags_update_is_long",
        scenario=enforcing,
        answers=alike(False, True),
        means="busy is busy, whoever began it",
    ),
    Question(
        option="all_policies",
        scenario=enforcing,
        answers=alike(*Lag),
        means="the list is never the only source",
    ),
    Question(
        option="unescape_expressions",
        scenario=enforcing,
        answers=alike(False, True),
        means="documents are compared after normalising",
    ),
    Question(
        option="delete_without_if_match",
        scenario=undoing,
        answers=alike(True, False, end=("nothing", 0)),
        means="every DELETE carries the etag",
    ),
    Question(
        option="put_without_if_match",
        scenario=enforcing,
        answers=alike(True, False),
        means="every PUT over something carries the etag",
    ),
    Question(
        option="list_revisions",
        scenario=enforcing,
        answers=alike(False, True),
        means="revisions are known by their ids",
    ),
    Question(
        option="mixed_case",
        scenario=enforcing,
        answers=alike(False, True),
        means="ids are compared without case",
    ),
    Question(
        option="consistency_lag",
        scenario=enforcing,
        answers=alike(timedelta(0), timedelta(seconds=45)),
        means="what was written is looked at by a later visit",
    ),
    Question(
        option="list_lag",
        scenario=enforcing,
        answers=alike(timedelta(0), timedelta(minutes=10)),
        means="so is what a list doesn't show yet",
    ),
    Question(
        option="sent_issuers_help",
        scenario=enforcing,
        answers=alike(False, True),
        means="clients are pinned where the chain is not checked (R11)",
    ),
)
"""In the order of the facts; those without one are switches of ours for what no recording shows."""

ELSEWHERE: Mapping[str, str] = {
    "authentication_certificate_works": "tests/emulator/gateway/test_backends.py",
    "keys_count_where_not_required": "tests/conformance/test_questions.py",
    "missing_inbound_inherits": "tests/agreement/test_agreement.py",
    "public_clients_trusted": "tests/agreement/test_trust.py",
}
"""Questions about what a gateway does, which are played where verdicts are compared with calls."""

KNOBS = frozenset(
    """
    port plain_port gateway_port update_duration create_duration delete_duration child_duration retry_after soft_delete
    rotation_delay role_propagation page_size graph_page_size old_versions reads writes deletes check_tokens
    enforce_roles seed
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Options that ask nothing of Azure: sizes, durations, places."""
