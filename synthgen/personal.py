"""Personal fields: recognized by their values, and replaced by invented ones.

Nothing a person wrote is kept: `generate` needs a `Column` and a random generator only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthgen.dtypes import dtype_of, family
from synthgen.errors import MissingExtraError
from synthgen.forms import patterns
from synthgen.forms.keys import Place, whole
from synthgen.forms.words import (
    GENERIC_WORDS,
    GIVEN_NAMES,
    STREET_ENDINGS,
    STREET_WORDS,
    SURNAMES,
    TITLES,
)

if TYPE_CHECKING:
    from synthgen.schema import Column, Personal

Texts = NDArray[np.object_]
_SAMPLE = 2000
_POOL = 1000
_EMAIL = re.compile(r"[\w.+%'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_PHONE = re.compile(r"(\+?\d{1,3}[ .-]?)?(\(\d{1,5}\)[ .-]?)?\d{2,5}([ .-]\d{2,5}){1,4}( ?x\d+)?")
_NORTH_AMERICA = re.compile(r"(\+?1[ .-]?)?(\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}( ?x\d+)?")
_INTERNATIONAL = re.compile(r"(\+|00)\d{1,3}[ .()/-]*\d([ .()/-]*\d){5,12}")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*\.?")
_HOUSE = re.compile(r"\d+[A-Za-z]?([-/]\d+[A-Za-z]?)?")
_POST_BOX = re.compile(r"p\.? ?o\.? box \d+", re.IGNORECASE)
PHONE_HINTS = frozenset({"phone", "tel", "telephone", "mobile", "cell", "cellphone", "fax"})
_NAME_HINTS = frozenset({"name", "names"})
_PERSON_NAMES = frozenset({"fullname", "firstname", "lastname", "surname", "forename"})
_WHOSE_NAMES = frozenset(
    {"first", "last", "full", "given", "family", "middle", "maiden", "patient", "customer",
     "client", "employee", "person", "student", "teacher", "doctor", "physician", "contact",
     "member", "owner", "guest", "passenger"}
)  # fmt: skip
_ASIDE = re.compile(r"\([^)]*\)|\"[^\"]*\"")
_STREETS = ("Street", "Avenue", "Road", "Lane", "Drive", "Court", "Place", "Way", "Boulevard")
_DOMAINS = ("example.com", "example.org", "example.net")  # reserved: nobody's mailbox


def detect(values: Any, name: str | int = "", counts: Any = None) -> Personal | None:
    """What kind of personal field distinct texts are, or ``None``.

    Args:
        values: Texts, without missing ones; distinct ones suffice.
        name: The column's name: it can confirm weak evidence, never replace it.
        counts: How many rows hold each value; a column of makers of which a few are persons is
            not a column of persons.
    """
    texts = np.asarray(values, dtype=object)
    step = max(1, len(texts) // _SAMPLE)
    sample = [str(text).strip() for text in texts[::step]]
    weights = np.ones(len(sample)) if counts is None else np.asarray(counts)[::step]
    if not sample:
        return None
    hints = set(words_of(name))
    if _share(sample, lambda text: _EMAIL.fullmatch(text) is not None) >= 0.9:
        return "email"
    if _is_phone(sample, hints):
        return "phone"
    if len(sample) >= 3 and _share(sample, is_address) >= 0.5:
        return "address"
    return "name" if _is_name(sample, weights, hints) else None


def words_of(name: str | int) -> list[str]:
    """Words of a column name in lower case: ``patientNbr``, ``patient_nbr``, ``Patient Nbr``."""
    found = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", str(name))
    return [word.lower() for word in found]


def is_address(text: str) -> bool:
    """Whether a text has a house number and a street's name."""
    words = text.replace(",", " ").split()
    if len(words) < 2:
        return False
    if _POST_BOX.match(text):
        return True
    if _HOUSE.fullmatch(words[0]):
        kinds = [word.lower().rstrip(".") in STREET_WORDS for word in words[1:]]
        return len(words) >= 3 and any(kinds)
    last = next((i for i, word in enumerate(words) if i and _HOUSE.fullmatch(word)), None)
    if last is None:
        return False
    return any(
        word.lower() in STREET_WORDS or word.lower().endswith(STREET_ENDINGS)
        for word in words[:last]
    )


def name_form(values: Any) -> str:
    """How names are written: ``First Last``, ``Last, First``, ``First``, in the case shown."""
    sample = [str(text) for text in values[:_SAMPLE]]
    if _share(sample, lambda text: "," in text) > 0.5:
        form = "Last, First"
    elif _share(sample, lambda text: " " in text.strip()) > 0.5:
        form = "First Last"
    else:
        given = _share(sample, lambda text: text.lower() in GIVEN_NAMES)
        form = "First" if given > 0.2 else "Last"
    return form.upper() if _share(sample, str.isupper) > 0.5 else form


