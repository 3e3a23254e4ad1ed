"""Statements of reasons: composed, and held to the schema that ships with the program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs


class Incomplete(Exception):
    """A statement lacks something that the schema demands; the message says what. A defect, never a person's mistake."""


def checked(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The statement, if it is valid against the schema; raises Incomplete where it is not."""
    whole = dict(statement)
    try:
        _validator().validate(whole)
    except jsonschema_rs.ValidationError as problem:
        raise Incomplete(problem.message) from problem
    return whole


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a statement of reasons."""
    text = resources.files("chatbranch.conduct").joinpath("statement.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(), validate_formats=True)
