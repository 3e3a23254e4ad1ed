"""What publishing adds to the API's description (intake.openapi), kept by hand beside it."""

from __future__ import annotations

from typing import Any

from chatbranch.claims.media import CATEGORIES, KINDS
from chatbranch.claims.rules import RATINGS

_STRING: dict[str, Any] = {"type": "string"}
_TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": _STRING, "description": "By language."}
_DAY: dict[str, Any] = {"type": "string", "format": "date"}
_MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
_RATING: dict[str, Any] = {"enum": list(RATINGS)}

_VERDICT: dict[str, Any] = {
    "type": "object",
    "required": ["version", "rating", "as_of", "published_at", "reason", "origin"],
    "properties": {
        "version": {"type": "integer", "minimum": 1},
        "rating": _RATING,
        "as_of": _DAY,
        "published_at": _MOMENT,
        "reason": _TEXTS,
        "origin": _STRING,
    },
}
_SOURCE: dict[str, Any] = {
    "type": "object",
    "required": ["url", "title", "publisher", "lang"],
    "properties": {"url": _STRING, "title": _STRING, "publisher": _STRING, "lang": _STRING},
}
_PASS_ON: dict[str, Any] = {
    "type": ["object", "null"],
    "description": "The card to pass on; null for a version that another has followed.",
    "required": ["url", "picture", "text", "kind_text"],
    "properties": {
        "url": {**_STRING, "description": "Where the card code leads."},
        "picture": {**_STRING, "description": "The card as PNG."},
        "text": {**_STRING, "description": "The card as text."},
        "kind_text": {**_STRING, "description": "For the family group; empty where the verdict is over."},
    },
}
_FIELDS: dict[str, Any] = {
    "id": {**_STRING, "format": "uuid"},
    "claim": {**_STRING, "description": "The claim in the language of the answer, or the nearest."},
    "wordings": {"type": "object", "additionalProperties": {"type": "array", "items": _STRING}},
    "topic": _STRING,
    "rating": _RATING,
    "rating_name": _STRING,
    "rating_as_published": {**_STRING, "description": "In its publisher's words, where those differ."},
    "as_of": _DAY,
    "expires": {"type": ["string", "null"], "format": "date"},
    "scope": _TEXTS,
    "explanation": _TEXTS,
    "reason": _TEXTS,
    "media": {
        "type": ["object", "null"],
        "description": "The picture, video or recording that the claim is about: kind, and a schema.org category.",
        "properties": {"kind": {"enum": list(KINDS)}, "category": {"enum": list(CATEGORIES)}},
    },
    "sources": {"type": "array", "items": _SOURCE},
    "origin": {**_STRING, "description": "Who decided; empty: this branch."},
    "origin_url": _STRING,
    "version": {"type": "integer", "minimum": 1},
    "current": {"type": "boolean", "description": "Whether this verdict holds today."},
    "code": {**_STRING, "description": "The card code of this version."},
    "published_at": _MOMENT,
    "history": {"type": "array", "items": _VERDICT, "description": "Every verdict, newest first."},
    "url": _STRING,
    "pass_on": _PASS_ON,
}
CLAIM: dict[str, Any] = {"type": "object", "required": list(_FIELDS), "properties": _FIELDS}
CLAIMS: dict[str, Any] = {
    "type": "object",
    "required": ["claims", "next"],
    "properties": {
        "claims": {"type": "array", "items": CLAIM},
        "next": {"type": ["string", "null"], "description": "The cursor of the next page; null on the last."},
    },
}


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def paths(answered: Any, refused: dict[str, Any]) -> dict[str, Any]:
    """The paths. answered(schema, description): a response; refused: the responses of a refusal."""
    return {
        "/api/v1/claims": {
            "get": {
                "operationId": "claims",
                "summary": "Claims with the verdict that holds today, newest change first.",
                "parameters": [
                    _query("topic", _STRING, "Only of this topic."),
                    _query("rating", _RATING, "Only with this rating."),
                    _query("origin", _STRING, "Only decided by these; ours: by this branch."),
                    _query("cursor", {**_STRING, "format": "uuid"}, "The next page: next of the one before."),
                    _query(
                        "limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}, "A page."
                    ),
                ],
                "responses": {"200": answered(CLAIMS, "A page of claims."), **refused},
            }
        },
        "/api/v1/claims/{id}": {
            "get": {
                "operationId": "claim",
                "summary": "One claim.",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {**_STRING, "format": "uuid"}},
                    _query("version", {"type": "integer", "minimum": 1, "maximum": 99999}, "An earlier one."),
                ],
                "responses": {"200": answered(CLAIM, "The claim."), **refused},
            }
        },
    }
