"""
How fast policies are edited, beside lxml, which parses and serialises the same documents.

Run it by hand: `python benchmarks/policy.py [folder of *.xml]`. Without a folder it takes the project's own
documents and those of APIMEND_MATERIAL. Only well-formed documents are compared, because lxml reads no others;
the rest is timed alone. One edit is text to text: read the document, insert a check, or read it and take the check out.
All jobs are timed in turns and the best round of each counts, so that other work on the machine tells on none.

The reader remembers the tags it has read. "first sight" forgets them before every document, which is what the
first visit of a fresh process pays; all other lines are what every later visit and the sweep pay.

The last lines are the proof and the placement for an instance of 500 APIs × 20 operations in 50 products, with a
document for every second API, and half of the products without `<base />`.
"""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from lxml import etree

sys.path.insert(0, str(Path(__file__).parent.parent))

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.model.errors import PolicyNotUnderstood
from apimend.policy import (
    ApiNode,
    Document,
    Host,
    Standards,
    Topology,
    Wish,
    judge,
    place,
    read_documents,
    with_check,
    without_check,
)
from apimend.policy.scan import Memory

ROOT = Path(__file__).parent.parent
ROUNDS = 15
CHECK = ClientCertificateCheck(validate_revocation=False, identities=(ClientIdentity(thumbprint="AB" * 20),))


def insert(text: str) -> str:
    """One edit of ours."""
    return with_check(Document.parse(text), CHECK, is_global=False)


def insert_at_first_sight(text: str) -> str:
    """The same with nothing remembered."""
    Memory.forget()
    return insert(text)


def take_out(text: str) -> str:
    """The other edit of ours."""
    return without_check(Document.parse(text), CHECK)


def parse_and_serialise(text: str) -> str:
    """What an editor that parses XML does before and after its edit."""
    return str(etree.tostring(etree.fromstring(text.encode()), encoding="unicode"))


def parse_insert_and_serialise(text: str) -> str:
    """The same with an edit in between."""
    root = etree.fromstring(text.encode())
    home = root.find("inbound")
    check = etree.Element("validate-client-certificate", {"validate-revocation": "false"})
    identities = etree.SubElement(check, "identities")
    etree.SubElement(identities, "identity", {"thumbprint": "AB" * 20})
    (root if home is None else home).insert(0, check)
    return str(etree.tostring(root, encoding="unicode"))


def texts(folders: Iterable[Path]) -> list[str]:
    """Every document in the folders that can be read."""
    found = []
    for path in sorted(path for folder in folders for path in folder.rglob("*.xml")):
        text = path.read_bytes().decode("utf-8")
        try:
            Document.parse(text)
        except PolicyNotUnderstood:
            continue
        found.append(text)
    return found


def is_well_formed(text: str) -> bool:
    """Whether lxml can read it."""
    try:
        etree.fromstring(text.encode())
    except etree.XMLSyntaxError:
        return False
    return True


def edits_per_second(jobs: dict[str, tuple[Callable[[str], str], Sequence[str]]]) -> dict[str, float]:
    """The best of some rounds for each job, the jobs taking turns."""
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(ROUNDS):
        for name, (edit, documents) in jobs.items():
            begun = perf_counter()
            for text in documents:
                edit(text)
            best[name] = min(best[name], perf_counter() - begun)
    return {name: len(jobs[name][1]) / seconds for name, seconds in best.items()}


def large_instance() -> Topology:
    """500 APIs × 20 operations."""
    apis = tuple(
        ApiNode(
            name=f"api-{number}",
            operations=tuple(f"operation-{each}" for each in range(20)),
            products=tuple(f"product-{(number * step) % 50}" for step in (1, 3)),
        )
        for number in range(500)
    )
    document = "<policies><inbound>{}<set-variable name='a' value='b' /></inbound></policies>"
    texts = {"": document.format("")}
    texts |= {f"apis/api-{number}": document.format("<base />" * (number % 10 > 0)) for number in range(0, 500, 2)}
    texts |= {f"products/product-{number}": document.format("<base />" * (number % 2)) for number in range(50)}
    return Topology(apis=apis, hosts=(Host(name="a", negotiates=True),), documents=read_documents(texts))


def prove_and_place() -> None:
    """Print how long the proof and the placement take."""
    instance, standards = large_instance(), Standards(thumbprints=frozenset({"AB" * 20}))
    check = replace(CHECK, validate_trust=False)
    begun = perf_counter()
    total = judge(instance, standards).figures.total
    judged = perf_counter()
    placement = place(instance, standards, Wish(check=check))
    placed = perf_counter()
    print(f"coverage of {total:,} operations{judged - begun:10.2f} s")
    edits, percent = len(placement.edits), placement.after.figures.percent
    print(f"placement, {edits} edits{placed - judged:19.2f} s   {percent} % covered after")


def main() -> None:
    """Print a line for each job."""
    material = os.environ.get("APIMEND_MATERIAL")
    folders = [ROOT / "tests" / "policy" / "documents"] + ([Path(material) / "corpus"] if material else [])
    documents = texts([Path(sys.argv[1])] if len(sys.argv) > 1 else folders)
    well_formed = [text for text in documents if is_well_formed(text)]
    raw = [text for text in documents if not is_well_formed(text)]
    jobs: dict[str, tuple[Callable[[str], str], Sequence[str]]] = {
        "insert, well-formed": (insert, well_formed),
        "take out, well-formed": (take_out, [insert(text) for text in well_formed]),
        "lxml parse and serialise": (parse_and_serialise, well_formed),
        "lxml parse, insert, serialise": (parse_insert_and_serialise, well_formed),
        "insert, raw": (insert, raw),
        "take out, raw": (take_out, [insert(text) for text in raw]),
    }
    fresh: dict[str, tuple[Callable[[str], str], Sequence[str]]] = {
        "insert, well-formed, first sight": (insert_at_first_sight, well_formed),
        "insert, raw, first sight": (insert_at_first_sight, raw),
    }
    for group in (jobs, fresh):
        for name, rate in edits_per_second({name: job for name, job in group.items() if job[1]}).items():
            size = sum(map(len, group[name][1])) / len(group[name][1])
            count = len(group[name][1])
            print(f"{name:34}{rate:12,.0f} a second   {count:4} documents of {size:,.0f} characters")


if __name__ == "__main__":
    main()
    prove_and_place()
