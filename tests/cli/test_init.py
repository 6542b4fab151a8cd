"""
`apimend init`: a desired state that is equal to what is live.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimend.commands.draft import Entry, flow, scalar, text_of
from apimend.documents import load
from apimend.documents.tree import read_tree
from demo.world import World, open_world
from tests.cli.terminal import typed
from tests.job.conftest import INSTANCE, desired, opened, touch

EVERY = ("contoso-dev", "contoso-prod", "contoso-edge", "contoso-partners")


async def drafted(world: World, *words: str) -> Path:
    """The file that `apimend init` wrote."""
    path = world.folder / "draft.yaml"
    said = await typed(world, "init", *words, "--file", str(path), "--force")
    assert 0 == said.code, said.err
    return path


async def test_the_plan_of_a_tenant_is_empty() -> None:
    """
    Every instance of the sample tenant is declared as it is: a plan with that file has no change.
    """
    async with open_world("sample", desired="version: 1\n") as world:
        path = await drafted(world)
        said = await typed(world, "plan", "*", "--desired", str(path), "-o", "json")

        assert {name: [] for name in EVERY} == {
            run["instance"].rpartition("/")[2]: run["changes"] for run in said.body["runs"]
        }
        assert all(run["declared"].startswith("draft.yaml:") for run in said.body["runs"])


async def test_a_mended_instance_is_declared_with_its_check() -> None:
    """
    Certificates, clients and the check in force are declared, the client by its certificate in Key Vault.
    """
    async with opened(desired("enforce")) as world:
        await touch(world)
        path = await drafted(world, "contoso-dev")
        found = load(path.read_text(encoding="utf-8")).document
        (entry,) = found.instances

        assert (["partner-a"], ["partner-a"]) == (entry.certificates, entry.clients)
        assert ("partner-a", "enforce", False) == (
            found.clients["partner-a"].certificate,
            entry.check and entry.check.action,
            entry.check and entry.check.validate_trust,
        )


async def test_saying_how_certificates_arrive_changes_nothing() -> None:
    """
    The plan stays empty, and nothing is left to a person, once the one line that only an operator can say is added.
    """
    async with opened(desired("enforce")) as world:
        await touch(world)
        path = await drafted(world, "contoso-dev")
        text = path.read_text(encoding="utf-8").replace("# arrives: direct", "arrives: direct")
        path.write_text(text, encoding="utf-8")
        said = await typed(world, "plan", "contoso-dev", "--desired", str(path), "-o", "json")
        (run,) = said.body["runs"]

        assert (0, [], []) == (said.code, run["changes"], run["findings"])


async def test_a_check_that_reaches_less_than_it_would_say_is_left_out() -> None:
    """
    Where declaring the global check would put checks into more documents, it is not declared, and the text says so.
    """
    policy = "<policies><inbound /><backend><base /></backend><outbound><base /></outbound></policies>"
    async with opened(desired("enforce")) as world:
        await touch(world)
        await world.arm(
            "PUT", f"{INSTANCE}/apis/orders/policies/policy", {"properties": {"value": policy, "format": "rawxml"}}
        )
        path = await drafted(world, "contoso-dev")
        text = path.read_text(encoding="utf-8")

        assert "# The global check is not declared: that would mean more than is live. It would bring" in text
        assert 0 == (await typed(world, "plan", "contoso-dev", "--desired", str(path))).code


async def test_a_file_that_is_there_is_kept() -> None:
    """
    Nothing is overwritten without `--force`.
    """
    async with opened(desired("report")) as world:
        said = await typed(world, "init", "--file", str(world.desired_file))

        assert (1, True) == (said.code, "It is there already. Name another file, or add --force." in said.err)
        assert desired("report") == world.desired_file.read_text(encoding="utf-8")


async def test_the_output_can_be_the_file() -> None:
    """
    `--file -` writes the YAML, and nothing else, to the output.
    """
    async with opened(desired("report")) as world:
        said = await typed(world, "init", "--file", "-")

        assert ["contoso-dev"] == [entry.name for entry in load(said.out).document.instances]


ANY = st.text(max_size=40)


@given(ANY)
def test_any_text_is_a_scalar(text: str) -> None:
    """
    Whatever a text holds, YAML reads back just that text, inside lists and mappings too.
    """
    tree = read_tree(f"a: {flow({'list': [text, 'end'], f'key {text}': 'c'})}\n", "draft")

    assert {"a": {"list": [text, "end"], f"key {text}": "c"}} == tree.data


@given(about=ANY, left_out=ANY)
def test_a_comment_stays_a_comment(about: str, left_out: str) -> None:
    """
    A location or a sentence with line ends and hostile characters adds no key.
    """
    entry = Entry(
        name="contoso-dev",
        subscription="11111111-1111-1111-1111-111111111111",
        about=about,
        keys={"negotiate": False},
        left_out=(left_out,),
    )
    (found,) = load(text_of([entry])).document.instances

    assert ({"name", "match", "negotiate"}, "contoso-dev") == (found.model_fields_set, found.name)


@pytest.mark.parametrize("word", ["no", "Null", "1e3", "2026-01-01", "a: b", "#x", "", "-", "*a"])
def test_words_that_mean_something_to_yaml_are_quoted(word: str) -> None:
    """
    Only what every reader takes for a plain text is written without quotes.
    """
    assert '"' == scalar(word)[0]
