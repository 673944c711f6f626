"""Molecules as they are asked for: drawn under conditions, chosen, with the columns beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from synthgen.errors import ConditionError, InvalidInputError
from synthgen.molecular.fragments import FRAGMENT
from synthgen.molecular.model import GraphGAN
from synthgen.molecular.outcomes import Beside, Outcomes
from synthgen.molecular.properties import Property, bounds, limits
from synthgen.molecular.registry import MoleculeModel
from synthgen.seeds import Streams

# molecules drawn at least where some are left out, and batches in a row of which none was kept
# after which no more are drawn
_CHOSEN_FROM, _IN_VAIN = 256, 20


class Request:
    """What is asked of a model of molecules; the arguments are those of `MolGen.sample`.

    Raises:
        ConditionError: If a condition names an unknown property or cannot be met.
    """

    def __init__(
        self,
        generator: MoleculeModel,
        properties: list[Property],
        outcomes: Outcomes,
        where: Mapping[str, Any] | None,
        *,
        unique: bool = False,
        novel_to: Iterable[str] | None = None,
        strict: bool = False,
    ) -> None:
        if where and not generator.has_conditions:
            raise ConditionError(
                f"model {generator.name} takes no conditions; fit with model='auto' for them"
            )
        self.generator, others = _holding(generator, where or {}, properties)
        self.outcomes, self.unique = outcomes, unique
        self.wanted = bounds(others, properties)
        self.is_beside = np.array([not one.computed for one in properties], bool)
        self.limits = limits(others, properties) if strict else {}
        self.asked = outcomes.conditions(where)
        of = generator.representation
        known = () if novel_to is None else novel_to
        self.barred = {text for one in known if (text := of.canonical(str(one)))}

    def batches(self, n: int, streams: Streams, batch: int) -> Iterator[pd.DataFrame]:
        """``n`` molecules in frames of at most ``batch``, which tell their ``raw_draws``.

        Raises:
            InvalidInputError: If hardly any molecule is as asked.
        """
        done = attempt = in_vain = 0
        of, barred = self.generator.representation, self.barred
        while done < n or not attempt:
            child = streams.child(f"batch/{attempt}")
            left = n - done
            chosen = self.unique or barred or self.limits
            found = self._drawn(min(batch, max(left, _CHOSEN_FROM) if chosen else left), child)
            raw_draws = len(found)
            found = [text for text in self._inside(found) if text not in barred]
            found = (list(dict.fromkeys(found)) if self.unique else found)[:left]
            barred = barred.union(found) if self.unique else barred
            done, attempt = done + len(found), attempt + 1
            in_vain = 0 if found else in_vain + 1
            if in_vain > _IN_VAIN:
                raise InvalidInputError(
                    f"after {attempt} batches only {done:,} of {n:,} {of.kind} are as asked; ask "
                    "for fewer, or without unique, novel_to and strict"
                )
            beside, _ = self.outcomes.draw(found, self.asked, child.child("columns"))
            beside.insert(0, of.column, pd.Series(found, dtype=object))
            beside.attrs["raw_draws"] = raw_draws
            yield beside

    def _inside(self, texts: list[str]) -> list[str]:
        """Texts whose computed properties lie within limits."""
        if not self.limits:
            return texts
        names, pairs = list(self.limits), list(self.limits.values())
        of = self.generator.representation

        def is_inside(text: str) -> bool:
            values = of.properties(text, names)
            return all(low <= v <= high for v, (low, high) in zip(values, pairs, strict=True))

        return [text for text in texts if is_inside(text)]

    def _drawn(self, n: int, streams: Streams) -> list[str]:
        """``n`` valid texts; what is not valid is drawn again."""
        found: list[str] = []
        choice = streams.child("choice")
        beside = None
        if self.asked:
            beside = Beside(
                self.is_beside, lambda texts: self.outcomes.draw(texts, self.asked, choice)[1]
            )
        for attempt in range(10):
            if len(found) >= n:
                break
            child = streams.child(f"attempt/{attempt}")
            found += self.generator.sample(n - len(found), self.wanted, child, beside)
        return found


def _holding(
    generator: MoleculeModel, where: Mapping[str, Any], properties: list[Property]
) -> tuple[MoleculeModel, Mapping[str, Any]]:
    """The generator under the condition of a fragment, and the conditions on properties."""
    if FRAGMENT not in where or FRAGMENT in [one.name for one in properties]:
        return generator, where
    assert isinstance(generator, GraphGAN)  # the only one with conditions
    others = {name: value for name, value in where.items() if name != FRAGMENT}
    return generator.holding(where[FRAGMENT]), others
