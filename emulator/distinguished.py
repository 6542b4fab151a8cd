"""
Distinguished names as .NET writes them, which is how API Management shows and compares them.

Callers: `emulator.certificates` and the gateway's certificate checks. The order is the reverse of the
encoding, state is `S`, e-mail is `E`, and a value with a separator in it is quoted with its quotes doubled.
Certificates are compared in this form only; it is parsed to make them, never to judge them.
"""

import re

from cryptography import x509

KEYS = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "S",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "T",
    "2.5.4.13": "Description",
    "2.5.4.17": "PostalCode",
    "2.5.4.18": "POBox",
    "2.5.4.20": "Phone",
    "2.5.4.42": "G",
    "2.5.4.43": "I",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "E",
}
OIDS = {"ST": "2.5.4.8", **{key: oid for oid, key in KEYS.items()}}
SPECIAL = frozenset(',+="\r\n<>#;')
PART = re.compile(r'\s*(?P<key>[\w.]+)\s*=\s*(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>(?:\\.|[^,"\\])*))\s*(?:,|$)')


def net_name(name: x509.Name) -> str:
    return ", ".join(_relative(rdn) for rdn in reversed(name.rdns))


def parse_net_name(text: str) -> x509.Name:
    """
    The name that is shown as this text; a backslash before a comma does as well as quotes.
    """
    found, at = [], 0
    while at < len(text):
        part = PART.match(text, at)
        if part is None:
            raise ValueError(f"not a distinguished name: {text!r}")
        found.append(_attribute(part))
        at = part.end()
    return x509.Name(reversed(found))


def _attribute(part: re.Match[str]) -> x509.NameAttribute[str | bytes]:
    key, quoted = part["key"], part["quoted"]
    value = re.sub(r"\\(.)", r"\1", part["plain"].strip()) if quoted is None else quoted.replace('""', '"')
    oid = x509.ObjectIdentifier(OIDS.get(key, key.removeprefix("OID.")))
    return x509.NameAttribute(oid, value)


def _relative(rdn: x509.RelativeDistinguishedName) -> str:
    return " + ".join(f"{_key(part)}={_value(str(part.value))}" for part in rdn)


def _key(part: x509.NameAttribute[str | bytes]) -> str:
    dotted = part.oid.dotted_string
    return KEYS.get(dotted, f"OID.{dotted}")


def _value(value: str) -> str:
    if not value or value != value.strip() or SPECIAL & set(value):
        return '"' + value.replace('"', '""') + '"'
    return value
