"""
A mend in the owner's code: what to change of one resource, said in Terraform (azurerm), Bicep and APIOps.

Rules and reports make mends of what they know; a table says how each language names a resource. Nothing here decides
what is to be mended, and no value of somebody's policy gets in.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from apimend.mends.forms import FORMS, POLICIES, Body, Form, names_in, type_of
from apimend.mends.languages import Block, Code, as_json, bicep, one_line, terraform
from apimend.model.ids import InstanceId, ResourceId


@dataclass(frozen=True, kw_only=True)
class Mend:
    """
    What to change of `target`. `arm` is its body as in Bicep, `azurerm` the arguments of Terraform; None: it can't say
    it. `new`: it is to be made. `note` is a line of ours for whoever reads it, `called` a label where the name is none.
    """

    target: ResourceId
    arm: Body = field(default_factory=dict)
    azurerm: Body | None = None
    new: bool = False
    note: str = ""
    called: str = ""

    @property
    def text(self) -> str:
        """The snippets, a paragraph for each language."""
        form = FORMS[type_of(self.target)]
        heads = "a resource of its own" if self.new else "changed in what is there"
        told = [f"# {line}" for line in [self.note] if line]
        if self.azurerm is not None:
            body = {**form.keys(self.target), **self.azurerm}
            told += [
                "\n".join((f"# Terraform, {heads}", terraform(form.azurerm, self.called or self.target.name, body)))
            ]
        if self.arm:
            told += ["\n".join((f"// Bicep, {heads}", *_bicep(self.target, form, self.arm)))]
        if self.arm and form.apiops:
            file = form.apiops.format(*map(one_line, names_in(self.target)))
            told += ["\n".join((f"# APIOps, {file}", as_json(self.arm)))]
        return "\n\n".join(told)


@dataclass(frozen=True, kw_only=True)
class PolicyMend:
    """What to write into a policy document: `target` is `.../policies/policy`, `xml` an element of ours."""

    target: ResourceId
    xml: str
    note: str = ""

    @property
    def text(self) -> str:
        """The place in each language, and the element."""
        place = policy_place(self.target)
        return "\n".join(line for line in (place, f"# {self.note}" if self.note else "", self.xml) if line)


def policy_place(target: ResourceId) -> str:
    """Where each language keeps a policy document; empty for one that none of them is known to keep."""
    below = target.below_instance
    found = next(((file, kind, arm) for form, file, kind, arm in POLICIES if form.fullmatch(below)), None)
    if found is None:
        return ""
    file, kind, arm = found
    names = [segment for segment in below.split("/")[1::2] if segment != "policy"]
    path = one_line(file.format(*names))
    return (
        f"# APIOps, {path}\n# Terraform, xml_content of {kind}\n"
        f"# Bicep, properties.value of Microsoft.ApiManagement/service/{arm}"
    )


def policy_of(instance: InstanceId, below: str = "") -> ResourceId:
    """The policy document of a scope: that of the instance, or of `apis/orders`."""
    parts = [part for part in below.removesuffix("policies/policy").split("/") if part]
    return instance.child(*parts, "policies", "policy")


def together(mends: Iterable["Mend | PolicyMend"], most: int) -> str:
    """The text of several mends: those of one resource in one, and an honest word about those that are too many."""
    joined: list[Mend | PolicyMend] = []
    for each in mends:
        same = next((i for i, one in enumerate(joined) if _can_join(one, each)), None)
        if same is None:
            joined.append(each)
        elif isinstance(each, Mend):
            joined[same] = _joined(joined[same], each)
    texts = list(dict.fromkeys(each.text for each in joined))
    more = [f"# and {len(texts) - most} more like these"] if len(texts) > most else []
    return "\n\n".join((*texts[:most], *more))


def _can_join(one: "Mend | PolicyMend", other: "Mend | PolicyMend") -> bool:
    return isinstance(one, Mend) and isinstance(other, Mend) and one.target == other.target and one.new == other.new


def _joined(one: "Mend | PolicyMend", other: Mend) -> Mend:
    assert isinstance(one, Mend)
    both = one.azurerm is not None and other.azurerm is not None
    azurerm = _merged(one.azurerm or {}, other.azurerm or {}) if both else one.azurerm or other.azurerm
    note = "; ".join(dict.fromkeys(text for text in (one.note, other.note) if text))
    return replace(one, arm=_merged(one.arm, other.arm), azurerm=azurerm, note=note)


def _merged(one: Body, other: Body) -> Body:
    found = dict(one)
    for name, value in other.items():
        there = found.get(name)
        if isinstance(there, Block) and isinstance(value, Block):
            found[name] = Block(_merged(there.body, value.body))
        elif isinstance(there, Mapping) and isinstance(value, Mapping):
            found[name] = _merged(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            found[name] = [*there, *(each for each in value if each not in there)]
        else:
            found[name] = value
    return found


def _bicep(target: ResourceId, form: Form, body: Body) -> Iterator[str]:
    kind = f"{form.arm}@{form.version}"
    name = "/".join(target.text.rpartition("/providers/")[2].split("/")[2::2])
    outer = target.text.rpartition("/providers/")[0]
    scope = ResourceId.of(outer) if "/providers/" in outer else None
    if scope is not None and type_of(scope) in FORMS:
        found = FORMS[type_of(scope)]
        yield bicep(f"{found.arm}@{found.version}", {"name": scope.name}, existing=True, symbol="scoped")
        yield bicep(kind, {"scope": Code("scoped"), "name": name, **body})
        return
    if not target.resource_group:
        yield "targetScope = 'subscription'"
    yield bicep(kind, {"name": name, **body})