def phone_pattern(values: Any) -> str | None:
    """The pattern of phone numbers; of their digits only a shared country code is kept."""
    pattern = patterns.infer_pattern(np.asarray(values, dtype=object))
    if pattern is None:
        return None
    code = re.match(r"\+(?:\\\d){1,3}(?=[^\\9])", pattern)
    end = code.end() if code else 0
    return pattern[:end] + re.sub(r"\\\d", "9", pattern[end:])


def address_form(values: Any) -> str:
    """How addresses are written: ``1 Street`` or ``1 STREET``."""
    upper = _share([str(text) for text in values[:_SAMPLE]], str.isupper) > 0.5
    return "1 STREET" if upper else "1 Street"


def generate(column: Column, n: int, rng: np.random.Generator, place: Place | None = None) -> Texts:
    """``n`` invented texts for an identifier, a personal field or a text: (n,) of str.

    They come from the column's own pattern, from Faker's lists, or from generic words; if
    ``column.unique`` they are all different, also from those of the table's other parts.

    Args:
        place: Which rows of the table they are for; all of them if ``None``.

    Raises:
        MissingExtraError: A name or address is wanted, and Faker is not installed.
    """
    if n == 0:
        return np.empty(0, dtype=object)
    place = place or whole(n, rng)
    if column.personal == "phone":
        pattern = column.pattern or "(199) \\5\\5\\5-9999"
        return patterns.draw(pattern, n, rng, column.unique, place)
    if column.personal is None and column.kind != "text":
        return _identifiers(column, n, rng, place)
    if column.personal == "email":
        texts = _emails(n, rng)
    elif column.personal == "name":
        texts = _names(column.text_format or "First Last", n, rng)
    elif column.personal == "address":
        texts = _addresses(column.text_format or "1 Street", n, rng)
    else:
        texts = _prose(column.length or 40, n, rng)
    return _unique(texts, place) if column.unique else texts


def _identifiers(column: Column, n: int, rng: np.random.Generator, place: Place) -> Texts:
    dtype: Any = dtype_of(column.dtype)
    if family(dtype) != "integer":
        return patterns.draw(column.pattern, n, rng, column.unique, place)
    pattern = column.pattern or "1999999"
    digits = len(patterns.parse_pattern(pattern))
    largest = int(np.iinfo(getattr(dtype, "numpy_dtype", dtype)).max)
    if pattern.startswith("#") or 10**digits - 1 <= largest:
        return patterns.draw(pattern, n, rng, column.unique, place)
    # A dtype too narrow for all numbers of so many digits: stay inside it.
    least = min(10 ** (digits - 1), largest)
    room = largest - least + 1
    if column.unique and place.total > room:
        return patterns.running_numbers("#0", n, place.first)
    numbers = place.distinct(n, room) if column.unique else rng.integers(room, size=n)
    return np.array([str(least + k) for k in rng.permutation(numbers).tolist()], dtype=object)


def _faker(rng: np.random.Generator) -> Any:
    try:
        from faker import Faker
    except ImportError:
        raise MissingExtraError(
            "names and addresses are invented with Faker, which is not installed; "
            "run: pip install 'synthgen[personal]'"
        ) from None
    fake = Faker("en_US")
    fake.seed_instance(int(rng.integers(2**62)))
    return fake


def _pool(make: Any) -> Texts:
    return np.array(sorted({make() for _ in range(_POOL)}), dtype=object)


def _pick(pool: Texts, n: int, rng: np.random.Generator) -> Texts:
    return np.asarray(pool[rng.integers(len(pool), size=n)], dtype=object)


def _names(form: str, n: int, rng: np.random.Generator) -> Texts:
    fake = _faker(rng)
    first = _pick(_pool(fake.first_name), n, rng)
    last = _pick(_pool(fake.last_name), n, rng)
    order = form.lower()
    texts = first + " " + last
    if "," in order:
        texts = last + ", " + first
    elif order in ("first", "last"):
        texts = first if order == "first" else last
    return _cased(texts, form)


def _emails(n: int, rng: np.random.Generator) -> Texts:
    fake = _faker(rng)
    first = _cased(_pick(_pool(fake.first_name), n, rng), "a")
    last = _cased(_pick(_pool(fake.last_name), n, rng), "a")
    number = np.array([str(k) for k in rng.integers(1, 1000, size=n).tolist()], dtype=object)
    domain = _pick(np.array(_DOMAINS, dtype=object), n, rng)
    return np.asarray(first + "." + last + number + "@" + domain, dtype=object)


