"""MediaReview: what was found about a picture, a video or a recording (schema.org/MediaReview, in JSON-LD 1.1).

The thing itself is described by the claim made with it, and not linked: we publish nobody's picture.
"""

from __future__ import annotations

from chatbranch.claims.formats.claimreview import Json
from chatbranch.claims.formats.entry import Entry
from chatbranch.claims.media import CATEGORIES
from chatbranch.claims.rules import WITHDRAWN
from chatbranch.kernel.phrases import pick

_OBJECTS = {"image": "ImageObject", "video": "VideoObject", "audio": "AudioObject"}


def review_of(entry: Entry, claim_review: Json) -> Json | None:
    """What the entry's newest verdict says of a picture, beside its ClaimReview; None where it is about none, or taken back."""
    ruling = entry.rulings[-1]
    media = ruling.basis.get("media")
    kind, category = (media.get("kind"), media.get("category")) if isinstance(media, dict) else ("", "")
    if ruling.rating == WITHDRAWN or kind not in _OBJECTS or category not in CATEGORIES:
        return None
    review: Json = {
        "@context": "https://schema.org",
        "@type": "MediaReview",
        "@id": f"{claim_review['@id']}-media",
        "mediaAuthenticityCategory": f"https://schema.org/{category}",
        "itemReviewed": {"@type": _OBJECTS[kind], "description": claim_review["claimReviewed"]},
        "associatedClaimReview": {"@id": claim_review["@id"]},
    }
    for name in ("url", "inLanguage", "author", "datePublished", "dateModified"):
        if name in claim_review:
            review[name] = claim_review[name]
    if category == "DecontextualizedContent":
        context = pick(dict(ruling.explanation), claim_review["inLanguage"])
        review |= {"originalMediaContextDescription": context} if context else {}
    return review
