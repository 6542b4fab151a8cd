"""
Distinguished names as .NET writes them, which is how API Management shows and compares them.

Callers: `emulator.certificates` and the gateway's certificate checks. The order is the reverse of the
encoding, state is `S`, e-mail is `E`, and a value with a separator in it is quoted with its quotes doubled.
Nothing here parses such a text back: names are compared in this form only.
"""

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
SPECIAL = frozenset(',+="\r\n<>#;')


def net_name(name: x509.Name) -> str:
    return ", ".join(_relative(rdn) for rdn in reversed(name.rdns))


def _relative(rdn: x509.RelativeDistinguishedName) -> str:
    return " + ".join(f"{_key(part)}={_value(str(part.value))}" for part in rdn)


def _key(part: x509.NameAttribute[str | bytes]) -> str:
    dotted = part.oid.dotted_string
    return KEYS.get(dotted, f"OID.{dotted}")


def _value(value: str) -> str:
    if not value or value != value.strip() or SPECIAL & set(value):
        return '"' + value.replace('"', '""') + '"'
    return value
