"""
How fast policies are edited, beside lxml, which parses and serialises the same documents.

Run it by hand: `python benchmarks/policy.py [folder of *.xml]`. Without a folder it takes the project's own difficult
documents, which are small, and the published ones of APIMEND_MATERIAL. Only well-formed documents are compared,
because lxml reads no others; the rest is timed alone. One edit is text to text: read the document, insert a check, or
read it and take the check out. Documents that have a check already get another one in its place: they are timed alone.
All jobs are timed in turns, and of each document the best round counts: other work on the machine tells on none.

The reader remembers the tags that hold expressions, and those of documents that it had to read tag by tag.
"first sight" forgets them before every document, which is what the first visit of a fresh process pays; all other
lines are what every later visit and the sweep pay.

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
    find_checks,
    judge,
    place,
    read_documents,
    with_check,
    without_check,
)
from apimend.policy.scan import Memory

ROOT = Path(__file__).parent.parent
ROUNDS = 25
Jobs = dict[str, tuple[Callable[[str], str], Sequence[str]]]
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


def edits_per_second(jobs: Jobs) -> dict[str, float]:
    """From the best of some rounds for each document, the jobs taking turns."""
    best = {name: [float("inf")] * len(documents) for name, (_, documents) in jobs.items()}
    for _ in range(ROUNDS):
        for name, (edit, documents) in jobs.items():
            times = best[name]
            for number, text in enumerate(documents):
                begun = perf_counter()
                edit(text)
                times[number] = min(times[number], perf_counter() - begun)
    return {name: len(times) / sum(times) for name, times in best.items()}


def compare(documents: Sequence[str], what: str) -> None:
    """Print a line for each job on some well-formed documents, and how the insertion compares with lxml."""
    jobs: Jobs = {
        "insert": (insert, documents),
        "insert, first sight": (insert_at_first_sight, documents),
        "lxml parse, serialise": (parse_and_serialise, documents),
        "lxml parse, insert, serialise": (parse_insert_and_serialise, documents),
        "take out": (take_out, [insert(text) for text in documents]),
    }
    rates = show(jobs, what)
    whole, same = (rates["insert"] / rates[f"lxml parse, {rest}"] for rest in ("serialise", "insert, serialise"))
    print(f"{what}: insertion at {whole:.2f} of lxml's parsing and serialising, {same:.2f} of its insertion\n")


def show(jobs: Jobs, what: str) -> dict[str, float]:
    """Print a line for each job."""
    rates = edits_per_second(jobs)
    for name, rate in rates.items():
        count = len(jobs[name][1])
        size = sum(map(len, jobs[name][1])) / count
        print(f"{what}: {name:32}{rate:10,.0f} a second   {count:4} documents of {size:,.0f} characters")
    return rates


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
    """Print a line for each job on each group of documents."""
    material = os.environ.get("APIMEND_MATERIAL")
    own = [] if len(sys.argv) > 1 else texts([ROOT / "tests" / "policy" / "documents"])
    folders = sys.argv[1:] or ([f"{material}/corpus"] if material else [])
    published = texts([Path(folder) for folder in folders])
    unchecked = [text for text in (*own, *published) if not find_checks(Document.parse(text))]
    well_formed = [text for text in unchecked if is_well_formed(text)]
    groups = {
        "published": [text for text in well_formed if text not in own],
        "difficult": [text for text in well_formed if text in own],
        "together": well_formed,
    }
    for what, documents in groups.items():
        if documents:
            compare(documents, what)
    raw = [text for text in unchecked if text not in well_formed]
    checked = [text for text in (*own, *published) if text not in unchecked]
    alone: dict[str, Jobs] = {
        "not well-formed": {
            "insert": (insert, raw),
            "insert, first sight": (insert_at_first_sight, raw),
            "take out": (take_out, [insert(text) for text in raw]),
        },
        "with a check": {"change in place": (insert, checked)},
    }
    for what, jobs in alone.items():
        show({name: job for name, job in jobs.items() if job[1]}, what)


if __name__ == "__main__":
    main()
    prove_and_place()
