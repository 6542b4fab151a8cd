"""
Which APIs a product holds, in both forms the API has: `products/{p}/apis/{a}` and `products/{p}/apiLinks/{link}`.

Recorded: a link has no GET of its own (405) and answers HEAD with 204; PUT shows the API without protocols and
settings. Both forms stand for the same fact, kept as `products/{p}/apis/{a}`.
"""

from __future__ import annotations

from emulator.arm import references
from emulator.arm.apis import linked_api
from emulator.arm.bodies import body_of, page
from emulator.arm.entities import SERVICE_PATH, base_of, indented, private, resource_type, whole, with_etag
from emulator.arm.errors import not_found
from emulator.arm.provider import Provider
from emulator.http import Answer, Call, Layout
from emulator.routes import Route, Source
from emulator.store import Json, Resource, key_of


class Links:
    """
    The routes that link APIs to products, and the views the other way round.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        recorded, specified = Source.RECORDED, Source.SPECIFIED
        found: list[Route] = []
        for base in (SERVICE_PATH, f"{SERVICE_PATH}/workspaces/{{workspace}}"):
            product = f"{base}/products/{{product}}"
            # Inside a workspace only the newer form is described.
            older = (
                ("GET", f"{product}/apis", self.list_apis, specified),
                ("HEAD", f"{product}/apis/{{api}}", self.head, recorded),
                ("PUT", f"{product}/apis/{{api}}", self.put, recorded),
                ("DELETE", f"{product}/apis/{{api}}", self.delete, specified),
            )
            table = (
                *(older if base == SERVICE_PATH else ()),
                ("GET", f"{product}/apiLinks", self.list_links, specified),
                ("GET", f"{product}/apiLinks/{{link}}", self.get_link, specified),
                ("PUT", f"{product}/apiLinks/{{link}}", self.put_link, specified),
                ("DELETE", f"{product}/apiLinks/{{link}}", self.delete_link, specified),
                ("GET", f"{base}/apis/{{api}}/products", self.products_of, specified),
            )
            found += [Route(method=one[0], path=one[1], handler=one[2], source=one[3]) for one in table]
        return found

    async def list_apis(self, call: Call) -> Answer:
        base, product = self._product(call)
        items = [
            whole(api, linked_api(api))
            for link in self._provider.store.children(product.id, "apis")
            if (api := self._provider.store.get(f"{base}/apis/{link.name}")) is not None
        ]
        return private(call, page(self._provider, call, items, layout=Layout.INDENTED))

    async def head(self, call: Call) -> Answer:
        _, product = self._product(call)
        if self._provider.store.get(f"{product.id}/apis/{call.params['api']}") is None:
            raise not_found("Api")
        return private(call, Answer(status=204))

    async def put(self, call: Call) -> Answer:
        base, product = self._product(call)
        api = references.find(self._provider, f"{base}/apis", call.params["api"])
        if api is None:
            raise not_found("Api")
        link, new = self._link(product, api, "")
        return with_etag(call, indented(whole(link, _linked(api)), 201 if new else 200), link.etag)

    async def delete(self, call: Call) -> Answer:
        _, product = self._product(call)
        gone = self._provider.store.remove(f"{product.id}/apis/{call.params['api']}", at=self._provider.now())
        return private(call, Answer(status=200 if gone is not None else 204))

    async def list_links(self, call: Call) -> Answer:
        base, product = self._product(call)
        items = [self._shown(base, product, one) for one in self._provider.store.children(product.id, "apis")]
        return private(call, page(self._provider, call, items, layout=Layout.INDENTED))

    async def get_link(self, call: Call) -> Answer:
        base, product = self._product(call)
        return private(call, indented(self._shown(base, product, self._named(product, call.params["link"]))))

    async def put_link(self, call: Call) -> Answer:
        base, product = self._product(call)
        wanted = str((body_of(call).get("properties") or {}).get("apiId", ""))
        api = self._provider.store.get(wanted) or self._provider.store.get(f"{base}/apis/{wanted.rpartition('/')[2]}")
        if api is None:
            raise not_found("Api")
        link, new = self._link(product, api, call.params["link"])
        return private(call, indented(self._shown(base, product, link), 201 if new else 200))

    async def delete_link(self, call: Call) -> Answer:
        _, product = self._product(call)
        gone = self._provider.store.remove(self._named(product, call.params["link"]).id, at=self._provider.now())
        return private(call, Answer(status=200 if gone is not None else 204))

    async def products_of(self, call: Call) -> Answer:
        base = base_of(self._provider, call)
        api = references.find(self._provider, f"{base}/apis", call.params["api"])
        if api is None:
            raise not_found("Api")
        bare = api.name.partition(";rev=")[0]
        items = [
            whole(one, one.properties)
            for one in self._provider.store.children(base, "products")
            if self._provider.store.get(f"{one.id}/apis/{bare}") is not None
        ]
        return private(call, page(self._provider, call, items, layout=Layout.INDENTED))

    def _product(self, call: Call) -> tuple[str, Resource]:
        base = base_of(self._provider, call)
        found = self._provider.store.get(f"{base}/products/{call.params['product']}")
        if found is None:
            raise not_found("Product")
        return base, found

    def _link(self, product: Resource, api: Resource, name: str) -> tuple[Resource, bool]:
        identifier = f"{product.id}/apis/{api.name.partition(';rev=')[0]}"
        found = self._provider.store.get(identifier)
        if found is not None:
            return found, False
        link = Resource(
            id=identifier,
            type=resource_type(identifier),
            name=identifier.rpartition("/")[2],
            etag=self._provider.store.next_etag(),
            hidden={"link": name or identifier.rpartition("/")[2]},
        )
        return self._provider.store.put(link, at=self._provider.now()), True

    def _named(self, product: Resource, name: str) -> Resource:
        for one in self._provider.store.children(product.id, "apis"):
            if key_of(str(one.hidden.get("link", one.name))) == key_of(name):
                return one
        raise not_found("Api link")

    def _shown(self, base: str, product: Resource, link: Resource) -> Json:
        name = str(link.hidden.get("link", link.name))
        return {
            "id": f"{product.id}/apiLinks/{name}",
            "type": resource_type(f"{product.id}/apiLinks/{name}"),
            "name": name,
            "properties": {"apiId": f"{base}/apis/{link.name}"},
        }


def _linked(api: Resource) -> Json:
    return {**linked_api(api), "protocols": None}
