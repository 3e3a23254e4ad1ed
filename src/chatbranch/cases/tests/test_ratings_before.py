"""What members said of notes before there were ratings stays said: an approval is helpful, a refusal not helpful."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from tests.support.databases import Database
from tests.support.people import ask, case_of, found_branch, propose

from chatbranch.cases.models import Rating

BEFORE, AFTER = [("cases", "0006_shapes_anew")], [("cases", "0008_digest")]


@pytest.mark.usefixtures("own_index")
def test_an_approval_of_an_earlier_version_is_a_rating_after_the_upgrade(either_database: Database) -> None:
    members = found_branch()
    note = propose(
        members["chen"], case_of(ask("紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水！"))
    )
    try:
        old = MigrationExecutor(connection).migrate(BEFORE).apps.get_model("cases", "Approval")
        old.objects.create(note_id=note.pk, by_id=members["zhou"].pk, helpful=True)
        old.objects.create(note_id=note.pk, by_id=members["lin"].pk, helpful=False, reason="来源打不开")
    finally:
        MigrationExecutor(connection).migrate(AFTER)
    said = set(Rating.objects.values_list("by__username", "value", "reason"))
    assert said == {("zhou", 1.0, ""), ("lin", 0.0, "来源打不开")}
