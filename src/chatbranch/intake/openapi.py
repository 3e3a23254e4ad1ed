"""The API's description (OpenAPI 3.1.0), kept by hand beside it; the tests drive the API from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

_STRING: dict[str, Any] = {"type": "string"}
_TEXT_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
_OBJECT_OR_NULL: dict[str, Any] = {"type": ["object", "null"]}
_ASKERS: dict[str, Any] = {
    "type": ["integer", "null"],
    "minimum": 3,
    "description": "How many people asked; null while fewer than three. Of one network at most five a day add to it.",
}

ANSWER: dict[str, Any] = {
    "type": "object",
    "required": [
        "id",
        "outcome",
        "probability",
        "claim",
        "verdict",
        "verdict_date",
        "sources",
        "matched",
        "differences",
        "why",
        "case",
    ],
    "properties": {
        "id": {**_STRING, "description": "Come back to this answer under /api/v1/checks/{id}."},
        "outcome": {
            "enum": [
                "answer",
                "suggest",
                "new",
                "status",
                "help",
                "forgotten",
                "opinion",
                "meant",
                "not-meant",
                "card",
            ]
        },
        "probability": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "Calibrated: of answers at 0.97, 97 in 100 are right.",
        },
        "claim": {
            **_OBJECT_OR_NULL,
            "description": "The matched claim with its verdict, wordings, origin and history.",
        },
        "verdict": {
            **_TEXT_OR_NULL,
            "description": "true, mostly-true, misleading, false or unknown; only with outcome answer.",
        },
        "verdict_date": {**_TEXT_OR_NULL, "format": "date"},
        "sources": {"type": "array", "items": {"type": "object"}},
        "matched": {
            **_OBJECT_OR_NULL,
            "description": "text, and the span [start, end) of it that was matched; wording: the claim's.",
        },
        "differences": {"type": "array", "items": {"type": "object"}, "description": "kind, yours, ours."},
        "why": {
            "type": "object",
            "description": "rule, score, threshold, features, nearest, version of the fitted numbers.",
        },
        "case": {
            **_OBJECT_OR_NULL,
            "description": "The case looking into it.",
            "required": ["code", "state", "askers"],
            "properties": {"code": _STRING, "state": _STRING, "askers": _ASKERS},
        },
        "message": {**_STRING, "description": "What a reader is told, in lang."},
        "lang": {"enum": ["zh-Hans", "zh-Hant", "en"]},
        "url": _STRING,
        "share_text": _STRING,
        "note": {**_STRING, "description": "What could not be read (a link, a picture), if anything."},
    },
}
ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": _STRING, "message": _STRING, "field": _STRING},
        }
    },
}


def _json(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_REFUSED = {
    str(code): _json(ERROR, "Refused; the message says why and what to do.")
    for code in (400, 404, 405, 413, 415, 422)
}
_REFUSED["429"] = {
    **_json(
        ERROR, "Too many, from this asker or from their network (an IPv4 address, or the /64 of an IPv6 one)."
    ),
    "headers": {
        "Retry-After": {
            "schema": {"type": "integer", "minimum": 1},
            "description": "Seconds after which it is worth trying again.",
        }
    },
}
CASE: dict[str, Any] = {
    "type": "object",
    "required": ["code", "state", "askers", "opened", "claim", "message"],
    "properties": {
        "code": _STRING,
        "state": {"enum": ["open", "decided", "opinion", "private", "merged"]},
        "askers": _ASKERS,
        "opened": {**_STRING, "format": "date-time"},
        "claim": {**_TEXT_OR_NULL, "description": "The id of the claim its verdict is about."},
        "message": {**_STRING, "description": "The same in words."},
    },
}


def add_paths(made: Callable[[Callable[[Json, str], Json], Json], Json]) -> None:
    """Let a slice above describe its part: given how an answer is described, and every refusal, it makes the paths."""
    DESCRIPTION["paths"] |= made(_json, {code: _REFUSED[code] for code in ("400", "404", "405", "422")})


DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "chatbranch",
        "version": "1",
        "description": "Ask whether a message was checked before.",
    },
    "paths": {
        "/api/v1/checks": {
            "post": {
                "operationId": "check",
                "summary": "Have a message checked.",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["text"],
                                "properties": {
                                    "text": {
                                        **_STRING,
                                        "description": "The message as it was forwarded, or a link; at most 100,000 characters.",
                                    },
                                    "lang": {
                                        "enum": ["zh-Hans", "zh-Hant", "en", None],
                                        "description": "The language to answer in; without it, that of the message.",
                                    },
                                    "asker": {
                                        **_TEXT_OR_NULL,
                                        "description": "Your own opaque id of whoever asks: one asker, limited as one. Without it every request is an asker of its own.",
                                    },
                                    "id": {
                                        **_TEXT_OR_NULL,
                                        "description": "Your id of the message: repeated for the same asker, it is checked once.",
                                    },
                                },
                            }
                        }
                    },
                },
                "responses": {"200": _json(ANSWER, "The answer."), **_REFUSED},
            }
        },
        "/api/v1/checks/{id}": {
            "get": {
                "operationId": "answer",
                "summary": "An answer given before.",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": _STRING}],
                "responses": {"200": _json(ANSWER, "The answer."), **_REFUSED},
            }
        },
        "/api/v1/cases/{code}": {
            "get": {
                "operationId": "case",
                "summary": "Where a case stands.",
                "parameters": [{"name": "code", "in": "path", "required": True, "schema": _STRING}],
                "responses": {"200": _json(CASE, "The case."), **_REFUSED},
            }
        },
    },
}
