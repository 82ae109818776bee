"""Checks what each token can see through every part of the schema, judged by the rows in the database."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from graphql import GraphQLField, GraphQLInputObjectType, get_named_type, is_leaf_type, is_required_argument
from strawberry.utils.str_converters import to_snake_case

from graph.query.global_ids import decode_id, encode_id
from tests.support.answers import kind_of, opened, pages_in, texts_in
from tests.support.graphql_sockets import watching
from tests.support.schema_documents import (
    PAGE,
    arguments,
    batches,
    connections,
    everything,
    listed_kind,
    literal,
    needs,
    node_kinds,
    object_type,
    orders_of,
    root_fields,
)
from tests.support.visibility_world import TABLES, Eye, World

NO_NUMBER = 999_999_999
# The type or the column that the values of a dimension are from.
CONDITIONED = {
    "PROGRAM": "Program",
    "PARTNER": "Partner",
    "LINK": "ReferralLink",
    "COUNTRY": "country",
    "CITY": "city",
    "SUB1": "sub1",
    "REFERRER": "referrer_url",
    "LANDING_PAGE": "landing_page",
}


class Matrix:
    """One token's view. Each check raises `AssertionError` if something is shown that must be hidden, or the
    reverse."""

    def __init__(self, world: World, eye: Eye) -> None:
        self._world = world
        self._eye = eye
        self._secrets = world.secrets(eye)
        self._ids = world.visible_ids(eye)
        self._hidden = {*world.ids()} - self._ids

    async def check(self) -> None:
        """Run all checks."""
        await self.check_lists()
        await self.check_arguments()
        await self.check_filters()
        await self.check_nested_filters()
        await self.check_conditions()
        await self.check_cursors()
        await self.check_live()

    async def check_lists(self, depth: int = 1) -> None:
        """Query each root field without required arguments for everything in it, down to a depth of nested lists."""
        for name, field in root_fields().items():
            if name != "node":
                # A report has rows beneath each of its rankings.
                beneath = depth if listed_kind(field) is not None else depth - 1
                selection = everything(get_named_type(field.type), beneath)
                data = (
                    await self._data(f"{{ {name}{arguments(needs(field))} {selection} }}") if _is_whole(field) else {}
                )
                if (kind := listed_kind(field)) is not None:
                    self._check_page(data[name], self._world.visible_ids(self._eye, kind))
                elif name == "clickReport":
                    self._check_report(data[name])

    async def check_arguments(self) -> None:
        """Query each root field with every value in the database as each of its arguments."""
        for name, field in root_fields().items():
            for argument, declared in field.args.items():
                named = get_named_type(declared.type)
                if listed_kind(field) is None and is_leaf_type(named):
                    values = list(self._candidates(argument, named.name))
                    found = await self._found(name, field, argument, [literal(named, value) for value in values])
                    kinds = node_kinds() if name == "node" else [get_named_type(field.type).name]
                    if not is_required_argument(declared) or name == "node":
                        assert found == {id for id in self._ids if kind_of(id) in kinds}, (name, argument)

    async def check_filters(self) -> None:
        """Query each list with every value in the database in each part of its filter: a hidden value must find the
        same as one that does not exist."""
        for name, field in root_fields().items():
            if listed_kind(field) is not None:
                await self._check_filter(name, field, "{part}")

    async def check_nested_filters(self) -> None:
        """Do the same with lists that are nested in another, one of each type: their conditions are the same in all."""
        done: set[str] = set()
        for name, field in root_fields().items():
            if (kind := listed_kind(field)) is not None:
                for inner, inner_kind in connections(object_type(kind)).items():
                    if inner_kind in done:
                        continue
                    done.add(inner_kind)
                    wrapped = f"{name}(first: {PAGE}) {{{{ nodes {{{{ {{part}} }}}} }}}}"
                    await self._check_filter(inner, object_type(kind).fields[inner], wrapped)

    async def check_conditions(self) -> None:
        """Ask for the clicks with, and without, every value in the database in each dimension of clicks: a hidden value
        must find the same as one that does not exist."""
        if not self._hidden:
            return
        for dimension, of in CONDITIONED.items():
            values = self._world.ids(of) if of in TABLES else self._world.texts(of)
            nothing = self._nothing("ID" if of in TABLES else "String", of)
            hidden = [value for value in values if value in self._secrets or value in self._hidden]
            for kind in ("in", "notIn"):
                asked = [f"{{dimension: {dimension}, {kind}: {json.dumps(value)}}}" for value in (*nothing, *hidden)]
                counted = "{ totalCount nodes { id } }"
                first, *others = await self._parts(
                    f"clickEvents(first: {PAGE}, filter: {{where: [{condition}]}}) {counted}" for condition in asked
                )
                assert first is not None
                assert all(other == first for other in others), (self._eye.name, dimension, kind)

    async def check_cursors(self) -> None:
        """Page through each list from every cursor that an administrator received."""
        if not self._hidden:
            return
        admin = self._world.eyes["admin"]
        for name, field in root_fields().items():
            for order in orders_of(field) if listed_kind(field) is not None else ():
                given = f"orderBy: {order}"
                page = f"{{ {name}(first: {PAGE}, {given}) {{ edges {{ cursor node {{ id }} }} }} }}"
                answer = await self._world.gateway.graphql(page, token=admin.secret)
                await self._check_positions(name, given, answer["data"][name]["edges"])

    async def check_live(self) -> None:
        """Subscribe while each link receives a click; those of visible links must arrive. This adds clicks to the
        database."""
        codes = [row["code"] for row in self._world.rows["ReferralLink"] if row["partner_id"] and row["program_id"]]
        seen = {row["code"] for row in self._world.visible(self._eye, "ReferralLink")} & set(codes)
        gateway, token = self._world.gateway, self._eye.secret
        if not seen or token is None:
            return
        query = "subscription { clickTracked { pageTitle } }"
        async with watching(gateway, token, min(seen), query) as subscriber:
            for code in codes:
                await gateway.track(code, page_title=code)
            await gateway.track(min(seen), page_title="last")
            assert {*await subscriber.titles("last")} == {*seen, "last"}, self._eye.name

    async def _check_positions(self, name: str, given: str, edges: list[dict[str, Any]]) -> None:
        cursors = [json.dumps(edge["cursor"]) for edge in edges]
        ids = [edge["node"]["id"] for edge in edges]
        parts = [f"{name}(first: {PAGE}, {given}, after: {cursor}) {{ nodes {{ id }} }}" for cursor in cursors]
        parts += [f"{name}(last: {PAGE}, {given}, before: {cursor}) {{ nodes {{ id }} }}" for cursor in cursors]
        expected = [ids[number + 1 :] for number in range(len(ids))] + [ids[:number] for number in range(len(ids))]
        for page, wanted in zip(await self._parts(parts), expected, strict=True):
            assert [node["id"] for node in page["nodes"]] == [id for id in wanted if id in self._ids], (name, given)

    async def _found(self, name: str, field: GraphQLField, argument: str, values: list[str]) -> set[str]:
        """Return the ids that a field finds, for each value of an argument."""
        # Fragments on all types in one selection would conflict: a field may be nullable in one and not in another.
        selection = "{ __typename id }" if name == "node" else everything(get_named_type(field.type), 0)
        asked = [f"{name}{arguments({**needs(field), argument: value})} {selection}" for value in values]
        # An error in a non-null field nulls the whole response, so each is queried alone.
        size = 4 if not str(field.type).endswith("!") else 1
        found = await self._parts(asked, size)
        return {part["id"] for part in found if part is not None and "id" in part}

    async def _check_filter(self, name: str, field: GraphQLField, wrapped: str) -> None:
        if not self._hidden:
            return
        inputs = get_named_type(field.args["filter"].type)
        assert isinstance(inputs, GraphQLInputObjectType)
        for part, declared in inputs.fields.items():
            named = get_named_type(declared.type)
            values = list(self._candidates(part, named.name))
            hidden = [value in self._secrets or value in self._hidden for value in values]
            asked = [
                wrapped.format(
                    part=f"{name}(first: {PAGE}, filter: {{{part}: {literal(declared.type, value)}}}) "
                    "{ totalCount nodes { id } }"
                )
                for value in [*self._nothing(named.name, part), *values]
            ]
            nothing, *found = await self._parts(asked)
            for value, is_hidden, answer in zip(values, hidden, found, strict=True):
                assert not is_hidden or answer == nothing, (self._eye.name, name, part, value)

    def _nothing(self, type_name: str, part: str) -> list[str]:
        """Return a value for a part of a filter that no row has."""
        if type_name != "ID":
            return ["there is no such thing"]
        kind = _named_kind(part)
        width = len(list(TABLES[kind].__table__.primary_key))
        return [encode_id(kind, *[NO_NUMBER] * width)]

    def _candidates(self, name: str, type_name: str) -> Iterator[str]:
        """Yield the database's values that an argument or a part of a filter may take."""
        match type_name:
            case "ID":
                yield from self._world.ids(_named_kind(name) if name != "id" else None)
            case "BigInt" | "Int":
                numbers = {row["id"] for rows in self._world.rows.values() for row in rows if "id" in row}
                yield from (str(number) for number in sorted(numbers))
            case "String":
                column = to_snake_case(name).removesuffix("_prefix")
                yield from self._world.texts(column)
            case _:
                yield "1"

    def _check_page(self, page: dict[str, Any], expected: set[str]) -> None:
        ids = [node["id"] for node in page["nodes"]]
        assert len(ids) == len(expected) == page["totalCount"], (self._eye.name, page["__typename"])
        assert set(ids) == expected
        assert [edge["node"]["id"] for edge in page["edges"]] == ids

    def _check_report(self, report: dict[str, Any]) -> None:
        clicks = len(self._world.visible(self._eye, "ClickEvent"))
        breakdowns = [part for name, part in report.items() if name.startswith("breakdown")]
        assert breakdowns
        for counted in (report, *(_rows_and_rest(part) for part in breakdowns)):
            assert counted["clicks"] == clicks, self._eye.name

    async def _parts(self, parts: Iterable[str], size: int = 8) -> list[Any]:
        """Query parts; return their results in order, None for an error."""
        found: list[Any] = []
        for document in batches(parts, size):
            answer = await self._answer(document)
            found += (answer["data"] or {None: None}).values()
        return found

    async def _data(self, document: str) -> dict[str, Any]:
        answer = await self._answer(document)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def _answer(self, document: str) -> dict[str, Any]:
        answer = await self._world.gateway.graphql(document, token=self._eye.secret)
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert codes <= {"BAD_USER_INPUT"}, answer["errors"]
        self.judge(answer)
        return answer

    def judge(self, answer: Any) -> None:
        """Check that a whole response contains nothing hidden."""
        told = list(texts_in(answer))
        shown = {text for text in told if kind_of(text) is not None}
        assert shown <= self._ids, (self._eye.name, [decode_id(id) for id in shown - self._ids])
        said = "\n".join([*told, *map(opened, told)])
        assert not [secret for secret in self._secrets if secret in said], self._eye.name
        for page in pages_in(answer):
            assert page["totalCount"] == len(page["nodes"]), (self._eye.name, page)


def _rows_and_rest(breakdown: dict[str, Any]) -> dict[str, int]:
    return {"clicks": sum(part["clicks"] for part in (*breakdown["nodes"], breakdown["rest"]))}


def _is_whole(field: GraphQLField) -> bool:
    return listed_kind(field) is not None or not field.args or any(map(is_required_argument, field.args.values()))


def _named_kind(name: str) -> str:
    """Return the type that an input's `…Id` refers to."""
    kind = name.removesuffix("Ids").removesuffix("Id").removesuffix("s")
    return {"link": "ReferralLink", "programs": "Program"}.get(kind, kind[:1].upper() + kind[1:])
