"""Reply addresses. The only tables that know where an asker can be reached, and they know it encrypted."""

from __future__ import annotations

from datetime import date

from django.db import models

from chatbranch.kernel import clock


def today() -> date:
    """The present day, UTC."""
    return clock.now().date()


class Scope(models.Model):
    """The salt of one subject (a case, a claim, a day's flood count). Once it is erased, its pseudonyms lead nowhere."""

    subject = models.UUIDField(primary_key=True)
    salt = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(default=clock.now)
    # Moved before a salt is used, so that a salt in use and a salt being erased can never be the same one.
    used_on = models.DateField(default=today, db_index=True)

    def __str__(self) -> str:
        return str(self.subject)


class Contact(models.Model):
    """Where the asker behind a pseudonym is told. Erased when its window ends, at most 90 days on."""

    pseudonym = models.CharField(max_length=64, primary_key=True)
    # The database refuses to drop a salt in use; no cascade may guess.
    scope = models.ForeignKey(Scope, on_delete=models.DO_NOTHING, related_name="contacts")
    channel = models.CharField(max_length=40)
    sealed = models.BinaryField(max_length=2000)
    lang = models.CharField(max_length=10, default="zh-Hans")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"a contact on {self.channel}"
