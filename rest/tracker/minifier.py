"""Minifies the tracker script: removes comments and whitespace with rjsmin, shortens names, and inlines constants.

Every page of every advertiser loads the script, and readable names would be a fifth of its size. The minifier need not
resolve scopes, because the script follows three rules: its outermost statements are indented by two spaces, none of its
own names is also a property name (`{detail: data}`, never `{detail}`), and only constants have names in capitals.
"""

import re
from collections import Counter
from itertools import product
from string import ascii_letters

from rjsmin import jsmin

# Matches strings and regular expressions, which stay unchanged; properties, after a dot or before a colon; and names.
TOKEN = re.compile(r'"[^"\n]*"|(?:(?<=[(=|&!])|(?<=\breturn))/(?:\\.|[^/\\\n])+/|(?:(?<!\.)\.)?\b[A-Za-z]\w*\b:?')
STATEMENT = re.compile(r"^  (?=[a-z])", re.MULTILINE)
# What an outermost statement declares: its own names, without parameters.
OUTERMOST = re.compile(r"(?:const|let|(?:async )?function) (\w+(?:, \w+)*)")
VARIABLES = re.compile(r"\b(?:const|let|function) (\w+(?:, \w+)*)|\(([\w, ]+)\) =>|\bcatch \((\w+)\)")
PARAMETERS = re.compile(r"(?:\bfunction \w*|^ +(?:async )?\w+)\(([\w, ]+)\) {$", re.MULTILINE)
# The single parameter of an arrow function, which needs no parentheses unless a word such as `return` precedes it.
ONLY_PARAMETER = re.compile(r"(?<!\w)\((\w+)\)=>")
CONSTANT = re.compile(r'^ *const ([A-Z_]+) = (\d+|"[^"\\]*");$', re.MULTILINE)
# A declaration with its further lines, which are indented or close a bracket, and the beginning of the next one.
DECLARATIONS = re.compile(r"^( *)((?:const|let) .*(?:\n\1[ })\]].*)*);\n\1(?:const|let) ", re.MULTILINE)
ACCESSOR = re.compile(r"\b[gs]et (\w+)\(")
SHORTEST_CHANGED = 3


def minified(source: str) -> str:
    """Return an equivalent script in fewer bytes."""
    script = str(jsmin(_joined(_inlined(source))))
    tokens = Counter(TOKEN.findall(script))
    properties = {token.strip(".:") for token in tokens if token[0] == "." or token[-1] == ":"}
    own = _declared(source) - properties - set(ACCESSOR.findall(source))
    statements = [set(TOKEN.findall(text)) for text in STATEMENT.split(source)]
    heads = filter(None, map(OUTERMOST.match, STATEMENT.split(source)))
    outermost = own & {name for head in heads for name in head[1].split(", ")}
    kept = "".join(token for token in tokens.elements() if token not in own)
    free = [letters for letters in _letters(kept) if letters not in tokens]
    # `let` can replace `const`, because tests that run the source show that no constant is assigned to.
    short = {"const": "let", "true": "!0", "false": "!1", "undefined": "void 0"}
    # Local names come first, because different functions may use the same letter for them. They may also use that of an
    # outermost name, in statements that do not use the name.
    for name in sorted(own, key=lambda name: (name in outermost, -tokens[name], name)):
        near = outermost.union(*(used for used in statements if name in used))
        taken = {short[other] for other in near if other in short}
        short[name] = next(letters for letters in free if letters not in taken)
    # The last statement of a block needs no semicolon.
    script = TOKEN.sub(lambda token: short.get(token[0], token[0]), script)
    script = re.sub(r"[;,](?=})", "", script).replace("}\n", "}")
    return ONLY_PARAMETER.sub(r"\1=>", script)


def _inlined(source: str) -> str:
    """Replace constants that are numbers, or are used only once, with their values."""
    for name, value in CONSTANT.findall(source):
        uses = re.compile(rf"\b{name}\b")
        if value.isdigit() or len(uses.findall(source)) == 2:
            source = uses.sub(value, re.sub(rf"^ *const {name} = .*\n", "", source, flags=re.MULTILINE))
    return source


def _joined(source: str) -> str:
    """Merge consecutive declarations into one."""
    lines = [line for line in source.splitlines() if line.strip() and not line.lstrip().startswith("//")]
    joined, merged = "\n".join(lines), 1
    while merged:
        joined, merged = DECLARATIONS.subn(r"\1\2,", joined)
    return joined


def _declared(source: str) -> set[str]:
    lists = [*PARAMETERS.findall(source), *(names for found in VARIABLES.findall(source) for names in found)]
    return {name for names in lists for name in names.split(", ") if len(name) >= SHORTEST_CHANGED}


def _letters(kept: str) -> list[str]:
    """Return short names. Letters that are frequent in the rest of the script come first: they compress better."""
    letters = sorted(ascii_letters, key=lambda letter: -kept.count(letter))
    return [*letters, *map("".join, product(letters, repeat=2))]
