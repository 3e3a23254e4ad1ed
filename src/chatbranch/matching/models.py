"""What members said of matches. Appended, never edited; only a text may go (correcting.do_let_go)."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from chatbranch.claims.models import Claim
from chatbranch.kernel import clock, ids
from chatbranch.matching.agreement import SAYS


class Correction(models.Model):
    """One member's word on what a message was matched to. The last word of a member on a message counts.

    fingerprint: of the message (grouping.fingerprint), which recognises the same message again and tells nothing of it.
    text: the message, emptied as soon as nothing else holds it; `keep`: the member says that it names nobody private
    and may be kept to learn from. outcome, found, fitted: what matching made of it then. says: agreement.Word.
    claim: the one that it says, or does not say.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    fingerprint = models.CharField(max_length=64, db_index=True)
    text = models.TextField(blank=True)
    keep = models.BooleanField(default=False)
    outcome = models.CharField(max_length=12)
    found = models.ForeignKey(Claim, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    fitted = models.CharField(max_length=40, blank=True)
    says = models.CharField(max_length=8, choices=[(each, each) for each in SAYS])
    claim = models.ForeignKey(Claim, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["at"])]

    def __str__(self) -> str:
        return self.says
