"""Shows ``fit = ClassOrInstance(_fit)`` as the method that it calls."""

from __future__ import annotations

from typing import Any

from griffe import Attribute, Class, Extension, Function


class ClassOrInstanceMethods(Extension):
    """Puts the wrapped function in the place of the wrapper."""

    def on_class(self, *, cls: Class, **_: Any) -> None:
        """Look through the members of a class that was read."""
        for name, member in list(cls.members.items()):
            if not isinstance(member, Attribute):
                continue
            wrapper, _sign, wrapped = str(member.value).partition("(")
            if wrapper == "ClassOrInstance":
                held = cls.members[wrapped.rstrip(")")]
                assert isinstance(held, Function)
                cls.set_member(name, _renamed(held, name))


def _renamed(held: Function, name: str) -> Function:
    copy = Function(
        name, parameters=held.parameters, returns=held.returns, docstring=held.docstring,
        lineno=held.lineno, endlineno=held.endlineno,
    )  # fmt: skip
    copy.labels |= held.labels
    return copy
