"""
The desired state's language as models: every key there is, and what may stand behind it.

The loader validates with them, the JSON Schema is made of them, and the descriptions are what editors show. Nothing
here decides what wins where several entries match.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from apimend.documents.values import (
    Guid,
    Guids,
    HeaderName,
    Host,
    Line,
    Moment,
    Name,
    ObjectName,
    Patterns,
    Pem,
    Rule,
    Scope,
    Skus,
    TagValues,
    Thumbprint,
    TimeOfDay,
    Truth,
    UrlPath,
    VaultName,
    Whole,
    Zone,
    refused,
)

ModeWord = Literal["report", "ask", "enforce"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SeverityWord = Literal["info", "low", "medium", "high", "critical"]
HostWord = Literal["negotiates", "plain"]


class Model(BaseModel):
    """What all parts of the language share: no key that isn't known, names in camelCase, no guessing of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel, defer_build=True)


class Match(Model):
    """Which instances an entry is for. All keys that are given must hold; of a list, one."""

    management_group: Patterns | None = Field(None, description="Names of management groups above the instance.")
    subscription: Guids | None = Field(None, description="Subscription ids.")
    resource_group: Patterns | None = Field(None, description="Names of resource groups; * and ? are wildcards.")
    name: Patterns | None = Field(None, description="Names of instances; * and ? are wildcards.")
    tags: dict[str, TagValues] | None = Field(None, description="Tags and their values; * stands for any value.")
    sku: Skus | None = Field(None, description="Tiers.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set or self.tags == {}:
            raise refused("It selects nothing.", 'Write name: "*" for every instance.')
        return self


class CertificateEntry(Model):
    """A certificate in Key Vault, named once and used by this name everywhere below."""

    vault: VaultName = Field(description="The vault's short name.")
    certificate: ObjectName = Field(description="The certificate's name in the vault. Never a version.")
    id: Name | None = Field(None, description="The name it gets on the instance. Without it: the name used here.")
    identity: Guid | None = Field(None, description="Client id of the user-assigned identity that fetches it.")


class ClientEntry(Model):
    """A caller who can be let in: known by a certificate in Key Vault, in PEM, or by a thumbprint."""

    certificate: Name | None = Field(None, description="A name from certificates.")
    pem: Pem | None = Field(None, description="The certificate itself. Never with its key.")
    thumbprint: Thumbprint | None = Field(None, description="The SHA-1 thumbprint of the certificate.")
    also: list[Thumbprint] = Field(default=[], description="Thumbprints accepted besides, during a rotation.")
    retired: list[Thumbprint] = Field(
        default=[], description="Thumbprints that nobody shows any more: given up before they expire."
    )

    @model_validator(mode="after")
    def _known_by_one_thing(self) -> Self:
        if 1 != sum(value is not None for value in (self.certificate, self.pem, self.thumbprint)):
            raise refused("A client is known by one thing.", "Write one of certificate, pem and thumbprint.")
        return self


class AuthorityEntry(Model):
    """A certificate authority that instances can be told to trust."""

    store: Literal["Root", "CertificateAuthority"] = Field("Root", description="Root, or intermediate.")
    certificate: Name | None = Field(None, description="A name from certificates.")
    pem: Pem | None = Field(None, description="The certificate itself.")

    @model_validator(mode="after")
    def _known_by_one_thing(self) -> Self:
        if (self.certificate is None) == (self.pem is None):
            raise refused("An authority is known by one thing.", "Write one of certificate and pem.")
        return self


class Identity(Model):
    """One identity of the check: every claim that is given must hold."""

    thumbprint: Thumbprint | None = Field(None, description="SHA-1 thumbprint of the client's certificate.")
    serial_number: Line | None = Field(None, description="Its serial number.")
    common_name: Line | None = Field(None, description="The CN of its subject.")
    subject: Line | None = Field(None, description='Its subject, as .NET writes it: CN=a, O="Contoso, Inc.".')
    dns_name: Line | None = Field(None, description="A DNS name in it.")
    issuer_subject: Line | None = Field(None, description="The issuer's subject, as .NET writes it.")
    issuer_thumbprint: Thumbprint | None = Field(None, description="The issuer's SHA-1 thumbprint.")
    issuer_certificate_id: Name | None = Field(None, description="A CA certificate of the instance, by its name there.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.model_fields_set:
            raise refused("It claims nothing.", "Name a thumbprint, a subject or an issuer.")
        if self.issuer_certificate_id and (self.issuer_subject or self.issuer_thumbprint):
            raise refused("issuerCertificateId excludes the other claims on the issuer.", "Keep one of them.")
        return self


class Check(Model):
    """The check that callers have to pass. What is left out is inherited, and in the end as described."""

    action: Literal["observe", "enforce"] | None = Field(
        None, description="What happens to who fails: observe lets them through and records it. Default enforce."
    )
    state: Literal["present", "absent"] | None = Field(
        None, description="absent has a check that we put in taken out again. Default present."
    )
    form: Literal["element", "expression", "attached"] | None = Field(
        None,
        description="How it is written: validate-client-certificate, an expression, or against all attached "
        "certificates. Default element, or attached with more than ten clients. Not with arrives: header.",
    )
    observe_days: Annotated[Whole, Field(ge=1, le=365)] | None = Field(
        None, description="So many days of evidence before enforce is proposed. Default 7."
    )
    record: Literal["trace", "emit-metric"] | None = Field(
        None, description="What observe writes down callers with: a trace (default) or a custom metric."
    )
    validate_revocation: Truth | None = Field(None, description="Ask the CA's revocation list. Default false.")
    validate_trust: Truth | None = Field(None, description="Check the chain. Default true.")
    validate_not_before: Truth | None = Field(None, description="Refuse what is not valid yet. Default true.")
    validate_not_after: Truth | None = Field(None, description="Refuse what has expired. Default true.")
    identities: list[Identity] | None = Field(
        None, description="Who passes, by claims. Without it the clients' thumbprints are pinned."
    )


class ScopeCheck(Check):
    """A check for one scope. What is left out is as in the instance's check."""

    clients: list[Name] | None = Field(None, description="Names from clients: who passes here.")


class Header(Model):
    """The header that a proxy puts the certificate into."""

    name: HeaderName | None = Field(None, description="The header's name.")
    restriction: Line | None = Field(
        None, description="What keeps callers from going around the proxy. Without it no check is put in."
    )


class GatewayEntry(Model):
    """What is said of one self-hosted gateway."""

    negotiates: Truth | None = Field(None, description="Your word that its hosts ask for client certificates.")
    authorities: list[Name] | None = Field(None, description="Names from certificates: CAs that it trusts.")
    trust: list[Name] | None = Field(None, description="Names from authorities: CAs that are uploaded for it.")
    guard: Truth | None = Field(None, description="Leave this gateway out of the check. Default false.")


class BackendEntry(Model):
    """What one backend is shown, and what is checked of it."""

    certificates: list[Name] | None = Field(None, description="Names from certificates: what the gateway shows it.")
    validate_tls: Truth | None = Field(None, description="Check the backend's chain and name. Default false.")


class Window(Model):
    """When writes may start. Over midnight is fine."""

    days: list[Weekday] | None = Field(None, min_length=1, description="The days on which it begins. Default: all.")
    from_: TimeOfDay | None = Field(None, alias="from", description="When it opens.")
    to: TimeOfDay | None = Field(None, description="When it closes.")
    zone: Zone | None = Field(None, description="The time zone, such as Europe/Amsterdam. Default UTC.")


class Limits(Model):
    """Safety valves: what goes beyond needs approval, or stops."""

    writes_per_day: Annotated[Whole, Field(ge=0, le=100_000)] | None = Field(
        None, description="Writes on one instance. Default 50."
    )
    instances_per_day: Annotated[Whole, Field(ge=0, le=100_000)] | None = Field(
        None, description="Instances that are changed. Default 10."
    )
    rounds: Annotated[Whole, Field(ge=1, le=100)] | None = Field(
        None, description="How often one thing is written back against another writer before we stop. Default 3."
    )


class Route(Model):
    """Where cards go."""

    webhook: Name = Field(description="teams, or the rest of the name of an APIMEND_WEBHOOK_ setting in lower case.")
    severities: list[SeverityWord] | None = Field(None, min_length=1, description="Only these. Default: all.")


def _always(value: Any) -> Any:
    return None if value == "always" else value


class Layer(Model):
    """What can be said of instances, for all of them in defaults or for some in an entry of instances."""

    owner: Line | None = Field(None, description="The team or person who answers for the instance.")
    environment: Name | None = Field(None, description="What the instance is for. Default prod.")
    exposure: Literal["internal", "private", "fronted", "public"] | None = Field(
        None, description="Who can reach it. Without it: judged by what is seen."
    )
    stage: Name | None = Field(None, description="Its stage in the roll-out. Default: the last one.")
    mode: ModeWord | None = Field(None, description="How far a run may go: report (default), ask or enforce.")
    modes: dict[Rule, ModeWord] | None = Field(None, description="A lower mode for single rules.")
    arrives: Literal["direct", "header"] | None = Field(
        None, description="How certificates reach the gateway. Without it no check is put in."
    )
    header: Header | None = Field(None, description="Needed with arrives: header.")
    negotiate: Truth | None = Field(None, description="Ask callers for a certificate. Default true.")
    hosts: dict[Host, HostWord] | None = Field(
        None, description="Hosts that stay plain, or of which you know that they negotiate."
    )
    uploaded_certificates: Literal["refuse", "resend"] | None = Field(
        None, description="Whether a host list with an uploaded certificate may be sent back. Default refuse."
    )
    consumption: Literal["require"] | None = Field(
        None, description="On the Consumption tier: refuse every caller without a certificate."
    )
    on_negotiation_lost: Literal["keep", "observe"] | None = Field(
        None, description="What becomes of a check whose host stops asking. Default keep."
    )
    identity: Guid | None = Field(None, description="Client id of the identity that fetches certificates.")
    certificates: list[Name] | None = Field(None, description="Names from certificates: what is attached.")
    clients: list[Name] | None = Field(None, description="Names from clients: who is let in.")
    trust: list[Name] | None = Field(None, description="Names from authorities: the CAs in the trust store.")
    check: Check | None = Field(None, description="The check that callers have to pass. Without it: none is put in.")
    scopes: dict[Scope, ScopeCheck] | None = Field(None, description="Checks of their own for APIs and products.")
    gateways: dict[Name, GatewayEntry] | None = Field(None, description="Self-hosted gateways by name.")
    backends: dict[Name, BackendEntry] | None = Field(None, description="Backends by name.")
    window: Annotated[Window | None, BeforeValidator(_always), Field(json_schema_extra={"x-or-always": True})] = Field(
        None, description="When writes may start; always lifts an inherited window."
    )
    limits: Limits | None = Field(None, description="Safety valves.")
    notify: list[Route] | None = Field(None, description="Where cards go.")
    canary_path: UrlPath | None = Field(None, description="A path for the probe to call without a certificate.")
    expiry_days: Annotated[Whole, Field(ge=1, le=365)] | None = Field(
        None, description="How long before its end a certificate is reported. Default 30."
    )
    approvers: list[Guid] | None = Field(None, description="Object ids of the Entra groups who may approve.")


class Instance(Layer):
    """An entry: some instances, and what is said of them."""

    name: Line = Field(description="What this entry is called in reports.")
    match: Match = Field(description="Which instances it is for.")


class WaiverEntry(Model):
    """A declared exemption. Named instances only: a tag selects, it never exempts."""

    id: Name = Field(description="Its name, once in the file.")
    instances: Patterns = Field(description="Names of instances; * and ? are wildcards.")
    scope: Scope | None = Field(None, description="What it is for, below the instance. Without it: all of it.")
    controls: Annotated[list[Name], Field(min_length=1)] = Field(
        description="The rules and controls it is for, by name or id."
    )
    category: Literal["waiver", "mitigated"] = Field(description="Accepted, or dealt with elsewhere.")
    owner: Line = Field(description="Who answers for it.")
    reason: Line = Field(description="Why.")
    ticket: Line = Field(description="Where it was decided.")
    expires: Moment = Field(description="The last day it counts.")


class AttestationEntry(Model):
    """What a person vouches for, because Azure can't show it."""

    control: Name = Field(description="The control.")
    instances: Patterns = Field(description="Names of instances; * and ? are wildcards.")
    owner: Line = Field(description="Who vouches.")
    evidence: Line = Field(description="Where the evidence lies.")
    expires: Moment = Field(description="The last day it counts.")


class Rollout(Model):
    """Stage by stage: an instance whose stage is not reached stays in report mode."""

    stages: Annotated[list[Name], Field(min_length=1)] = Field(description="The stages, first to last.")
    reached: Name = Field(description="The stage that has been reached.")


class Document(Model):
    """The whole desired state."""

    version: Annotated[Whole, Field(ge=1, le=1)] = Field(description="The version of the language: 1.")
    subscriptions: list[Guid] | None = Field(
        None, description="Subscriptions that may be touched. Without it: all that can be read."
    )
    certificates: dict[Name, CertificateEntry] = Field(default={}, description="Certificates in Key Vault, by name.")
    clients: dict[Name, ClientEntry] = Field(default={}, description="Callers, by name.")
    authorities: dict[Name, AuthorityEntry] = Field(default={}, description="Certificate authorities, by name.")
    rollout: Rollout | None = Field(None, description="Stages of the roll-out.")
    defaults: Layer | None = Field(None, description="What holds for every instance that an entry selects.")
    instances: list[Instance] = Field(default=[], description="Which instances are managed, and how.")
    waivers: list[WaiverEntry] = Field(default=[], description="Exemptions.")
    attestations: list[AttestationEntry] = Field(default=[], description="What people vouch for.")
