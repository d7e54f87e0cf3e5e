"""What is asked instead where nothing has all of it: any of the words, and at last any of a phrase.

What stands in fields stays, and so does what is excluded. Called by search. Not here: what is
typed wrongly (corrections).
"""

from collections.abc import Iterator
from itertools import chain

from indexer.nodes import AllOf, Amount, AnyOf, Han, Mixed, Node, Phrase, Run, When
from indexer.typed_words import Reading, read_words

ANY_WORD = "没有同时包含全部词语的记录，以下结果包含其中一部分词语。"
NOT_AS_QUOTED = "没有原样包含引号里的文字和其余词语的记录，以下结果包含其中一部分词语。"

_WORDS: tuple[type[Node], ...] = (Han, Run, Mixed, Amount, AnyOf)


def loosen(node: Node) -> Iterator[tuple[Node, str]]:
    """Yield the same query with less to fulfil, stricter ones first, and what to say of each.

    Words first, times count as words only after that, phrases last, and only beside words:
    who asks for a phrase alone wants it as it stands. Nothing where loosening makes no sense.
    """
    node = _without_sounds(node)
    if not isinstance(node, AllOf):
        return
    for kinds in (_WORDS, (*_WORDS, When)):
        words = _of(node, kinds)
        if len(words) > 1:
            yield _any_of(words, node), ANY_WORD
    words = _of(node, (*_WORDS, When))
    phrases = tuple(part for part in node.parts if isinstance(part, Phrase))
    if words and phrases:
        yield _all_but(words, node), ANY_WORD
        parts = chain.from_iterable(map(_words_of, phrases))
        several = tuple(dict.fromkeys((*words, *parts)))
        yield _any_of(several, node, (*words, *phrases)), NOT_AS_QUOTED


def _without_sounds(node: Node) -> Node:
    """A text that holds letters may be a name by its sound (海xin): then it has no other words."""
    if isinstance(node, AnyOf) and any(isinstance(part, Mixed) for part in node.parts):
        rest = [part for part in node.parts if not isinstance(part, Mixed)]
        return rest[0] if len(rest) == 1 else node
    return node


def _of(node: AllOf, kinds: tuple[type[Node], ...]) -> tuple[Node, ...]:
    return tuple(part for part in node.parts if isinstance(part, kinds))


def _any_of(
    words: tuple[Node, ...], node: AllOf, instead_of: tuple[Node, ...] | None = None
) -> Node:
    rest = _rest(words if instead_of is None else instead_of, node)
    return AllOf((AnyOf(words), *rest)) if rest else AnyOf(words)


def _all_but(words: tuple[Node, ...], node: AllOf) -> Node:
    rest = _rest(words, node)
    return AllOf(rest) if len(rest) > 1 else rest[0]


def _rest(words: tuple[Node, ...], node: AllOf) -> tuple[Node, ...]:
    return tuple(part for part in node.parts if part not in words)


def _words_of(phrase: Phrase) -> tuple[Node, ...]:
    found = read_words(phrase.text, Reading())
    if found is None:
        return ()
    return found.parts if isinstance(found, AllOf) else (found,)
