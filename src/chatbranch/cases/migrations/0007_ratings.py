"""An approval becomes a rating: helpful 1, not helpful 0; and there are links to rate with."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from chatbranch.kernel import clock


def from_approvals(apps: Any, _: Any) -> None:
    apps.get_model("cases", "Rating").objects.filter(helpful=False).update(value=0.0)


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0006_shapes_anew"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameModel("Approval", "Rating"),
        migrations.AlterField(
            "rating",
            "note",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="ratings", to="cases.note"
            ),
        ),
        migrations.AddField(
            "rating",
            "value",
            models.FloatField(
                choices=[(1.0, "helpful"), (0.5, "somewhat"), (0.0, "not helpful")], default=1.0
            ),
            preserve_default=False,
        ),
        migrations.AddField("rating", "reasons", models.JSONField(default=list)),
        migrations.RunPython(from_approvals, migrations.RunPython.noop),
        migrations.RemoveField("rating", "helpful"),
        migrations.AddConstraint(
            "rating",
            models.CheckConstraint(
                condition=models.Q(("value__in", [0.0, 0.5, 1.0])), name="a_rating_of_three"
            ),
        ),
        migrations.CreateModel(
            "RatingLink",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("made_at", models.DateTimeField(default=clock.now)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "note",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="links", to="cases.note"
                    ),
                ),
                (
                    "rater",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
