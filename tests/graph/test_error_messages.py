"""What errors say: every argument and every input field of the schema is given wrong values, and no message shows a
value or a name as Python has them, or a name that the client does not know.

What is asked is generated from the schema, so that an argument that is added later is driven as well.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from graph.query.global_ids import encode_id
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, body_of, running_gateway
from tests.support.wrong_values import everything_that_is_taken, tries

pytestmark = pytest.mark.slow

PYTHON = re.compile(
    r"\b(None|True|False|Undefined|NoneType|str|int|float|bool|dict|tuple|datetime|nan|inf)\b"
    r"|[{\[(]'|': |<\w+ |object at 0x|Error\b|Exception|Traceback|codec"
)
JSON = "application/json"
SNAKE_CASE = re.compile(r"\b[a-z]+_[a-z_]+\b")
# The mutations that only programs may use.
RECORDS = re.compile(r"track(Lead|Sale|Refund)\(")


def said(answer: Any) -> Iterator[tuple[str, str | None]]:
    """Yield what an answer says is wrong, each with the code of an error."""
    for error in answer.get("errors", ()):
        yield error["message"], error["extensions"]["code"]
    for payload in (answer.get("data") or {}).values():
        if isinstance(payload, dict):
            yield from ((error["message"], None) for error in payload.get("userErrors", ()))
            if "message" in payload:
                yield payload["message"], None


def faults(message: str, code: str | None) -> list[str]:
    """Return what a client should not have to read in a message. What it sent itself is quoted as JSON, and goes."""
    words = re.sub(r'"(?:[^"\\]|\\.)*"', '""', message)
    found = [match[0] for match in (PYTHON.search(words), SNAKE_CASE.search(words)) if match]
    return found if code in (None, "BAD_USER_INPUT", "FORBIDDEN", "TOO_COMPLEX") else [str(code)]


@pytest.fixture(scope="module")
async def gateway(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    async with running_gateway(make_sqlite()) as running:
        await running.link()
        yield running


async def asked(gateway: Gateway, token: str, document: str, value: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    # As text, because a number may be larger than any that the encoder of the client takes.
    body = json.dumps({"query": document, "variables": {"value": value} if "$value" in document else {}})
    return body_of(await gateway.http.post("/graphql", content=body, headers={**headers, "Content-Type": JSON}))


async def test_no_message_exposes_python_values_or_types(gateway: Gateway) -> None:
    admin, program = await gateway.token(), await gateway.token("program", program_id=1)
    wrong: dict[str, str] = {}
    messages: set[str] = set()
    refused: set[tuple[str, str]] = set()
    for each in everything_that_is_taken():
        for given, document, value in tries(each):
            # What is refused before anything is executed is refused of every argument of the type, in the same words.
            if (str(each.type), given) in refused:
                continue
            token = program if RECORDS.search(document) else admin
            answer = await asked(gateway, token, document, value)
            for message, code in said(answer):
                messages.add(message)
                if faults(message, code):
                    wrong[message] = document
            if "data" not in answer and not any(each.name in message for message, _ in said(answer)):
                refused.add((str(each.type), given))
    assert wrong == {}
    # Those of the resolvers, and those of the library, which names types and values.
    assert {"from", "to", "limit", "filter.programIds", "cookieWindowDays", "destinationUrl", "expiresAt"} <= {
        message.partition(" ")[0] for message in messages
    }
    assert len(messages) > 1000


async def test_a_message_names_arguments_as_the_client_wrote_them(gateway: Gateway) -> None:
    token = await gateway.token()
    span = 'from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z"'
    ids = json.dumps([encode_id("ReferralLink", 1)] * 101)
    long_id = f'{{affiliateUrl: "https://yoursite.com/?aff=A", eventId: "{"x" * 65}"}}'
    told = {
        f"{{ clickReport({span}, filter: {{referralLinkIds: {ids}}}) {{ clicks }} }}": (
            "filter.referralLinkIds must have at most 100 ids"
        ),
        f'{{ clickReport({span}, filter: {{partnerIds: ["x"]}}) {{ clicks }} }}': (
            "filter.partnerIds[0] is not a valid id"
        ),
        f'{{ clickReport({span}, timezone: "localtime") {{ clicks }} }}': (
            "timezone must be an IANA time zone such as Europe/Berlin"
        ),
        "{ program { id } }": "id or databaseId must be given, but not both",
        f'{{ customers(filter: {{referralLinkId: "{encode_id("Partner", 1)}"}}) {{ totalCount }} }}': (
            "filter.referralLinkId must be the id of a ReferralLink"
        ),
        "{ programs(first: 1, last: 1) { totalCount } }": "last cannot be combined with first",
        "{ programs(first: null, after: null, last: 101) { totalCount } }": "last must be between 0 and 100",
        'mutation { trackClick(input: {affiliateUrl: ""}) { ... on RefusedClick { message } } }': (
            "affiliateUrl is required"
        ),
        f"mutation {{ trackClick(input: {long_id}) {{ ... on RefusedClick {{ message }} }} }}": (
            "eventId must have 1 to 64 characters"
        ),
        'mutation { createProgram(input: {name: "X", cookieWindowDays: 0}) { userErrors { message } } }': (
            "cookieWindowDays must be between 1 and 3650"
        ),
        "mutation { issueToken(input: {role: PARTNER}) { userErrors { message } } }": (
            "partnerId is required for partner tokens"
        ),
    }
    for document, words in told.items():
        assert [message for message, _ in said(await asked(gateway, token, document))] == [words]


async def test_an_invalid_variable_is_described_in_json_terms(gateway: Gateway) -> None:
    token = await gateway.token()
    document = "query ($value: ClickEventFilter!) { clickEvents(filter: $value) { __typename } }"
    told: list[tuple[Any, str]] = [
        (None, ": it must not be null"),
        ("x", ': it must be an object of type ClickEventFilter, not "x"'),
        ({"nope": 1}, ': ClickEventFilter has no field "nope".'),
        ({"isBots": True}, ": ClickEventFilter has no field \"isBots\". Did you mean 'isBot'?"),
        ({"isBot": None, "os": 5}, " at .os: it must be a String, not 5"),
        ({"isBot": "yes"}, ' at .isBot: it must be a Boolean, not "yes"'),
        ({"os": {"nope": None}}, " at .os: it must be a String, not an object"),
        ({"programId": [True]}, " at .programId: it must be an ID, not a list"),
        (
            {"occurredTo": "today"},
            ' at .occurredTo: DateTime must be an RFC 3339 timestamp with a UTC offset, such as "2026-05-01T12:00:00Z"',
        ),
    ]
    for value, words in told:
        messages = [message for message, _ in said(await asked(gateway, token, document, value))]
        assert messages == [f'Variable "$value" has an invalid value{words}']
    document = "mutation ($value: IssueTokenInput!) { issueToken(input: $value) { token } }"
    messages = [message for message, _ in said(await asked(gateway, token, document, {"role": "admin"}))]
    assert messages == [
        'Variable "$value" has an invalid value at .role: '
        'it must be one of ADMIN, PROGRAM, PARTNER, TRACKING, not "admin"'
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"query": 5}', "Expected `string | null`, got `integer` - at `$.query`"),
        (b'{"query": "{a}", "variables": [true]}', "Expected `object | null`, got `array` - at `$.variables`"),
        (b'{"query": "{a}", "operationName": 1.5}', "Expected `string | null`, got `number` - at `$.operationName`"),
        (b'{"query": true}', "Expected `string | null`, got `boolean` - at `$.query`"),
        (b'{"query": "{a}", "variables": {"str": ' + b"[" * 5000, "it is nested too deeply"),
        (b'{"query": "\xff"}', "it is not UTF-8"),
        (b"", "Input data was truncated"),
    ],
)
async def test_a_malformed_request_is_described_in_json_terms(gateway: Gateway, body: bytes, words: str) -> None:
    answer = body_of(await gateway.http.post("/graphql", content=body, headers={"Content-Type": JSON}))
    assert [message for message, _ in said(answer)] == [f"The body is not a valid GraphQL request: {words}"]
