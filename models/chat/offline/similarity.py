"""Which action a clause resembles: tf-idf over words and character n-grams of example requests.

A sentence embedding, where one is given, is asked only where cues and words do not decide (see `intents`): loading one
takes seconds, and a first answer should not.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise

Embed = Callable[[Sequence[str]], Iterable[Iterable[float]]]
_PLACES = {
    "m": "molecule",
    "x": "reaction",
    "p": "sequence",
    "n": "protein",
    "a": "antibody",
    "t": "target",
    "u": "target",
    "f": "file",
    "y": "file",
    "h": "handle",
    "q": "residue",
    "i": "run",
    "k": "campaign",
    "b": "molecule",
}
NEIGHBOURS = 3


@cache
def examples() -> tuple[tuple[str, str], ...]:
    """(action or kind of talk, example), from examples.txt."""
    found, label = [], ""
    for line in (files("models.chat.offline") / "examples.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            label = line[2:].strip()
        elif line.strip():
            found.append((label, re.sub(r"\b[A-Z]{4,}\b", lambda word: f"_{word[0].lower()}_", line.strip()).lower()))
    return tuple(found)


def similarities(text: str) -> dict[str, float]:
    """How near `text` (with places) comes to the examples of each label, 0 to 1: the nearest, and the mean of three."""
    return _nearest(_Index.built().scores(_with_names(text)))


def semantic_similarities(text: str, embed: Embed) -> dict[str, float]:
    """The same by a sentence embedding: -1 to 1, and on a scale of its own."""
    (vector,) = _vectors(embed, [_spoken(_with_names(text))])
    return _nearest([_cosine(vector, other) for other in _embedded(embed)])


@lru_cache(maxsize=2)
def _embedded(embed: Embed) -> Sequence[Sequence[float]]:
    return _vectors(embed, [_spoken(example) for _, example in examples()])


def _vectors(embed: Embed, texts: Sequence[str]) -> list[list[float]]:
    return [[float(value) for value in vector] for vector in embed(texts)]


def _with_names(text: str) -> str:
    return re.sub(r"§([a-z])\d+§", lambda place: f" _{_PLACES.get(place[1], 'thing')}_ ", text).strip()


def _spoken(text: str) -> str:
    """Without the signs around names, which mean nothing to an embedding."""
    named = re.sub(r"_([a-z])_", lambda place: _PLACES.get(place[1], "thing"), text)
    return re.sub(r"\s+", " ", named.replace("_", " ")).strip()


def _nearest(scores: Sequence[float]) -> dict[str, float]:
    by_label: dict[str, list[float]] = defaultdict(list)
    for (label, _), score in zip(examples(), scores, strict=True):
        by_label[label].append(score)
    near = {label: sorted(values, reverse=True)[:NEIGHBOURS] for label, values in by_label.items()}
    return {label: 0.6 * values[0] + 0.4 * sum(values) / len(values) for label, values in near.items()}


def _cosine(first: Sequence[float], second: Sequence[float]) -> float:
    norm = math.sqrt(sum(a * a for a in first) * sum(b * b for b in second))
    return sum(a * b for a, b in zip(first, second, strict=True)) / norm if norm else 0.0


def _features(text: str) -> Counter[str]:
    words = re.findall(r"[\w']+", text)
    found: Counter[str] = Counter()
    for word in words:
        found[word] += 2
        padded = f"<{word}>"
        for size in (3, 4):
            found.update(padded[at : at + size] for at in range(len(padded) - size + 1))
    found.update(f"{first} {second}" for first, second in pairwise(words))
    return found


class _Index:
    """Weighted postings of every feature."""

    def __init__(self, texts: Sequence[str]) -> None:
        counted = [_features(text) for text in texts]
        occurs = Counter(feature for features in counted for feature in features)
        self._weight = {feature: math.log(1 + len(texts) / n) for feature, n in occurs.items()}
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._n = len(texts)
        for at, features in enumerate(counted):
            weights = {f: (1 + math.log(n)) * self._weight[f] for f, n in features.items()}
            norm = math.sqrt(sum(w * w for w in weights.values()))
            for feature, weight in weights.items():
                self._postings[feature].append((at, weight / norm))

    @classmethod
    @cache
    def built(cls) -> _Index:
        return cls([text for _, text in examples()])

    def scores(self, text: str) -> list[float]:
        rare = math.log(1 + self._n)
        weights = {f: (1 + math.log(n)) * self._weight.get(f, rare / 2) for f, n in _features(text).items()}
        norm = math.sqrt(sum(w * w for w in weights.values())) or 1.0
        scores = [0.0] * self._n
        for feature, weight in weights.items():
            for at, other in self._postings.get(feature, ()):
                scores[at] += weight / norm * other
        return scores
