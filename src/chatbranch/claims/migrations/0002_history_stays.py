"""The database itself refuses to edit history: verdicts, wordings, sources.

On PostgreSQL deletion is refused too. On SQLite it is not, because emptying the tables between tests is row by row
there; the models and the protecting foreign keys refuse it instead.
"""

from django.db import migrations

TABLES = ("claims_verdict", "claims_wording", "claims_source")


def refuse_edits(apps, editor):
    for table in TABLES:
        for statement in STATEMENTS[editor.connection.vendor]:
            editor.execute(statement.format(table=table))


def allow_edits(apps, editor):
    on = " ON {table}" if editor.connection.vendor == "postgresql" else ""
    for table in TABLES:
        editor.execute(f"DROP TRIGGER IF EXISTS {table}_stays{on}".format(table=table))


STATEMENTS = {
    "sqlite": [
        "CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} "
        "BEGIN SELECT RAISE(ABORT, '{table}: history is appended, never edited'); END",
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION claims_history_stays() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '%%: history is appended, never edited', TG_TABLE_NAME "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION claims_history_stays()",
    ],
}


class Migration(migrations.Migration):
    dependencies = [("claims", "0001_initial")]
    operations = [migrations.RunPython(refuse_edits, allow_edits)]
