"""What variants look like for grouping is computed anew: the normal form under it folds more of what is one text."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from chatbranch.matching import grouping

_CHUNK = 500
_HASHED_TEXT = 32  # hex digits of a text's fingerprint; a picture's or a page's, which stays, has 64


def compute_shapes(apps: Any, schema_editor: Any) -> None:
    """Fingerprints and bands of the variants that still speak for a case, a chunk at a time."""
    Variant, Band = apps.get_model("cases", "Variant"), apps.get_model("cases", "Band")
    using = schema_editor.connection.alias
    speaking = Variant.objects.using(using).exclude(case__state="merged").order_by("pk")
    last = None
    while chunk := list((speaking.filter(pk__gt=last) if last else speaking)[:_CHUNK]):
        last = chunk[-1].pk
        texts = [variant for variant in chunk if len(variant.fingerprint) == _HASHED_TEXT]
        for variant in texts:
            variant.fingerprint = grouping.fingerprint(variant.text)
        Variant.objects.using(using).bulk_update(texts, ["fingerprint"])
        Band.objects.using(using).filter(variant__in=texts).delete()
        Band.objects.using(using).bulk_create(
            [Band(variant=variant, band=band) for variant in texts for band in grouping.bands(variant.text)],
            batch_size=_CHUNK,
        )


class Migration(migrations.Migration):
    dependencies = [("cases", "0005_also_sent")]

    operations = [migrations.RunPython(compute_shapes, migrations.RunPython.noop, elidable=True)]
