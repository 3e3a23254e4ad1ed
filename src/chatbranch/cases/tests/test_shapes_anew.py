"""Cases opened under an earlier normal form still meet the copies that arrive now."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from tests.support.databases import Database
from tests.support.people import ask, case_of

from chatbranch.cases.models import Band, Case, Variant

migration = import_module("chatbranch.cases.migrations.0006_shapes_anew")

RUMOURS = [f"紧急通知：云岚市第{number}自来水厂今晚八点起停水三天，请大家马上储水" for number in "一二三四五"]
PICTURE = "0" * 64


def compute_anew() -> None:
    with connection.schema_editor() as editor:
        migration.compute_shapes(apps, editor)


@pytest.mark.usefixtures("own_index")
def test_a_copy_joins_the_case_that_an_earlier_version_opened(
    either_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "_CHUNK", 2)
    before = [case_of(ask(rumour, asker=f"asker-{rumour}")) for rumour in RUMOURS]
    shapes = sorted(Variant.objects.values_list("pk", "fingerprint")), Band.objects.count()
    for variant in Variant.objects.all():
        Variant.objects.filter(pk=variant.pk).update(fingerprint=f"{variant.pk.int % 16**32:032x}")
    Band.objects.update(band=7)
    unworded = Variant.objects.create(case=before[0], fingerprint=PICTURE, text="a picture", lang="en")

    compute_anew()

    unworded.refresh_from_db()
    assert (unworded.fingerprint, unworded.bands.count()) == (PICTURE, 0)
    unworded.delete()
    assert (sorted(Variant.objects.values_list("pk", "fingerprint")), Band.objects.count()) == shapes
    again = [case_of(ask(f"转发：{rumour}！！", asker=f"other-{rumour}")) for rumour in RUMOURS]
    assert [case.pk for case in again] == [case.pk for case in before]
    nearly = case_of(ask(RUMOURS[0] + "，有水桶的用水桶接", asker="third"))
    assert nearly.pk == before[0].pk
    assert Case.objects.count() == len(RUMOURS)
