"""Every verdict has a card code, those that were there before too; and the database refuses to edit them, as in 0002."""

import django.db.models.deletion
from django.db import migrations, models

from chatbranch.claims.codes import new_code

CHUNK = 1000
STATEMENTS = {
    "sqlite": "CREATE TRIGGER claims_cardcode_stays BEFORE UPDATE ON claims_cardcode "
    "BEGIN SELECT RAISE(ABORT, 'claims_cardcode: history is appended, never edited'); END",
    "postgresql": "CREATE TRIGGER claims_cardcode_stays BEFORE UPDATE OR DELETE ON claims_cardcode "
    "FOR EACH ROW EXECUTE FUNCTION claims_history_stays()",
}


def give_codes(apps, editor):
    verdicts = list(apps.get_model("claims", "Verdict").objects.order_by("id").values_list("id", flat=True))
    codes = set()
    while len(codes) < len(verdicts):
        codes.add(new_code())
    table = apps.get_model("claims", "CardCode")
    rows = (table(verdict_id=verdict, code=code) for verdict, code in zip(verdicts, codes, strict=True))
    table.objects.bulk_create(rows, batch_size=CHUNK)


def refuse_edits(apps, editor):
    editor.execute(STATEMENTS[editor.connection.vendor])


def allow_edits(apps, editor):
    on = " ON claims_cardcode" if editor.connection.vendor == "postgresql" else ""
    editor.execute("DROP TRIGGER IF EXISTS claims_cardcode_stays" + on)


class Migration(migrations.Migration):
    dependencies = [("claims", "0003_learnt")]
    operations = [
        migrations.CreateModel(
            name="CardCode",
            fields=[
                ("code", models.CharField(max_length=12, primary_key=True, serialize=False)),
                (
                    "verdict",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="card_code", to="claims.verdict"
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.RunPython(refuse_edits, allow_edits),
        migrations.RunPython(give_codes, migrations.RunPython.noop),
    ]
