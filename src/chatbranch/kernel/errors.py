"""What can be refused, and how it is said: a code for machines, a phrase for people, what to do next."""

from __future__ import annotations

from chatbranch.kernel.phrases import Phrase


class Refused(Exception):
    """Something asked for cannot be done as asked. The person is told why and what to do; nothing is lost.

    code: a stable kebab-case word for machines (in the API and in logs).
    phrase: what is said to the person, in their language; `places` fill its {names}.
    status: the HTTP status that fits.
    """

    def __init__(
        self, code: str, phrase: Phrase, /, *, status: int = 400, field: str = "", **places: object
    ) -> None:
        super().__init__(f"{code}: {phrase.say('en', **places)}")
        self.code, self.phrase, self.status, self.field, self.places = code, phrase, status, field, places

    def say(self, lang: str) -> str:
        """The refusal in the person's language."""
        return self.phrase.say(lang, **self.places)

    @property
    def headers(self) -> dict[str, str]:
        """What HTTP says with it: Retry-After (RFC 9110, section 10.2.3), where waiting for `retry_after` seconds helps."""
        wait = self.places.get("retry_after")
        return {"Retry-After": str(wait)} if wait else {}
