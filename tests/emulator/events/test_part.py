"""
Event Grid inside a local Azure: what happens over HTTP becomes an event, and what is published is kept.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent
from azure.eventgrid.aio import EventGridPublisherClient

from emulator.azure import LocalAzure
from emulator.events import EventGrid, Schema
from emulator.tenant import load_tenant
from emulator.tenants import SMALL
from tests.emulator.events.grid_harness import Clock, on_bench

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-apim-dev/providers"
SERVICE = f"{GROUP}/Microsoft.ApiManagement/service/contoso-dev"
VAULT = f"{GROUP}/Microsoft.KeyVault/vaults/kv-contoso-dev"
POLICY = {"properties": {"format": "rawxml", "value": "<policies><inbound><base /></inbound></policies>"}}


@dataclass
class Site:
    """
    A local Azure with Event Grid, and a client for its ARM.
    """

    azure: LocalAzure
    grid: EventGrid
    clock: Clock
    session: aiohttp.ClientSession
    heard: list[dict[str, Any]]

    async def arm(self, method: str, path: str, body: Any = None) -> int:
        token = self.azure.identity.token("https://management.azure.com")
        headers = {"Authorization": f"Bearer {token}", "x-ms-client-request-id": "mine"}
        url = f"{self.azure.endpoints.arm}{path}?api-version=2024-05-01"
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def settle(self) -> None:
        while (due := self.azure.next_due()) is not None:
            self.clock.moment = max(due, self.clock.moment)
            await self.azure.advance()


def on_site(test: Callable[[Site], Awaitable[None]], *, source: str = "*", roles: Any = ()) -> None:
    content = load_tenant(SMALL).content
    tenant = {**content, "roles": [*content["roles"], *roles]}

    async def run(bench: Any) -> None:
        clock = bench.clock
        async with LocalAzure(tenant, now=clock.now, parts=[EventGrid]) as azure:
            tls = ssl.create_default_context(cafile=azure.ca_file)
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
                grid = azure.part(EventGrid)
                site = Site(azure, grid, clock, session, [])
                await grid.subscribe(bench.webhook.url, source=source)
                await test(site)
                await site.settle()
                site.heard += [one for call in bench.webhook.received for one in call.body]

    on_bench(run)


def heard_after(*calls: tuple[str, str, Any], source: str = "arm", roles: Any = ()) -> list[dict[str, Any]]:
    """
    The events that reach a subscriber after some ARM calls.
    """
    sites: list[Site] = []

    async def test(site: Site) -> None:
        sites.append(site)
        for method, path, body in calls:
            await site.arm(method, path, body)

    on_site(test, source=source, roles=roles)
    return sites[0].heard


def test_a_write_is_told() -> None:
    """
    A policy that is put over HTTP arrives at the subscriber, with the caller and its request id.
    """
    policy = f"{SERVICE}/apis/orders/policies/policy"
    (event,) = heard_after(("PUT", policy, POLICY))

    assert (
        "Microsoft.Resources.ResourceWriteSuccess",
        policy,
        "Microsoft.ApiManagement/service/apis/policies/write",
        "77777777-7777-7777-7777-777777777777",
        "mine",
    ) == (
        event["eventType"],
        event["subject"],
        event["data"]["operationName"],
        event["data"]["claims"]["appid"],
        event["data"]["httpRequest"]["clientRequestId"],
    )


def test_a_deployment_is_told_beside_what_it_writes() -> None:
    """
    Templates are not run here, but a deployment that is put raises its own events among those of the resources.
    """
    deployment = f"{GROUP}/Microsoft.Resources/deployments/release-7"
    parts = {"properties": {"mode": "Incremental", "template": {}}}
    policy = f"{SERVICE}/apis/orders/policies/policy"
    events = heard_after(("PUT", deployment, parts), ("PUT", policy, POLICY), ("PUT", deployment, parts))

    assert [
        "Microsoft.Resources/deployments/write",
        "Microsoft.ApiManagement/service/apis/policies/write",
        "Microsoft.Resources/deployments/write",
    ] == [event["data"]["operationName"] for event in events]


def test_the_role_behind_a_write_is_told() -> None:
    """
    The evidence names the assignment that let the caller write; a caller without one shows a role only.
    """
    policy = f"{SERVICE}/apis/orders/policies/policy"
    roles = [{"principal": "apimend", "role": "Contributor", "scope": "subscription"}]
    (named,) = heard_after(("PUT", policy, POLICY), roles=roles)
    (bare,) = heard_after(("PUT", policy, POLICY))
    evidence = named["data"]["authorization"]["evidence"]

    assert ("Contributor", "66666666666666666666666666666666", "ServicePrincipal") == (
        evidence["role"],
        evidence["principalId"],
        evidence["principalType"],
    )
    assert {"role"} == set(bare["data"]["authorization"]["evidence"])


def test_a_creation_is_told_without_its_request() -> None:
    """
    The event of something new has no httpRequest.
    """
    (event,) = heard_after(("PUT", f"{SERVICE}/apis/echo/policies/policy", POLICY))

    assert "httpRequest" not in event["data"]


def test_reading_is_not_told() -> None:
    """
    A GET raises nothing.
    """
    assert [] == heard_after(("GET", SERVICE, None))


def test_a_service_update_is_told_when_it_ends() -> None:
    """
    A long-running PATCH is told once, with the service as its subject.
    """
    body = {"properties": {"publisherName": "Contoso Ltd"}}
    (event,) = heard_after(("PATCH", SERVICE, body))

    assert (SERVICE, "PATCH") == (event["subject"], event["data"]["httpRequest"]["method"])


def test_an_api_is_told_by_its_instance_too() -> None:
    """
    The instance's own topic tells of APIs, products and gateways.
    """
    body = {"properties": {"displayName": "New", "path": "new", "protocols": ["https"]}}
    (event,) = heard_after(("PUT", f"{SERVICE}/apis/new", body), source=SERVICE)

    assert ("Microsoft.ApiManagement.APICreated", "/apis/new") == (event["eventType"], event["subject"])


def test_a_new_certificate_version_is_told_by_the_vault() -> None:
    """
    The vault's topic tells of a new version.
    """
    sites: list[Site] = []

    async def test(site: Site) -> None:
        sites.append(site)
        site.azure.vaults.put("kv-contoso-dev", "partner-a", site.azure.certificate("partner-a"))

    on_site(test, source=VAULT)
    (event,) = sites[0].heard

    assert ("Microsoft.KeyVault.CertificateNewVersionCreated", "partner-a") == (event["eventType"], event["subject"])


def test_time_is_told_by_the_vault() -> None:
    """
    When the clock passes a certificate's last thirty days and its end, the vault tells of both.
    """
    sites: list[Site] = []

    async def test(site: Site) -> None:
        sites.append(site)
        site.clock.tick(days=340)
        await site.azure.advance()
        site.clock.tick(days=40)
        await site.azure.advance()

    on_site(test, source="vault")

    assert ["Microsoft.KeyVault.CertificateNearExpiry", "Microsoft.KeyVault.CertificateExpired"] == [
        event["eventType"] for event in sites[0].heard
    ]


class Credential:
    """
    A token as azure-identity would get it.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        return AccessToken(self._token, 4102444800)

    async def close(self) -> None:
        """
        Nothing is held.
        """

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def publish(site: Site, events: Any, *, audience: str = "https://eventgrid.azure.net") -> None:
    credential = Credential(site.azure.identity.token(audience))
    client = EventGridPublisherClient(
        site.azure.endpoints.topic, credential, connection_verify=site.azure.ca_file, retry_total=0
    )
    async with client:
        await client.send(events)


