"""Who is attacked, and what an attacker holds.

Members are train rows, controls are holdout rows: an attack succeeds by as much as it does better
on members. An attacker holds the synthetic table and a reference: other rows of the population,
here the part of the holdout that is not attacked. Nothing that an attack is given is learned from
train rows, so that members and controls differ in nothing but that the generator saw the members.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthgen.errors import InvalidInputError
from synthgen.evaluation.features import Floats, TableFeatures
from synthgen.evaluation.quality.align import row_hashes
from synthgen.evaluation.quality.embedding import Floats32, MixedEmbedding, neighbours

# of each table so many rows are used at most, and so many members and controls attacked
MOST_ROWS, MOST_ATTACKS = 100_000, 10_000
FEWEST_ROWS = 100
# share of holdout rows that may be train rows beyond what the train table's twins explain
_MOST_OVERLAP = 0.01

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class People:
    """Tables of the same columns.

    Attributes:
        train: All train rows, or a sample of them.
        synthetic: The release, or a sample of it.
        reference: Holdout rows that the attacker knows.
        controls: Other holdout rows, which are attacked.
        members: Train rows that are attacked.
        seed: Of everything random.
    """

    train: pd.DataFrame
    synthetic: pd.DataFrame
    reference: pd.DataFrame
    controls: pd.DataFrame
    members: pd.DataFrame
    seed: int

    @classmethod
    def of(
        cls, train: pd.DataFrame, synthetic: pd.DataFrame, holdout: pd.DataFrame, seed: int
    ) -> People:
        """Split a holdout, and choose who is attacked.

        Raises:
            InvalidInputError: If a table is tiny, or holdout rows are train rows.
        """
        tables = {"train": train, "synthetic": synthetic, "holdout": holdout}
        for role, table in tables.items():
            if len(table) < FEWEST_ROWS:
                raise InvalidInputError(
                    f"the {role} table has {len(table)} rows: attacks on fewer than {FEWEST_ROWS} "
                    "say nothing; give more rows"
                )
        check_overlap(row_hashes(train), row_hashes(holdout), "rows")
        rng = np.random.default_rng(seed)
        train, synthetic = (_some(table, MOST_ROWS, rng) for table in (train, synthetic))
        order = rng.permutation(len(holdout))
        half = min(len(holdout) // 2, MOST_ATTACKS)
        reference = holdout.iloc[order[half:][:MOST_ROWS]]
        return cls(
            train,
            synthetic,
            reference.reset_index(drop=True),
            holdout.iloc[order[:half]].reset_index(drop=True),
            _some(train, MOST_ATTACKS, rng),
            seed,
        )

    def everybody(self) -> People:
        """The same tables with all train rows as members, and all holdout rows as controls."""
        unseen = pd.concat([self.controls, self.reference], ignore_index=True)
        return replace(self, members=self.train, controls=unseen)

    def rng(self, attack: str) -> np.random.Generator:
        """Random numbers of one attack."""
        return np.random.default_rng([self.seed, *attack.encode()])

    @cached_property
    def embedding(self) -> MixedEmbedding:
        """Points of rows, learned from what the attacker holds."""
        return MixedEmbedding.of(pd.concat([self.synthetic, self.reference], ignore_index=True))

    @cached_property
    def points(self) -> dict[str, Floats32]:
        """Points (n, d) of each table that attacks compare."""
        return {role: self.embedding.points(table) for role, table in self._tables.items()}

    @cached_property
    def numbers(self) -> dict[str, Floats]:
        """Cells (n, n_columns) as numbers; NaN is missing."""
        features = TableFeatures.of(pd.concat(list(self._tables.values()), ignore_index=True))
        return {role: features.matrix(table) for role, table in self._tables.items()}

    @cached_property
    def codes(self) -> dict[str, Codes]:
        """Cells (n, n_columns) as codes from 0: equal cells have equal codes, in any table."""
        stacked = np.concatenate(list(self.numbers.values()))
        codes = np.empty(stacked.shape, np.int32)
        for j in range(stacked.shape[1]):
            codes[:, j] = np.unique(stacked[:, j], return_inverse=True)[1].reshape(-1)
        ends = np.cumsum([len(table) for table in self._tables.values()])
        return dict(zip(self._tables, np.split(codes, ends[:-1]), strict=True))

    def nearest(self, role: str, to: str) -> Floats:
        """Distance (n,) of each row of one table to the nearest of another."""
        if (role, to) not in self._nearest:
            self._nearest[role, to] = neighbours(self.points[role], self.points[to], 1)[0][:, 0]
        return self._nearest[role, to]

    @cached_property
    def _nearest(self) -> dict[tuple[str, str], Floats]:
        return {}

    @property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return {
            "synthetic": self.synthetic,
            "reference": self.reference,
            "controls": self.controls,
            "members": self.members,
        }


def _some(table: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    if len(table) > most:
        table = table.iloc[np.sort(rng.choice(len(table), most, replace=False))]
    return table.reset_index(drop=True)


def check_overlap(known: np.ndarray, own: np.ndarray, what: str) -> None:
    """Holdout records that were trained on are no control.

    Args:
        known, own: Values (n,) and (m,) of train and holdout records, equal for equal ones.
        what: They are, in words.

    Raises:
        InvalidInputError: If many are.
    """
    overlap = float(np.isin(own, known).mean())
    _, inverse, count = np.unique(known, return_inverse=True, return_counts=True)
    twins = float((count[inverse] > 1).mean())
    if overlap > twins + _MOST_OVERLAP:
        raise InvalidInputError(
            f"{overlap:.1%} of the holdout {what} are train {what}, where {twins:.1%} of the train "
            f"{what} have a twin: the holdout was trained on, so it shows nothing. Give {what} "
            "that were put aside before the fit"
        )