def _addresses(form: str, n: int, rng: np.random.Generator) -> Texts:
    fake = _faker(rng)
    number = np.array([str(k) for k in rng.integers(1, 3000, size=n).tolist()], dtype=object)
    street = _pick(_pool(fake.last_name), n, rng)
    suffix = _pick(np.array(_STREETS, dtype=object), n, rng)
    return _cased(number + " " + street + " " + suffix, form)


def _prose(length: int, n: int, rng: np.random.Generator) -> Texts:
    """Texts of generic words, about ``length`` characters each."""
    words = np.array(GENERIC_WORDS, dtype=object)
    mean = sum(map(len, GENERIC_WORDS)) / len(GENERIC_WORDS) + 1
    typical = max(1, round(length / mean))
    counts = np.maximum(1, rng.poisson(typical, size=n))
    drawn = words[rng.integers(len(words), size=int(counts.sum()))].tolist()
    ends = np.cumsum(counts).tolist()
    starts = [0, *ends[:-1]]
    return np.array(
        [" ".join(drawn[a:b]).capitalize() for a, b in zip(starts, ends, strict=True)], dtype=object
    )


def _cased(texts: Texts, form: str) -> Texts:
    if form.isupper():
        return np.array([text.upper() for text in texts], dtype=object)
    return np.array([t.lower() for t in texts], dtype=object) if form.islower() else texts


def _unique(texts: Texts, place: Place) -> Texts:
    """``texts``, the row's number added to those that came before or may have."""
    out = texts.copy()
    again = pd.Series(texts).duplicated().to_numpy() | (place.first > 0)
    for index in np.flatnonzero(again).tolist():
        out[index] = _numbered(texts[index], place.first + index + 1)
    return out


def _numbered(text: str, number: int) -> str:
    if "@" in text:
        user, _, domain = text.partition("@")
        return f"{user}-{number}@{domain}"
    return f"{text} {number}"


def _share(texts: list[str], test: Any) -> float:
    return sum(map(bool, map(test, texts))) / len(texts) if texts else 0.0


def _is_phone(sample: list[str], hints: set[str]) -> bool:
    def digits_fit(text: str) -> bool:
        return 7 <= sum(letter.isdigit() for letter in text) <= 15

    sure = _share(
        sample, lambda t: bool(_NORTH_AMERICA.fullmatch(t) or _INTERNATIONAL.fullmatch(t))
    )
    if sure >= 0.9:
        return True
    if not hints & PHONE_HINTS:
        return False
    return (
        _share(
            sample,
            lambda t: digits_fit(t) and bool(_PHONE.fullmatch(t) or re.fullmatch(r"\+?[\d ]+", t)),
        )
        >= 0.9
    )


def _is_name(sample: list[str], weights: NDArray[Any], hints: set[str]) -> bool:
    """Up to five capitalized words; good evidence is a common name, or a title."""
    if _share(sample, _name_shaped) < 0.8:
        return False
    if _names_a_person(hints):
        return True
    hinted = bool(hints & _NAME_HINTS)
    if len(sample) < 3 and not hinted:
        return False
    single = _share(sample, lambda text: " " not in text) > 0.5
    common = np.array([_has_common_name(text, single) for text in sample])
    known = min(common.mean(), (common * weights).sum() / weights.sum())
    least = 0.5 if single else 0.3
    return bool(known >= (least / 2 if hinted else least))


def _names_a_person(hints: set[str]) -> bool:
    """Whether a column's name can only mean persons: ``last_name``, ``Patient Name``."""
    return bool(hints & _PERSON_NAMES) or ("name" in hints and bool(hints & _WHOSE_NAMES))


def _name_shaped(text: str) -> bool:
    words = _name_words(text)
    return 1 <= len(words) <= 5 and all(
        _WORD.fullmatch(word) and (word[0].isupper() or len(word) <= 3) for word in words
    )


def _has_common_name(text: str, single: bool) -> bool:
    """Whether a name starts with a common given name, or carries a title."""
    words = [word.lower().strip(".") for word in _name_words(text)]
    if not words:
        return False
    if len(words) < len(_plain(text).split()) and len(words) >= 2:
        return True  # a title was left out
    given = words[1] if "," in text and len(words) > 1 else words[0]
    return given in GIVEN_NAMES or (single and given in SURNAMES)


def _name_words(text: str) -> list[str]:
    return [word for word in _plain(text).split() if word.lower().strip(".") not in TITLES]


def _plain(text: str) -> str:
    """Without commas, and without what stands in brackets or quotes (a maiden name, a nickname)."""
    return _ASIDE.sub(" ", text).replace(",", " ")