EVENT = EventGridEvent(subject="/x", event_type="Apimend.Planned", data={"a": 1}, data_version="1")
CLOUD = CloudEvent(source="/x", type="Apimend.Planned", data={"a": 1})


@pytest.mark.parametrize(
    ("events", "schema", "count"),
    [
        pytest.param(EVENT, Schema.EVENT_GRID, 1, id="event grid"),
        pytest.param([EVENT, EVENT], Schema.EVENT_GRID, 2, id="two"),
        pytest.param(CLOUD, Schema.CLOUD_EVENTS, 1, id="cloud event"),
    ],
)
def test_the_official_publisher_works(events: Any, schema: Schema, count: int) -> None:
    """
    azure-eventgrid's client publishes to the custom topic in both schemas, with an Entra token.
    """

    async def test(site: Site) -> None:
        await publish(site, events)

        assert [(schema, "Apimend.Planned", {"a": 1})] * count == [
            (one.schema, one.type, one.body["data"]) for one in site.grid.topic.published
        ]

    on_site(test)


def test_published_events_reach_the_topics_subscribers() -> None:
    """
    What is published can be subscribed to.
    """
    sites: list[Site] = []

    async def test(site: Site) -> None:
        sites.append(site)
        await publish(site, CLOUD)

    on_site(test, source="topic")

    assert ["Apimend.Planned"] == [event["eventType"] for event in sites[0].heard]


