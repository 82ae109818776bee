"""Names: any real name is accepted; invisible text and text that reverses its surroundings are not."""

from typing import Any

import pytest

from graph.domain.errors import FieldInvalid
from graph.domain.fields import name_field
from tests.support.admin_mutations import changed, make_world, refusal
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway
from tests.support.processes import clickgate

NAMES = {
    "a Persian name with a zero width non-joiner": "علی\u200cرضا",  # noqa: RUF001
    "a Sinhala word with a zero width joiner": "ශ්\u200dරී",
    "a family": "👨\u200d👩\u200d👧\u200d👦",
    "a flag of tags": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "a new emoji": "Shop \U0001fae8",
    "a no-break space": "Ben\u00a0&\u202fJo",
    "an ideographic space": "山田\u3000太郎",
    "a mark of direction": "\u200fשלום!\u200f",  # noqa: RUF001
    "a space of no width": "ร้าน\u200bค้า",
    "a combining accent": "Zoe\u0308",
    "a soft hyphen": "Donau\u00addampf",
}
NO_NAMES = ["", " ", "\t\n", "\u00a0", "\u3000", "\u200d", "\u200b\u2060", "\ufe0f", "\u3164", "\u2800", "x" * 256]
NO_NAMES += [f"a{control}b" for control in "\0\n\t\x1b\x7f\x85\u2028\u2029\u202a\u202e\u2066\u2069\u206f\ufeff\ufffb"]
NO_NAMES += ["a\ufdd0b", "a\uffffb", "a\ue000b", "a\ud800b"]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_valid_name_is_stored_unchanged(name: str) -> None:
    assert name_field("name", name) == name
    assert name_field("name", f" \u00a0{name}\n\u3000") == name


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(FieldInvalid, match=r"^name must"):
        name_field("name", name)


@pytest.mark.slow
async def test_every_name_field_accepts_the_same_names(gateway: Gateway) -> None:
    world = await make_world(gateway)
    tries: list[tuple[str, str, str, dict[str, Any]]] = [
        ("createProgram", "program", "name", {}),
        ("updateProgram", "program", "name", {"id": world.program}),
        ("createPartner", "partner", "name", {}),
        ("updatePartner", "partner", "name", {"id": world.partner}),
        ("issueToken", "apiToken", "label", {"role": "ADMIN"}),
    ]
    for mutation, row, field, others in tries:
        for name in NAMES.values():
            made = await changed(gateway, mutation, world.admin, **others, **{field: f" {name} "})
            assert made[row][field] == name
        for name in NO_NAMES[:-1]:
            told = await refusal(gateway, mutation, world.admin, **others, **{field: name})
            assert told == (field, "field_invalid"), ascii(name)


@pytest.mark.slow
def test_the_command_line_accepts_the_same_names(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    name = NAMES["a Persian name with a zero width non-joiner"]
    assert name in clickgate(url, "partner", "create", "--name", name).stdout
    done = clickgate(url, "partner", "create", "--name", "a\u202eb")
    assert (done.returncode, done.stderr) == (1, "clickgate: name must not contain control characters\n")
