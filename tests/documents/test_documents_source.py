"""
Where the desired state comes from: kept by etag, and never the last good one in place of a broken one.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from apimend.documents import Fetched, FetchedSource, FileSource
from apimend.model.azure import Service
from apimend.model.desired import Desired
from apimend.model.errors import BadInput, Denied, Gone, Unavailable
from apimend.model.ids import InstanceId
from apimend.model.tiers import tier
from apimend.ports import DesiredSource

GOOD = b'version: 1\ninstances: [{name: all, match: {name: "*"}}]\n'
ONE = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg"
    "/providers/Microsoft.ApiManagement/service/contoso"
)
SERVICE = Service(
    id=InstanceId.of(ONE),
    name="contoso",
    location="",
    tier=tier("Developer"),
    etag="",
    provisioning_state="Succeeded",
    target_state="",
    hostnames=(),
    enable_client_certificate=None,
)


class Blob:
    """A blob that counts how often it was sent."""

    def __init__(self, body: bytes = GOOD) -> None:
        self.body = body
        self.sent = 0
        self.fails: Exception | None = None

    async def fetch(self, etag: str | None) -> Fetched | None:
        if self.fails is not None:
            raise self.fails
        current = str(hash(self.body))
        if etag == current:
            return None
        self.sent += 1
        return Fetched(body=self.body, etag=current)


def resolve(source: DesiredSource) -> Desired | None:
    return asyncio.run(source.resolve(SERVICE))


def fault(ask: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as caught:
        ask()
    return str(caught.value)


def test_an_unchanged_blob_is_sent_once() -> None:
    """
    A blob is sent again only when its etag has changed.
    """
    blob = Blob()
    source = FetchedSource("d.yaml", blob.fetch)
    for _ in range(3):
        resolve(source)

    assert 1 == blob.sent


def test_a_broken_blob_is_never_replaced_by_the_last_good_one() -> None:
    """
    Once the blob is broken every question raises, and once it is mended the new one counts.
    """
    blob = Blob()
    source = FetchedSource("d.yaml", blob.fetch)
    resolve(source)
    blob.body = b"version: 1\nmod: x\n"
    broken = [fault(lambda: resolve(source)) for _ in range(2)]
    blob.body = GOOD + b"#"

    assert ["d.yaml:2:1: mod: There is no key 'mod' here."] * 2 == [
        text.split(" Did")[0].split(" Known")[0] for text in broken
    ]
    assert resolve(source) is not None


@pytest.mark.parametrize(
    ("fails", "expected"),
    [
        pytest.param(Gone("no such blob"), "d.yaml: It can't be read: no such blob.", id="gone"),
        pytest.param(Denied("no right to read it"), "d.yaml: It can't be read: no right to read it.", id="denied"),
    ],
)
def test_a_blob_that_cannot_be_read_is_bad_input(fails: Exception, expected: str) -> None:
    """
    A desired state that isn't there, or that we may not read, is BadInput: nothing is written.
    """
    blob = Blob()
    source = FetchedSource("d.yaml", blob.fetch)
    resolve(source)
    blob.fails = fails

    assert expected == fault(lambda: resolve(source))


def test_an_outage_is_tried_later() -> None:
    """
    A storage that doesn't answer is no fault of the file.
    """
    blob = Blob()
    blob.fails = Unavailable("no answer")

    with pytest.raises(Unavailable):
        resolve(FetchedSource("d.yaml", blob.fetch))


def test_other_bytes_than_text_are_bad_input() -> None:
    """
    A blob that is no UTF-8 is a fault.
    """
    assert "d.yaml: It is not in UTF-8." == fault(lambda: resolve(FetchedSource("d.yaml", Blob(b"\xff\xfe").fetch)))


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """
    A file that was changed counts from the next question on.
    """
    path = tmp_path / "desired.yaml"
    path.write_bytes(GOOD)
    source = FileSource(path)
    before = resolve(source)
    path.write_bytes(b"version: 1\n")
    os.utime(path, ns=(1, 1))

    assert (True, True) == (before is not None, resolve(source) is None)


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    """
    A file that isn't there is a fault that names it.
    """
    assert "desired.yaml: It can't be read: No such file or directory." == fault(
        lambda: resolve(FileSource(tmp_path / "desired.yaml"))
    )


def test_a_source_says_what_is_allowed() -> None:
    """
    A source answers for declared subscriptions.
    """
    blob = Blob(b"version: 1\nsubscriptions: [11111111-1111-1111-1111-222222222222]\n")

    assert not asyncio.run(FetchedSource("d.yaml", blob.fetch).allows(SERVICE.id))


def test_management_groups_are_asked_for_only_where_needed() -> None:
    """
    Management groups are read where an entry selects by them; where they can't be, nothing is guessed.
    """
    asked: list[str] = []

    async def groups(subscription: str) -> frozenset[str]:
        asked.append(subscription)
        return frozenset({"platform"})

    by_group = Blob(b"version: 1\ninstances: [{name: a, match: {managementGroup: platform}}]\n")

    assert resolve(FetchedSource("d.yaml", Blob().fetch, management_groups=groups)) is not None
    assert [] == asked
    assert resolve(FetchedSource("d.yaml", by_group.fetch, management_groups=groups)) is not None
    assert [SERVICE.id.subscription] == asked
    assert "these can't be read here" in fault(lambda: resolve(FetchedSource("d.yaml", by_group.fetch)))
