"""
Loading the desired state: every fault has its place and its way out, and no text gets further than that.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimend.documents import DesiredState, Words, load
from apimend.model.errors import BadInput

THUMBPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
CLIENTS = "clients:\n" + "".join(f"  c{number}: {{thumbprint: {THUMBPRINT}}}\n" for number in range(11))
ALL = 'name: all, match: {name: "*"}'


def faults(text: str, **known: set[str]) -> list[str]:
    with pytest.raises(BadInput) as caught:
        load(text, "d.yaml", words=Words(**known))
    return [str(fault).removeprefix("d.yaml:") for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: [", "1:5: It is no YAML: expected the node content, but found '<stream end>'.", id="cut off"),
        pytest.param("a: *b", "1:4: It is no YAML: found undefined alias 'b'.", id="unknown alias"),
        pytest.param("version: 1\n---\nversion: 1\n", "2:1: It is no YAML: but found another document.", id="two"),
        pytest.param("- a", "1:1: Here has to stand a mapping. Write key: value pairs.", id="a list"),
        pytest.param("word", "1:1: Here has to stand a mapping. Write key: value pairs.", id="a word"),
        pytest.param("version: 2", "1:10: version: '2' is too large. The most is 1.", id="another version"),
        pytest.param("defaults: {mode: ask}", "1:1: version is missing. Add it.", id="no version"),
        pytest.param(
            "version: 1\nversion: 1",
            "2:1: version: It stands here twice, first in line 1. Keep one of them.",
            id="a key twice",
        ),
        pytest.param(
            "version: 1\ndefaults:\n", "2:1: defaults: It has no value. Write one, or take the line out.", id="no value"
        ),
        pytest.param(
            "version: 1\ndefaults: {owner: !!python/name:os.system x}",
            "2:19: defaults.owner: Tags such as tag:yaml.org,2002:python/name:os.system mean nothing here. "
            "Take the tag out.",
            id="a tag",
        ),
        pytest.param(
            "&a {version: 1, defaults: *a}", "1:1: defaults: It contains itself. Take the alias out.", id="loop"
        ),
        pytest.param("version: 1\n? [a]\n: b", "2:3: A key has to be a text.", id="a list as key"),
        pytest.param(
            "version: 1\nclients: {a: {pem: '-----BEGIN RSA PRIVATE KEY-----'}}",
            "2:20: clients.a.pem: There is a private key in it. Take it out, and treat the key as stolen.",
            id="a private key",
        ),
        pytest.param(
            "version: 1\nclients: {a: {pem: hello}}",
            "2:20: clients.a.pem: It is no certificate in PEM form. It begins with -----BEGIN CERTIFICATE-----.",
            id="no PEM",
        ),
        pytest.param(
            "version: 1\ninstanses: []",
            "2:1: instanses: There is no key 'instanses' here. Did you mean instances?",
            id="unknown key",
        ),
        pytest.param(
            f"version: 1\ninstances:\n  - {{{ALL}, check: {{acton: observe}}}}",
            "3:45: instances[0].check.acton: There is no key 'acton' here. Did you mean action?",
            id="unknown key, deep",
        ),
        pytest.param(
            "version: 1\ndefaults: {mode: Enforce}",
            "2:18: defaults.mode: 'Enforce' is none of report, ask, enforce. Did you mean enforce?",
            id="unknown word",
        ),
        pytest.param(
            "version: 1\ndefaults: {negotiate: yes}",
            "2:23: defaults.negotiate: 'yes' is neither true nor false.",
            id="yes",
        ),
        pytest.param(
            "version: 1\ndefaults: {expiryDays: 0}",
            "2:24: defaults.expiryDays: '0' is too small. The least is 1.",
            id="number out of range",
        ),
        pytest.param(
            "version: 1\ndefaults: {window: {from: 24:00, to: 04:00}}",
            "2:27: defaults.window.from: '24:00' is no time of day. Write it as 22:00.",
            id="time",
        ),
        pytest.param(
            "version: 1\ndefaults: {window: {from: 20:00, to: 04:00, zone: Mars}}",
            "2:51: defaults.window.zone: 'Mars' is no time zone. Write UTC or a name such as Europe/Amsterdam.",
            id="zone",
        ),
        pytest.param(
            "version: 1\nclients: {a: {thumbprint: AB:CD}}",
            "2:27: clients.a.thumbprint: 'AB:CD' is no SHA-1 thumbprint. "
            "Write its 40 hexadecimal digits without spaces or colons.",
            id="thumbprint",
        ),
        pytest.param(
            "version: 1\ndefaults: {hosts: {'https://a': plain}}",
            "2:20: defaults.hosts.https://a: 'https://a' is no host name. "
            "Write it in lower case, without https:// and port.",
            id="host",
        ),
        pytest.param(
            "version: 1\nclients: {a: {}}",
            "2:11: clients.a: A client is known by one thing. Write one of certificate, pem and thumbprint.",
            id="a client known by nothing",
        ),
        pytest.param(
            "version: 1\ninstances: [{name: a, match: {}}]",
            '2:23: instances[0].match: It selects nothing. Write name: "*" for every instance.',
            id="a match of nothing",
        ),
        pytest.param(
            "version: 1\ninstances: [{name: a, match: {name: []}}]",
            "2:37: instances[0].match.name: The list is empty. Name at least one, or take the key out.",
            id="an empty list",
        ),
    ],
)
def test_a_fault_has_its_place_and_its_way_out(text: str, expected: str) -> None:
    """
    Each fault names line, column and path, says what is wrong, and how to mend it.
    """
    assert [expected] == [fault.removeprefix("d.yaml: ") for fault in faults(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "certificates: {partner-a: {vault: kv-a, certificate: a}}\ndefaults: {certificates: [partner-b]}",
            "3:27: defaults.certificates[0]: 'partner-b' is not declared. Did you mean partner-a?",
            id="undeclared certificate",
        ),
        pytest.param(
            f"instances: [{{{ALL}, clients: [a]}}]",
            "2:55: instances[0].clients[0]: 'a' is not declared. Declare it under clients.",
            id="undeclared client",
        ),
        pytest.param(
            "clients: {a: {certificate: b}}",
            "2:28: clients.a.certificate: 'b' is not declared. Declare it under certificates.",
            id="a client's undeclared certificate",
        ),
        pytest.param(
            f"{CLIENTS}instances: [{{{ALL}, clients: [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10], "
            "check: {form: element}}]",
            "14:54: instances[0].clients: It would have 11 identities; Azure allows 10 in one check. "
            "Pin the issuer instead, or leave form out: the attached certificates are looked through then.",
            id="more than ten identities",
        ),
        pytest.param(
            f"instances: [{{{ALL}, check: {{validateTrust: false, identities: [{{subject: CN=a}}]}}}}]",
            "2:88: instances[0].check.identities[0]: Anyone can make a certificate with these names while the chain "
            "is not checked. Add the client's thumbprint, or write validateTrust: true.",
            id="names without trust",
        ),
        pytest.param(
            f"instances: [{{{ALL}, check: {{validateTrust: false}}}}]",
            "2:68: instances[0].check.validateTrust: Every certificate would pass: the chain is not checked and nobody "
            "is named. Name clients, or write validateTrust: true.",
            id="nobody named without trust",
        ),
        pytest.param(
            "instances: [{name: a, match: {sku: Consumption}, check: {action: observe}}]",
            "2:66: instances[0].check.action: On Consumption there is nothing to observe: the tier itself turns "
            "callers away. Write action: enforce for it, with consumption: require once everyone has a certificate.",
            id="observe on Consumption",
        ),
        pytest.param(
            f"instances: [{{{ALL}, arrives: header, header: {{name: X-Cert}}}}]",
            "2:70: instances[0].header: Anyone who reaches the gateway directly can forge this header. "
            "Say in header.restriction what keeps callers from going around the proxy.",
            id="a header without restriction",
        ),
        pytest.param(
            f"{CLIENTS}instances: [{{{ALL}, arrives: header, header: {{name: X-Cert, restriction: the subnet}}, "
            "clients: [c0], check: {validateTrust: true}}]",
            "14:149: instances[0].check.validateTrust: With arrives: header clients are told by thumbprint, and "
            "validateTrust has no meaning. Leave it out: the proxy checks the chain.",
            id="a chain that can't be checked behind a proxy",
        ),
        pytest.param(
            f"instances: [{{{ALL}, arrives: header, header: {{name: X-Cert, restriction: the subnet}}, check: {{}}}}]",
            "2:118: instances[0].check: Nobody would pass: with arrives: header clients are told by thumbprint, and "
            "none is named. Name clients.",
            id="a header and nobody named",
        ),
        pytest.param(
            "instances: [{name: a, match: {tags: {env: dev}}, check: {state: absent}}]",
            "2:65: instances[0].check.state: Tags select, they never exempt. "
            "Name the instances in match, and leave the tags out.",
            id="a tag that takes a check out",
        ),
        pytest.param(
            f"certificates: {{a: {{vault: kv-a, certificate: a}}}}\n"
            f"instances: [{{{ALL}, backends: {{b: {{certificates: [a]}}}}}}]",
            "3:75: instances[0].backends.b.certificates[0]: a is not attached to the instance. "
            "Add it to certificates of this entry.",
            id="a backend's certificate that is not attached",
        ),
        pytest.param(
            f"defaults: {{window: {{from: 20:00, to: 20:00}}}}\ninstances: [{{{ALL}}}]",
            "2:38: defaults.window.to: The window closes when it opens. "
            "Write window: always if writes may start at any time.",
            id="a window without length",
        ),
        pytest.param(
            f"instances: [{{{ALL}, stage: one}}]\nrollout: {{stages: [first], reached: first}}",
            "2:52: instances[0].stage: 'one' is not declared. Known here: first.",
            id="an undeclared stage",
        ),
        pytest.param(
            f"instances: [{{{ALL}}}, {{{ALL}}}]",
            "2:53: instances[1].name: 'all' is the name of instances[0] already. Choose another.",
            id="two entries of one name",
        ),
        pytest.param(
            "subscriptions: [11111111-1111-1111-1111-111111111111]\n"
            "instances: [{name: a, match: {subscription: 11111111-1111-1111-1111-222222222222}}]",
            "3:45: instances[0].match.subscription[0]: 11111111-1111-1111-1111-222222222222 is not among "
            "subscriptions. Add it there, or take it out here.",
            id="a subscription that is not declared",
        ),
    ],
)
def test_contradictions_are_faults(text: str, expected: str) -> None:
    """
    What contradicts itself is a fault, placed where it is written.
    """
    assert [expected] == faults(f"version: 1\n{text}\n")


def test_all_faults_come_at_once_and_in_order() -> None:
    """
    Faults of the YAML and of the language come together, in the order of the text.
    """
    text = "version: 1\nclients:\nmod: 1\ndefaults: {mode: x, mode: y, window: 7}\n"

    assert ["2:1", "3:1", "4:18", "4:21", "4:38"] == [":".join(fault.split(":")[:2]) for fault in faults(text)]


def test_another_entry_may_put_right_what_one_leaves_open() -> None:
    """
    An entry that only contradicts the defaults is no fault where another entry says more.
    """
    text = f"""
