"""
`apimend certificates`: what there is, when it ends, and who depends on it.
"""

from demo.world import open_world
from tests.cli.terminal import typed
from tests.job.conftest import desired, opened, touch


async def test_certificates_with_what_uses_them() -> None:
    """
    The attached certificate, its vault object, and the policy that pins it.
    """
    async with opened(desired("enforce")) as world:
        await touch(world)
        said = await typed(world, "certificates", "contoso-dev", "-o", "json")
        attached = next(each for each in said.body["certificates"] if each["held"] == "client certificate")

        assert ("partner-a", "kv-contoso-dev") == (attached["name"], attached["vault"]["vault"])
        assert {"policy", "client"} == {use["kind"] for use in attached["uses"]}


async def test_a_table_and_a_graph() -> None:
    """
    The same as text: a row for each, or a tree from the source to the users.
    """
    async with open_world("sample", desired="version: 1\n") as world:
        table, graph = [await typed(world, "certificates", "contoso-prod", *more) for more in ([], ["--graph"])]

        assert (0, 0) == (table.code, graph.code)
        assert "CERTIFICATE" in table.out
        assert "├── " in graph.out
        assert all(name in said.out for name in ("partner-b", "erp-client") for said in (table, graph))
