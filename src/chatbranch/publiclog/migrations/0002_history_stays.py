"""The database itself refuses to edit the log, as it refuses for verdicts (claims, 0002)."""

from django.db import migrations

TABLES = ("publiclog_entry", "publiclog_checkpoint", "publiclog_logkey")


def refuse_edits(apps, editor):
    for table in TABLES:
        editor.execute(STATEMENTS[editor.connection.vendor].format(table=table))


def allow_edits(apps, editor):
    on = " ON {table}" if editor.connection.vendor == "postgresql" else ""
    for table in TABLES:
        editor.execute(f"DROP TRIGGER IF EXISTS {table}_stays{on}".format(table=table))


STATEMENTS = {
    "sqlite": "CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} "
    "BEGIN SELECT RAISE(ABORT, '{table}: history is appended, never edited'); END",
    "postgresql": "CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION claims_history_stays()",
}


class Migration(migrations.Migration):
    dependencies = [("publiclog", "0001_initial"), ("claims", "0002_history_stays")]
    operations = [migrations.RunPython(refuse_edits, allow_edits)]