version: 1
clients: {{a: {{thumbprint: {THUMBPRINT}}}}}
instances:
  - {{name: all, match: {{name: "*"}}, clients: [a]}}
  - {{name: one, match: {{name: one}}, check: {{validateTrust: false}}}}
"""

    assert isinstance(load(text), DesiredState)


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        pytest.param(
            "version: 1\ndefaults: {modes: {negotiation_disable: report}}",
            {"rules": {"negotiation_disabled"}},
            "2:41: defaults.modes.negotiation_disable: There is no rule 'negotiation_disable'. "
            "Did you mean negotiation_disabled?",
            id="rule",
        ),
        pytest.param(
            "version: 1\ndefaults: {notify: [{webhook: temas}]}",
            {"webhooks": {"teams"}},
            "2:31: defaults.notify[0].webhook: No setting holds the webhook 'temas'. Did you mean teams?",
            id="webhook",
        ),
    ],
)
def test_names_of_rules_and_webhooks_are_checked_where_known(
    text: str, known: dict[str, set[str]], expected: str
) -> None:
    """
    A lower mode for a rule that doesn't exist, or a route to nowhere, is a fault and no silence.
    """
    assert [expected] == faults(text, **known)


WAIVER = (
    "version: 1\nwaivers:\n- {id: a, instances: a, controls: [%s], category: waiver, owner: o, reason: r, ticket: t, \
expires: 2030-01-01}"
)
ATTESTED = "version: 1\nattestations:\n- {control: %s, instances: a, owner: o, evidence: e, expires: 2030-01-01}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            WAIVER % "n1, gateway_pubic",
            "3:40: waivers[0].controls[1]: There is no rule and no control 'gateway_pubic'."
            " Did you mean gateway_public?",
        ),
        (
            WAIVER % "nonsense",
            "3:36: waivers[0].controls[0]: There is no rule and no control 'nonsense'."
            " docs/controls.md lists them all.",
        ),
        (
            ATTESTED % "restore-testd",
            "3:13: attestations[0].control: 'restore-testd' is nothing that can be attested."
            " Did you mean restore-tested?",
        ),
        (
            ATTESTED % "gateway_public",
            "3:13: attestations[0].control: 'gateway_public' is nothing that can be attested."
            " Known here: restore-tested.",
        ),
    ],
    ids=["a slip", "nothing like it", "attested with a slip", "a control is not attested"],
)
def test_an_unknown_control_is_a_fault(text: str, expected: str) -> None:
    """
    A waiver of nothing, or an attestation of nothing, is a fault with its line; nothing is exempted by a slip.
    """
    known = {"n1", "gateway_public", *(f"x{number}" for number in range(20))}

    assert [expected] == faults(text, waivable=known, attestable={"restore-tested"})


def test_a_control_is_known_in_any_case() -> None:
    """
    By id or by name, in upper or lower case, as the judges read it.
    """
    found = load(WAIVER % "N1, Gateway_Public", words=Words(waivable={"n1", "gateway_public"}))

    assert ["N1", "Gateway_Public"] == found.document.waivers[0].controls


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "version: 1"])
def test_an_emptied_file_manages_nothing(text: str) -> None:
    """
    A text with nothing in it is a desired state that selects nothing, and no fault.
    """
    assert [] == load(text).document.instances


def test_an_expired_waiver_is_no_fault() -> None:
    """
    A waiver that has run out is still declared: time alone breaks no file.
    """
    text = (
        "version: 1\nwaivers: [{id: a, instances: a, controls: [x], category: waiver, owner: o, reason: r, "
        "ticket: t, expires: 2001-01-01}]"
    )

    assert 2001 == load(text).document.waivers[0].expires.year


def test_anchors_and_merge_keys_are_understood() -> None:
    """
    Aliases stand for what they name, `<<` merges, and keys that begin with x- are room for anchors.
    """
    text = "version: 1\nx-base: &b {mode: ask, owner: a}\ndefaults: {<<: *b, owner: c}\n"
    defaults = load(text).document.defaults

    assert defaults is not None
    assert ("ask", "c") == (defaults.mode, defaults.owner)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
            id="a bomb of aliases",
        ),
        pytest.param(
            "a0: &a0 {k: v}\n"
            + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 20)}]}}\n" for n in range(1, 9)),
            id="a bomb of merge keys",
        ),
        pytest.param("a: " * 1 + "[" * 30 + "]" * 30, id="nested deep"),
        pytest.param("[" * 20_000, id="nested without end"),
        pytest.param("a: " + "x" * 1_100_000, id="too large"),
    ],
)
def test_a_text_that_is_too_much_is_refused_fast(text: str) -> None:
    """
    Texts made to blow up are refused, and within the time of any other test.
    """
    assert 1 == len([fault for fault in faults(text) if "too" in fault or "larger" in fault])


def test_a_thumbprint_of_digits_stays_as_written() -> None:
    """
    Texts that look like numbers keep every digit.
    """
    digits = "0123456789012345678901234567890123456789"

    assert digits == load(f"version: 1\nclients: {{a: {{thumbprint: {digits}}}}}").document.clients["a"].thumbprint


PIECES = r"""
version: 1
instances:
- name: a
match:
defaults:
check:
tags:
mode: ask
expires: 2001-01-01
null
0x1
12e9
{ } [ ] , : ? | > ' " # @ ` \t é
&a *a <<: !x !!int !!set !!python/name:x
%YAML 1.1
%TAG ! x
---
"""
TOKENS = st.sampled_from(PIECES.split() + PIECES.splitlines())
ENDS = st.sampled_from(["", " ", "\n", "\n  ", "\n    ", ": ", ", ", "\t", "\x85", "\ufeff"])


@given(st.text() | st.lists(st.tuples(TOKENS, ENDS).map("".join)).map("".join))
def test_any_text_is_a_desired_state_or_bad_input(text: str) -> None:
    """
    Whatever text comes in, the answer is a desired state or a list of faults.
    """
    try:
        answer: object = load(text)
    except BadInput as error:
        answer = error.faults

    assert answer
