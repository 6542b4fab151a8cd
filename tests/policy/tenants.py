"""Small instances to judge and to place checks in."""

from collections.abc import Mapping

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.model.own import Own
from apimend.policy import ApiNode, Host, Placement, Standards, Topology, own_after, read_documents

PIN = "AB" * 20
OTHER = "CD" * 20
CHECK = ClientCertificateCheck(
    validate_revocation=False, validate_trust=False, identities=(ClientIdentity(thumbprint=PIN),)
)
ELEMENT = (
    '<validate-client-certificate validate-revocation="false" validate-trust="false">'
    f'<identities><identity thumbprint="{PIN}" /></identities></validate-client-certificate>'
)
STANDARDS = Standards(thumbprints=frozenset({PIN}))
HOST = Host(name="contoso.azure-api.net", negotiates=True, trusts=True)
ORDERS = ApiNode(name="orders", operations=("list", "get"), products=("gold",))
STATUS = ApiNode(name="status", operations=("health",))


def policy(inbound: str, on_error: str = "<base />") -> str:
    """A document with this in its inbound section."""
    return f"<policies>\n\t<inbound>{inbound}</inbound>\n\t<on-error>{on_error}</on-error>\n</policies>"


def topology(
    documents: Mapping[str, str],
    *,
    apis: tuple[ApiNode, ...] = (ORDERS, STATUS),
    hosts: tuple[Host, ...] = (HOST,),
    fragments: Mapping[str, str] | None = None,
) -> Topology:
    """An instance with these documents."""
    return Topology(
        apis=apis, hosts=hosts, documents=read_documents(documents), fragments=read_documents(fragments or {})
    )


def noted(placement: Placement) -> dict[str, Own]:
    """What is noted as ours when the edits are made."""
    return {edit.scope: own_after(None, edit.before, edit.after) for edit in placement.edits}