def test_a_token_for_somewhere_else_is_refused() -> None:
    """
    The topic answers 401 to a token that isn't for Event Grid.
    """

    async def test(site: Site) -> None:
        with pytest.raises(ClientAuthenticationError):
            await publish(site, EVENT, audience="https://management.azure.com")

    on_site(test)


def test_too_much_at_once_is_refused() -> None:
    """
    The topic answers 413 above one megabyte.
    """

    async def test(site: Site) -> None:
        headers = {"content-type": "application/json", "aeg-sas-key": "key"}
        url = f"{site.azure.endpoints.topic}?api-version=2018-01-01"
        async with site.session.post(url, data=BytesIO(b" " * ((1 << 20) + 1)), headers=headers) as answer:
            assert 413 == answer.status

    on_site(test)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        pytest.param("application/json", b"{}", 400, id="no list"),
        pytest.param("application/json", b"[{]", 400, id="no json"),
        pytest.param("application/json", b'[{"id": "1"}]', 400, id="members missing"),
        pytest.param("text/plain", b"[]", 415, id="content type"),
        pytest.param(
            "application/cloudevents+json", b'{"id":"1","source":"/x","type":"t","specversion":"0.3"}', 400, id="0.3"
        ),
        pytest.param(
            "application/cloudevents+json",
            b'{"id":"1","source":"/x","type":"t","specversion":"1.0","time":"noon"}',
            400,
            id="time",
        ),
        pytest.param(
            "application/cloudevents+json", b'{"id":"1","source":"/x","type":"t","specversion":"1.0"}', 200, id="good"
        ),
    ],
)
def test_the_topic_checks_the_envelope(content_type: str, body: bytes, status: int) -> None:
    """
    A body that is no proper event is refused with the reason, and nothing of it is kept.
    """

    async def test(site: Site) -> None:
        headers = {"content-type": content_type, "aeg-sas-key": "key"}
        url = f"{site.azure.endpoints.topic}?api-version=2018-01-01"
        async with site.session.post(url, data=body, headers=headers) as answer:
            assert (status, status == 200) == (answer.status, bool(site.grid.topic.published))

    on_site(test)


async def control(site: Site, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    url = f"{site.azure.endpoints.control}/events{path}"
    async with site.session.request(method, url, json=body) as answer:
        text = await answer.text()
        return answer.status, await answer.json() if text.startswith("{") else text


def test_subscriptions_can_be_made_over_http() -> None:
    """
    Somebody outside the process subscribes with one PUT; the key in the URL is not shown again.
    """

    async def test(site: Site) -> None:
        url = site.grid.hub.dispatcher.subscriptions["subscription-1"][0].url
        form = {"destination": {"endpointUrl": url}, "eventDeliverySchema": "CloudEventSchemaV1_0"}
        created, shown = await control(site, "PUT", "/subscriptions/outside", form)
        _, listed = await control(site, "GET", "/subscriptions")
        deleted, _ = await control(site, "DELETE", "/subscriptions/outside")

        assert (201, "Succeeded", 2, 200) == (created, shown["provisioningState"], len(listed["value"]), deleted)
        assert "code=key" not in str(listed)

    on_site(test)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("PUT", "/subscriptions/x", {}, id="no destination"),
        pytest.param("PUT", "/subscriptions/x", {"destination": {"endpointUrl": "http://127.0.0.1:9"}}, id="nobody"),
        pytest.param("PUT", "/subscriptions/x", [], id="no object"),
        pytest.param("POST", "/raise", {"topic": "x"}, id="half an event"),
        pytest.param("GET", "/validate/subscription-1?code=wrong", None, id="wrong code"),
    ],
)
def test_bad_control_calls_are_refused(method: str, path: str, body: Any) -> None:
    """
    A call that can't be understood is answered 400 with the reason.
    """

    async def test(site: Site) -> None:
        status, answer = await control(site, method, path, body)

        assert (400, True) == (status, bool(answer["error"]["message"]))

    on_site(test)


def test_any_event_can_be_raised_over_http() -> None:
    """
    Somebody outside raises an event of his own making, late and twice.
    """
    sites: list[Site] = []

    async def test(site: Site) -> None:
        sites.append(site)
        await control(site, "PUT", "/mischief", {"copies": 2, "delaySeconds": 60})
        form = {"topic": "/subscriptions/s", "subject": "/x", "eventType": "Microsoft.Resources.ResourceWriteCancel"}
        await control(site, "POST", "/raise", form)
        assert timedelta(seconds=60) == (site.azure.next_due() or site.clock.now()) - site.clock.now()

    on_site(test)

    assert ["Microsoft.Resources.ResourceWriteCancel"] * 2 == [one["eventType"] for one in sites[0].heard]
