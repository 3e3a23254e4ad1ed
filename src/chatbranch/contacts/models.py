"""Reply addresses. The only table that knows where an asker can be reached, and it knows it encrypted."""

from __future__ import annotations

from django.db import models

from chatbranch.kernel import clock


class Scope(models.Model):
    """The salt of one subject (a case, a claim, a day's flood count). Once it is erased, its pseudonyms lead nowhere."""

    subject = models.UUIDField(primary_key=True)
    salt = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return str(self.subject)


class Contact(models.Model):
    """Where the asker behind a pseudonym is told. Erased when its window ends, at most 90 days on."""

    pseudonym = models.CharField(max_length=64, primary_key=True)
    channel = models.CharField(max_length=40)
    sealed = models.BinaryField(max_length=2000)
    lang = models.CharField(max_length=10, default="zh-Hans")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"a contact on {self.channel}"
